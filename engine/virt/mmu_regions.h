/* mmu_regions.h: what an MMU remembers of a page table, so that it need not look there for each reference.
 *
 *   number of a region (what an entry of level 2 maps) modulo MMU_REGIONS
 *          |
 *          v          number         where the way down ends            what has been granted there
 *        ,------.   ,---------.    ,--------------------------.    ,---------------------------------.
 *        |      |-->| 0x3f800 |    | table of level 1, or one |    | a byte for each page of level 1 |
 *        |      |   |         |    | entry of a higher level  |    | bit a: an access a changes      |
 *        `------'   `---------'    `--------------------------'    |        nothing and is allowed   |
 *                                                                  `---------------------------------'
 * Page tables of large programs lie outside of the host's caches, a byte for eight of theirs stays in: that is half of the
 * time of a stream that misses TLBs.
 *
 * Where the ways end is good as long as the page table's generation and the MMU's space. A granted byte is good until the
 * page is flushed: who takes a right away from an entry, or clears its accessed or dirty bit, flushes the page before it is
 * used again, as with the TLBs themselves (flush.h). Pages that are global, and ways through somebody else's tables, are not
 * remembered; where a table of level 1 is larger than 2^MMU_GRANTED_BITS_MAX pages nothing is granted.
 */
#ifndef FAULTLINE_ENGINE_VIRT_MMU_REGIONS_H
#define FAULTLINE_ENGINE_VIRT_MMU_REGIONS_H

#include "engine/base/reservation.h"
#include "engine/virt/pagetable.h"

/* A power of two. */
#define MMU_REGIONS 4096u

#define MMU_GRANTED_BITS_MAX 13u

#define MMU_NO_REGION UINT64_MAX

/* Where the ways to a region's addresses end. */
struct mmu_region {
	pte_t *entries;
	uint64_t mask; /* of the index into them: 0 with an entry of a higher level */
};

struct mmu_regions {
	const struct pagetable *table; /* NULL: nothing is remembered */
	uint64_t generation;
	unsigned region_shift, page_shift; /* log2 of the bytes of both */
	uint64_t page_mask;		   /* page & page_mask: its place in granted[] */
	size_t pages;			   /* of a region that can be granted: all, or 0 */
	uint64_t *number;		   /* [MMU_REGIONS]: the address >> region_shift, or MMU_NO_REGION */
	uint8_t *levels;		   /* [MMU_REGIONS]: bit l: the entries are of level l */
	struct mmu_region *region;	   /* [MMU_REGIONS] */
	uint8_t *granted;
	pte_t nothing; /* always empty: the entry of an address that is not canonical */
	struct reservation memory;
};

/* STATUS_NO_MEMORY. */
MUST_USE enum status mmu_regions_create(struct mmu_regions *regions, const struct paging *paging);
void mmu_regions_destroy(struct mmu_regions *regions);

/* Forgets everything when the table is another than last time, or has changed its shape. */
void mmu_regions_renew(struct mmu_regions *regions, const struct pagetable *table);

/* Forgets everything; what was granted to the pages of [address, address + bytes). */
void mmu_regions_forget(struct mmu_regions *regions);
void mmu_regions_forget_range(struct mmu_regions *regions, uint64_t address, uint64_t bytes);

/* Where the way to an address ends: its entry, and the level. The regions were renewed. */
pte_t *mmu_regions_find(struct mmu_regions *regions, uint64_t address, unsigned *level);

/* True when the access (enum walk_access, or-ed) is known to be allowed and to change nothing. */
static inline bool mmu_regions_grants(const struct mmu_regions *regions, uint64_t address, unsigned access)
{
	uint64_t number = address >> regions->region_shift;

	return regions->number[number % MMU_REGIONS] == number &&
	       (regions->granted[address >> regions->page_shift & regions->page_mask] >> access & 1);
}

/* Notes what an entry that mmu_regions_find has just returned for the address grants; `accesses` has a bit for each. */
void mmu_regions_grant(struct mmu_regions *regions, uint64_t address, uint8_t accesses);

#endif
