#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/report/metric.h"
#include "bench/metric.h"

#include <math.h>
#include <string.h>

static void expect_text(unsigned metric, double value, double resolution_ns, const char *expected)
{
	char text[METRIC_TEXT_BYTES];

	metric_text(metric_at(metric), value, resolution_ns, text);
	assert_string_equal(text, expected);
}

static void test_times(void **state)
{
	(void)state;
	expect_text(METRIC_NET, 20.04, 10, "20.0 ns");
	expect_text(METRIC_NET, 3, 10, "3.0 ns"); /* a mean over many events is finer than the clock */
	expect_text(METRIC_NET, 1234, 10, "1.2 µs");
	expect_text(METRIC_MALLOC_P99, 160, 10, "160 ns");
	expect_text(METRIC_MALLOC_P99, 123456, 10, "123 µs");
	expect_text(METRIC_MALLOC_P99, 2.5e6, 10, "2.5 ms");
	expect_text(METRIC_MALLOC_P99, 2.5e9, 10, "2.5 s");
}

static void test_below_the_clock(void **state)
{
	(void)state;
	expect_text(METRIC_MALLOC_P50, 0, 10, "<10 ns");
	expect_text(METRIC_MALLOC_P50, 10, 10, "10 ns");
	expect_text(METRIC_MALLOC_P50, 0, NAN, "0 ns");
}

static void test_bytes(void **state)
{
	(void)state;
	expect_text(METRIC_FOOTPRINT_PEAK, 0, NAN, "0 B");
	expect_text(METRIC_FOOTPRINT_PEAK, 1023, NAN, "1023 B");
	expect_text(METRIC_FOOTPRINT_PEAK, 1024, NAN, "1.0 KiB");
	expect_text(METRIC_FOOTPRINT_PEAK, -4096, NAN,
		    "-4.0 KiB"); /* a footprint may end below its baseline */
}

/* Whatever a file claims, the text fits. */
static void test_absurd_values(void **state)
{
	char text[METRIC_TEXT_BYTES];

	(void)state;
	for (unsigned i = 0; i < METRICS; i++) {
		metric_text(metric_at(i), 1e300, 1e300, text);
		assert_true(strlen(text) > 0 && strlen(text) < METRIC_TEXT_BYTES);
		metric_text(metric_at(i), -1e300, 1e300, text);
		assert_true(strlen(text) > 0 && strlen(text) < METRIC_TEXT_BYTES);
	}
}

static void test_others(void **state)
{
	(void)state;
	expect_text(METRIC_FOOTPRINT_OVER_LIVE, 1.0644, NAN, "1.064");
	expect_text(METRIC_INTERNAL_FRAGMENTATION, 0.0612, NAN, "6.1 %");
	expect_text(METRIC_NET, NAN, 10, "–");
	expect_text(METRIC_MALLOC_P50, NAN, 10, "–");
	expect_text(METRIC_FOOTPRINT_PEAK, INFINITY, 10, "–");
}

static void test_counts(void **state)
{
	char text[METRIC_TEXT_BYTES];
	static const struct {
		double count;
		const char *text;
	} cases[] = {{0, "0"},	{999, "999"}, {1000, "1,000"}, {1234567, "1,234,567"},
		     {-1, "–"}, {NAN, "–"},   {1e19, "–"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		metric_count_text(cases[i].count, text);
		assert_string_equal(text, cases[i].text);
	}
}

/* The table of metrics itself: every path lies in one of the two halves of a run, and says so. */
static void test_paths(void **state)
{
	(void)state;
	for (unsigned i = 0; i < METRICS; i++) {
		const struct metric *metric = metric_at(i);

		assert_non_null(metric->path);
		assert_true(strncmp(metric->path, metric->in_model ? "model." : "host.", 5) == 0);
		assert_true(strlen(metric->name) > 0);
	}
static const char text[] = "{\"host\": {\"latency_ns\": {\"malloc\": {\"p99\": 120, \"p9999\": null}, \"free\": {\"p99\": 0}},"
			   "\"throughput\": {\"net_ns_per_event\": 20, \"events_per_s\": 1e7, \"ci95_ns\": [19, 21]}}}";

static void limits_are_parsed(void **state)
{
	static const char *const wrong[] = {"", "p99", ">5%", "p99>", "p99>five", "p99>5%%", "p99>5 %", "p99>-1", "p99=5"};
	struct metric_limit limit;

	(void)state;
	assert_true(metric_limit_parse(&limit, "p99>5%"));
	assert_true(limit.above && limit.relative && limit.limit == 5);
	assert_string_equal(limit.metric, "p99");
	assert_true(metric_limit_parse(&limit, "host.memory.footprint_end_bytes<4096"));
	assert_true(!limit.above && !limit.relative && limit.limit == 4096);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(metric_limit_parse(&limit, wrong[i]));
}

static void metrics_are_found(void **state)
{
	json_t *run = json_loads(text, 0, NULL);

	(void)state;
	assert_true(metric_value(run, "p99") == 120);
	assert_true(metric_value(run, "malloc.p99") == 120);
	assert_true(metric_value(run, "free.p99") == 0);
	assert_true(metric_value(run, "net") == 20);
	assert_true(metric_value(run, "host.throughput.ci95_ns.1") == 21);
	assert_true(isnan(metric_value(run, "p9999")));
	assert_true(isnan(metric_value(run, "host.throughput.ci95_ns.2")));
	assert_true(isnan(metric_value(run, "host")));
	assert_true(isnan(metric_value(run, "no.such.key")));
	json_decref(run);
}

static enum metric_result judge(const char *limit_text, double before, double after)
{
	struct metric_limit limit;

	assert_true(metric_limit_parse(&limit, limit_text));
	return metric_limit_judge(&limit, before, after);
}

static void changes_are_judged(void **state)
{
	(void)state;
	assert_int_equal(judge("p99>5%", 100, 105), METRIC_WITHIN);
	assert_int_equal(judge("p99>5%", 100, 105.1), METRIC_EXCEEDED);
	assert_int_equal(judge("p99>5%", 100, 10), METRIC_WITHIN);
	assert_int_equal(judge("rate<3%", 100, 96), METRIC_EXCEEDED);
	assert_int_equal(judge("rate<3%", 100, 200), METRIC_WITHIN);
	assert_int_equal(judge("p99>5", 100, 105), METRIC_WITHIN);
	assert_int_equal(judge("p99>5", 0, 6), METRIC_EXCEEDED);
	assert_int_equal(judge("p99>5%", 0, 6), METRIC_UNKNOWN);
	assert_int_equal(judge("p99>5%", 0, 0), METRIC_WITHIN);
	assert_int_equal(judge("p99>5%", NAN, 6), METRIC_UNKNOWN);
}

static void count_visit(void *context, const char *path, double before, double after)
{
	unsigned *seen = context;

	(*seen)++;
	if (strcmp(path, "host.latency_ns.malloc.p9999") == 0)
		assert_true(isnan(before) && after == 7);
}

static void every_number_is_visited(void **state)
{
	json_t *before = json_loads(text, 0, NULL), *after = json_loads(text, 0, NULL);
	json_t *calls = json_object_get(json_object_get(json_object_get(after, "host"), "latency_ns"), "malloc");
	unsigned seen = 0;

	(void)state;
	(void)json_object_set_new(calls, "p9999", json_integer(7));
	metric_each(before, after, count_visit, &seen);
	assert_int_equal(seen, 7);
	json_decref(before);
	json_decref(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_times),  cmocka_unit_test(test_below_the_clock),
	    cmocka_unit_test(test_bytes),  cmocka_unit_test(test_absurd_values),
	    cmocka_unit_test(test_others), cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
		cmocka_unit_test(limits_are_parsed),
		cmocka_unit_test(metrics_are_found),
		cmocka_unit_test(changes_are_judged),
		cmocka_unit_test(every_number_is_visited),
	};

	return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}
