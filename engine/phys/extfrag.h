/* extfrag.h: what happened each time that a request was served from memory of another migrate type, as the kernel's
 * tracepoint mm_page_alloc_extfrag tells it (include/trace/events/kmem.h, Linux 6.18).
 *
 *   order of the request ----------+          +---------- order of the free block that it was taken from
 *                     alloc_order <= fallback_order          fallback_order < pageblock_order: "fragmenting"
 *   type of the request ------ type        fallback_type ------ type of the list that the block was in
 *                     change_ownership: the pageblock now has the request's type
 *
 * Every event is kept as a count in a table over all five, so nothing about them is lost but their order.
 */
#ifndef FAULTLINE_ENGINE_PHYS_EXTFRAG_H
#define FAULTLINE_ENGINE_PHYS_EXTFRAG_H

#include "engine/phys/pageblock.h"

#define EXTFRAG_ORDERS 11u /* 0 .. 10, MAX_PAGE_ORDER */

struct extfrag {
	pfn_t pfn; /* the block that was handed out */
	unsigned alloc_order, fallback_order;
	enum migrate_type type; /* below MIGRATE_PCPTYPES */
	enum migrate_type fallback_type;
	bool change_ownership;
};

struct extfrag_counts {
	uint64_t events;
	struct extfrag last; /* meaningless while there was none */
	/* by alloc_order, fallback_order, type, fallback_type, change_ownership */
	uint32_t table[EXTFRAG_ORDERS][EXTFRAG_ORDERS][MIGRATE_PCPTYPES][MIGRATE_TYPES][2];
};

/* It was less than a whole pageblock: two types are mixed from now on (what the tracepoint prints as `fragmenting`). */
static inline bool extfrag_is_fragmenting(const struct extfrag *extfrag)
{
	return extfrag->fallback_order < PAGEBLOCK_ORDER;
}

static inline void extfrag_count(struct extfrag_counts *counts, const struct extfrag *extfrag)
{
	counts->events++;
	counts->last = *extfrag;
	counts->table[extfrag->alloc_order][extfrag->fallback_order][extfrag->type][extfrag->fallback_type]
		     [extfrag->change_ownership]++;
}

#endif
