/* kmem_start.h: the caches of a recorded machine as they were at its beginning (kmem_pass.h): made, and filled. */
#ifndef FAULTLINE_BENCH_PHYSICAL_KMEM_START_H
#define FAULTLINE_BENCH_PHYSICAL_KMEM_START_H

#include "bench/physical/kmem_pass.h"

/* Makes a cache for every line of slabinfo, or takes the one of kmalloc's that has its name and slots. TRACE_NO_MEMORY. */
enum trace_status kmem_start_caches(struct kmem_pass *pass, struct trace_error *error) TRACE_MUST_USE;

/* Fills them: afterwards the places' objects are those of the model. TRACE_NO_MEMORY. */
enum trace_status kmem_start_fill(struct kmem_pass *pass, struct trace_error *error) TRACE_MUST_USE;

#endif
