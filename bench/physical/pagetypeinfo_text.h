/* pagetypeinfo_text.h: /proc/pagetypeinfo: free blocks per migrate type and order, and how many pageblocks have each type.
 *
 *   Page block order: 9
 *
 *   Free pages count per migrate type at order       0      1 ...
 *   Node    0, zone   Normal, type    Unmovable   1390   4232 ...        ">100000" where the kernel stopped counting
 *
 *   Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic      Isolate
 *   Node 0, zone   Normal          174         7625          457            0            0
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_PAGETYPEINFO_TEXT_H
#define FAULTLINE_BENCH_PHYSICAL_PAGETYPEINFO_TEXT_H

#include "bench/physical/proc_text.h"
#include "engine/phys/fragmentation.h"

struct pagetypeinfo_zone {
	struct proc_zone zone;
	struct free_blocks free[MIGRATE_TYPES];
	uint64_t blocks[MIGRATE_TYPES]; /* pageblocks */
};

struct pagetypeinfo {
	unsigned zones;
	struct pagetypeinfo_zone zone[MEMORY_ZONES];
};

/* TRACE_BAD_INPUT when it is no pagetypeinfo, or names a type that is not known; TRACE_UNSUPPORTED for pageblocks of another size
 * than 2^PAGEBLOCK_ORDER pages. */
enum trace_status pagetypeinfo_parse(struct pagetypeinfo *pagetypeinfo, const struct event_snapshot *snapshot,
				     struct trace_error *error) TRACE_MUST_USE;

/* The zone, or NULL. */
const struct pagetypeinfo_zone *pagetypeinfo_find(const struct pagetypeinfo *pagetypeinfo,
						  const struct proc_zone *zone);

#endif
