#include "config.h"

#include "traces/import/function.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum function_kind kind_of(const char *text)
{
	struct scan scan = scan_text(text, strlen(text));
	struct function_call call;

	assert_true(function_parse(&scan, &call));
	return call.kind;
}

static struct heap_call call_of(const char *text)
{
	struct scan scan = scan_text(text, strlen(text));
	struct function_call call;
	struct heap_call heap_call = {.kind = EVENT_KINDS};

	assert_true(function_parse(&scan, &call));
	assert_true(scan_ended(&scan));
	function_fill(&call, &heap_call);
	return heap_call;
}

static void kinds(void **state)
{
	(void)state;
	assert_int_equal(kind_of("malloc(1)"), FUNCTION_MALLOC);
	assert_int_equal(kind_of("malloc(1,2)"), FUNCTION_UNKNOWN);
	assert_int_equal(kind_of("malloc()"), FUNCTION_UNKNOWN);
	assert_int_equal(kind_of("jemalloc_stats()"), FUNCTION_IGNORED);
	assert_int_equal(kind_of("frob(1)"), FUNCTION_UNKNOWN);
	assert_int_equal(kind_of("_Znwj(1)"), FUNCTION_MALLOC);
	assert_int_equal(kind_of("_Znay(1)"), FUNCTION_MALLOC);
	assert_int_equal(kind_of("_ZnamSt11align_val_tRKSt9nothrow_t(size 1, al 8)"), FUNCTION_MEMALIGN);
	assert_int_equal(kind_of("_ZnwmSt11align_val_t(1)"), FUNCTION_UNKNOWN);
	assert_int_equal(kind_of("_ZdaPvm(0x10)"), FUNCTION_FREE);
	assert_int_equal(kind_of("_ZdaPvm()"), FUNCTION_UNKNOWN);
	assert_int_equal(kind_of("_Zn(1)"), FUNCTION_UNKNOWN);
	assert_int_equal(kind_of("_Zfoobar(1)"), FUNCTION_UNKNOWN);
}

static void arguments(void **state)
{
	struct heap_call call = call_of("memalign(al 64, size 100)");

	(void)state;
	assert_int_equal(call.kind, EVENT_MEMALIGN);
	assert_int_equal(call.alignment, 64);
	assert_int_equal(call.size, 100);
	call = call_of("_ZnwmSt11align_val_t(size 100, al 64)");
	assert_int_equal(call.alignment, 64);
	assert_int_equal(call.size, 100);
	call = call_of("posix_memalign(64,100)");
	assert_int_equal(call.alignment, 64);
	assert_int_equal(call.size, 100);
	call = call_of("calloc(4, 25)");
	assert_int_equal(call.kind, EVENT_CALLOC);
	assert_int_equal(call.count, 4);
	assert_int_equal(call.size, 25);
	call = call_of("pvalloc(9)");
	assert_int_equal(call.kind, EVENT_MEMALIGN);
	assert_int_equal(call.alignment, 4096);
	call = call_of("realloc(#3,9)");
	assert_int_equal(call.kind, EVENT_REALLOC);
	assert_int_equal(call.size, 9);
}

static void what_is_no_call(void **state)
{
	static const char *const texts[] = {
	    "",	       "malloc",     "malloc(",	   "malloc(1",	  "malloc(1,2,3,4)",
	    "(1)",     "1malloc(1)", "malloc(x)",  "malloc(1 2)", "malloc(18446744073709551616)",
	    "free(#)", "malloc(1,)", "malloc(,1)", "free(0x10 x)"};

	(void)state;
	for (size_t index = 0; index < sizeof(texts) / sizeof(texts[0]); index++) {
		struct scan scan = scan_text(texts[index], strlen(texts[index]));
		struct function_call call;

		assert_false(function_parse(&scan, &call));
		assert_ptr_equal(scan.at, texts[index]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kinds),
	    cmocka_unit_test(arguments),
	    cmocka_unit_test(what_is_no_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
