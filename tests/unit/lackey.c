#include "config.h"

#include "tests/unit/foreign.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static void every_kind(void **state)
{
	(void)state;
	foreign_expect(NULL,
		       "==22916== Lackey, an example Valgrind tool\n"
		       "==22916== \n"
		       "I  0401ab70,3\n"
		       " S 1fff000718,8\n"
		       " L 10,16\n"
		       " M ffffffffffffffff,1\n"
		       "--22916-- a remark\n",
		       "fetch absolute 0+67218288 3\n"
		       "store absolute 0+137422178072 8\n"
		       "load absolute 0+16 16\n"
		       "modify absolute 0-1 1\n",
		       "");
}

static void damaged_lines(void **state)
{
	(void)state;
	foreign_expect("lackey",
		       " L 10,8\n"
		       "L 10,8\n"
		       " X 10,8\n"
		       " L 10\n"
		       " L 10,0\n"
		       " L 10,65536\n"
		       " L 10,8 and more\n"
		       " L 11112222333344445,8\n"
		       " L zz,8\n"
		       " L 20,65535\n",
		       "load absolute 0+16 8\nload absolute 0+32 65535\n", "line not understood: 8\n");
}

static void nothing_but_remarks(void **state)
{
	const struct foreign_options options = {.format = "lackey"};

	(void)state;
	foreign_expect_failure(
	    &options, "==1== Lackey\n",
	    "in:1: the file ended without one event; a line of format lackey looks like \" S "
	    "1fff000718,8\"");
}

static void strictly(void **state)
{
	const struct foreign_options options = {.format = "lackey", .strict = true};

	(void)state;
	foreign_expect_failure(
	    &options, " L 10,8\n L 10;8\n",
	    "in:2: \" L 10;8\" is no line of format lackey, which look like \" S 1fff000718,8\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind),
	    cmocka_unit_test(damaged_lines),
	    cmocka_unit_test(nothing_but_remarks),
	    cmocka_unit_test(strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
