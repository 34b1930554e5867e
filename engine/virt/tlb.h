/* tlb.h: the translation lookaside buffers of one processor: two levels of parts, for data and instructions, by page
 * size.
 *
 *        data         fetch
 *     +--------+   +--------+
 *     |  L1d   |   |  L1i   |      each box is one or several associative arrays, by page size (tlb_geometry.h)
 *     +---+----+   +---+----+
 *         `-----+------'           a miss in level 1 asks level 2, a miss there walks the page tables;
 *           +---v----+             what was found or walked is put in where it was missed
 *           |   L2   |             (neither inclusive nor exclusive)
 *           +--------+
 *
 * A page is looked up by a key (associative.h): its number in units of its own size, a class that names the size (its
 * leaf's level, or TLB_CLASS_COALESCED), and its address space. Hardware finds the size by asking all parts at once; here
 * the page table knows it, which gives the same hits, because a page that changes its size is flushed before. Pages that
 * are global have the space TLB_GLOBAL.
 *
 * Invariants, proved by tlb_check():
 *   I1: every part's array holds its own invariants
 *   I2: a part holds only classes and kinds that are routed to it
 *   I3: for each kind and class, level 2 misses <= level 1 misses <= accesses
 */
#ifndef FAULTLINE_ENGINE_VIRT_TLB_H
#define FAULTLINE_ENGINE_VIRT_TLB_H

#include "engine/virt/tlb_geometry.h"

#define TLB_LEVELS 2u
#define TLB_KINDS 2u

/* 1 .. 5: a leaf of that level; 6: several contiguous pages of level 1 in one entry. */
#define TLB_CLASS_COALESCED 6u
#define TLB_CLASSES 7u

#define TLB_GLOBAL UINT16_MAX
#define TLB_NO_PART UINT8_MAX

struct tlb_counts {
	uint64_t accesses[TLB_KINDS][TLB_CLASSES];
	uint64_t misses[TLB_LEVELS][TLB_KINDS][TLB_CLASSES]; /* [0]: level 1, [1]: level 2, which are walks */
	uint64_t flushes;				     /* calls that flushed something or everything */
	uint64_t flushed;				     /* entries that they removed */
};

struct tlb {
	const struct paging *paging;
	unsigned coalesce_shift; /* log2 of the pages of a coalesced entry, 0: none */
	bool tagged;
	unsigned parts;
	struct associative part[TLB_PARTS_MAX];
	uint8_t route[TLB_LEVELS][TLB_KINDS][TLB_CLASSES]; /* number of the part, or TLB_NO_PART */
	uint8_t unified[TLB_LEVELS]
		       [TLB_KINDS]; /* the part that serves all classes of a kind, or TLB_NO_PART */
	bool has_level_2;
	struct tlb_counts counts;
};

enum tlb_result {
	TLB_HIT_1,
	TLB_HIT_2,
	TLB_MISS,
};

/* Makes empty TLBs. `paging` may be another than the geometry's, if the TLBs are to be those of another page table.
 * `seed` is of random replacement. STATUS_BAD_ARGUMENT, STATUS_NO_MEMORY. */
MUST_USE enum status tlb_create(struct tlb *tlb, const struct tlb_geometry *geometry,
				const struct paging *paging, uint64_t seed);
void tlb_destroy(struct tlb *tlb);

static inline uint64_t tlb_key(uint64_t page_number, unsigned class, uint16_t space)
{
	return page_number | (uint64_t) class << ASSOCIATIVE_CLASS_SHIFT |
	       (uint64_t)space << ASSOCIATIVE_SPACE_SHIFT;
}

static inline unsigned tlb_class_of(uint64_t key)
{
	return key >> ASSOCIATIVE_CLASS_SHIFT & 7;
}

/* The key of the page of a leaf of `level` that holds the address. */
uint64_t tlb_key_of(const struct tlb *tlb, uint64_t address, unsigned level, uint16_t space);

/* The key of the group of pages that holds the address: only when the geometry coalesces. */
uint64_t tlb_key_of_group(const struct tlb *tlb, uint64_t address, uint16_t space);

/* One access: looks up, counts, puts in. */
enum tlb_result tlb_access(struct tlb *tlb, enum tlb_kind kind, uint64_t key);

/* Many accesses in order. */
struct tlb_batch {
	uint32_t count; /* at most ASSOCIATIVE_RUN_MAX */
	const uint64_t *keys;
	const uint8_t *kinds;	/* of each; NULL: all data */
	const uint16_t *places; /* [0 .. count]: key i is for places[i+1] - places[i] references; NULL: 1 */
	bool is_counted;	/* the accesses have been added to the counts */
};

/* The same as tlb_access for each, whose further references in a row hit level 1. The numbers of those that missed both
 * levels go to missed[], in order; their count is returned. */
uint32_t tlb_run(struct tlb *tlb, const struct tlb_batch *batch, uint16_t *missed);

/* The same for a batch that is known to be data of one class: the keys that missed both levels go to passed[]. */
uint32_t tlb_pass(struct tlb *tlb, const struct tlb_batch *batch, uint64_t *passed);

/* Removes what was remembered: of a page in a space (whatever its size, coalesced entries too, and a global one); of a
 * range of bytes; of a space; of everything that is not global; of everything. */
void tlb_flush_page(struct tlb *tlb, uint64_t address, uint16_t space);
void tlb_flush_range(struct tlb *tlb, uint64_t address, uint64_t bytes, uint16_t space);
void tlb_flush_space(struct tlb *tlb, uint16_t space);
void tlb_flush_nonglobal(struct tlb *tlb);
void tlb_flush_all(struct tlb *tlb);

/* Sums over kinds and classes. */
uint64_t tlb_accesses(const struct tlb_counts *counts);
uint64_t tlb_misses(const struct tlb_counts *counts, unsigned level);

/* NULL, or the text of the first invariant that does not hold. */
const char *tlb_check(const struct tlb *tlb);

#endif
