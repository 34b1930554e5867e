#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/report/run_summary.h"

#include <math.h>
#include <string.h>

static json_t *parse(const char *text)
{
	json_t *document = json_loads(text, 0, NULL);

	assert_non_null(document);
	return document;
}

static void test_values(void **state)
{
	struct run_summary run;
	struct trace_error error;

	(void)state;
	assert_int_equal(
	    run_summary_create(
		&run,
		parse("{\"schema\":1,\"trace\":{\"path\":\"a/b.c.flt\",\"events\":12,\"live_peak_bytes\":77},"
		      "\"target\":\"engine:linux\",\"mode\":\"baton\",\"host\":{\"throughput\":{\"net_ns_per_"
		      "event\":5.5,"
		      "\"ci95_ns\":[5,6],\"mode\":\"single\"},\"latency_ns\":{\"resolution_ns\":10,"
		      "\"malloc\":{\"p50\":10,"
		      "\"p99\":80,\"p999\":null,\"below_resolution\":[\"p50\"]}}},\"model\":null}"),
		"x", &error),
	    TRACE_OK);
	assert_string_equal(run.trace_name, "b.c");
	assert_string_equal(run.mode, "baton");
	assert_string_equal(run.speed_mode, "single");
	assert_true(run.events == 12 && run.live_peak_bytes == 77);
	assert_true(run.value[ROW_NET] == 5.5 && run.net_low_ns == 5 && run.net_high_ns == 6);
	assert_true(run.value[ROW_MALLOC_P50] == 0); /* below the clock's step */
	assert_true(run.value[ROW_MALLOC_P99] == 80);
	assert_true(isnan(run.value[ROW_MALLOC_P999]) && isnan(run.value[ROW_METADATA]));
	assert_true(run_summary_is(&run, "engine"));
	assert_false(run_summary_is(&run, "eng"));
	run_summary_destroy(&run);
}

static void test_wrong_types_are_unknown(void **state)
{
	struct run_summary run;
	struct trace_error error;

	(void)state;
	assert_int_equal(
	    run_summary_create(
		&run,
		parse("{\"schema\":1,\"trace\":{\"path\":\".flt\",\"events\":\"many\"},\"target\":\"x\","
		      "\"mode\":7,\"host\":[1,2],\"model\":{\"memory\":\"?\"}}"),
		"x", &error),
	    TRACE_OK);
	assert_true(isnan(run.events) && isnan(run.net_low_ns));
	assert_string_equal(run.mode, "");
	assert_string_equal(run.trace_name, ".flt"); /* never empty */
	for (unsigned i = 0; i < ROWS; i++)
		assert_true(isnan(run.value[i]));
	run_summary_destroy(&run);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		enum trace_status status;
		const char *message;
	} cases[] = {
	    {"[]", TRACE_UNSUPPORTED, "here: \"schema\" is not 1"},
	    {"{\"schema\":\"1\"}", TRACE_UNSUPPORTED, "\"schema\" is not 1"},
	    {"{\"schema\":2}", TRACE_UNSUPPORTED, "\"schema\" is not 1"},
	    {"{\"schema\":1,\"target\":\"x\"}", TRACE_BAD_INPUT, "names its trace"},
	    {"{\"schema\":1,\"trace\":{\"path\":\"x\"},\"target\":\"\"}", TRACE_BAD_INPUT, "names its trace"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run_summary run;
		struct trace_error error;

		assert_int_equal(run_summary_create(&run, parse(cases[i].text), "here", &error),
				 cases[i].status);
		assert_non_null(strstr(error.message, cases[i].message));
		assert_null(run.document);
	}
}

static void test_paths(void **state)
{
	json_t *document = parse("{\"a\":{\"b\":{\"c\":3,\"d\":\"e\"}}}");

	(void)state;
	assert_true(run_summary_number(document, "a.b.c") == 3);
	assert_string_equal(run_summary_string(document, "a.b.d"), "e");
	assert_true(isnan(run_summary_number(document, "a.b")));
	assert_true(isnan(run_summary_number(document, "a.b.c.x")));
	assert_true(isnan(run_summary_number(document, "")));
	assert_true(isnan(run_summary_number(NULL, "a")));
	assert_string_equal(run_summary_string(document, "x.y"), "");
	json_decref(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_wrong_types_are_unknown),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
