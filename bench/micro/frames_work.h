/* frames_work.h: the timed loops over page frames that more than one benchmark program has, for any allocator (frames.h).
 */
#ifndef FAULTLINE_BENCH_MICRO_FRAMES_WORK_H
#define FAULTLINE_BENCH_MICRO_FRAMES_WORK_H

#include "bench/micro/frames.h"
#include "bench/micro/gbench.h"

/* Takes a frame and gives it back: nothing but that is timed. */
FRAMES_INLINE void frames_run_pair(struct gbench_state *state, struct frames *frames,
				   const struct frames_allocator *allocator, bool half)
{
	if (half)
		frames_halve(frames, allocator);
	while (gbench_keep_running(state, FRAMES_BATCH)) {
		for (int i = 0; i < FRAMES_BATCH; i++) {
			pfn_t pfn = allocator->allocate(frames->self, 0);

			gbench_keep(pfn);
			allocator->free(frames->self, pfn, 0);
		}
	}
}

FRAMES_INLINE void frames_run_replace(struct gbench_state *state, struct frames *frames,
				      const struct frames_allocator *allocator)
{
	frames_halve(frames, allocator);
	while (gbench_keep_running(state, FRAMES_BATCH)) {
		for (int i = 0; i < FRAMES_BATCH; i++) {
			frames_give(frames, allocator, frames_victim(frames));
			(void)frames_take(frames, allocator, 0);
		}
	}
}

FRAMES_INLINE void frames_run_bulk(struct gbench_state *state, struct frames *frames,
				   const struct frames_allocator *allocator, bool time_frees)
{
	while (gbench_keep_running(state, (int64_t)frames->pages)) {
		if (time_frees)
			gbench_pause(state);
		frames_fill(frames, allocator, frames->pages);
		if (!time_frees)
			gbench_pause(state);
		frames_shuffle(frames);
		if (time_frees)
			gbench_resume(state);
		while (frames->blocks > 0)
			frames_give(frames, allocator, frames->blocks - 1);
		if (!time_frees)
			gbench_resume(state);
	}
}

FRAMES_INLINE void frames_settle(struct frames *frames, const struct frames_allocator *allocator,
				 uint64_t pages)
{
	while (frames->used_pages < pages)
		frames_mix(frames, allocator, pages);
	for (int i = 0; i < 200000; i++)
		frames_mix(frames, allocator, pages);
	frames->failed = 0;
	frames->attempted = 0;
}

FRAMES_INLINE void frames_run_churn(struct gbench_state *state, struct frames *frames,
				    const struct frames_allocator *allocator, uint64_t pages)
{
	frames_settle(frames, allocator, pages);
	while (gbench_keep_running(state, FRAMES_BATCH)) {
		for (int i = 0; i < FRAMES_BATCH; i++)
			frames_mix(frames, allocator, pages);
	}
	gbench_counter(state, "failed_%",
		       frames->attempted ? 100.0 * (double)frames->failed / (double)frames->attempted : 0);
}

#endif
