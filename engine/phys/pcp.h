/* pcp.h: a CPU's own set of free blocks, in front of a zone.
 *
 *   list of (type, order)        taken, freed here ->  [ b b b b b b ]  <- refilled, drained here
 *
 *   order      0         1         2         3         9 (huge)
 *   type     U  M  R   U  M  R   U  M  R   U  M  R     other  M           14 lists
 *
 * It is used by its CPU alone, so neither taking nor giving a block needs a lock: the zone's lock is taken once per batch.
 * The blocks count as allocated in the zone. The one freed last is handed out first, because it is still in the cache; a
 * drain takes those that lie longest, round robin over the lists.
 *
 * `count` pages are in the set, and a free that makes them `high` drains some. In a set that is *tuned* batch and high
 * follow the load, between high_min and high_max, as Linux 6.18 does it (mm/page_alloc.c: nr_pcp_alloc, nr_pcp_free,
 * nr_pcp_high, free_frozen_page_commit, decay_pcp_high):
 *
 *   alloc_factor   one more for each refill that no free came between, halved by a free: a refill takes batch << factor
 *   free_count     pages freed in a row, halved by an allocation: a drain gives back as many
 *   high           grows by a batch with each refill while the zone has free memory above its high watermark, shrinks while
 *                  it has not, and with time
 *
 * In a *fixed* set batch and high are what they were made with, and there are no huge blocks. `room` is high there, and 0 in a
 * tuned set, or where the zone wants to see every free.
 *
 * The block numbers are kept in rings outside the frames, each as large as the set may ever become.
 *
 * Invariants, proved by pcp_check():
 *   I1: 1 <= batch, high_min <= high_max
 *   I2: count = sum of the lists' blocks * 2^order, and no list has more than its ring holds
 *   I3: no block is in the set twice
 */
#ifndef FAULTLINE_ENGINE_PHYS_PCP_H
#define FAULTLINE_ENGINE_PHYS_PCP_H

#include "engine/base/reservation.h"
#include "engine/base/units.h"
#include "engine/phys/migrate.h"

#include <stdatomic.h>

#define PCP_ORDER_MAX 3u /* Linux: PAGE_ALLOC_COSTLY_ORDER */
#define PCP_LOW_LISTS (MIGRATE_PCPTYPES * (PCP_ORDER_MAX + 1))
#define PCP_LISTS (PCP_LOW_LISTS + 2)
#define PCP_BATCH_SCALE_MAX 5u /* CONFIG_PCP_BATCH_SCALE_MAX */
/* Of a fixed set, for a zone of some MiB or more: measured, and Linux's until 5.13. */
#define PCP_BATCH 63u
#define PCP_HIGH 378u

enum pcp_tuning {
	PCP_FIXED,
	PCP_TUNED,
};

struct pcp_list {
	uint32_t first, blocks;
	uint32_t mask; /* entries of the ring, a power of two, less 1 */
	uint32_t
	    *block; /* [(first + i) & mask]: first frame of the i-th block, the next one handed out first */
};

/* What the keeper of free blocks behind a set had when its lock was last released. */
struct pcp_behind {
	_Atomic uint64_t free_pages;
	_Atomic uint32_t orders; /* bit k: there is a free block of order k */
};

struct pcp {
	_Alignas(64) uint32_t count; /* pages in the set */
	uint32_t high;		     /* pages; so many and some go back */
	uint32_t room;		     /* pages; fewer, and a free needs no more thought */
	uint32_t batch;		     /* pages per refill and drain */
	uint32_t high_min, high_max; /* pages */
	uint32_t alloc_factor;	     /* at most PCP_BATCH_SCALE_MAX */
	uint32_t free_count;	     /* pages */
	enum pcp_tuning tuning;
	uint32_t orders;       /* bit k: blocks of order k are held */
	bool freed_high_order; /* the last free was of order 1 .. 3 */
	uint64_t refills, drains;
	struct pcp_list list[PCP_LISTS];
	const struct pcp_behind
	    *behind;		   /* a part of the zone, where it keeps its blocks in parts; else NULL */
	struct reservation memory; /* of the rings */
};

/* The most pages a set with this high_max can hold: a refill or a free of huge blocks may go past it. */
#define PCP_PAGES_MAX(high_max) ((uint64_t)(high_max) + 4 * HUGE_PAGES)

/* An empty set whose high_max never exceeds `high_limit`. STATUS_NO_MEMORY. */
MUST_USE enum status pcp_create(struct pcp *pcp, enum pcp_tuning tuning, uint32_t high_limit);
void pcp_destroy(struct pcp *pcp);

/* The figures of a set: 1 <= batch, high_min <= high_max <= high_limit. */
struct pcp_figures {
	uint32_t batch, high_min, high_max;
};
void pcp_set_figures(struct pcp *pcp, const struct pcp_figures *figures);

/* Does the set hold blocks of this order? At most 31. */
static inline bool pcp_holds(const struct pcp *pcp, unsigned order)
{
	return order <= PCP_ORDER_MAX || (pcp->orders >> order & 1) != 0;
}

/* The number of the list of a type (below MIGRATE_PCPTYPES) and an order that sets hold, and back. */
static inline unsigned pcp_index(enum migrate_type type, unsigned order)
{
	return order <= PCP_ORDER_MAX ? order * MIGRATE_PCPTYPES + (unsigned)type
				      : PCP_LOW_LISTS + (type == MIGRATE_MOVABLE);
}

static inline unsigned pcp_order(unsigned index)
{
	return index < PCP_LOW_LISTS ? index / MIGRATE_PCPTYPES : HUGE_ORDER;
}

/* At the end where blocks are taken and freed; taking asks for a list that is not empty. */
static inline pfn_t pcp_list_pop(struct pcp_list *list)
{
	pfn_t pfn = list->block[list->first];

	list->first = (list->first + 1) & list->mask;
	list->blocks--;
	return pfn;
}

static inline void pcp_list_push(struct pcp_list *list, pfn_t pfn)
{
	list->first = (list->first - 1) & list->mask;
	list->block[list->first] = (uint32_t)pfn;
	list->blocks++;
}

/* At the other end, where a refill puts them and a drain takes them. */
static inline void pcp_list_append(struct pcp_list *list, pfn_t pfn)
{
	list->block[(list->first + list->blocks++) & list->mask] = (uint32_t)pfn;
}

static inline pfn_t pcp_list_remove_last(struct pcp_list *list)
{
	return list->block[(list->first + --list->blocks) & list->mask];
}

/* A list has run empty: how many blocks of `order` a refill takes. `below_high`: the zone's free pages are below its high
 * watermark. */
uint32_t pcp_refill_blocks(struct pcp *pcp, unsigned order, bool below_high);

/* A block of `order` was freed into the set: how many pages are to be drained now, of the lists from its own on; 0 = none. */
uint32_t pcp_tuned_drain(struct pcp *pcp, unsigned order, bool below_high);

static inline uint32_t pcp_drain_pages(struct pcp *pcp, unsigned order, bool below_high)
{
	if (pcp->tuning == PCP_FIXED)
		return pcp->count < pcp->high ? 0 : pcp->batch;
	return pcp_tuned_drain(pcp, order, below_high);
}

/* A second has passed: `high` shrinks by an eighth, and the pages beyond it, whose number is returned, are to go. */
uint32_t pcp_decay(struct pcp *pcp);

/* NULL, or the text of the first invariant that does not hold. */
const char *pcp_check(const struct pcp *pcp);

#endif
