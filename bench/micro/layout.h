/* layout.h: addresses for what the references of a trace name, so that they can be sent through an MMU.
 *
 * Blocks lie where an allocator puts them that has a list of free blocks per 16 bytes of size and otherwise goes upward;
 * regions where they were recorded; stacks below one another. Good enough to measure how fast references are, and nothing
 * else: `faultline replay` knows real allocators.
 */
#ifndef FAULTLINE_BENCH_MICRO_LAYOUT_H
#define FAULTLINE_BENCH_MICRO_LAYOUT_H

#include "traces/flt.h"

#define LAYOUT_CLASSES 256u

struct layout {
	const struct flt_summary *summary;
	uint64_t *address;	       /* [object id] */
	uint32_t *size;		       /* [object id], in 16 bytes */
	uint64_t *next;		       /* [object id]: the next free block of its class */
	uint64_t free[LAYOUT_CLASSES]; /* [class]: an object whose block is free, or 0 */
	uint64_t top;
};

/* Goes through the trace's events. */
enum trace_status layout_create(struct layout *layout, struct flt_reader *reader,
				struct trace_error *error) TRACE_MUST_USE;
void layout_destroy(struct layout *layout);

/* Where offset 0 of a context lies. */
uint64_t layout_of(const struct layout *layout, const struct access_context *context);

#endif
