/* iomem_text.h: /proc/iomem: where a machine's addresses lead; of it, where its memory lies.
 *
 *   00001000-0009fbff : System RAM           bytes, the last one included
 *   00100000-bfffffff : System RAM
 *     01000000-02209987 : Kernel code        indented: a part of the one above
 *
 * A kernel shows addresses to privileged readers only, others see zeroes.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_IOMEM_TEXT_H
#define FAULTLINE_BENCH_PHYSICAL_IOMEM_TEXT_H

#include "bench/physical/proc_text.h"

/* Whole frames of System RAM, into an empty list. TRACE_BAD_INPUT when the text is no iomem, hides its addresses, or has more ranges than
 * the list can take, or none. */
enum trace_status iomem_parse(struct memblock_list *memory, const struct event_snapshot *snapshot,
			      struct trace_error *error) TRACE_MUST_USE;

#endif
