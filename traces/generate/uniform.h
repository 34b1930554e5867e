/* uniform.h: random replacement in a steady heap.
 *
 * `objects` blocks of uniform size between min_bytes and max_bytes; a random one is freed and a new one put
 * in its place. With several threads each block belongs to the one that allocated it, and cross_percent of
 * the frees are done by another thread. realloc_percent of the moves are a realloc to a new size instead.
 */
#ifndef FAULTLINE_TRACES_GENERATE_UNIFORM_H
#define FAULTLINE_TRACES_GENERATE_UNIFORM_H

#include "traces/generate/workload.h"

extern const struct workload uniform_workload;

#endif
