/* segment.h: segmentation: how x86 makes a linear address out of a logical one.
 *
 *      logical address                 descriptor table                        linear address
 *    selector : offset
 *    16 bits    32 bits (64)      base + 8 * index  +------------+
 *   +---------+-------+                  ---------->| descriptor |-- base --(+)--> base + offset
 *   |index|T|RPL| off |                             +------------+            |
 *   +---------+-------+                              limit, type, DPL, P      offset
 *     13   1  2
 *
 * A selector names an entry of the GDT (T = 0) or of the process's LDT (T = 1) and a requested privilege level. Loading
 * it into a segment register checks the entry and keeps a copy of it there; using the register checks the offset. Each
 * failure is an outcome with the exception that the processor raises, its error code and its reason:
 *
 *                        DS ES FS GS                  SS                          CS
 *   null selector        loads; use is #GP(0)         #GP(0)                      #GP(0)
 *   beyond the table     #GP(selector)                #GP(selector)               #GP(selector)
 *   wrong type           #GP: no data, no readable    #GP: not writable data      #GP: no code
 *                        code
 *   privilege            #GP: max(CPL, RPL) > DPL,    #GP: RPL != CPL or          #GP: DPL != CPL or RPL > CPL;
 *                        but for conforming code      DPL != CPL                  conforming: DPL > CPL
 *   not present          #NP(selector)                #SS(selector)               #NP(selector)
 *   use beyond limit     #GP(0)                       #SS(0)                      #GP(0)
 *
 * In 64-bit mode the bases of CS, DS, ES and SS count as 0 and no limit is checked; FS and GS keep a base of 64 bits; a
 * linear address that is not canonical (bits 63..47 differ) is #GP(0), through SS #SS(0).
 *
 * Source: Intel SDM volume 3A, chapters 3.4 and 5.5 to 5.8, volume 2 (MOV, LAR, LSL); AMD64 APM volume 2, chapter 4.
 *
 * Invariants, proved by segment_check():
 *   I1: a table has at most 8,192 entries, and entry 0 of the GDT is not in use (all zero)
 *   I2: a usable register's cached descriptor is present, and of a type that its register allows
 *   I3: in 32-bit mode a register's base is its descriptor's
 *   I4: SS is usable in 32-bit mode only with DPL = RPL = CPL
 */
#ifndef FAULTLINE_ENGINE_VIRT_SEGMENT_H
#define FAULTLINE_ENGINE_VIRT_SEGMENT_H

#include "engine/virt/descriptor.h"

#include <stddef.h>

/* A selector's index has 13 bits. */
#define SEGMENT_ENTRIES_MAX 8192u
#define SEGMENT_DESCRIPTOR_BYTES 8u

struct descriptor_table {
	uint64_t base;	  /* linear address of entry 0, as in GDTR */
	uint32_t entries; /* the table's limit: entries 0 .. entries-1 exist */
	uint64_t *entry;  /* the descriptors */
};

enum segment_mode {
	SEGMENT_MODE_32, /* protected mode */
	SEGMENT_MODE_64, /* long mode, 64-bit code */
};

/* In the order of the processor's own numbers. */
enum segment_register_name {
	SEGMENT_ES,
	SEGMENT_CS,
	SEGMENT_SS,
	SEGMENT_DS,
	SEGMENT_FS,
	SEGMENT_GS,
};

#define SEGMENT_REGISTERS 6u

struct segment_register {
	uint16_t selector;
	bool usable;		      /* false after a null selector: every use is a fault */
	uint64_t base;		      /* the hidden part: base, and */
	struct descriptor descriptor; /* the entry as it was when loaded */
};

struct segment_unit {
	enum segment_mode mode;
	unsigned cpl; /* current privilege level, 0 .. 3 */
	const struct descriptor_table *gdt;
	const struct descriptor_table *ldt; /* NULL: no LDT, every selector with T = 1 is beyond it */
	struct segment_register reg[SEGMENT_REGISTERS];
};

enum segment_exception {
	SEGMENT_FINE,
	SEGMENT_GP,	  /* general protection */
	SEGMENT_NP,	  /* segment not present */
	SEGMENT_SS_FAULT, /* stack fault */
};

enum segment_reason {
	SEGMENT_NO_REASON,
	SEGMENT_NULL_SELECTOR,
	SEGMENT_BEYOND_TABLE,
	SEGMENT_WRONG_TYPE,
	SEGMENT_PRIVILEGE,
	SEGMENT_NOT_PRESENT,
	SEGMENT_BEYOND_LIMIT,
	SEGMENT_NOT_CANONICAL,
};

struct segment_outcome {
	enum segment_exception exception;
	enum segment_reason reason;
	uint16_t error_code; /* selector without RPL, or 0 */
	uint64_t linear;     /* the linear address, when fine */
};

enum segment_access_kind {
	SEGMENT_READ,
	SEGMENT_WRITE,
	SEGMENT_EXECUTE,
};

struct segment_access {
	enum segment_register_name through;
	enum segment_access_kind kind;
	uint64_t offset; /* 32 bits of it count in 32-bit mode */
	uint32_t bytes;	 /* at least 1 */
};

static inline unsigned selector_index(uint16_t selector)
{
	return selector >> 3;
}

static inline bool selector_is_local(uint16_t selector)
{
	return selector & 4;
}

static inline unsigned selector_rpl(uint16_t selector)
{
	return selector & 3;
}

/* Index 0 of the GDT, with any RPL. */
static inline bool selector_is_null(uint16_t selector)
{
	return (selector & ~3u) == 0;
}

static inline uint16_t selector_make(unsigned index, bool local, unsigned rpl)
{
	return (uint16_t)(index << 3 | (local ? 4u : 0u) | rpl);
}

/* The table that a selector names: NULL when it is the LDT and there is none. */
const struct descriptor_table *segment_table(const struct segment_unit *unit, uint16_t selector);

/* The linear address of the entry that a selector names: base + 8 * index, whether it exists or not. */
uint64_t segment_entry_address(const struct descriptor_table *table, uint16_t selector);

/* Loads a segment register as MOV, or for CS a far jump, does; sets the entry's accessed bit. When it fails the
 * register keeps what it had. */
struct segment_outcome segment_load(struct segment_unit *unit, enum segment_register_name name,
				    uint16_t selector);

/* In 64-bit mode: sets the base of FS or GS, as WRFSBASE and the MSRs do. */
void segment_set_base(struct segment_unit *unit, enum segment_register_name name, uint64_t base);

/* Logical to linear through a segment register, for the first byte of the access. */
struct segment_outcome segment_translate(const struct segment_unit *unit,
					 const struct segment_access *access);

/* LAR and LSL: true (the zero flag) and the value when the entry exists, is of a type the instruction knows, and may be
 * seen from max(CPL, RPL); in 32-bit mode's set of types. */
bool segment_access_rights(const struct segment_unit *unit, uint16_t selector, uint32_t *rights);
bool segment_limit(const struct segment_unit *unit, uint16_t selector, uint32_t *limit_bytes);

/* "#GP", "#NP", "#SS", or "none". */
const char *segment_exception_name(enum segment_exception exception);

/* The reason in words, lower case, no full stop. */
const char *segment_reason_name(enum segment_reason reason);

/* NULL, or the text of the first invariant that does not hold. */
const char *segment_check(const struct segment_unit *unit);

#endif
