#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/physical/page_latency.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *written(const struct page_latency *latency)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	assert_non_null(file);
	page_latency_write(latency, file);
	assert_int_equal(fclose(file), 0);
	return text;
}

/* Twenty calls of order 3 took 7 steps of the clock besides its own time, one of order 0 nothing, one of order 11 is left out. */
static void test_rows(void **state)
{
	struct page_latency *latency = malloc(sizeof(*latency));
	unsigned lines = 0;

	(void)state;
	assert_non_null(latency);
	page_latency_create(latency);
	const double step = latency->clock.step_ticks, overhead = latency->clock.overhead_ticks;
	const double steps = 7 + (double)(uint64_t)(overhead / step + 0.5);

	for (unsigned i = 0; i < 20; i++)
		page_latency_add(latency, PAGE_RELEASE, 3, (uint64_t)(steps * step + 0.5));
	page_latency_add(latency, PAGE_ALLOCATION, 0, 0);
	page_latency_add(latency, PAGE_ALLOCATION, PAGE_LATENCY_ORDERS, 1000);
	assert_int_equal(latency->histogram[PAGE_RELEASE][3].samples, 20);
	char *text = written(latency), expected[128];
	const double step_ns = step * clock_ns_per_tick(&latency->clock);

	/* The median needs 20 samples, every other percentile more; the maximum one. */
	assert_non_null(strstr(text, "\nallocation\t0\t1\t0.0\t1\t1\n"));
	(void)snprintf(expected, sizeof(expected), "\nrelease\t3\t0.5\t%.0f", 7 * step_ns);
	expected[strlen(expected) - 1] = '\0';
	assert_non_null(strstr(text, expected));
	assert_non_null(strstr(text, "\nrelease\t3\t1\t"));
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 4);
	free(text);
	free(latency);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
