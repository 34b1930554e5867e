/* fleetbench.h: a steady heap that looks like a profile (profile.h).
 *
 * The profile is scaled to heap_mib of live bytes: every row's live count and rate by the same factor, so
 * that block lifetimes stay as measured. Each row is then a queue without waiting (M/M/infinity): blocks are
 * born at random moments at the row's rate and live exponentially long around the row's mean. Such a queue
 * that begins with as many blocks as it has on average is in its steady state from the first event on:
 *
 *   live blocks of row i at any moment:  Poisson around  live_i x heap / sum(size x live)
 *   births of row i among n births:      n x rate_i / sum(rate), +- its square root
 *
 * so counts and rates match the profile up to this noise, and their sums much better. Measured by the unit
 * test on the ten profiles of Fleetbench (500,000 events, 32 MiB): births of no row off by more than 4 standard
 * deviations, live counts by 4; the mean live count of rows with 1,000 blocks and more off by less than 4 %,
 * the mean heap by less than 3 %. The trace begins with the blocks that are live at its start, in random
 * order. Time is the model's, in nanoseconds.
 *
 * A row whose blocks are larger than max_bytes is left out, and the rest scaled up to heap_mib: one such
 * block would upset a small heap.
 */
#ifndef FAULTLINE_TRACES_GENERATE_FLEETBENCH_H
#define FAULTLINE_TRACES_GENERATE_FLEETBENCH_H

#include "traces/generate/workload.h"

extern const struct workload fleetbench_workload;

#endif
