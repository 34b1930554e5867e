/* physical_verdict.h: what several policies made of one kernel recording, in sentences.
 *
 *   engine:fullest-block leaves the most 2 MiB blocks free at the end: 1860; engine 1859, engine:linux 1858, recorded 1858
 *   no difference in requests refused: 0 under every policy
 *
 * The figures are those of memory_outcome.h. The same recording and policies give the same figures, so the better one wins by
 * whatever it is better, and there is no interval. The machine itself is in the ranking, but wins nothing.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_PHYSICAL_VERDICT_H
#define FAULTLINE_BENCH_PHYSICAL_PHYSICAL_VERDICT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct physical_verdicts {
	const json_t *runs; /* each a run.json; those from `first` on are of the trace */
	size_t first;
	const char *trace;
	const char *against; /* the target that all others are held against as well, or NULL */
};

/* Adds the verdicts to the array `verdicts`: {"trace","measure","winner"|null,"best","other","ratio"|null,"ci95":null,"sentence"}; and prints
 * their sentences to `out`, unless it is NULL. A figure that fewer than two policies have makes none. False without memory. */
bool physical_verdicts_make(const struct physical_verdicts *how, json_t *verdicts, FILE *out);

#endif
