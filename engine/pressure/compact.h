/* compact.h: makes large free blocks by moving pages from the bottom of a zone to free frames at its top.
 *
 *   first                                                                          end
 *     |  .  m  m  .  u  m  .  |  .  .  m  .  |  .  .  m  .  .  |  .  m  .  .  m  .  |       m movable  u not  . free
 *        migrate scanner --->                                   <--- free scanner
 *
 *     |  .  .  .  .  u  .  .  |  .  .  .  .  |  .  .  m  .  .  |  m  m  m  m  m  .  |
 *
 * Two scanners walk towards each other, a pageblock at a time. The *migrate scanner* collects pages that can be moved, up to
 * 32 at once, the *free scanner* takes free blocks out of their lists as targets; each page is then moved (page_mover.h), and its
 * frame, freed, merges with its neighbours. A run ends when a block of the wanted order is free, or when the scanners meet: then all of
 * the zone was looked at. The rules are those of mm/compaction.c, Linux 6.18:
 *
 *   suitable    a run needs free frames: the min watermark, and twice the order's block (compact_gap), above order 3 from the low
 *               watermark on; and above order 3 that fragmentation be the reason of failure: extfrag index over 500/1000
 *   sources     asynchronous runs for a request look at pageblocks of its own type only, others at all
 *   targets     Movable and CMA pageblocks that are not free as a whole
 *   skips       a pageblock from which nothing could be taken is passed over by later runs, until the whole zone was looked at
 *   memory      the next run begins where the last one ended
 *   deferral    after a run that failed, the next 2^n requests of this order and above do without, n up to 6; not those of
 *               COMPACT_FULL
 *   capture     the block that a run made goes to its request, and to nobody who came between
 *   proactive   without a request: while more of the free memory than the threshold is in blocks too small for a huge page
 *               (*fragmentation score*), until ten points less are
 *
 * What the kernel does to find a start for its scanners by looking through the free lists (fast_find_migrateblock,
 * fast_isolate_freepages) and its strides are left out: both scanners go step by step.
 *
 * Nobody else may use the zone during a run but the mover, which gives frames back.
 *
 * Nothing is lost silently: every frame that the migrate scanner met and did not move is counted by the reason.
 *
 * Invariants, proved by compact_check():
 *   I1: where scanners begin lies in the range
 *   I2: defer_shift <= 6, and order_failed <= 11
 *   I3: moved <= isolated <= migrate_scanned + free_scanned, and not_moved[MOVE_DONE] = 0
 */
#ifndef FAULTLINE_ENGINE_PRESSURE_COMPACT_H
#define FAULTLINE_ENGINE_PRESSURE_COMPACT_H

#include "engine/phys/free_lists.h"
#include "engine/pressure/page_mover.h"

#define COMPACT_CLUSTER_PAGES 32u  /* COMPACT_CLUSTER_MAX */
#define COMPACT_DEFER_SHIFT_MAX 6u /* COMPACT_MAX_DEFER_SHIFT */
#define COMPACT_COSTLY_ORDER 3u	   /* PAGE_ALLOC_COSTLY_ORDER */
#define COMPACT_EXTFRAG_THRESHOLD 500u
#define COMPACT_PROACTIVENESS 20u

/* How hard a run tries (enum compact_priority, the other way round). */
enum compact_effort {
	COMPACT_ASYNC, /* without waiting: gives an aligned block up with the first page in it that cannot be moved */
	COMPACT_LIGHT,
	COMPACT_FULL, /* all of the zone, skips or not, into any pageblock */
};

enum compact_result {
	COMPACT_SKIPPED,	 /* not suitable: too little is free, or it would not help */
	COMPACT_DEFERRED,	 /* it failed lately */
	COMPACT_COMPLETE,	 /* all of the zone was looked at, and no block made */
	COMPACT_PARTIAL_SKIPPED, /* the same of a part of it */
	COMPACT_SUCCESS,
	COMPACT_RESULTS,
};

/* Since the beginning; the names in brackets are those of /proc/vmstat. */
struct compact_counts {
	uint64_t results[COMPACT_RESULTS]; /* runs, by how they ended */
	uint64_t migrate_scanned;	   /* frames (compact_migrate_scanned) */
	uint64_t free_scanned;		   /* frames (compact_free_scanned) */
	uint64_t isolated;		   /* frames taken by either scanner (compact_isolated) */
	uint64_t moved;			   /* pages (pgmigrate_success) */
	uint64_t not_moved[MOVE_ENDS];	   /* frames met by the migrate scanner, by the reason */
	uint64_t skipped_blocks;	   /* pageblocks passed over for their mark or type */
	uint64_t captured;		   /* blocks that went straight to their request */
	uint64_t proactive_runs;
};

/* What compaction remembers of a zone. */
struct compact {
	struct free_lists *lists;
	struct page_mover mover;
	uint64_t min_pages, low_pages; /* watermarks of the zone: the caller's, 0 at first */
	pfn_t cached_migrate[2];       /* by: the effort is more than COMPACT_ASYNC */
	pfn_t cached_free;
	unsigned considered; /* requests since the last failure */
	unsigned defer_shift;
	unsigned order_failed; /* the smallest order that failed; larger than all orders when none did */
	bool forgets_skips;    /* before the next run for a request */
	struct compact_counts counts;
};

/* The lists' own zone, nothing tried yet. */
void compact_create(struct compact *compact, struct free_lists *lists, struct page_mover mover);

struct compact_request {
	unsigned order;		/* of the block that is wanted, 1 .. 10 */
	enum migrate_type type; /* of the request, below MIGRATE_PCPTYPES */
	enum compact_effort effort;
};

/* A run for a request that found no block (try_to_compact_pages, for one zone). With COMPACT_SUCCESS, *pfn is the block, taken from the
 * lists, or PFN_NONE when one is in the lists; otherwise PFN_NONE. */
enum compact_result compact_for_request(struct compact *compact, const struct compact_request *request,
					pfn_t *pfn);

/* The request was served after a run: the next ones are not deferred. */
void compact_served(struct compact *compact, unsigned order);

/* All of the zone, for nobody: /proc/sys/vm/compact_memory. */
enum compact_result compact_all(struct compact *compact);

/* Would a run for this request be suitable? (compaction_suit_allocation_order) */
bool compact_is_suitable(const struct compact *compact, const struct compact_request *request);

/* Part of the free memory that is in blocks too small for a huge page, in percent, rounded down (fragmentation_score_zone); 0 without
 * free memory. */
unsigned compact_fragmentation_score(const struct compact *compact);

/* Runs when the score is over 110 - proactiveness (1 .. 100; 0: never), until it is at most 100 - proactiveness. False when it did not
 * run, or left the score as it was (kcompactd waits longer then). */
bool compact_proactively(struct compact *compact, unsigned proactiveness);

/* "skipped", "deferred", "complete", "partial skipped", "success". */
const char *compact_result_name(enum compact_result result);

/* NULL, or the text of the first invariant that does not hold. */
const char *compact_check(const struct compact *compact);

#endif
