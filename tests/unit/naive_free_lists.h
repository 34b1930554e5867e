/* naive_free_lists.h: free lists as slowly as they can be kept: one record per frame, and every list an array in the order of
 * the list. The rules are those of engine/phys/free_lists.h, done in the plainest way; nothing is shared with it but the table of
 * fall-backs.
 */
#ifndef FAULTLINE_TESTS_UNIT_NAIVE_FREE_LISTS_H
#define FAULTLINE_TESTS_UNIT_NAIVE_FREE_LISTS_H

#include "engine/phys/free_lists.h"

#define NAIVE_FIRST 700u /* not aligned to anything */
#define NAIVE_PAGES 6000u
#define NAIVE_END (NAIVE_FIRST + NAIVE_PAGES)
#define NAIVE_FRAMES 8192u /* numbers that have a record */
#define NAIVE_BLOCKS (NAIVE_FRAMES / PAGEBLOCK_PAGES)

struct naive_frame {
	bool is_free_head, is_used_head, is_movable;
	uint8_t order; /* of a head */
};

struct naive_list {
	unsigned count;
	uint16_t pfn[NAIVE_PAGES]; /* the head of the list first */
};

struct naive_free_lists {
	struct naive_frame frame[NAIVE_FRAMES];
	enum migrate_type type[NAIVE_BLOCKS]; /* kept while isolated */
	bool is_isolated[NAIVE_BLOCKS];
	struct naive_list list[FREE_LISTS_ORDERS][MIGRATE_TYPES];
	uint64_t managed, highatomic, boosts, events;
	struct extfrag last;
};

/* All frames are free and were given at boot, block by block to the tails. Everything is Movable but the pageblocks of `cma`. */
void naive_create(struct naive_free_lists *naive, const bool cma[NAIVE_BLOCKS]);

/* What free_lists_allocate(), free_lists_allocate_bulk() and free_lists_free() do. */
pfn_t naive_allocate(struct naive_free_lists *naive, const struct zone_request *request);
unsigned naive_allocate_bulk(struct naive_free_lists *naive, const struct zone_request *request,
			     pfn_t *frames, unsigned count);
void naive_free(struct naive_free_lists *naive, pfn_t pfn, unsigned order, bool to_tail);

bool naive_reserve(struct naive_free_lists *naive, pfn_t pfn, unsigned order);
bool naive_unreserve(struct naive_free_lists *naive, enum migrate_type type, bool is_forced);
bool naive_isolate(struct naive_free_lists *naive, pfn_t pfn, bool is_isolated);
void naive_take(struct naive_free_lists *naive, pfn_t pfn, unsigned order);

/* NULL, or what is different. */
const char *naive_compare(const struct naive_free_lists *naive, const struct free_lists *lists);

#endif
