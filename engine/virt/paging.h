/* paging.h: the shape of a machine's page tables: how a virtual address falls into table indices and a page offset.
 *
 *                  level 4   level 3   level 2   level 1    offset
 *   x86-64        | 9 bits  | 9 bits  | 9 bits  | 9 bits  | 12 bits |     48 bits, sign-extended
 *                    |          |         |         `- page of 4 KiB (1 entry of level 1)
 *                    |          |         `- leaf of 2 MiB
 *                    |          `- leaf of 1 GiB
 *                    `- root
 *
 * Level 1 is the lowest, as in the literature of x86 (PTE); the root is level `levels`. An entry at a level of
 * `leaf_levels` may map memory itself, as a huge page of 2^shift[level] bytes.
 *
 * Frame numbers count pages of this machine's size, so that an entry reaches 2^40 of them (2^20 with 4-byte entries).
 *
 * Invariants, proved by paging_check():
 *   I1: 1 <= levels <= 5, 1 <= bits[l] <= 20, 8 <= page_shift <= 30, entry_bytes is 4 or 8
 *   I2: shift[1] = page_shift, shift[l+1] = shift[l] + bits[l], shift[levels+1] = virtual_bits <= 64
 *   I3: level 1 may hold leaves, no level beyond the root does, and no leaf is larger than 2^62 bytes
 *   I4: virtual_bits - page_shift <= 45, what a TLB entry's tag has room for
 */
#ifndef FAULTLINE_ENGINE_VIRT_PAGING_H
#define FAULTLINE_ENGINE_VIRT_PAGING_H

#include "engine/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGING_LEVELS_MAX 5u
#define PAGING_INDEX_BITS_MAX 45u

struct paging {
	const char *name;		/* of the preset, "free-form" otherwise */
	const char *source;		/* where the figures come from */
	const char *const *level_names; /* [1 .. levels]: what an entry of the level is called */
	unsigned levels;
	unsigned page_shift;   /* log2 of the page's bytes */
	unsigned virtual_bits; /* bits of an address that are translated */
	unsigned entry_bytes;  /* of one entry, for the size of tables */
	bool sign_extended;    /* the bits above must equal the highest translated one; else be 0 */
	uint8_t bits[PAGING_LEVELS_MAX + 2];  /* [1 .. levels]: index bits of each level */
	uint8_t shift[PAGING_LEVELS_MAX + 2]; /* [1 .. levels+1]: log2 of the bytes that one entry maps */
	uint8_t leaf_levels;		      /* bit l: an entry of level l may be a leaf */
};

/* The presets in the order in which they are listed; NULL past the last. */
const struct paging *paging_preset(unsigned number);

/* The preset of that name, or NULL. */
const struct paging *paging_find(const char *name);

/* Makes a shape from words: index bits from the root down, then the page's bits, "5,5,5,5,12". Every level below the
 * root may hold leaves; entries have 4 bytes up to 32 virtual bits, else 8; addresses are not sign-extended.
 * STATUS_BAD_ARGUMENT when it is no list of 2 .. 6 numbers or breaks an invariant. */
MUST_USE enum status paging_parse(struct paging *paging, const char *text);

/* True when the untranslated high bits are what they must be. */
static inline bool paging_is_canonical(const struct paging *paging, uint64_t address)
{
	if (paging->virtual_bits == 64)
		return true;
	if (!paging->sign_extended)
		return address >> paging->virtual_bits == 0;
	uint64_t top = address >> (paging->virtual_bits - 1);

	return top == 0 || top == UINT64_MAX >> (paging->virtual_bits - 1);
}

/* The first address behind the lower half, or behind all where addresses are not sign-extended; with 64 bits of those,
 * the last page is left out. */
static inline uint64_t paging_lower_end(const struct paging *paging)
{
	unsigned bits = paging->virtual_bits - paging->sign_extended;

	return bits == 64 ? UINT64_MAX << paging->page_shift : (uint64_t)1 << bits;
}

/* The index into a table of `level`. */
static inline unsigned paging_index(const struct paging *paging, unsigned level, uint64_t address)
{
	return (unsigned)(address >> paging->shift[level]) & ((1u << paging->bits[level]) - 1);
}

/* Bytes that one entry of `level` maps: the leaf's size where one is allowed. */
static inline uint64_t paging_leaf_bytes(const struct paging *paging, unsigned level)
{
	return (uint64_t)1 << paging->shift[level];
}

/* Pages of a leaf of `level`, as a power of two. */
static inline unsigned paging_leaf_order(const struct paging *paging, unsigned level)
{
	return paging->shift[level] - paging->page_shift;
}

static inline bool paging_may_be_leaf(const struct paging *paging, unsigned level)
{
	return paging->leaf_levels >> level & 1;
}

/* The number of the page (of 2^shift bytes) that holds the address, without the sign extension. */
static inline uint64_t paging_page_number(const struct paging *paging, uint64_t address, unsigned shift)
{
	if (paging->virtual_bits < 64)
		address &= ((uint64_t)1 << paging->virtual_bits) - 1;
	return address >> shift;
}

/* Bytes of one table of `level`, and the pages it takes as a power of two (a table never shares a page). */
uint64_t paging_table_bytes(const struct paging *paging, unsigned level);
unsigned paging_table_order(const struct paging *paging, unsigned level);

/* Bits of a frame number. */
unsigned paging_frame_bits(const struct paging *paging);

/* What an entry of `level` is called: "PTE", "PDE", ... */
const char *paging_level_name(const struct paging *paging, unsigned level);

/* NULL, or the text of the first invariant that does not hold. */
const char *paging_check(const struct paging *paging);

#endif
