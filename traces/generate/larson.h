/* larson.h: a server whose threads inherit each other's blocks.
 *
 * After P. Larson and M. Krishnan, "Memory Allocation for Long-Running Server Applications", ISMM 1998. The
 * main thread allocates `objects` blocks for each of `threads` threads. A thread replaces random ones of its
 * blocks, free then malloc of a new size, `operations` times; then it ends and its successor goes on with its
 * blocks, for `generations` generations. So most first frees of a generation are of another thread's blocks.
 * Which thread moves next is drawn at random; sizes are uniform between min_bytes and max_bytes. The last
 * generation leaves its blocks live.
 */
#ifndef FAULTLINE_TRACES_GENERATE_LARSON_H
#define FAULTLINE_TRACES_GENERATE_LARSON_H

#include "traces/generate/workload.h"

extern const struct workload larson_workload;

#endif
