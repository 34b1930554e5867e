/* flt_kernel.h: what the kernel's allocators did (struct event_kernel) as columns of an EVNT section.
 *
 *   32 frame of page_alloc, 33 of page_free, 34 of page_free_batched, 35 of zone_locked, 36 of pcpu_drain, 37 of other kinds:
 *      each zigzag(frame - the one before it in this column; 0 before the first)
 *   38 order, 39 migrate type, 40 gfp, 41 cache, 42 bytes, 43 granted, 44 pages, 45 node, 46 fallback order,
 *      47 fallback type, 48 flags, 49 code
 *   50 address of kmem_alloc and kmem_free: zigzag((address - the one before it of its cache's chain) >> shift)
 *   51 address of other kinds: zigzag(address - the one before it in this column)
 * All are varints, per event of a kind that has the field (event_kernel_carries); a column whose values would all be 0 is left
 * out. A cache's chain is that of its number modulo 1,024; it begins at 0. The shift is field 5 of the section: so many low bits of
 * all these differences are 0. A block of other events has none of this, and costs nothing here.
 */
#ifndef FAULTLINE_TRACES_FLT_KERNEL_H
#define FAULTLINE_TRACES_FLT_KERNEL_H

#include "traces/event.h"
#include "traces/flt_column.h"
#include "traces/flt_section.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLT_KERNEL_CHAINS 1024u

/* The events whose numbers are coded. */
struct flt_kernels {
	const uint8_t *kind; /* of each event */
	size_t events;
	struct event_kernel *kernel; /* of each event; those of other kinds are all 0 */
	uint64_t *values;	     /* scratch: one per event */
	uint8_t *bytes;		     /* scratch: FLT_VARINT_BYTES per event */
};

/* How many names each table has. */
struct flt_kernel_known {
	uint32_t gfps, caches;
};

/* Adds field 5 and columns 32 to 51 to the section in `writer`, which has fields 0 to 4. */
enum trace_status flt_kernels_encode(const struct flt_kernels *kernels, struct flt_section_writer *writer,
				     struct trace_error *error) TRACE_MUST_USE;

/* Whether a section has any of them. */
bool flt_kernels_present(const struct flt_section *section);

/* Fills kernels->kernel. TRACE_BAD_INPUT when a column has another number of values than the kinds ask for, or a number that
 * does not fit, or a gfp or cache that has no name. */
enum trace_status flt_kernels_decode(const struct flt_kernels *kernels, struct flt_column_reader *reader,
				     const struct flt_section *section, const struct flt_kernel_known *known,
				     struct trace_error *error) TRACE_MUST_USE;

#endif
