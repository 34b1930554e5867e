/* slabinfo_text.h: the caches of a recorded machine, from the text of its /proc/slabinfo.
 *
 *   slabinfo - version: 2.1
 *   # name            <active_objs> <num_objs> <objsize> ...
 *   dentry            798588 798588    192   21    1 : tunables    0    0    0 : slabdata  38028  38028      0
 *
 * The kernel counts a cache's objects while others use it, and only a part of a long list of slabs, so active_objs may be a little
 * more than num_objs, and num_objs than the slabs hold. That is no mistake; a line of another form, or a slab that does not hold its
 * objects, is.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_SLABINFO_TEXT_H
#define FAULTLINE_BENCH_PHYSICAL_SLABINFO_TEXT_H

#include "traces/error.h"

#include <stddef.h>
#include <stdint.h>

#define SLABINFO_NAME_BYTES 64u
#define SLABINFO_ROWS_MAX 2048u
#define SLABINFO_NO_ROW UINT32_MAX

/* One line, under the names of its columns. */
struct slabinfo_row {
	char name[SLABINFO_NAME_BYTES];
	uint64_t active_objs, num_objs;
	uint32_t objsize; /* bytes from one object to the next: 1 .. 4 MiB */
	uint32_t objperslab;
	uint32_t pagesperslab; /* a power of two, at most 1024; objperslab of objsize fit in */
	uint64_t num_slabs;
};

struct slabinfo_text {
	struct slabinfo_row *row; /* in the order of the text */
	uint32_t rows;
};

/* Reads the text. TRACE_BAD_INPUT names the line and what is wrong with it; TRACE_NO_MEMORY. */
enum trace_status slabinfo_text_parse(struct slabinfo_text *info, const char *text, size_t length,
				      struct trace_error *error) TRACE_MUST_USE;
void slabinfo_text_destroy(struct slabinfo_text *info);

/* The first row with that name, or SLABINFO_NO_ROW. */
uint32_t slabinfo_text_find(const struct slabinfo_text *info, const char *name);

static inline uint64_t slabinfo_row_pages(const struct slabinfo_row *row)
{
	return row->num_slabs * row->pagesperslab;
}

/* Of all rows. */
uint64_t slabinfo_text_pages(const struct slabinfo_text *info);

#endif
