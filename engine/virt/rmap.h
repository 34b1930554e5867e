/* rmap.h: the reverse of the page tables: which entries name a frame.
 *
 *   frame --> [ address space, address ]  [ address space, address ] ...      as many as its mapcount says
 *
 * Linux keeps trees of mappings for this (anon_vma, i_mmap; mm/rmap.c). Here nothing is kept but the list of address spaces: an
 * anonymous page remembers the address at which it was mapped last, which is where its process, and all that were forked
 * from it, map it. Where that is not enough, because the page was moved (mremap) or belongs to a file, all page tables are
 * searched until as many entries are found as the frame's mapcount says.
 *
 * Cost: O(address spaces) for a page where it was mapped; else O(all mapped pages).
 *
 * Invariants, proved by rmap_check():
 *   I1: no address space is in the list twice, and count <= room
 */
#ifndef FAULTLINE_ENGINE_VIRT_RMAP_H
#define FAULTLINE_ENGINE_VIRT_RMAP_H

#include "engine/virt/resident.h"

struct rmap {
	size_t count, room;
	struct resident **residents;
	uint64_t searches; /* of all page tables */
};

/* An entry of level 1. */
struct rmap_entry {
	struct resident *resident;
	uint64_t address;
};

/* An empty list. */
void rmap_create(struct rmap *rmap);
void rmap_destroy(struct rmap *rmap);

/* An address space begins, or ends. It must stay where it is in between. STATUS_NO_MEMORY. */
MUST_USE enum status rmap_add(struct rmap *rmap, struct resident *resident);
void rmap_remove(struct rmap *rmap, const struct resident *resident);

/* The entries of level 1 that name the frame, which is in use: at most `most` of them into `entries`. Returns how many there are: the
 * frame's mapcount, or less when an address space is not in the list. */
size_t rmap_find(struct rmap *rmap, pfn_t frame, struct rmap_entry *entries, size_t most);

/* NULL, or the text of the first invariant that does not hold. */
const char *rmap_check(const struct rmap *rmap);

#endif
