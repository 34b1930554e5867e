/* kernel_summary.h: what `faultline info` says of a trace's events of the kernel's allocators. */
#ifndef FAULTLINE_BENCH_KERNEL_SUMMARY_H
#define FAULTLINE_BENCH_KERNEL_SUMMARY_H

#include "traces/flt.h"

#include <jansson.h>
#include <stdio.h>

/* Pages by order and by migrate type, the sets of allocation flags and the caches most used, the recorder's own events; nothing
 * where there are no such events. */
void kernel_summary_print(FILE *out, const struct flt_summary *summary);

/* {recorder_id, recorder_events, page_allocs [per order], page_frees [per order], migrate_types [page_allocs], gfp {flags:
 * page_allocs}, caches {name: {allocs, frees, bytes, granted}}}; null where there are no such events. */
json_t *kernel_summary_json(const struct flt_summary *summary);

#endif
