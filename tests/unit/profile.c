#include "config.h"

#include "traces/generate/profile.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum trace_status read_text(struct profile *profile, const char *text, struct trace_error *error)
{
	struct input *input;
	enum trace_status status;

	assert_int_equal(input_open_memory(&input, text, strlen(text), "p.csv", error), TRACE_OK);
	status = profile_read(profile, input, error);
	input_close(input);
	return status;
}

static void rows(void **state)
{
	struct trace_error error = {""};
	struct profile profile;

	(void)state;
	assert_int_equal(read_text(&profile,
				   "size, alloc_rate, num_live\n# comment\n\n8, 2.5, 10\n 16,1e3,5e-2 \n",
				   &error),
			 TRACE_OK);
	assert_int_equal(profile.rows, 2);
	assert_int_equal(profile.row[0].size_bytes, 8);
	assert_true(profile.row[0].rate == UINT64_C(2500000000));
	assert_int_equal(profile.row[0].live, 1000000000);
	assert_true(profile.row[0].mean_life_ns == UINT64_C(4000000000)); /* 10 / 2.5 per second = 4 s */
	assert_int_equal(profile.row[1].mean_life_ns, 50000);		  /* 0.05 / 1000 per second = 50 us */
	profile_destroy(&profile);
}

static void what_is_no_row(void **state)
{
	static const char *const wrong[][2] = {
	    {"8, 1\n",
	     "p.csv:1: a row must look like \"8, 958.84, 9.77\": size in bytes, allocations per second, live "
	     "blocks"},
	    {"8, 1, 1\n8, 1, 1, 1\n",
	     "p.csv:2: a row must look like \"8, 958.84, 9.77\": size in bytes, allocations per "
	     "second, live blocks"},
	    {"0, 1, 1\n", "p.csv:1: the size must be 1 to 2^40 bytes"},
	    {"1099511627777, 1, 1\n", "p.csv:1: the size must be 1 to 2^40 bytes"},
	    {"8, 0, 1\n",
	     "p.csv:1: the rate must be at least 10^-9 per second and the live count at least 10^-8"},
	    {"8, 1, 1e-9\n",
	     "p.csv:1: the rate must be at least 10^-9 per second and the live count at least 10^-8"},
	    {"# nothing\n", "p.csv: has no rows; they look like \"8, 958.84, 9.77\""},
	};
	struct trace_error error;
	struct profile profile;

	(void)state;
	for (size_t index = 0; index < sizeof(wrong) / sizeof(wrong[0]); index++) {
		assert_int_equal(read_text(&profile, wrong[index][0], &error), TRACE_BAD_INPUT);
		assert_string_equal(error.message, wrong[index][1]);
		assert_null(profile.row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows),
	    cmocka_unit_test(what_is_no_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
