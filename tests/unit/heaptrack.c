#include "config.h"

#include "tests/unit/foreign.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void blocks_times_and_the_command(void **state)
{
	struct foreign_options options = {0};
	struct foreign foreign;
	const char *text =
	    "v 10400 3\nx 8 ./t\nX ./t a b\nI 1000 5e298d\nm 1 -\nm f linux-vdso.so.1 7fbf26649000 0 1522\n"
	    "t 7fbf26665b9f 0\n+ 20 8 5646129a01d0\nc a\n- 5646129a01d0\nR 3a5\n+ 0 9 5646129a01d0\nA\n"
	    "S 1 2\n# comment\nc 14\n- 10\n";

	(void)state;
	foreign_import(&foreign, text, strlen(text), &options);
	assert_string_equal(foreign.format, "heaptrack");
	assert_true(foreign.has_time);
	assert_string_equal(
	    foreign.log.text,
	    "malloc 1 32\nfree 1 at 10000000\nmalloc 2 0 at 10000000\nfree 3 at 20000000 foreign\n");
	assert_string_equal(foreign.log.cast, "process 0 id 0 ./t a b\nthread 0 of 0 id 0\n");
	assert_string_equal(foreign.warnings, "free of an unknown pointer: 1\n");
	foreign_drop(&foreign);
}

static void the_clock_only_advances(void **state)
{
	(void)state;
	foreign_expect("heaptrack", "c 5\n+ 1 1 10\nc 4\nc ffffffffffffffff\n- 10\n",
		       "malloc 1 1 at 5000000\nfree 1 at 5000000\n", "time does not advance: 2\n");
}

static void interpreted_output_is_refused(void **state)
{
	struct foreign_options options = {0};

	(void)state;
	foreign_expect_failure(
	    &options, "v 10400 3\nX ./t\ns 8 ./t\na 11c00 4\n+ 0\n",
	    "in:3: this is heaptrack's interpreted output, whose frees do not say which block they free; "
	    "record with `heaptrack --raw` and import that file");
}

static void damaged_lines(void **state)
{
	(void)state;
	foreign_expect("heaptrack", "+ 1 1 10\n+ 1 10\n- \n- xyz\nq 1\nzz\n+ 11111111111111111 1 20\n- 10\n",
		       "malloc 1 1\nfree 1\n", "line not understood: 6\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blocks_times_and_the_command),
	    cmocka_unit_test(the_clock_only_advances),
	    cmocka_unit_test(interpreted_output_is_refused),
	    cmocka_unit_test(damaged_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
