/* physical_compare.h: `faultline compare` on a kernel recording: the pages of each target's policy beside where the machine had its own.
 *
 *   free memory at the end       blocks  2 MiB free    of the most  with kernel    refused    nearer
 *   recorded                      33332        1858         48.4 %            -          0         -
 *   engine:linux                  33367        1858         48.4 %         2441          0      33.9
 *
 * Over all zones (memory_outcome.h); `nearer` as in free_prediction.h. Then who is best at what (physical_verdict.h).
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_PHYSICAL_COMPARE_H
#define FAULTLINE_BENCH_PHYSICAL_PHYSICAL_COMPARE_H

#include "bench/replay_options.h"

#include <jansson.h>

/* What compare.json is made of: two arrays. */
struct physical_outcomes {
	json_t *runs, *verdicts;
};

/* Compares the targets of the options, each an engine with a policy, and prints table and verdicts unless they ask for JSON. The runs, the
 * machine's own first, are written below `directory`, which is there (NULL: nowhere). False after a message. */
bool physical_compare(const struct replay_options *options, const char *path, const char *directory,
		      const struct physical_outcomes *outcomes);

#endif
