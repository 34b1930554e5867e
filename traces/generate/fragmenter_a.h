/* fragmenter_a.h: fill, free half, then churn: does large free space come back?
 *
 * The heap-sized form of a page allocator's fragmentation benchmark: fill heap_mib with blocks of one size,
 * free all but keep_percent of them at random, then `iterations` times free churn_percent of the blocks and
 * allocate as many. A marker with the iteration's number follows each. Placement at the lowest address brings
 * whole huge pages back over the iterations; placement in the block that was freed last never does.
 */
#ifndef FAULTLINE_TRACES_GENERATE_FRAGMENTER_A_H
#define FAULTLINE_TRACES_GENERATE_FRAGMENTER_A_H

#include "traces/generate/workload.h"

extern const struct workload fragmenter_a_workload;

#endif
