#include "config.h"

#include "tests/unit/foreign.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_operation(void **state)
{
	(void)state;
	foreign_expect("aosp",
		       "202: malloc 0x10 1024\n"
		       "202: calloc 0x20 17 8\n"
		       "202: memalign 0x30 16 100\n"
		       "202: realloc 0x40 0x10 2048\n"
		       "202: realloc 0x50 0x0 8\n"
		       "202: free 0x40\n"
		       "202: free 0x0\n"
		       "202: thread_done 0x0\n",
		       "malloc 1 1024\n"
		       "calloc 2 136 x17\n"
		       "memalign 3 100 @16\n"
		       "realloc 4 <1 2048\n"
		       "realloc 5 <0 8\n"
		       "free 4\n"
		       "free 0\n"
		       "thread_exit\n",
		       "");
}

static void failed_calls(void **state)
{
	(void)state;
	foreign_expect("aosp",
		       "1: malloc 0x10 8\n"
		       "1: malloc 0x0 9\n"
		       "1: malloc 0x0 0\n"
		       "1: realloc 0x0 0x10 99\n"
		       "1: calloc 0x0 18446744073709551615 2\n"
		       "1: realloc 0x0 0x10 0\n",
		       "malloc 1 8\n"
		       "malloc 0 9 failed\n"
		       "malloc 0 0\n"
		       "realloc 0 <1 99 failed\n"
		       "calloc 0 18446744073709551615 x18446744073709551615 failed\n"
		       "realloc 0 <1 0\n",
		       "");
}

static void threads_by_appearance_and_id_reuse(void **state)
{
	struct foreign_options options = {.format = "aosp"};
	struct foreign foreign;
	const char *text =
	    "9800: malloc 0x10 1\n202: malloc 0x20 2\n9800: thread_done 0x0\n9800: free 0x20\n";

	(void)state;
	foreign_import(&foreign, text, strlen(text), &options);
	assert_string_equal(foreign.log.text, "malloc 1 1\n[0.1] malloc 2 2\nthread_exit\n[0.2] free 2\n");
	assert_string_equal(
	    foreign.log.cast,
	    "process 0 id 0\nthread 0 of 0 id 9800\nthread 1 of 0 id 202\nthread 2 of 0 id 9800\n");
	assert_false(foreign.has_time);
	foreign_drop(&foreign);
}

static void time_stamps(void **state)
{
	struct foreign_options options = {.format = "aosp"};
	struct foreign foreign;
	const char *text = "1: malloc 0x10 8 5000 5100\n1: free 0x10 7000 7010\n2: malloc 0x10 8 4000 7020\n"
			   "2: thread_done 0x0 9000\n1: thread_done 0x0\n";

	(void)state;
	foreign_import(&foreign, text, strlen(text), &options);
	assert_true(foreign.has_time);
	assert_string_equal(foreign.log.text, "malloc 1 8\nfree 1 at 2000\n[0.1] malloc 2 8\n"
					      "[0.1] thread_exit at 4000\nthread_exit at 4000\n");
	assert_string_equal(foreign.warnings, "");
	foreign_drop(&foreign);
}

static void time_stamps_on_some_lines(void **state)
{
	(void)state;
	foreign_expect("aosp", "1: malloc 0x10 8 50 51\n1: malloc 0x20 8\n1: free 0x10 70 71\n",
		       "malloc 1 8\nmalloc 2 8\nfree 1 at 20\n", "time stamps on some lines only: 1\n");
	foreign_expect("aosp", "1: malloc 0x10 8\n1: malloc 0x20 8\n1: free 0x10 70 71\n",
		       "malloc 1 8\nmalloc 2 8\nfree 1\n", "time stamps on some lines only: 1\n");
}

static void trailing_numbers(void **state)
{
	(void)state;
	foreign_expect("aosp", "1: malloc 0x10 8 77\n1: free 0x10\n", "malloc 1 8\nfree 1\n",
		       "unknown trailing number: 1\n");
	foreign_expect("aosp", "1: malloc 0x10 8 50 51 77\n1: free 0x10 52 53 9 9 9\n",
		       "malloc 1 8\nfree 1 at 2\n", "unknown trailing number: 2\n");
}

static void damaged_lines(void **state)
{
	(void)state;
	foreign_expect("aosp",
		       "1: malloc 0x10 8\n"
		       "\n"
		       "1: malloc 0x20\n"
		       "1: malloc 20 8\n"
		       "1: mallok 0x20 8\n"
		       "x: malloc 0x20 8\n"
		       "1: malloc 0x20 99999999999999999999\n"
		       "1: malloc 0x20 8 word\n"
		       "1 malloc 0x20 8\n"
		       "  1:  malloc   0x20\t8  \r\n"
		       "1: free 0x2",
		       "malloc 1 8\nmalloc 2 8\nfree 3 foreign\n",
		       "line not understood: 7\nfree of an unknown pointer: 1\n");
}

static void strict_refuses_the_first_warning(void **state)
{
	struct foreign_options options = {.format = "aosp", .strict = true};

	(void)state;
	foreign_expect_failure(
	    &options, "1: malloc 0x10 8\n1: free 0x20\n1: nonsense\n",
	    "in:2: 0x20 was not allocated by any line before; it is taken as born before the recording");
	foreign_expect_failure(
	    &options, "1: malloc 0x10 8\n\001 nonsense\n",
	    "in:2: \"? nonsense\" is no line of format aosp, which look like \"202: malloc 0xb4827400 "
	    "1024\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_operation),
	    cmocka_unit_test(failed_calls),
	    cmocka_unit_test(threads_by_appearance_and_id_reuse),
	    cmocka_unit_test(time_stamps),
	    cmocka_unit_test(time_stamps_on_some_lines),
	    cmocka_unit_test(trailing_numbers),
	    cmocka_unit_test(damaged_lines),
	    cmocka_unit_test(strict_refuses_the_first_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
