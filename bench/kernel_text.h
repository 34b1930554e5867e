/* kernel_text.h: events of the kernel's allocators in the words of `faultline cat`. */
#ifndef FAULTLINE_BENCH_KERNEL_TEXT_H
#define FAULTLINE_BENCH_KERNEL_TEXT_H

#include "traces/flt.h"

/* Prints "page_alloc(frame=0x115d14, order=0, migrate_type=1, gfp=GFP_KERNEL)" on standard output: all that the kind carries. */
void kernel_text_print(const struct flt_summary *summary, const struct event *event);

#endif
