/* span_source.h: where spans come from: the one interface between the heap and whatever owns pages.
 *
 * A *span* is a run of neighbouring pages. Two makers exist: `direct` (direct_source.h) takes runs of the free
 * pages of an arena, and a machine's source (engine/zone_source.h) those of its zones; an address space can be
 * another one, whose pages are populated by faults. Pages are numbered from 0 within the source's range, and page
 * n lies at base + n * PAGE_BYTES; the heap computes addresses and never touches them.
 *
 * The heap holds its page lock around every call, so a source needs no lock of its own.
 */
#ifndef FAULTLINE_ENGINE_HEAP_SPAN_SOURCE_H
#define FAULTLINE_ENGINE_HEAP_SPAN_SOURCE_H

#include "engine/base/units.h"

/* What a source knows about its free pages. */
struct span_source_statistics {
	uint64_t used_pages;	 /* handed out */
	uint64_t retained_pages; /* free, but possibly still backed by memory */
	uint64_t metadata_bytes; /* of the source's own books */
	uint64_t purged_pages;	 /* ever given back to the system */
};

struct span_source {
	uintptr_t base; /* address of page 0 */
	uint64_t pages; /* length of the range; at most 2^32 - 1 */

	/* Takes `pages` (at least 1) neighbouring pages whose first is a multiple of `alignment_pages` (a
	 * power of two, at most 2^18). *zero says whether all of them certainly read as zero. PFN_NONE
	 * when there is no such run. */
	pfn_t (*acquire)(struct span_source *source, uint64_t pages, uint64_t alignment_pages, bool *zero);

	/* Gives back any run of pages taken before. */
	void (*release)(struct span_source *source, pfn_t pfn, uint64_t pages);

	/* Nothing is behind these pages, just released, any more: they read as zero. NULL in a source that
	 * does not care. */
	void (*vacate)(struct span_source *source, pfn_t pfn, uint64_t pages);

	/* Takes exactly the pages pfn .. pfn+pages-1, if all are free; else changes nothing and returns
	 * false. */
	bool (*claim)(struct span_source *source, pfn_t pfn, uint64_t pages);

	/* Gives the memory behind every free page back to the system now. */
	void (*purge)(struct span_source *source);

	void (*statistics)(const struct span_source *source, struct span_source_statistics *statistics);

	/* NULL, or the text of the first invariant of the source that does not hold. */
	const char *(*check)(const struct span_source *source);
};

#endif
