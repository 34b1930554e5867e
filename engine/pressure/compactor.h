/* compactor.h: compaction of all zones of a machine, for the page allocator's requests.
 *
 *   alloc_pages(order 9) --> no block --> reclaim_hook.compact --> zones from the best one down: compact.h --> another try
 *
 * Only zones whose free blocks are in lists are compacted. Per-CPU sets are drained first, so that what lies in them can merge. A
 * request that may not try again (__GFP_NORETRY) gets an asynchronous run, others one that goes further when that fails (as the
 * slow path of mm/page_alloc.c raises the priority).
 */
#ifndef FAULTLINE_ENGINE_PRESSURE_COMPACTOR_H
#define FAULTLINE_ENGINE_PRESSURE_COMPACTOR_H

#include "engine/phys/memory.h"
#include "engine/pressure/compact.h"

struct compactor {
	struct memory *memory;
	bool is_kept[MEMORY_ZONES]; /* the zone's free blocks are in lists */
	struct compact zone[MEMORY_ZONES];
};

/* For the zones of the memory, which must live as long. Nothing calls it yet. */
void compactor_create(struct compactor *compactor, struct memory *memory, struct page_mover mover);

/* Makes it the one that the page allocator asks. Nobody else may be the memory's hook's owner. */
void compactor_install(struct compactor *compactor);

/* Makes a block for a request that found none; `flags` are enum gfp_flag. True when there is one now. */
bool compactor_run(struct compactor *compactor, const struct zone_request *request, unsigned flags);

/* All zones, as /proc/sys/vm/compact_memory asks. */
void compactor_run_all(struct compactor *compactor);

/* Proactive runs where the score of the whole memory is over 110 - proactiveness: the zones' fragmentation scores, weighted by
 * their size (fragmentation_score_node). Returns the zones whose score fell. */
unsigned compactor_run_proactively(struct compactor *compactor, unsigned proactiveness);

/* The score: 0 .. 100. */
unsigned compactor_score(const struct compactor *compactor);

/* Sums of all zones. */
void compactor_counts(const struct compactor *compactor, struct compact_counts *counts);

/* NULL, or the text of the first invariant of a zone's compaction that does not hold. */
const char *compactor_check(const struct compactor *compactor);

#endif
