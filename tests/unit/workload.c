#include "config.h"

#include "traces/generate/workloads.h"

#include "tests/unit/event_log.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_refusal(const char *workload, const char *set, const char *message)
{
	struct trace_error error = {""};
	struct settings settings, before;

	settings_create(&settings, workload_find(workload));
	before = settings;
	assert_int_equal(settings_set(&settings, set, &error), TRACE_BAD_INPUT);
	assert_string_equal(error.message, message);
	assert_memory_equal(&settings, &before, sizeof(settings));
}

static void keys_and_values(void **state)
{
	struct trace_error error;
	struct settings settings;
	char text[256];

	(void)state;
	settings_create(&settings, workload_find("binary-tree"));
	assert_int_equal(settings_set(&settings, "node_bytes=2K", &error), TRACE_OK);
	assert_int_equal(settings_set(&settings, "depth=5", &error), TRACE_OK);
	settings.seed = 7;
	settings_describe(&settings, text, sizeof(text));
	assert_string_equal(text, "binary-tree depth=5 node_bytes=2048 seed=7");
	settings_describe(&settings, text, 15);
	assert_string_equal(text, "binary-tree de");
	assert_int_equal(settings_set(&settings, "node_bytes=1M", &error), TRACE_OK);
	assert_int_equal(settings.value[1], 1 << 20);
	assert_int_equal(settings_set(&settings, "node_bytes=1G", &error), TRACE_OK);
	assert_int_equal(settings.value[1], 1 << 30);
}

static void refused_settings(void **state)
{
	(void)state;
	expect_refusal("binary-tree", "depth", "'depth' must have the form KEY=VALUE");
	expect_refusal("binary-tree", "dept=5",
		       "workload binary-tree has no key 'dept'; its keys are depth, node_bytes");
	expect_refusal("binary-tree", "depth=3",
		       "depth=3: must be a number of 4 to 26, with K, M or G for 2^10, 2^20, 2^30");
	expect_refusal("binary-tree", "depth=5x",
		       "depth=5x: must be a number of 4 to 26, with K, M or G for 2^10, 2^20, 2^30");
	expect_refusal("binary-tree",
		       "depth=", "depth=: must be a number of 4 to 26, with K, M or G for 2^10, 2^20, 2^30");
	expect_refusal(
	    "binary-tree", "depth=18446744073709551615G",
	    "depth=18446744073709551615G: must be a number of 4 to 26, with K, M or G for 2^10, 2^20, 2^30");
	expect_refusal("fleetbench", "profile=", "profile must be a file's name of 1 to 4095 bytes");
}

static void expect_fault(const char *workload, const char *const *sets, const char *message)
{
	struct trace_error error = {""};
	struct settings settings;
	char note[GENERATION_NOTE_BYTES];
	struct event_log log;

	settings_create(&settings, workload_find(workload));
	for (; *sets; sets++)
		assert_int_equal(settings_set(&settings, *sets, &error), TRACE_OK);
	assert_int_equal(settings_check(&settings, &error), TRACE_BAD_INPUT);
	assert_string_equal(error.message, message);
	event_log_create(&log);
	assert_int_equal(settings_play(&settings, &log.sink, &error, note), TRACE_BAD_INPUT);
	assert_string_equal(log.text, "");
	event_log_destroy(&log);
}

static void values_that_do_not_go_together(void **state)
{
	static const char *const none[] = {NULL};
	static const char *const sizes[] = {"min_bytes=9", "max_bytes=8", NULL};
	static const char *const cross[] = {"cross_percent=1", NULL};
	static const char *const start[] = {"start_bytes=9", "max_bytes=8", NULL};
	static const char *const small[] = {"small_bytes=64K", "huge_bytes=64K", NULL};
	static const char *const large[] = {"heap_mib=1", NULL};
	static const char *const block[] = {"heap_mib=1", "block_bytes=1M", NULL};
	static const char *const phases[] = {"phases=20", NULL};
	static const char *const survivors[] = {"survivor_percent=50", NULL};

	(void)state;
	expect_fault("fleetbench", none, "workload fleetbench: a profile is needed: --set profile=FILE.csv");
	expect_fault("larson", sizes, "workload larson: min_bytes must not be above max_bytes");
	expect_fault("queue", sizes, "workload queue: min_bytes must not be above max_bytes");
	expect_fault("uniform", sizes, "workload uniform: min_bytes must not be above max_bytes");
	expect_fault("uniform", cross, "workload uniform: cross_percent needs at least 2 threads");
	expect_fault("realloc-growth", start,
		     "workload realloc-growth: start_bytes must not be above max_bytes");
	expect_fault("fragmenter-b", small, "workload fragmenter-b: small_bytes must be below huge_bytes");
	expect_fault("fragmenter-b", large,
		     "workload fragmenter-b: huge_bytes must fit in occupancy_percent of heap_mib");
	expect_fault("fragmenter-a", block,
		     "workload fragmenter-a: heap_mib must hold 2 to 2^28 blocks of block_bytes");
	expect_fault("phases", phases,
		     "workload phases: the last phase's blocks must be at most a 16th of heap_mib");
	expect_fault("phases", survivors, "workload phases: survivor_percent x phases must not be above 100");
}

static void failures_end_a_play(void **state)
{
	struct trace_error error = {""};
	const struct workload *workload;
	struct settings settings;
	char note[GENERATION_NOTE_BYTES];

	(void)state;
	for (size_t index = 0; (workload = workload_at(index)); index++) {
		struct event_log log;

		settings_create(&settings, workload);
		if (workload->key[0].is_text)
			continue;
		event_log_create(&log);
		log.refuse_at = 5;
		assert_int_equal(settings_play(&settings, &log.sink, &error, note), TRACE_IO);
		assert_string_equal(error.message, "the log is full");
		assert_int_equal(log.events, 5);
		event_log_destroy(&log);
	}
}

/* The defaults are within their own bounds, names are unique, every key has its words. */
static void the_table_is_sound(void **state)
{
	const struct workload *workload;

	(void)state;
	for (size_t index = 0; (workload = workload_at(index)); index++) {
		size_t keys = 0;

		assert_ptr_equal(workload_find(workload->name), workload);
		for (; workload->key[keys].name; keys++) {
			const struct workload_key *key = &workload->key[keys];

			assert_in_range(key->initial, key->minimum, key->maximum);
			assert_true(strlen(key->help) > 0);
			for (size_t other = 0; other < keys; other++)
				assert_string_not_equal(workload->key[other].name, key->name);
		}
		assert_in_range(keys, 1, WORKLOAD_KEYS_MAX);
	}
	assert_null(workload_find("nothing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_and_values),
	    cmocka_unit_test(refused_settings),
	    cmocka_unit_test(values_that_do_not_go_together),
	    cmocka_unit_test(failures_end_a_play),
	    cmocka_unit_test(the_table_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
