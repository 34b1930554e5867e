#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/limit.h"

#include <math.h>
#include <string.h>

static const char text[] =
    "{\"host\": {\"latency_ns\": {\"malloc\": {\"p99\": 120, \"p9999\": null}, \"free\": {\"p99\": 0}},"
    "\"throughput\": {\"net_ns_per_event\": 20, \"events_per_s\": 1e7, \"ci95_ns\": [19, 21]}}}";

static void limits_are_parsed(void **state)
{
	static const char *const wrong[] = {"",	       "p99",	  ">5%",    "p99>", "p99>five",
					    "p99>5%%", "p99>5 %", "p99>-1", "p99=5"};
	struct limit limit;

	(void)state;
	assert_true(limit_parse(&limit, "p99>5%"));
	assert_true(limit.above && limit.relative && limit.limit == 5);
	assert_string_equal(limit.metric, "p99");
	assert_true(limit_parse(&limit, "host.memory.footprint_end_bytes<4096"));
	assert_true(!limit.above && !limit.relative && limit.limit == 4096);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(limit_parse(&limit, wrong[i]));
}

static void metrics_are_found(void **state)
{
	json_t *run = json_loads(text, 0, NULL);

	(void)state;
	assert_true(limit_figure(run, "p99") == 120);
	assert_true(limit_figure(run, "malloc.p99") == 120);
	assert_true(limit_figure(run, "free.p99") == 0);
	assert_true(limit_figure(run, "net") == 20);
	assert_true(limit_figure(run, "host.throughput.ci95_ns.1") == 21);
	assert_true(isnan(limit_figure(run, "p9999")));
	assert_true(isnan(limit_figure(run, "host.throughput.ci95_ns.2")));
	assert_true(isnan(limit_figure(run, "host")));
	assert_true(isnan(limit_figure(run, "no.such.key")));
	json_decref(run);
}

static enum limit_result judge(const char *limit_text, double before, double after)
{
	struct limit limit;

	assert_true(limit_parse(&limit, limit_text));
	return limit_judge(&limit, before, after);
}

static void changes_are_judged(void **state)
{
	(void)state;
	assert_int_equal(judge("p99>5%", 100, 105), LIMIT_WITHIN);
	assert_int_equal(judge("p99>5%", 100, 105.1), LIMIT_EXCEEDED);
	assert_int_equal(judge("p99>5%", 100, 10), LIMIT_WITHIN);
	assert_int_equal(judge("rate<3%", 100, 96), LIMIT_EXCEEDED);
	assert_int_equal(judge("rate<3%", 100, 200), LIMIT_WITHIN);
	assert_int_equal(judge("p99>5", 100, 105), LIMIT_WITHIN);
	assert_int_equal(judge("p99>5", 0, 6), LIMIT_EXCEEDED);
	assert_int_equal(judge("p99>5%", 0, 6), LIMIT_UNKNOWN);
	assert_int_equal(judge("p99>5%", 0, 0), LIMIT_WITHIN);
	assert_int_equal(judge("p99>5%", NAN, 6), LIMIT_UNKNOWN);
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
	json_t *calls =
	    json_object_get(json_object_get(json_object_get(after, "host"), "latency_ns"), "malloc");
	unsigned seen = 0;

	(void)state;
	(void)json_object_set_new(calls, "p9999", json_integer(7));
	limit_each_figure(before, after, count_visit, &seen);
	assert_int_equal(seen, 7);
	json_decref(before);
	json_decref(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(limits_are_parsed),
	    cmocka_unit_test(metrics_are_found),
	    cmocka_unit_test(changes_are_judged),
	    cmocka_unit_test(every_number_is_visited),
	};

	return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
