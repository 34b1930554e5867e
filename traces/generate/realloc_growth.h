/* realloc_growth.h: buffers that grow by realloc.
 *
 * `buffers` buffers begin with start_bytes and grow, one random buffer at a time, to growth_percent of their
 * size, until they reach a limit drawn for each (halvings of max_bytes are equally likely); then they are
 * freed and begin again. The pattern of strings, vectors and input buffers: can an allocator grow in place,
 * and what do the holes cost?
 */
#ifndef FAULTLINE_TRACES_GENERATE_REALLOC_GROWTH_H
#define FAULTLINE_TRACES_GENERATE_REALLOC_GROWTH_H

#include "traces/generate/workload.h"

extern const struct workload realloc_growth_workload;

#endif
