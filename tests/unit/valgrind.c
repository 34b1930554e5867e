#include "config.h"

#include "tests/unit/foreign.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void calls_amid_other_output(void **state)
{
	(void)state;
	foreign_expect(NULL,
		       "==22910== Memcheck, a memory error detector\n"
		       "--22910-- malloc(32) = 0x4A43040\n"
		       "the program's own line: malloc(5) = 0x10\n"
		       "--22910-- calloc(4,25) = 0x4A430A0\n"
		       "no newline before--22910-- realloc(0x4A43040,4096) = 0x4A43150\n"
		       "--22910-- memalign(al 64, size 100) = 0x4D44280\n"
		       "--22910-- memalign(alignment 64, size 100) = 0x4D44380\n"
		       "--22910-- aligned_alloc(alignment 64, size 100) = 0x4D44480\n"
		       "--22910-- valloc(10) = 0x4D45000\n"
		       "--22910-- malloc_usable_size(0x4A430A0) = 100\n"
		       "--22910-- mallinfo()\n"
		       "--22910-- Reading syms from /usr/lib/x (0x400)\n"
		       "--22910-- free(0x4A430A0)\n"
		       "--22910-- free(0x0)\n",
		       "malloc 1 32\n"
		       "calloc 2 100 x4\n"
		       "realloc 3 <1 4096\n"
		       "memalign 4 100 @64\n"
		       "memalign 5 100 @64\n"
		       "memalign 6 100 @64\n"
		       "memalign 7 10 @4096\n"
		       "free 2\n"
		       "free 0\n",
		       "");
}

static void operators_of_cxx(void **state)
{
	(void)state;
	foreign_expect(
	    NULL,
	    "--1-- _Znwm(8) = 0x10\n"
	    "--1-- _Znam(9) = 0x20\n"
	    "--1-- _ZnwmRKSt9nothrow_t(4) = 0x30\n"
	    "--1-- _ZnwmSt11align_val_t(size 128, al 64) = 0x40\n"
	    "--1-- _ZdlPvm(0x10)\n"
	    "--1-- _ZdaPv(0x20)\n"
	    "--1-- _ZdlPvRKSt9nothrow_t(0x30)\n"
	    "--1-- _ZdlPvmSt11align_val_t(0x40)\n",
	    "malloc 1 8\nmalloc 2 9\nmalloc 3 4\nmemalign 4 128 @64\nfree 1\nfree 2\nfree 3\nfree 4\n", "");
}

static void results_apart_from_their_calls(void **state)
{
	(void)state;
	foreign_expect(
	    "valgrind",
	    "--1-- realloc(0x0,32)malloc(32) = 0x10\n"
	    "--1-- realloc(0x10,0)free(0x10)\n"
	    "--1--  = 0\n"
	    "--1-- malloc(18446744073709551516)Argument 'size' of function malloc has a fishy value: -100\n"
	    "==1== something\n"
	    "--1--  = 0x0\n"
	    "--1-- calloc(18446744073709551516,18446744073709551516)_Znwm(4) = 0x20\n"
	    "--1-- realloc(0x20,18446744073709551516)Argument\n"
	    "--1--  = 0x0\n"
	    "--1-- free(0x20)\n",
	    "realloc 1 <0 32\n"
	    "realloc 0 <1 0\n"
	    "malloc 0 18446744073709551516 failed\n"
	    "calloc 0 18446744073709551615 x18446744073709551516 failed\n"
	    "malloc 2 4\n"
	    "realloc 0 <2 18446744073709551516 failed\n"
	    "free 2\n",
	    "");
}

static void processes(void **state)
{
	struct foreign_options options = {0};
	struct foreign foreign;
	const char *text =
	    "--7-- malloc(1) = 0x10\n--9-- malloc(2) = 0x10\n--9-- free(0x10)\n--7-- free(0x10)\n";

	(void)state;
	foreign_import(&foreign, text, strlen(text), &options);
	assert_string_equal(foreign.log.text, "malloc 1 1\n[1.1] malloc 2 2\n[1.1] free 2\nfree 1\n");
	assert_string_equal(foreign.log.cast,
			    "process 0 id 7\nthread 0 of 0 id 7\nprocess 1 id 9\nthread 1 of 1 id 9\n");
	assert_string_equal(foreign.warnings, "");
	foreign_drop(&foreign);
}

/* Numbers follow events: process 1's call waits while process 2's is complete. */
static void a_waiting_call_takes_no_number(void **state)
{
	(void)state;
	foreign_expect("valgrind",
		       "--1-- malloc(18446744073709551615)Argument\n--1--  = 0x0\n"
		       "--3-- malloc(9)\n--2-- malloc(2) = 0x10\n--3-- malloc(3) = 0x10\n",
		       "malloc 0 18446744073709551615 failed\n[1.1] malloc 1 2\n[2.2] malloc 2 3\n",
		       "call without result: 1\n");
}

static void damaged_lines(void **state)
{
	(void)state;
	foreign_expect("valgrind",
		       "--1-- malloc(1)\n"
		       "--1-- malloc(2) = 0x10\n"
		       "--1--  = 0x30\n"
		       "--1-- frob(0x10)\n"
		       "--1-- malloc(3,4) = 0x20\n"
		       "--1-- malloc(3) = what\n"
		       "--1-- free(0x10)\n"
		       "--1-- malloc(9)",
		       "malloc 1 2\nfree 1\n",
		       "call without result: 3\nline not understood: 3\nunknown function: 2\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(calls_amid_other_output),	      cmocka_unit_test(operators_of_cxx),
	    cmocka_unit_test(results_apart_from_their_calls), cmocka_unit_test(processes),
	    cmocka_unit_test(a_waiting_call_takes_no_number), cmocka_unit_test(damaged_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
