#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/proc/recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char stat_text[] = "4711 (a (b) c) S 1 22 -1 0 18446744073709551615 0x5 x\n";

static void test_fields_of_stat(void **state)
{
	char field[RECORDED_FIELD_BYTES];
	uint64_t value;

	(void)state;
	assert_true(recorded_stat_field(stat_text, 3, field));
	assert_string_equal(field, "S");
	assert_true(recorded_stat_field(stat_text, 6, field));
	assert_string_equal(field, "-1");
	assert_true(recorded_stat_number(stat_text, 5, &value));
	assert_int_equal(value, 22);
	assert_true(recorded_stat_number(stat_text, 8, &value));
	assert_int_equal(value, UINT64_MAX);
	assert_false(recorded_stat_number(stat_text, 6, &value));
	assert_false(recorded_stat_number(stat_text, 9, &value));
	assert_true(recorded_stat_field(stat_text, 10, field));
	assert_false(recorded_stat_field(stat_text, 11, field));
	assert_false(recorded_stat_field(stat_text, 2, field));
}

static void test_stat_may_be_anything(void **state)
{
	char field[RECORDED_FIELD_BYTES], name[8];
	uint64_t value;

	(void)state;
	assert_false(recorded_stat_field(NULL, 3, field));
	assert_false(recorded_stat_field("", 3, field));
	assert_false(recorded_stat_field("1 (x", 3, field));
	assert_false(recorded_stat_field("1 (x)", 3, field));
	assert_false(recorded_stat_field("1 (x) \x1b[31m 2", 3, field));
	assert_false(recorded_stat_field("1 (x) 1234567890123456789012345678901234567890", 3, field));
	assert_false(recorded_stat_number("1 (x) 18446744073709551616", 3, &value));
	assert_false(recorded_stat_name("1 x) (", name, sizeof(name)));
	assert_true(recorded_stat_name("1 (a very long name) S", name, sizeof(name)));
	assert_string_equal(name, "a very ");
	assert_true(recorded_stat_name("1 (\x1b(x)) S", name, sizeof(name)));
	assert_string_equal(name, "?(x)");
}

static void test_lines_of_status(void **state)
{
	static const char text[] = "Name:\tcat\nGroups:\t \nEmpty:\nNo colon\nUid:\t0\t0";
	struct recorded_line line;
	const char *at = text;

	(void)state;
	assert_true(recorded_next_line(&at, &line));
	assert_int_equal(line.name_length, 4);
	assert_int_equal(line.length, 9);
	assert_true(recorded_next_line(&at, &line));
	assert_int_equal(line.length, 9);
	assert_true(recorded_next_line(&at, &line));
	assert_int_equal(line.name_length, 5);
	assert_int_equal(line.length, 6);
	assert_true(recorded_next_line(&at, &line));
	assert_int_equal(line.name_length, line.length);
	assert_true(recorded_next_line(&at, &line));
	assert_memory_equal(line.text, "Uid:\t0\t0", line.length);
	assert_false(recorded_next_line(&at, &line));
}

static void test_what_is_printed_moves_no_cursor(void **state)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	assert_non_null(out);
	recorded_print("a\tb\x1b[2Jc\x7f", 9, out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, "a\tb?[2Jc?");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fields_of_stat), cmocka_unit_test(test_stat_may_be_anything),
	    cmocka_unit_test(test_lines_of_status), cmocka_unit_test(test_what_is_printed_moves_no_cursor)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
