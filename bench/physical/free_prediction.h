/* free_prediction.h: a simulated machine's free blocks beside those that /proc/buddyinfo counted at the end of its recording.
 *
 *                 before          after           simulated                            blocks of an order in a zone
 *   changed                 |after - before|                                           what there was to predict
 *   error                                   |simulated - after|                        what the prediction missed
 *
 * Both are sums over orders and zones; the error is told as a share of the blocks that changed. The model "nothing changed" has 1 by
 * definition, so its share divided by the prediction's says how much nearer that is.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_FREE_PREDICTION_H
#define FAULTLINE_BENCH_PHYSICAL_FREE_PREDICTION_H

#include "bench/physical/buddyinfo_text.h"
#include "engine/base/ratio.h"
#include "engine/phys/memory.h"

#include <jansson.h>
#include <stdio.h>

struct predicted_zone {
	struct proc_zone zone;
	struct free_blocks before, after, simulated;
	uint64_t changed, error; /* blocks */
};

struct free_prediction {
	bool is_made;
	unsigned zones;
	unsigned orders; /* that buddyinfo has */
	struct predicted_zone zone[MEMORY_ZONES];
	uint64_t changed, error; /* sums over zones */
};

/* Compares the memory as it is now, of every zone that both buddyinfo have. */
void free_prediction_make(struct free_prediction *prediction, const struct memory *memory,
			  const struct buddyinfo *before, const struct buddyinfo *after);

/* error / changed, and changed / error: none where it would be divided by 0. */
struct ratio free_prediction_error(const struct free_prediction *prediction);
struct ratio free_prediction_nearer(const struct free_prediction *prediction);

/* A table of free blocks, and both figures. */
void free_prediction_print(const struct free_prediction *prediction, FILE *out);

/* {changed_blocks, error_blocks, error, nearer, zones [{node, name, before [per order], after, simulated, changed_blocks, error_blocks}]};
 * NULL without memory. */
json_t *free_prediction_json(const struct free_prediction *prediction);

#endif
