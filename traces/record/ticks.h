/* ticks.h: the processor's clock, as cheap as it can be read.
 *
 * On x86 the time-stamp counter (not serialised: a reading may be a few instructions early); elsewhere the monotonic
 * clock in nanoseconds. Ticks are data only: order comes from the arena's counter. clock.h turns ticks into nanoseconds.
 */
#ifndef FAULTLINE_TRACES_RECORD_TICKS_H
#define FAULTLINE_TRACES_RECORD_TICKS_H

#include <stdint.h>

#if defined(__x86_64__)
static inline uint64_t ticks_now(void)
{
	return __builtin_ia32_rdtsc();
}
#else
#include <time.h>
static inline uint64_t ticks_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
#endif

#endif
