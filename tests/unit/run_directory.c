#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/run_directory.h"
#include "tests/unit/small_trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct event events[] = {
    {.kind = EVENT_MALLOC, .object = 1, .size = 100},
    {.kind = EVENT_FREE, .object = 1},
};

struct fixture {
	struct plan *plan;
	struct target target;
	struct measurement_options options;
	struct measurement measurement;
	struct run run;
};

static void set_up(struct fixture *fixture)
{
	char *path = small_trace_write(events, 2);
	struct plan_options options = {.path = path, .process = PLAN_PROCESS_LARGEST};
	struct trace_error error = {""};

	memset(fixture, 0, sizeof(*fixture));
	if (plan_create(&fixture->plan, &options, &error) != TRACE_OK)
		fail_msg("%s", error.message);
	(void)unlink(path);
	free(path);
	(void)snprintf(fixture->target.name, sizeof(fixture->target.name), "glibc");
	fixture->target.kind = TARGET_GLIBC;
	fixture->options.seed = 1;
	fixture->measurement.target = &fixture->target;
	fixture->run = (struct run){.trace_path = "t.flt",
				    .trace = plan_trace(fixture->plan),
				    .totals = plan_totals(fixture->plan),
				    .options = &fixture->options,
				    .measurement = &fixture->measurement,
				    .command = "faultline replay t.flt --on glibc"};
}

/* Seven rounds; the null target took more than half of the gross time in `bad` of them. */
static void add_rounds(struct fixture *fixture, unsigned bad)
{
	fixture->measurement.rounds = 7;
	for (unsigned i = 0; i < 7; i++) {
		fixture->measurement.gross_ns[i] = 20 + i;
		fixture->measurement.null_ns[i] = 4;
		fixture->measurement.net_ns[i] = i < bad ? (double)NAN : 16.0 + i;
	}
}

static const json_t *at(const json_t *json, const char *one, const char *two, const char *three)
{
	return json_object_get(json_object_get(json_object_get(json, one), two), three);
}

/* The keys of the contract are all there, and what was not measured is null. */
static void the_contract_is_kept(void **state)
{
	static const char *const keys[] = {"schema", "trace",  "target",    "mode", "pace", "touch",
					   "seed",   "policy", "allocator", "host", "model"};
	struct fixture fixture;

	(void)state;
	set_up(&fixture);
	json_t *json = run_json(&fixture.run);

	assert_non_null(json);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_non_null(json_object_get(json, keys[i]));
	assert_int_equal(json_integer_value(json_object_get(json, "schema")), 1);
	assert_true(json_is_null(json_object_get(json_object_get(json, "host"), "throughput")));
	assert_true(json_is_null(json_object_get(json_object_get(json, "host"), "latency_ns")));
	assert_true(json_is_null(json_object_get(json_object_get(json, "host"), "memory")));
	assert_true(json_is_null(json_object_get(json, "model")));
	assert_true(json_is_null(at(json, "allocator", "own", "allocated")));
	json_decref(json);
	plan_destroy(fixture.plan);
}

static void net_is_null_where_null_is_over_half(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture);
	add_rounds(&fixture, 0);
	json_t *json = run_json(&fixture.run);

	assert_true(json_number_value(at(json, "host", "throughput", "net_ns_per_event")) == 19);
	assert_true(json_number_value(json_array_get(at(json, "host", "throughput", "ci95_ns"), 0)) == 16);
	json_decref(json);
	add_rounds(&fixture, 4);
	json = run_json(&fixture.run);
	assert_true(json_is_null(at(json, "host", "throughput", "net_ns_per_event")));
	assert_true(json_number_value(at(json, "host", "throughput", "gross_ns_per_event")) == 23);
	json_decref(json);
	plan_destroy(fixture.plan);
}

static bool file_has(const char *directory, const char *name, const char *wanted)
{
	char path[512], text[4096] = "";

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *file = fopen(path, "re");

	if (!file)
		return false;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	(void)fclose(file);
	return strstr(text, wanted) != NULL;
}

static void remove_all(const char *directory)
{
	static const char *const names[] = {"run.json", "throughput.tsv", "sizes.tsv", "lifetimes.tsv"};
	char path[512];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(directory), 0); /* nothing else was left there */
}

static void the_files_are_written_and_replaced(void **state)
{
	struct fixture fixture;
	struct trace_error error = {""};
	char parent[] = "/tmp/faultline-test.XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(parent));
	(void)snprintf(path, sizeof(path), "%s/run", parent);
	set_up(&fixture);
	add_rounds(&fixture, 1);
	for (int times = 0; times < 2; times++) {
		if (!run_directory_write(&fixture.run, path, &error))
			fail_msg("%s", error.message);
	}
	assert_true(file_has(path, "throughput.tsv", "# target: glibc\n"));
	assert_true(
	    file_has(path, "throughput.tsv",
		     "# round\tgross_ns_per_event\tnull_ns_per_event\tnet_ns_per_event\tevents_per_s\n"));
	assert_true(file_has(path, "throughput.tsv", "\n1\t20\t4\t?\t5e+07\n"));
	assert_true(file_has(path, "sizes.tsv", "\n96\t111\t1\t100\n"));
	assert_true(file_has(path, "lifetimes.tsv", "\n1\t1\t1\n"));
	assert_true(file_has(path, "run.json", "\"schema\": 1"));
	remove_all(path);
	assert_int_equal(rmdir(parent), 0);
	plan_destroy(fixture.plan);
}

/* A directory that is no run is not touched. */
static void what_is_no_run_is_not_replaced(void **state)
{
	struct fixture fixture;
	struct trace_error error = {""};
	char parent[] = "/tmp/faultline-test.XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(parent));
	(void)snprintf(path, sizeof(path), "%s/precious", parent);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	(void)fclose(file);
	set_up(&fixture);
	assert_false(run_directory_write(&fixture.run, parent, &error));
	assert_true(strlen(error.message) > 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(parent), 0);
	plan_destroy(fixture.plan);
}

static void names_are_plain(void **state)
{
	char name[16];

	(void)state;
	run_directory_name("jemalloc:narenas:2", name, sizeof(name));
	assert_string_equal(name, "jemalloc_narena");
	run_directory_name("../x y", name, sizeof(name));
	assert_string_equal(name, "_._x_y");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_contract_is_kept),
	    cmocka_unit_test(net_is_null_where_null_is_over_half),
	    cmocka_unit_test(the_files_are_written_and_replaced),
	    cmocka_unit_test(what_is_no_run_is_not_replaced),
	    cmocka_unit_test(names_are_plain),
	};

	return cmocka_run_group_tests_name("run_directory", tests, NULL, NULL);
}
