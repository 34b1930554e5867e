/* verdict.h: who wins, and how sure that is.
 *
 * For one measure, the target with the lowest median is held against every other by the interval of the per-round ratios
 * (interval.h). It wins when the whole interval lies below 1 for each of them; those for whom it does not are not different from it.
 */
#ifndef FAULTLINE_BENCH_VERDICT_H
#define FAULTLINE_BENCH_VERDICT_H

#include "bench/interval.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* One target's rounds of the measure. */
struct contender {
	const char *name;
	const double *rounds;
};

struct verdict {
	const char *measure;   /* "time", "footprint" */
	const char *best;      /* lowest median; NULL when there is nothing to compare */
	const char *other;     /* the one that best is least surely better than */
	struct interval ratio; /* best / other, per round */
	bool wins;
	char sentence[512]; /* without full stop */
};

/* Judges contenders[0..count) by `rounds` rounds each; lower is better. */
struct verdict verdict_of(const char *measure, const struct contender *contenders, size_t count,
			  unsigned rounds);

/* One contender beside one baseline, whichever of the two is better: `best` is the contender, `other` the baseline. */
struct verdict verdict_against(const char *measure, const struct contender *contender,
			       const struct contender *baseline, unsigned rounds);

/* {"trace","measure","winner"|null,"best","other","ratio","ci95"|null,"sentence"}. */
json_t *verdict_json(const struct verdict *verdict, const char *trace);

#endif
