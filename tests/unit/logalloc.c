#include "config.h"

#include "tests/unit/foreign.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void plain(void **state)
{
	(void)state;
	foreign_expect(NULL,
		       "18545 18545 malloc(32)=0x7f90495120e0\n"
		       "18545 18545 posix_memalign(64,100)=0x10\n"
		       "18545 18545 aligned_alloc(64,128)=0x20\n"
		       "18545 18545 memalign(8,9)=0x30\n"
		       "18545 18545 valloc(10)=0x1000\n"
		       "18545 18546 calloc(4,25)=0x40\n"
		       "18545 18545 realloc(0x7f90495120e0,64)=0x50\n"
		       "18545 18545 realloc(0x0,64)=0x60\n"
		       "18545 18545 malloc(18446744073709551615)=0x0\n"
		       "18545 18545 jemalloc_stats()\n"
		       "18545 18545 free((nil))\n"
		       "18545 18546 free(0x50)\n",
		       "malloc 1 32\n"
		       "memalign 2 100 @64\n"
		       "memalign 3 128 @64\n"
		       "memalign 4 9 @8\n"
		       "memalign 5 10 @4096\n"
		       "[0.1] calloc 6 100 x4\n"
		       "realloc 7 <1 64\n"
		       "realloc 8 <0 64\n"
		       "malloc 0 18446744073709551615 failed\n"
		       "free 0\n"
		       "[0.1] free 7\n",
		       "");
}

static void without_thread_ids_and_by_process(void **state)
{
	struct foreign_options options = {0};
	struct foreign foreign;
	const char *text = "7 malloc(1)=0x10\n9 malloc(2)=0x10\n9 free(0x10)\n";

	(void)state;
	foreign_import(&foreign, text, strlen(text), &options);
	assert_string_equal(foreign.format, "logalloc");
	assert_string_equal(foreign.log.text, "malloc 1 1\n[1.1] malloc 2 2\n[1.1] free 2\n");
	assert_string_equal(foreign.log.cast,
			    "process 0 id 7\nthread 0 of 0 id 7\nprocess 1 id 9\nthread 1 of 1 id 9\n");
	foreign_drop(&foreign);
}

static void munged(void **state)
{
	(void)state;
	/* #2 never was a result: it is how munging writes NULL. */
	foreign_expect(NULL,
		       "1 1 malloc(32)=#1\n"
		       "1 1 free(#2)\n"
		       "1 1 realloc(#1,64)=#1\n"
		       "1 1 realloc(#2,64)=#3\n"
		       "1 1 free(#1)\n"
		       "1 2 malloc(8)=#1\n"
		       "1 1 free(#2)\n"
		       "2 1 free(#4)\n"
		       "1 1 free(#0)\n"
		       "1 1 free(#9)\n",
		       "malloc 1 32\n"
		       "free 0\n"
		       "realloc 2 <1 64\n"
		       "realloc 3 <0 64\n"
		       "free 2\n"
		       "[0.1] malloc 4 8\n"
		       "free 0\n"
		       "[1.2] free 0\n"
		       "free 0\n"
		       "free 5 foreign\n",
		       "free of an unknown pointer: 1\n");
}

static void damaged_lines(void **state)
{
	(void)state;
	foreign_expect("logalloc",
		       "1 1 malloc(32)=0x10\n"
		       "1 1 malloc(32)\n"
		       "1 1 free(0x10)=0x10\n"
		       "1 1 moz_create_arena(1)=0x10\n"
		       "1 1 malloc(1,2)=0x20\n"
		       "malloc(1)=0x20\n"
		       "1 1 malloc(1)=0x20 more\n"
		       "1 1 malloc(1=0x20\n",
		       "malloc 1 32\n", "line not understood: 5\nunknown function: 2\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain),
	    cmocka_unit_test(without_thread_ids_and_by_process),
	    cmocka_unit_test(munged),
	    cmocka_unit_test(damaged_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
