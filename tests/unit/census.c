#include "config.h"

#include "traces/census.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct trace_error error;

static void add(struct census *census, const struct event *event)
{
	if (census_add(census, event, &error) != TRACE_OK)
		fail_msg("%s", error.message);
	assert_null(census_check(census));
}

/* Refused, nothing changed, and the message says `expected`. */
static void refuse(struct census *census, const struct event *event, const char *expected)
{
	const struct census before = *census;

	assert_int_equal(census_add(census, event, &error), TRACE_BAD_INPUT);
	if (!strstr(error.message, expected))
		fail_msg("'%s' does not say '%s'", error.message, expected);
	assert_int_equal(census->events, before.events);
	assert_int_equal(census->objects, before.objects);
	assert_true(census->live_bytes == before.live_bytes && census->live_objects == before.live_objects);
	assert_null(census_check(census));
}

static void test_life_of_blocks(void **state)
{
	static const struct event events[] = {
	    {.kind = EVENT_MALLOC, .object = 1, .size = 100},
	    {.kind = EVENT_CALLOC, .object = 2, .size = 50, .count = 5},
	    {.kind = EVENT_FREE, .object = 1, .thread = 1}, /* cross-thread */
	    {.kind = EVENT_REALLOC,
	     .old_object = 2,
	     .object = 3,
	     .size = 10,
	     .thread = 1}, /* cross-thread realloc */
	    {.kind = EVENT_REALLOC, .old_object = 3, .size = 1 << 20, .flags = EVENT_FAILED},
	    {.kind = EVENT_REALLOC, .old_object = 3, .thread = 1}, /* realloc(p, 0) freed it */
	    {.kind = EVENT_FREE},
	    {.kind = EVENT_FREE, .object = 4, .flags = EVENT_FOREIGN},
	};
	struct census census;

	(void)state;
	census_start(&census);
	for (unsigned i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		add(&census, &events[i]);
	assert_int_equal(census.live_peak_bytes, 150);
	assert_int_equal(census.live_peak_objects, 2);
	assert_int_equal(census.live_bytes, 0);
	assert_int_equal(census.live_objects, 0);
	assert_int_equal(census.cross_thread_frees, 1);
	assert_int_equal(census.cross_thread_reallocs, 1);
	assert_int_equal(census.null_frees, 1);
	assert_int_equal(census.failed, 1);
	assert_int_equal(census.foreign, 1);
	assert_int_equal(census.requested_bytes, 160);
	assert_int_equal(census.objects, 4);
	assert_int_equal(census.sizes[7], 1); /* 64 to 127 */
	census_end(&census);
}

static void test_fork_exec_exit(void **state)
{
	static const struct event events[] = {
	    {.kind = EVENT_MALLOC, .object = 1, .size = 100},
	    {.kind = EVENT_FORK, .count = 1},
	    {.kind = EVENT_FREE,
	     .object = 1,
	     .thread = 1,
	     .process = 1}, /* the child's copy: not cross-thread */
	    {.kind = EVENT_MALLOC, .object = 2, .size = 7, .thread = 1, .process = 1},
	    {.kind = EVENT_EXEC, .thread = 1, .process = 1},
	    {.kind = EVENT_FREE, .object = 1},
	    {.kind = EVENT_EXIT},
	};
	struct census census;

	(void)state;
	census_start(&census);
	for (unsigned i = 0; i < 2; i++)
		add(&census, &events[i]);
	assert_int_equal(census.live_bytes, 200);
	for (unsigned i = 2; i < 7; i++)
		add(&census, &events[i]);
	assert_int_equal(census.live_peak_bytes, 200);
	assert_int_equal(census.live_bytes, 0);
	assert_int_equal(census.left_at_exit_bytes, 7);
	assert_int_equal(census.left_at_exit_objects, 1);
	assert_int_equal(census.cross_thread_frees, 0);
	refuse(&census, &(struct event){.kind = EVENT_MALLOC, .object = 3, .size = 1}, "exit of its process");
	refuse(&census, &(struct event){.kind = EVENT_FORK, .count = 1, .thread = 1, .process = 1},
	       "child number");
	refuse(&census, &(struct event){.kind = EVENT_FORK, .count = 0, .thread = 1, .process = 1},
	       "exists already");
	census_end(&census);
}

static void test_rules_of_fields(void **state)
{
	static const struct {
		struct event event;
		const char *says;
	} rules[] = {
	    {{.kind = EVENT_KINDS}, "unknown kind"},
	    {{.kind = EVENT_FREE, .flags = 4}, "unknown flag"},
	    {{.kind = EVENT_FREE, .object = 1, .size = 4}, "carries a size"},
	    {{.kind = EVENT_MALLOC, .object = 2, .size = 4, .count = 1}, "carries a count"},
	    {{.kind = EVENT_MALLOC, .object = 2, .size = 4, .alignment = 1}, "carries an alignment"},
	    {{.kind = EVENT_FREE, .old_object = 1}, "carries an old object"},
	    {{.kind = EVENT_MARKER, .object = 1}, "carries an object"},
	    {{.kind = EVENT_FREE, .object = 1, .flags = EVENT_FAILED}, "is no allocation"},
	    {{.kind = EVENT_MALLOC, .object = 2, .flags = EVENT_FOREIGN}, "ends no object"},
	    {{.kind = EVENT_MALLOC, .object = 2, .size = 1, .flags = EVENT_FAILED}, "but has an object"},
	    {{.kind = EVENT_MALLOC, .size = 1}, "not marked as failed"},
	    {{.kind = EVENT_MEMALIGN, .object = 2, .size = 1, .alignment = 3}, "power of two"},
	    {{.kind = EVENT_MEMALIGN, .object = 2, .size = 1}, "power of two"},
	    {{.kind = EVENT_MALLOC, .object = 3, .size = 1}, "the next id is 2"},
	    {{.kind = EVENT_FREE, .object = 2}, "not alive"},
	    {{.kind = EVENT_FREE, .object = 3, .flags = EVENT_FOREIGN}, "another id than the next"},
	    {{.kind = EVENT_MALLOC, .object = 2, .size = UINT64_C(1) << 63}, "2^62"},
	    {{.kind = EVENT_THREAD_START}, "not the first event"},
	    {{.kind = EVENT_FREE, .object = 1, .thread = 2}, "thread 2 appears"},
	    {{.kind = EVENT_FREE, .object = 1, .process = 1}, "belongs to process 0"},
	    {{.kind = EVENT_FREE, .object = 1, .thread = 1, .process = 2}, "process 2 appears"},
	    {{.kind = EVENT_FORK, .count = UINT64_C(1) << 32}, "child number"},
	};
	struct census census;

	(void)state;
	census_start(&census);
	add(&census, &(struct event){.kind = EVENT_MALLOC, .object = 1, .size = 8});
	for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		refuse(&census, &rules[i].event, rules[i].says);
	add(&census, &(struct event){.kind = EVENT_THREAD_EXIT});
	refuse(&census, &(struct event){.kind = EVENT_FREE, .object = 1}, "exit of its thread");
	census_end(&census);
}

static void test_double_free(void **state)
{
	struct census census;

	(void)state;
	census_start(&census);
	add(&census, &(struct event){.kind = EVENT_MALLOC, .object = 1, .size = 8});
	add(&census, &(struct event){.kind = EVENT_FREE, .object = 1});
	refuse(&census, &(struct event){.kind = EVENT_FREE, .object = 1}, "not alive");
	refuse(&census, &(struct event){.kind = EVENT_REALLOC, .old_object = 1, .object = 2, .size = 1},
	       "not alive");
	census_end(&census);
}

static void test_corruption_is_named(void **state)
{
	struct census census;

	(void)state;
	census_start(&census);
	add(&census, &(struct event){.kind = EVENT_MALLOC, .object = 1, .size = 8});
	census.kinds[EVENT_FREE]++;
	assert_string_equal(census_check(&census), "I1: events = the sum of kinds");
	census.kinds[EVENT_FREE]--;
	census.live_bytes++;
	assert_string_equal(census_check(&census),
			    "I2: live_objects, live_bytes = the sums over the processes' live sets");
	census.live_bytes--;
	census.live_peak_objects--;
	assert_string_equal(census_check(&census),
			    "I3: live_objects <= live_peak_objects and live_bytes <= live_peak_bytes");
	census.live_peak_objects++;
	assert_null(census_check(&census));
	census_end(&census);
}

static void test_size_classes(void **state)
{
	(void)state;
	assert_int_equal(census_size_class(0), 0);
	assert_int_equal(census_size_class(1), 1);
	assert_int_equal(census_size_class(2), 2);
	assert_int_equal(census_size_class(3), 2);
	assert_int_equal(census_size_class(4), 3);
	assert_int_equal(census_size_class(UINT64_MAX), 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_life_of_blocks),	cmocka_unit_test(test_fork_exec_exit),
	    cmocka_unit_test(test_rules_of_fields),	cmocka_unit_test(test_double_free),
	    cmocka_unit_test(test_corruption_is_named), cmocka_unit_test(test_size_classes),
	};

	return cmocka_run_group_tests_name("census", tests, NULL, NULL);
}
