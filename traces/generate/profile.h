/* profile.h: how a fleet of programs uses its heap: a table of sizes.
 *
 *   size, alloc_rate, num_live         one row per line, sizes rising or not
 *   1, 158.53139989144336, 19.54143866490555
 *   8, 958.84, 9.77e-3
 *
 * These are the columns of Google's Fleetbench profiles: bytes, allocations per second, blocks that are live
 * at a moment. By Little's law a block of the row lives num_live / alloc_rate seconds on average. Numbers are
 * kept in fixed point: rates in 10^-9 per second, live blocks in 10^-8.
 */
#ifndef FAULTLINE_TRACES_GENERATE_PROFILE_H
#define FAULTLINE_TRACES_GENERATE_PROFILE_H

#include "traces/error.h"
#include "traces/import/input.h"

#include <stddef.h>
#include <stdint.h>

#define PROFILE_ROWS_MAX ((size_t)1 << 20)
#define PROFILE_LIVE_UNIT UINT64_C(100000000)  /* one live block */
#define PROFILE_RATE_UNIT UINT64_C(1000000000) /* one allocation per second */

struct profile_row {
	uint64_t size_bytes;
	uint64_t rate; /* 10^-9 allocations per second */
	uint64_t live; /* 10^-8 blocks */
	uint64_t mean_life_ns;
};

struct profile {
	struct profile_row *row;
	size_t rows, capacity;
};

/* Reads all lines; a header, blank lines and lines beginning with # are skipped. TRACE_BAD_INPUT, with file
 * and line, for a line that is no row, a size of 0 or above 2^40 bytes, a row that is never allocated or
 * never live, and for a table without rows. */
enum trace_status profile_read(struct profile *profile, struct input *input,
			       struct trace_error *error) TRACE_MUST_USE;

void profile_destroy(struct profile *profile);

#endif
