/* frames_latency.h: the time of each allocation by itself, for any allocator of page frames (frames.h), in mixed churn of orders 0 .. 9
 * with 90 % of its frames in use.
 */
#ifndef FAULTLINE_BENCH_MICRO_FRAMES_LATENCY_H
#define FAULTLINE_BENCH_MICRO_FRAMES_LATENCY_H

#include "bench/micro/frames_work.h"
#include "bench/replay/clock.h"

#define FRAMES_LATENCIES 200000u

struct frames_latencies {
	struct clock clock;
	uint64_t count;
	uint32_t ticks[FRAMES_LATENCIES];
};

static inline int frames_compare_ticks(const void *a, const void *b)
{
	uint32_t first = *(const uint32_t *)a;
	uint32_t second = *(const uint32_t *)b;

	return (first > second) - (first < second);
}

/* A quantile in ns, rounded to the clock's step: nothing finer is claimed. */
static inline double frames_quantile_ns(const struct frames_latencies *latencies, double quantile)
{
	double ticks = latencies->ticks[(uint64_t)(quantile * (double)(latencies->count - 1))];
	double net = ticks > latencies->clock.overhead_ticks ? ticks - latencies->clock.overhead_ticks : 0;
	double step = (double)latencies->clock.step_ticks;

	return (double)(uint64_t)(net / step + 0.5) * step * clock_ns_per_tick(&latencies->clock);
}

static inline void frames_report_latencies(struct gbench_state *state, struct frames_latencies *latencies)
{
	qsort(latencies->ticks, latencies->count, sizeof(*latencies->ticks), frames_compare_ticks);
	gbench_counter(state, "p50_ns", frames_quantile_ns(latencies, 0.50));
	gbench_counter(state, "p99.9_ns", frames_quantile_ns(latencies, 0.999));
	gbench_counter(state, "p99_ns", frames_quantile_ns(latencies, 0.99));
}

/* Churn at 90 %, each allocation timed by itself. */
FRAMES_INLINE void frames_run_latency(struct gbench_state *state, struct frames *frames,
				      const struct frames_allocator *allocator)
{
	uint64_t pages = FRAMES_PAGES * 9 / 10;
	struct frames_latencies *latencies = calloc(1, sizeof(*latencies));

	if (!latencies) {
		gbench_fail(state, "the host has no memory");
		return;
	}
	clock_measure(&latencies->clock);
	frames_settle(frames, allocator, pages);
	while (gbench_keep_running(state, FRAMES_LATENCIES)) {
		latencies->count = 0;
		while (latencies->count < FRAMES_LATENCIES) {
			if (frames->used_pages >= pages) {
				frames_mix(frames, allocator, pages);
				continue;
			}
			uint64_t bits = random_next(&frames->random) | (uint64_t)1 << FRAMES_MIXED_ORDER;
			uint64_t begin = clock_begin();

			(void)frames_take(frames, allocator, (unsigned)__builtin_ctzll(bits));
			latencies->ticks[latencies->count++] = (uint32_t)(clock_end() - begin);
		}
	}
	frames_report_latencies(state, latencies);
	free(latencies);
}

#endif
