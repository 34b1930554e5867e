#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/latency.h"

#include <stdlib.h>

/* A clock of 10 ns steps that takes 20 ns to read: 3 steps are a call of 10 ns, 2 steps one of less than the step. */
static void values_are_steps_of_the_clock(void **state)
{
	struct session_reply *reply = calloc(1, sizeof(*reply));

	(void)state;
	assert_non_null(reply);
	reply->clock_step_ns_x1000 = 10017;
	reply->clock_overhead_ns_x1000 = 20400;
	for (unsigned i = 0; i < 1000; i++)
		histogram_add(&reply->latency[LATENCY_MALLOC], i < 600 ? 2 : i < 995 ? 3 : 50);
	struct latency latency = latency_quantile(reply, LATENCY_MALLOC, 0.5);

	assert_true(latency.exists && latency.below_resolution && latency.ns == 0);
	latency = latency_quantile(reply, LATENCY_MALLOC, 0.9);
	assert_true(latency.exists && !latency.below_resolution && latency.ns == 10);
	latency = latency_quantile(reply, LATENCY_MALLOC, 0.99);
	assert_true(latency.exists && latency.ns == 10);
	assert_false(latency_quantile(reply, LATENCY_MALLOC, 0.999).exists);
	latency = latency_quantile(reply, LATENCY_MALLOC, 1);
	assert_true(latency.exists && latency.ns == 480);
	assert_false(latency_quantile(reply, LATENCY_FREE, 1).exists);
	free(reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(values_are_steps_of_the_clock)};

	return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
