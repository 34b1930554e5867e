/* compact_scan.h: one run of compaction and its two scanners. Private to compaction.
 */
#ifndef FAULTLINE_ENGINE_PRESSURE_COMPACT_SCAN_H
#define FAULTLINE_ENGINE_PRESSURE_COMPACT_SCAN_H

#include "engine/pressure/compact.h"

struct compacting {
	struct compact *compact;
	unsigned order; /* wanted; with is_for_all, nothing */
	enum migrate_type type;
	enum compact_effort effort;
	bool is_for_all; /* no request waits */
	unsigned
	    enough; /* with is_for_all: the fragmentation score at which the run ends; 0: the scanners meet first */
	bool ignores_skips;	 /* and marks none */
	bool is_whole_zone;	 /* the scanners began at the ends */
	bool finishes_pageblock; /* the migrate scanner does not stop after a cluster: it was here before */
	pfn_t last_pageblock;	 /* where it found sources last, or PFN_NONE */
	pfn_t migrate_pfn, free_pfn;
	unsigned sources; /* frames to be moved */
	pfn_t source[PAGEBLOCK_PAGES];
	uint64_t target_frames;
	struct list target
	    [FREE_LISTS_ORDERS]; /* free blocks taken, linked through their pages; `private` is the order */
};

/* The migrate scanner goes on until it has frames to move, or the pageblock is over, and does not pass the free scanner. */
void compacting_find_sources(struct compacting *run);

/* A frame to move to: the free scanner goes on if none is left. PFN_NONE when there is none. */
pfn_t compacting_take_target(struct compacting *run);

/* Targets that were not used go back to the free lists. */
void compacting_give_targets(struct compacting *run);

static inline bool compacting_is_sync(const struct compacting *run)
{
	return run->effort != COMPACT_ASYNC;
}

#endif
