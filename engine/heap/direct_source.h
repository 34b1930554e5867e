/* direct_source.h: the maker `direct` of spans: runs of an arena's pages, from whatever keeps its free blocks
 * (engine/phys/page_runs.h).
 *
 * It also decides when free pages go back to the system. A page that was used and is free again is
 * *retained*: it may still be backed by memory, so using it again costs nothing, while giving it back costs a
 * system call now and a fault (about 1.6 us) at its next use. Pages are given back for two reasons.
 *
 * Retained pages are used first: a run of two pages or more is looked for among them, wherever it begins,
 * before the keeper is asked, which knows only blocks aligned to their own size. (A freed run of 68 pages
 * whose neighbours are in use is no block of 128, but it is what the next request of 68 pages needs.)
 *
 * The ceiling. Retained pages do no harm as long as the pages in use and they together stay below what the
 * program needed anyway at its peak. So when an acquisition takes untouched pages and used + retained would
 * exceed the peak of used by more than 1/16, the excess is given back first: the footprint follows the peak
 * of the pages in use, however the free pages are scattered, and a program that stays below its peak never
 * pays for a purge.
 *
 * The delay. A program that shrinks for good gives back what lies idle: two bits per page are two
 * generations.
 *
 *   retained   free, possibly backed          retained  --sweep-->  idle too  --sweep-->  given back
 *   idle       was already at the last sweep            <--- acquired: both bits cleared --->
 *
 * A sweep comes every purge_delay page operations (acquire, release, claim), so that a page is given back
 * when it lay free for one to two such periods. The engine reads no clock. With purge_delay = 0 pages go back
 * at once. [measured on the Android trace, one thread: sweeps every 1024 operations and no ceiling cost 20 %
 * of the time in madvise and faults]
 *
 * Invariants, proved by direct_source_check() while nothing runs:
 *   I1: idle is a subset of retained
 *   I2: a retained page is free
 *   I3: retained_pages = set bits of retained
 *   I4: words holds the words of `retained` that are not zero
 *   and bitmap_check(), and those of the keeper
 */
#ifndef FAULTLINE_ENGINE_HEAP_DIRECT_SOURCE_H
#define FAULTLINE_ENGINE_HEAP_DIRECT_SOURCE_H

#include "engine/base/bitmap.h"
#include "engine/base/reservation.h"
#include "engine/base/status.h"
#include "engine/heap/span_source.h"
#include "engine/phys/arena.h"
#include "engine/phys/page_runs.h"

struct direct_source {
	struct span_source source; /* what the heap sees; page 0 is the arena's first frame */
	struct arena *arena;
	struct page_runs runs;
	struct reservation bits;   /* holds the two bitmaps */
	uint64_t *retained, *idle; /* a bit per page */
	struct bitmap words;	   /* the words of `retained` that are not zero */
	uint64_t used_pages, retained_pages, purged_pages;
	uint64_t peak_pages;	 /* the most used_pages ever */
	uint64_t hopeless_pages; /* runs of so many retained pages were not found since the last release */
	uint64_t operations;	 /* since the last sweep */
	uint64_t purge_delay;	 /* operations; policy key purge_delay */
};

/* Makes a source over the whole arena, whose frames the keeper of the runs holds free or allocated to others. Both
 * stay the caller's and outlive the source. STATUS_NO_MEMORY when there is no address space for the bitmaps,
 * STATUS_LIMIT when the arena has 2^32 pages or more. */
MUST_USE enum status direct_source_create(struct direct_source *direct, struct arena *arena,
					  const struct page_runs *runs, uint64_t purge_delay);

void direct_source_destroy(struct direct_source *direct);

/* NULL, or the text of the first invariant that does not hold. O(range). */
const char *direct_source_check(const struct direct_source *direct);

#endif
