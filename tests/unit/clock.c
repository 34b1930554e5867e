#include "config.h"

#include "traces/record/clock.h"

#include "traces/record/ticks.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void ticks_become_nanoseconds(void **unused)
{
	const struct tick_clock clock = {.first = 1000, .resolution_ns = 10, .ns_per_tick = 0.5};

	(void)unused;
	assert_int_equal(tick_clock_ns(&clock, 1000), 0);
	assert_int_equal(tick_clock_ns(&clock, 0), 0);
	assert_int_equal(tick_clock_ns(&clock, 1018), 0);
	assert_int_equal(tick_clock_ns(&clock, 1020), 10);
	assert_int_equal(tick_clock_ns(&clock, 1059), 30);
}

/* The calibrated rate keeps up with the system's clock: a thousandth of the time passed, and what reading both costs. */
static void the_rate_is_the_machines(void **unused)
{
	struct tick_clock clock;
	uint64_t start = monotonic_ns(), before, between, after;
	const struct timespec pause = {.tv_nsec = 20000000};

	(void)unused;
	tick_clock_start(&clock);
	tick_clock_calibrate(&clock);
	assert_true(clock.ns_per_tick > 0);
	assert_in_range(clock.resolution_ns, 1, 1000000);
	assert_int_equal(nanosleep(&pause, NULL), 0);
	before = monotonic_ns() - start;
	between = tick_clock_ns(&clock, ticks_now());
	after = monotonic_ns() - start;
	assert_true(between + clock.resolution_ns + before / 1000 + 1000000 >= before);
	assert_true(between <= after + after / 1000);
	assert_int_equal(between % clock.resolution_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ticks_become_nanoseconds),
	    cmocka_unit_test(the_rate_is_the_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
