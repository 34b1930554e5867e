#include "config.h"

#include "tests/unit/foreign.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static void every_operation(void **state)
{
	(void)state;
	foreign_expect(NULL,
		       "= Start\n"
		       "@ ./t:[0x1210] + 0x556d130244a0 0x20\n"
		       "@ ./t:(main+0x1d)[0x1223] + 0x556d130244d0 0\n"
		       "@ ./t:[0x1238] < 0x556d130244a0\n"
		       "@ ./t:[0x1238] > 0x556d13024540 0x1000\n"
		       "@ ./t:[0x1240] ! 0x556d13024540 0xffffffffffffff9c\n"
		       "@ ./t:[0x1244] + (nil) 0xffffffffffffff9c\n"
		       "@ ./t:[0x12e8] - 0x556d130244d0\n"
		       "+ 0x10 0x5\n"
		       "- 0x10\n"
		       "= End\n",
		       "malloc 1 32\n"
		       "malloc 2 0\n"
		       "realloc 3 <1 4096\n"
		       "realloc 0 <3 18446744073709551516 failed\n"
		       "malloc 0 18446744073709551516 failed\n"
		       "free 2\n"
		       "malloc 4 5\n"
		       "free 4\n",
		       "");
}

static void callers_with_blanks(void **state)
{
	(void)state;
	foreign_expect("mtrace", "@ ./a b/m + x:[0x11de] + 0x10 0x20\n@ ./a - b:[0x1] - 0x10\n",
		       "malloc 1 32\nfree 1\n", "");
}

static void born_before_mtrace_was_called(void **state)
{
	(void)state;
	foreign_expect(
	    "mtrace",
	    "= Start\n@ t:[0x1] - 0x10\n@ t:[0x1] < 0x20\n@ t:[0x1] > 0x30 0x8\n@ t:[0x2] ! 0x40 0x9\n"
	    "@ t:[0x3] - 0x40\n",
	    "free 1 foreign\nrealloc 3 <2 8 foreign\nrealloc 0 <4 9 failed foreign\nfree 4\n",
	    "free of an unknown pointer: 1\nrealloc of an unknown pointer: 2\n");
}

static void torn_reallocs(void **state)
{
	(void)state;
	foreign_expect("mtrace", "+ 0x10 0x1\n+ 0x20 0x1\n< 0x10\n+ 0x30 0x1\n> 0x40 0x2\n< 0x20\n",
		       "malloc 1 1\nmalloc 2 1\nfree 1\nmalloc 3 1\nfree 2\n", "realloc torn apart: 3\n");
}

static void damaged_lines(void **state)
{
	(void)state;
	foreign_expect("mtrace",
		       "+ 0x10 0x1\n"
		       "c8\n"
		       "x + 0x20 0x1\n"
		       "+ 20 0x1\n"
		       "+ 0x20\n"
		       "@ caller * 0x20 0x1\n"
		       "-\n"
		       "\n"
		       "@ t:[0x1] + 0x10 0x3\n",
		       "malloc 1 1\nfree 1\nmalloc 2 3\n",
		       "line not understood: 6\naddress handed out while still live: 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_operation),
	    cmocka_unit_test(callers_with_blanks),
	    cmocka_unit_test(born_before_mtrace_was_called),
	    cmocka_unit_test(torn_reallocs),
	    cmocka_unit_test(damaged_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
