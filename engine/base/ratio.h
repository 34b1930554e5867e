/* ratio.h: a figure as two whole numbers, so that nothing is rounded before it is printed.
 *
 * A denominator of zero means that the figure cannot be had; a report then says null, never 0.
 */
#ifndef FAULTLINE_ENGINE_BASE_RATIO_H
#define FAULTLINE_ENGINE_BASE_RATIO_H

#include <stdbool.h>
#include <stdint.h>

struct ratio {
	int64_t numerator;
	uint64_t denominator; /* 0 = the figure cannot be had */
};

#define RATIO_NONE ((struct ratio){0, 0})

static inline bool ratio_exists(struct ratio ratio)
{
	return ratio.denominator != 0;
}

/* The figure itself: one division, the same on every compiler. Only for a ratio that exists. */
static inline double ratio_value(struct ratio ratio)
{
	return (double)ratio.numerator / (double)ratio.denominator;
}

#endif
