#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/timeline.h"

#include <math.h>

static void samples_stay_in_order(void **state)
{
	struct timeline timeline = {0};

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		struct timeline_sample sample = {.event = i, .footprint_bytes = i == 700 ? 5000 : i};

		assert_true(timeline_add(&timeline, &sample));
	}
	assert_int_equal(timeline.count, 1000);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(timeline.sample[i].event, i);
	assert_int_equal(timeline_footprint_peak(&timeline), 5000);
	timeline_destroy(&timeline);
	assert_int_equal(timeline_footprint_peak(&timeline), 0);
}

static void ratios_of_nothing_are_not_numbers(void **state)
{
	struct timeline_sample sample = {.live_bytes = 75, .granted_bytes = 100, .footprint_bytes = 150};

	(void)state;
	assert_true(timeline_internal_fragmentation(&sample) == 0.25);
	assert_true(timeline_footprint_over_live(&sample) == 2);
	sample.live_bytes = sample.granted_bytes = 0;
	assert_true(isnan(timeline_internal_fragmentation(&sample)));
	assert_true(isnan(timeline_footprint_over_live(&sample)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(samples_stay_in_order),
	    cmocka_unit_test(ratios_of_nothing_are_not_numbers),
	};

	return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
