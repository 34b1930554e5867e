/* listing.h: the mappings of an address space beside what /proc/PID/maps said of it.
 *
 * Two lines are equal when start, end, rights and, of a file's mapping, the place in the file are. What only the kernel has is
 * left out: vsyscall, which is no mapping of the process.
 */
#ifndef FAULTLINE_BENCH_FIDELITY_LISTING_H
#define FAULTLINE_BENCH_FIDELITY_LISTING_H

#include "engine/virt/mm.h"

#include <stdint.h>
#include <stdio.h>

struct listing {
	uint64_t recorded, ours; /* mappings */
	uint64_t equal;
};

/* Compares. Those of either side that the other lacks are printed on `differences`, if that is not NULL. */
struct listing listing_compare(const struct mm *mm, const char *maps, FILE *differences);

#endif
