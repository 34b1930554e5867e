/* machine_sums.h: numbers about a whole machine under the names that /proc/vmstat has for them, as far as the model has them.
 *
 *   nr_free_pages        frames in the zones' keepers, not those in page sets
 *   nr_anon_pages ...    of processes: a look at the page of every frame
 *   nr_slab_...          slabs of all caches, by whether their objects can be reclaimed
 *   pgfault ...          since the machine began
 *
 * What a number counts is said in mm/vmstat.c of Linux 6.18 and where it is changed there.
 */
#ifndef FAULTLINE_BENCH_PROC_MACHINE_SUMS_H
#define FAULTLINE_BENCH_PROC_MACHINE_SUMS_H

#include "bench/proc/machine.h"

#define MACHINE_SUMS 32u

struct machine_sum {
	const char *name;
	uint64_t value;
};

struct machine_sums {
	size_t count;
	struct machine_sum sum[MACHINE_SUMS];
};

/* Of the machine. O(frames) where there are processes. */
void machine_sums_of(const struct proc_machine *machine, struct machine_sums *sums);

/* Of a zone: the names that it has a number of its own for. */
void machine_sums_of_zone(const struct zone *zone, struct machine_sums *sums);

/* The number with that name, `length` bytes long. False: the model has none. */
bool machine_sums_find(const struct machine_sums *sums, const char *name, size_t length, uint64_t *value);

/* The same for a name that ends with a NUL; `otherwise` where there is none. */
uint64_t machine_sums_get(const struct machine_sums *sums, const char *name, uint64_t otherwise);

#endif
