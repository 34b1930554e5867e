/* physical_compare.h: `faultline compare` on a kernel recording: the pages of each target's policy beside where the machine had its own.
 *
 *   target                 free blocks   as 2 MiB   of the most   unusable for 2 MiB   refused   nearer
 *   recorded                     66013     526336        55.1 %               44.9 %         0
 *   engine:linux                 67412 ...                                                       11.6
 *
 * At the end, over all zones; `nearer` as in free_prediction.h.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_PHYSICAL_COMPARE_H
#define FAULTLINE_BENCH_PHYSICAL_PHYSICAL_COMPARE_H

#include "bench/replay_options.h"

#include <jansson.h>

/* Is the trace one of a machine's page allocator? `path` "-" is none; one that cannot be read is none, and whoever reads it says why. */
bool physical_compare_is_of(const char *path);

/* Compares the targets of the options, each an engine with a policy, and prints the table unless they ask for JSON. The runs, the machine's
 * own first, are added to `runs`, and written below `directory`, which is there (NULL: nowhere). False after a message. */
bool physical_compare(const struct replay_options *options, const char *path, const char *directory,
		      json_t *runs);

#endif
