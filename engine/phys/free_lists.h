/* free_lists.h: free memory as Linux keeps it: a list of free blocks for each order and migrate type, linked through struct page.
 *
 *              Unmovable    Movable         Reclaimable  HighAtomic  CMA  Isolate
 *   order 10   -            B <-> B <-> B   -            -           -    -
 *     ...
 *   order 1    B            B <-> B         B            -           -    -
 *   order 0    B <-> B      B               -            B           -    -
 *             head    tail
 *
 * The first frame of a free block has PAGE_FREE, its order in `private`, and its links in `lru`; nothing is written to its other
 * frames. A block lies in the list of its pageblock's type (pageblock.h). All rules are those of mm/page_alloc.c, Linux 6.18;
 * its names are given where ours differ.
 *
 *   free     A block merges with its buddy while that one is free and has the same order (__free_one_page). Below order 9 both
 *            lie in one pageblock; from order 9 on, types that are not mergeable stay apart, and of two mergeable ones the
 *            freed block's prevails in both pageblocks. What results goes to the head of its list, where it is taken next:
 *            but to the tail when its next larger block would become whole with the buddy of the merged one, so that it has
 *            time for that (buddy_merge_likely; orders below 9), and to the tail when the caller says so. More than a
 *            pageblock is freed by pageblocks, each with its own type (split_large_buddy). Lists are not shuffled: that is
 *            a boot option.
 *   split    The first block of the smallest sufficient order of the type is halved until it fits; the upper halves go to the
 *            heads of their lists (__rmqueue_smallest, expand).
 *   fall     A type whose lists have nothing (__rmqueue):
 *   back       1. movable memory is taken from CMA, which also goes before all else while over half of what is free is CMA's;
 *              2. *claim*: from order 10 down to the request's, the first block of the first type in the order of fallback.
 *                 One of order 9 or 10 changes owner with its pageblocks. Of a smaller one the whole pageblock does, if half of
 *                 it is free or used alike; else the next lower order is looked at. Movable requests look at orders 4 and up
 *                 only. With ALLOC_NOFRAGMENT, only orders 9 and 10. Every look at a smaller block asks the zone to boost
 *                 its watermarks.
 *              3. *steal*, not with ALLOC_NOFRAGMENT: from the request's order up, one block of another type; its pageblock,
 *                 and the rest of the block, stay what they are.
 *            A batch for a per-CPU list remembers between its blocks what need not be tried again.
 *   reserve  After an urgent request above order 0 its pageblock becomes HighAtomic, up to 1 % of the memory; what is kept
 *            there is given back under pressure.
 *
 * The tables of extfrag.h tell about every fall-back.
 *
 * Invariants, proved by free_lists_check():
 *   I1: list_check() of every list
 *   I2: what is in the list of an order and type lies in the range, is aligned to its order, and has PAGE_FREE and the order in
 *       its page, whose pageblocks have the list's type
 *   I3: every page with PAGE_FREE is in a list, and no two free blocks overlap
 *   I4: blocks[type] = length of the list; bit k of nonempty[type] is set <=> the list of order k is not empty
 *   I5: below order 9, a free block's buddy is not a free block of the same order
 *   I6: free_pages = frames in lists other than Isolate, free_cma_pages and free_highatomic_pages those in these types,
 *       free_huge_pages those of free_pages in blocks of order 9 and 10; free_pages is at most managed_pages
 *   I7: highatomic_pages = frames of pageblocks whose type is HighAtomic, isolated_blocks = pageblocks that are isolated
 *
 * Not thread-safe: the zone above locks. The structure must not be moved, for the lists point into it.
 */
#ifndef FAULTLINE_ENGINE_PHYS_FREE_LISTS_H
#define FAULTLINE_ENGINE_PHYS_FREE_LISTS_H

#include "engine/phys/extfrag.h"
#include "engine/phys/page.h"
#include "engine/phys/zone_request.h"

#define FREE_LISTS_ORDER_MAX 10u
#define FREE_LISTS_ORDERS (FREE_LISTS_ORDER_MAX + 1)

/* The free blocks of one order (struct free_area). */
struct free_list {
	struct list type[MIGRATE_TYPES];
	uint64_t blocks[MIGRATE_TYPES];
};

/* How requests were served, in blocks, since the beginning. */
struct free_lists_counts {
	uint64_t own_type;    /* from a list of the request's type */
	uint64_t cma;	      /* from a list of CMA */
	uint64_t claimed;     /* by a claim */
	uint64_t stolen;      /* by stealing */
	uint64_t highatomic;  /* from the reserve */
	uint64_t refused;     /* not at all */
	uint64_t conversions; /* pageblocks whose type changed: by claims, merges, the reserve, compaction */
	uint64_t boosts; /* claims that looked at less than a pageblock: each asks for boost_watermark() */
};

/* A block that whoever waits for it gets instead of a list (compaction_capture). */
struct free_lists_capture {
	unsigned order;
	enum migrate_type type; /* of the request that waits */
	pfn_t pfn;		/* the block, or PFN_NONE as long as there is none */
};

struct free_lists {
	struct page_array *array;
	struct pageblocks *pageblocks;
	pfn_t first, end;		  /* the range: first .. end-1 */
	uint64_t managed_pages;		  /* frames ever added */
	uint64_t free_pages;		  /* NR_FREE_PAGES: what can be allocated */
	uint64_t free_huge_pages;	  /* NR_FREE_PAGES_BLOCKS */
	uint64_t free_cma_pages;	  /* NR_FREE_CMA_PAGES */
	uint64_t free_highatomic_pages;	  /* zone->nr_free_highatomic */
	uint64_t highatomic_pages;	  /* zone->nr_reserved_highatomic */
	uint64_t isolated_blocks;	  /* zone->nr_isolate_pageblock */
	bool is_mobility_ignored;	  /* page_group_by_mobility_disabled */
	uint32_t nonempty[MIGRATE_TYPES]; /* bit k: there is a block of order k */
	struct free_list order[FREE_LISTS_ORDERS];
	struct free_lists_capture *capture; /* NULL: nobody waits. The caller's */
	struct free_lists_counts counts;
	struct extfrag_counts extfrag;
};

struct free_lists_shape {
	pfn_t first;
	uint64_t pages;		  /* at least 1; the array and the pageblocks hold all of the range */
	struct page_array *array; /* these two live as long as the lists */
	struct pageblocks *pageblocks;
	bool
	    is_mobility_ignored; /* types are not kept apart, as on a machine with less memory than a pageblock per type */
};

/* Lists without frames. STATUS_BAD_ARGUMENT when the array or the pageblocks do not hold the range. */
MUST_USE enum status free_lists_create(struct free_lists *lists, const struct free_lists_shape *shape);

/* Boot: gives the lists the frames pfn .. pfn+pages-1, which lie in the range and were not added before, as the largest aligned
 * blocks, to the tails (__free_pages_core). */
void free_lists_add(struct free_lists *lists, pfn_t pfn, uint64_t pages);

/* Hot-remove: takes the isolated free blocks of a pageblock away for good: managed_pages falls by its frames. Every frame of
 * it is in a free block of type Isolate, none of which reaches beyond it. */
void free_lists_remove(struct free_lists *lists, pfn_t pfn);

/* Takes a block for a request of an order of at most 10 and a type below MIGRATE_PCPTYPES; of its flags, ALLOC_HIGHATOMIC tries
 * the reserve first, ALLOC_OOM and ALLOC_NON_BLOCK try it last (rmqueue_buddy). PFN_NONE when there is none; watermarks are the
 * caller's. */
pfn_t free_lists_allocate(struct free_lists *lists, const struct zone_request *request);

/* Which ways need not be tried again for the next block of a batch (enum rmqueue_mode). */
enum free_lists_mode {
	FREE_LISTS_OWN_TYPE, /* at the beginning */
	FREE_LISTS_CMA,
	FREE_LISTS_CLAIM,
	FREE_LISTS_STEAL,
};

/* Takes the next block of a batch for a request, and remembers the way in *mode. The reserve is not touched (__rmqueue). */
pfn_t free_lists_allocate_next(struct free_lists *lists, const struct zone_request *request,
			       enum free_lists_mode *mode);

/* Takes up to `count` blocks, one after the other, into `frames`, for a per-CPU list; returns how many there were
 * (rmqueue_bulk). */
uint64_t free_lists_allocate_bulk(struct free_lists *lists, const struct zone_request *request, pfn_t *frames,
				  uint64_t count);

enum free_flag {
	FREE_TO_TAIL = 1 << 0, /* it is not to be used soon (FPI_TO_TAIL) */
};

/* Gives back a block of 2^order frames, to the lists of its pageblocks' types (free_one_page). A misaligned block, one beyond the
 * range, and one that is in a list already are found by CHECK; what lies inside a larger free block is not seen here: the owner's
 * mark in its page says that it is nobody's (gfp.h). */
void free_lists_free(struct free_lists *lists, pfn_t pfn, unsigned order, unsigned flags);

/* Takes `pages` (at least 1) frames in a row for a type below MIGRATE_PCPTYPES, aligned to the next power of two: a block of which
 * the tail goes back (make_alloc_exact). More than a block of order 10 is served from neighbouring free ones, found by a walk over
 * the range, whose pageblocks become the type's. PFN_NONE when there is no such run. */
pfn_t free_lists_allocate_pages(struct free_lists *lists, enum migrate_type type, uint64_t pages);

/* Gives back any run of frames that are nobody's, whatever blocks they were taken as, in the largest aligned blocks. */
void free_lists_free_range(struct free_lists *lists, pfn_t pfn, uint64_t pages);

/* Takes exactly the frames pfn .. pfn+pages-1 if all of them are free and not isolated; else changes nothing and returns
 * false. A run that reaches beyond the range is not free. Pageblocks keep their types. */
MUST_USE bool free_lists_claim(struct free_lists *lists, pfn_t pfn, uint64_t pages);

/* --- Questions ------------------------------------------------------------------------------------------------------ */

static inline uint64_t free_lists_blocks(const struct free_lists *lists, unsigned order,
					 enum migrate_type type)
{
	return lists->order[order].blocks[type];
}

/* Of all types (nr_free), as /proc/buddyinfo counts. */
uint64_t free_lists_blocks_of_order(const struct free_lists *lists, unsigned order);

/* The first frame and order of the free block that holds the frame; false when it is in none. O(orders). */
bool free_lists_find(const struct free_lists *lists, pfn_t pfn, pfn_t *first, unsigned *order);

/* Is there a block for a request of `order` with these flags, whatever its type? Watermark checks ask this
 * (__zone_watermark_ok). */
bool free_lists_can_serve(const struct free_lists *lists, unsigned order, unsigned flags);

/* The type that a request of `type` would fall back on at this order, or MIGRATE_TYPES (find_suitable_fallback, not
 * claimable). */
enum migrate_type free_lists_fallback(const struct free_lists *lists, unsigned order, enum migrate_type type);

/* May a request of `type` claim pageblocks through blocks of `order`? (should_try_claim_block) */
bool free_lists_may_claim(const struct free_lists *lists, unsigned order, enum migrate_type type);

/* --- Pageblocks ----------------------------------------------------------------------------------------------------- */

/* Moves the free blocks of a pageblock to the tails of another type's lists, and the pageblock with them
 * (move_freepages_block). Returns the frames that moved; -1, and nothing changed, when the pageblock lies partly outside the
 * range. The types are not Isolate, and `from` is the pageblock's. */
int64_t free_lists_move_block(struct free_lists *lists, pfn_t pfn, enum migrate_type from,
			      enum migrate_type to);

/* After an allocation of the block: its pageblock becomes HighAtomic, unless 1 % of the memory is that already, or is less than
 * a pageblock, or the pageblock is neither Unmovable, Movable nor Reclaimable (reserve_highatomic_pageblock). */
bool free_lists_reserve_highatomic(struct free_lists *lists, pfn_t pfn, unsigned order);

/* Gives a HighAtomic pageblock that has a free block to `type` (below MIGRATE_PCPTYPES); the last one only when forced. False
 * when there was none, or nothing moved (unreserve_highatomic_pageblock). */
bool free_lists_unreserve_highatomic(struct free_lists *lists, enum migrate_type type, bool is_forced);

/* Isolates the pageblock: its free blocks go to the lists of Isolate, where nothing is allocated from; one that reaches beyond
 * it is cut. Frames freed later follow. False when it is isolated already or lies partly outside the range
 * (pageblock_isolate_and_move_free_pages; what is in use is the caller's business). */
bool free_lists_isolate(struct free_lists *lists, pfn_t pfn);

/* The way back: the free blocks return to the tails of the lists of the type that the pageblock had (unset_migratetype_isolate);
 * false when it was not isolated. */
bool free_lists_unisolate(struct free_lists *lists, pfn_t pfn);

/* Takes exactly this free block out of its list, for compaction or a contiguous range (__isolate_free_page, without its
 * watermark). If it is half a pageblock or more, pageblocks of mergeable types around it become Movable. */
void free_lists_take(struct free_lists *lists, pfn_t pfn, unsigned order);

/* NULL, or the text of the first invariant that does not hold. Reads every page of the range: O(frames). */
const char *free_lists_check(const struct free_lists *lists);

#endif
