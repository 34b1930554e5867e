/* descriptor.h: the segment descriptor of x86, eight bytes that say where a segment lies and who may do what there.
 *
 *    63       56 55 54 53 52 51   48 47 46 45 44 43  40 39      32 31              16 15               0
 *   +-----------+--+--+--+--+-------+--+-----+--+------+----------+------------------+------------------+
 *   | base 31:24|G |DB|L |A |limit  |P | DPL |S | type |base 23:16|    base 15:0     |   limit 15:0     |
 *   |           |  |  |  |VL| 19:16 |  |     |  |      |          |                  |                  |
 *   +-----------+--+--+--+--+-------+--+-----+--+------+----------+------------------+------------------+
 *
 * The limit is the last offset, not the length. With G it counts 4 KiB pages and its low 12 bits are ones. An
 * expand-down data segment turns it around: valid are the offsets *above* the limit, up to 2^16-1 or, with B, 2^32-1.
 *
 * In 64-bit mode a TSS or LDT descriptor takes two entries; the second one holds base 63:32.
 *
 * Source: Intel SDM volume 3A, 3.4.5 and 3.5; AMD64 APM volume 2, 4.7 and 4.8.
 *
 * Invariants, proved by the tests for every bit: descriptor_encode(descriptor_decode(x)) = x, for all x.
 */
#ifndef FAULTLINE_ENGINE_VIRT_DESCRIPTOR_H
#define FAULTLINE_ENGINE_VIRT_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

/* Bits of the type of a code or data segment (S = 1). */
#define DESCRIPTOR_ACCESSED 1u
#define DESCRIPTOR_WRITABLE 2u	  /* of a data segment */
#define DESCRIPTOR_READABLE 2u	  /* of a code segment */
#define DESCRIPTOR_EXPAND_DOWN 4u /* of a data segment */
#define DESCRIPTOR_CONFORMING 4u  /* of a code segment: runs at its caller's privilege */
#define DESCRIPTOR_CODE 8u

/* Types of system descriptors (S = 0). */
enum descriptor_system_type {
	DESCRIPTOR_TSS16 = 1,
	DESCRIPTOR_LDT = 2,
	DESCRIPTOR_TSS16_BUSY = 3,
	DESCRIPTOR_CALL_GATE16 = 4,
	DESCRIPTOR_TASK_GATE = 5,
	DESCRIPTOR_TSS = 9, /* available */
	DESCRIPTOR_TSS_BUSY = 11,
	DESCRIPTOR_CALL_GATE = 12,
};

struct descriptor {
	uint32_t base;	/* linear address of the first byte */
	uint32_t limit; /* 20 bits: last offset, in bytes or (granular) in 4 KiB pages */
	uint8_t type;	/* 4 bits, see above */
	uint8_t dpl;	/* descriptor privilege level, 0 (kernel) .. 3 */
	bool is_memory; /* S: a code or data segment; else a system descriptor */
	bool present;
	bool available; /* a bit for the operating system's use */
	bool is_long;	/* L: a code segment of 64-bit mode */
	bool is_big;	/* D/B: 32-bit default size; upper bound 2^32-1 when it expands down */
	bool granular;	/* G: the limit counts 4 KiB pages */
};

/* The eight bytes of a descriptor. A limit beyond 20 bits, a type beyond 4 or a DPL beyond 2 is a bug. */
uint64_t descriptor_encode(const struct descriptor *descriptor);

struct descriptor descriptor_decode(uint64_t bits);

/* The limit in bytes, as LSL loads it. */
uint32_t descriptor_limit_bytes(const struct descriptor *descriptor);

/* The access rights as LAR loads them: bits 23:20 (G, D/B, L, AVL) and 15:8 (P, DPL, S, type). */
uint32_t descriptor_access_rights(uint64_t bits);

bool descriptor_is_code(const struct descriptor *descriptor);
bool descriptor_is_data(const struct descriptor *descriptor);
bool descriptor_expands_down(const struct descriptor *descriptor);
bool descriptor_is_readable(const struct descriptor *descriptor);
bool descriptor_is_writable(const struct descriptor *descriptor);

/* True when LSL (and LAR, which knows gates as well) may speak of it: code, data, LDT and TSS. */
bool descriptor_has_limit(const struct descriptor *descriptor);

/* True when all of the `bytes` (at least 1) from `offset` on are inside the segment. */
bool descriptor_holds(const struct descriptor *descriptor, uint32_t offset, uint32_t bytes);

/* What it is, in words: "data, read/write", "code, execute/read, conforming", "LDT" ... Never NULL. */
const char *descriptor_type_name(const struct descriptor *descriptor);

#endif
