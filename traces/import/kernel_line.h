/* kernel_line.h: a tracepoint of the kernel's allocators as text, from its name on: what perf script and ftrace print alike.
 *
 *   kmem:mm_page_alloc: page=0x115f27 pfn=0x115f27 order=0 migratetype=0 gfp_flags=GFP_HIGHUSER|__GFP_ACCOUNT
 *   kfree: call_site=ffffffff8113ee42 ptr=          (null)
 *
 * Fields are found by their keys, in any order. A frame number without 0x is decimal (kernels before 5.0); a pointer may be without it,
 * (nil) or (null); flags are names, a number, or "none"; a cache's name may be missing.
 */
#ifndef FAULTLINE_TRACES_IMPORT_KERNEL_LINE_H
#define FAULTLINE_TRACES_IMPORT_KERNEL_LINE_H

#include "traces/import/kernel_stream.h"
#include "traces/import/kernel_tracepoint.h"
#include "traces/import/scan.h"

#include <stdbool.h>

/* The tracepoint with the name "mm_page_alloc", "kmem:mm_page_alloc" or "kmem:mm_page_alloc:u"; NULL: none of those that are events
 * by themselves. */
const struct kernel_tracepoint *kernel_line_tracepoint(struct scan name);

/* Fills in event, gfp and cache of *moment, which point into the text. False: a field that is needed is missing, or makes no sense. */
bool kernel_line_parse(const struct kernel_tracepoint *tracepoint, struct scan text,
		       struct kernel_moment *moment);

#endif
