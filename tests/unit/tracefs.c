#include "config.h"

#include "traces/record/tracefs.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char format[] =
    "name: sys_enter\nID: 443\nformat:\n"
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
    "\tfield:long id;\toffset:8;\tsize:8;\tsigned:1;\n"
    "\tfield:unsigned long args[6];\toffset:16;\tsize:48;\tsigned:0;\n"
    "\tfield:char * text;\toffset:64;\tsize:x;\tsigned:0;\n"
    "\tfield:long big;\toffset:99999999999;\tsize:8;\n\nprint fmt: \"id %ld\", REC->id";

static void fields(void **state)
{
	struct tracepoint_field field;

	(void)state;
	assert_true(tracepoint_field_find(format, "id", &field));
	assert_int_equal(field.offset, 8);
	assert_int_equal(field.size, 8);
	assert_true(tracepoint_field_find(format, "args", &field));
	assert_int_equal(field.offset, 16);
	assert_int_equal(field.size, 48);
	assert_true(tracepoint_field_find(format, "common_pid", &field));
	assert_false(tracepoint_field_find(format, "pid", &field));
	assert_int_equal(field.size, 0);
	assert_false(tracepoint_field_find(format, "text", &field));
	assert_false(tracepoint_field_find(format, "big", &field));
	assert_false(tracepoint_field_find("", "id", &field));
}

static void values(void **state)
{
	const unsigned char record[16] = {1, 2, 0, 0, 5, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255};

	(void)state;
	assert_int_equal(tracepoint_value(&(struct tracepoint_field){0, 1}, record, 16), 1);
	assert_int_equal(tracepoint_value(&(struct tracepoint_field){0, 2}, record, 16), 0x201);
	assert_int_equal(tracepoint_value(&(struct tracepoint_field){4, 4}, record, 16), 5);
	assert_true(tracepoint_value(&(struct tracepoint_field){8, 8}, record, 16) == UINT64_MAX);
	assert_int_equal(tracepoint_value(&(struct tracepoint_field){9, 8}, record, 16), 0);
	assert_int_equal(tracepoint_value(&(struct tracepoint_field){UINT32_MAX, 8}, record, 16), 0);
	assert_int_equal(tracepoint_value(&(struct tracepoint_field){0, 3}, record, 16), 0);
}

static void a_directory_that_is_none(void **state)
{
	const struct tracefs none = {.directory = -1};

	(void)state;
	assert_true(tracepoint_number(&none, "raw_syscalls/sys_enter") == UINT64_MAX);
	assert_null(tracepoint_format(&none, "raw_syscalls/sys_enter"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(fields), cmocka_unit_test(values),
					   cmocka_unit_test(a_directory_that_is_none)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
