/* quantity.h: numbers with units, as options of commands give them: 64M, 1.5h, 500ms. */
#ifndef FAULTLINE_BENCH_QUANTITY_H
#define FAULTLINE_BENCH_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/* A unit's name and how many it stands for. Tables end with a name of NULL; the name "" is for a number alone. */
struct quantity_unit {
	const char *name;
	double factor;
};

extern const struct quantity_unit quantity_sizes[];  /* K, M, G and KiB, MiB, GiB: powers of 1024; bytes */
extern const struct quantity_unit quantity_counts[]; /* K, M, G: powers of 1000 */
extern const struct quantity_unit quantity_times[];  /* ns, us, ms, s, m, h; alone: seconds; nanoseconds */

/* A number greater than 0, perhaps with a fraction, and its unit, in all at least 1 and below 9e18. */
bool quantity_parse(const char *text, const struct quantity_unit *units, uint64_t *result);

#endif
