#include "config.h"

#include "tests/unit/foreign.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void header_dialects(void **state)
{
	static const char *const headers[] = {
	    "20000\n2\n5\n1\n", /* classic: heap, ids, operations, weight */
	    "2\n5\n",		/* ids, operations */
	    "1\n2\n5\n0\n",
	    "0\n2\n5\n1\n",    /* CMU: weight, ids, operations, ignore ranges */
	    "1\n2\n5\n4080\n", /* CMU since 2017: weight, ids, operations, peak */
	    "20000 \n2\t\n5\r\n1\r\n",
	};

	(void)state;
	for (size_t index = 0; index < sizeof(headers) / sizeof(headers[0]); index++) {
		char text[256] = "";

		(void)snprintf(text, sizeof(text), "%sa 0 2040\na 1 2040\nr 0 48\nf 1\nf 0\n",
			       headers[index]);
		foreign_expect(NULL, text, "malloc 1 2040\nmalloc 2 2040\nrealloc 3 <1 48\nfree 2\nfree 3\n",
			       "");
	}
}

static void wrong_counts_in_the_header(void **state)
{
	(void)state;
	foreign_expect("malloclab", "20000\n1\n3\n1\na 0 8\nf 0\n", "malloc 1 8\nfree 1\n",
		       "operations differ from the header: 1\n");
	foreign_expect("malloclab", "1\n1\n2\n9\na 0 8\nf 0\n", "malloc 1 8\nfree 1\n",
		       "peak differs from the header: 1\n");
	foreign_expect("malloclab", "1\n1\n2\na 0 8\nf 0\n", "malloc 1 8\nfree 1\n", "unknown header: 1\n");
	foreign_expect("malloclab", "a 0 8\nf 0\n", "malloc 1 8\nfree 1\n", "unknown header: 1\n");
}

static void quirks_of_the_driver(void **state)
{
	(void)state;
	/* f -1, r on an unborn id, an id used again, size 0, requests beyond any machine. */
	foreign_expect("malloclab",
		       "2\n9\n"
		       "f -1\n"
		       "r 0 10\n"
		       "f 0\n"
		       "a 0 20\n"
		       "a 1 0\n"
		       "r 1 10000000000000000\n"
		       "r 1 0\n"
		       "r 1 5\n"
		       "f 1\n",
		       "free 0\n"
		       "realloc 1 <0 10\n"
		       "free 1\n"
		       "malloc 2 20\n"
		       "malloc 3 0\n"
		       "realloc 4 <3 10000000000000000\n"
		       "realloc 0 <4 0\n"
		       "realloc 5 <0 5\n"
		       "free 5\n",
		       "");
}

static void threads(void **state)
{
	(void)state;
	foreign_expect(NULL, "2\n4\n0 a 0 16\n1 a 1 16\n1 f 0\n0 f 1\n",
		       "malloc 1 16\n[0.1] malloc 2 16\n[0.1] free 1\nfree 2\n", "");
}

static void damaged_lines(void **state)
{
	(void)state;
	foreign_expect("malloclab",
		       "2\n6\n"
		       "a 0 \n"
		       "f 0\n"
		       "f 0\n"
		       "f 9\n"
		       "a 1 8\n"
		       "a 1 9\n"
		       "a -1 8\n"
		       "r -1 8\n"
		       "x 1\n"
		       "a 3 -8\n"
		       "7\n",
		       "malloc 1 0\nfree 1\nfree 0\nfree 0\nmalloc 2 8\nfree 2\nmalloc 3 9\n",
		       "missing size: 1\n"
		       "free of an id that is not live: 2\n"
		       "address handed out while still live: 1\n"
		       "line not understood: 5\n");
}

static void impossible_sizes_are_failed_calls(void **state)
{
	(void)state;
	foreign_expect("malloclab", "1\n2\na 0 18446744073709551615\nf -1\n",
		       "malloc 0 18446744073709551615 failed\nfree 0\n", "impossible size: 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(header_dialects),	    cmocka_unit_test(wrong_counts_in_the_header),
	    cmocka_unit_test(quirks_of_the_driver), cmocka_unit_test(threads),
	    cmocka_unit_test(damaged_lines),	    cmocka_unit_test(impossible_sizes_are_failed_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
