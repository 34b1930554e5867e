/* trial_mmu.h: the passes of a trial's trace through MMUs, one for each target (mmu_pass.h).
 *
 *   target      blocks lie                                            process
 *   engine      where a machine of the model places them              the one that is replayed
 *   recorded    where nobody knows: only references to regions,       the same; all, when nothing else is replayed
 *               stacks and addresses are made
 *   others      where a pass of its own saw the allocator put them    the same
 *               (bench/placement); with several takes, all are run
 *   null        (no pass: its blocks overlap)
 */
#ifndef FAULTLINE_BENCH_TRIAL_MMU_H
#define FAULTLINE_BENCH_TRIAL_MMU_H

#include "bench/trial.h"

/* False, with a message: --mmu and the trace, or --mmu and the targets, do not go together. */
bool trial_mmu_may_run(const struct trial *trial, const struct replay_options *options,
		       const struct flt_summary *trace);

/* Makes trial->pass. False after one message. */
bool trial_mmu_run(struct trial *trial, const struct replay_options *options);

#endif
