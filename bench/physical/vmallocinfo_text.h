/* vmallocinfo_text.h: the areas of a recorded machine's vmalloc, from the text of its /proc/vmallocinfo.
 *
 *   0x00000000caa89906-0x00000000a265029f   20480 kernel_clone+0x94/0x3e0 pages=4 vmalloc N0=4
 *   start-end                               bytes caller                  what it is
 *   0x00000000b8f8dcd4-0x000000004d3c7d77   20480 unpurged vm_area
 *
 * The kernel prints addresses as numbers that stand for them, unless the reader may see them: the same number in two texts of one
 * machine is the same address, and nothing else can be told of it. With kernel.kptr_restrict = 2 all are 0 and tell nothing.
 *
 * A text that was cut off in the middle of a line ends with the line before.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_VMALLOCINFO_TEXT_H
#define FAULTLINE_BENCH_PHYSICAL_VMALLOCINFO_TEXT_H

#include "traces/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMALLOCINFO_BYTES_MAX (UINT64_C(1) << 47) /* of an area: all that a kernel has */

struct vmallocinfo_row {
	uint64_t start, end; /* addresses, or numbers that stand for them */
	uint64_t bytes;	     /* with the guard page: 1 page .. VMALLOCINFO_BYTES_MAX, whole pages */
	const char *caller;  /* NULL: none is named */
	uint64_t pages;	     /* frames of its own, at most as many as its bytes hold */
	uint64_t physical;
	unsigned flags; /* enum vm_flag; 0: freed and not purged, or of vm_map_ram */
	bool is_unpurged;
};

struct vmallocinfo_text {
	struct vmallocinfo_row *row; /* in the order of the text */
	uint32_t rows;
	char *callers; /* the text itself, in which the callers' names end with a NUL */
};

/* Reads the text. TRACE_BAD_INPUT names the line and what is wrong with it; TRACE_NO_MEMORY. */
enum trace_status vmallocinfo_text_parse(struct vmallocinfo_text *info, const char *text, size_t length,
					 struct trace_error *error) TRACE_MUST_USE;
void vmallocinfo_text_destroy(struct vmallocinfo_text *info);

#endif
