#include "config.h"

#include "traces/import/scan.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct scan at(const char *text)
{
	return scan_text(text, strlen(text));
}

static void decimal_numbers(void **state)
{
	struct scan scan = at("18446744073709551615x");
	uint64_t number = 7;

	(void)state;
	assert_true(scan_decimal(&scan, &number));
	assert_int_equal(number, UINT64_MAX);
	assert_int_equal(*scan.at, 'x');
	assert_false(scan_decimal(&scan, &number));
	scan = at("18446744073709551616");
	assert_false(scan_decimal(&scan, &number));
	assert_int_equal(scan.end - scan.at, 20);
	scan = at("");
	assert_false(scan_decimal(&scan, &number));
	scan = at("-1");
	assert_false(scan_decimal(&scan, &number));
}

static void hexadecimal_numbers(void **state)
{
	struct scan scan = at("0xFFFFffffFFFFffff");
	uint64_t number;

	(void)state;
	assert_true(scan_hexadecimal(&scan, &number));
	assert_int_equal(number, UINT64_MAX);
	assert_true(scan_ended(&scan));
	scan = at("10000000000000000");
	assert_false(scan_hexadecimal(&scan, &number));
	scan = at("0x");
	assert_true(scan_hexadecimal(&scan, &number));
	assert_int_equal(number, 0);
	assert_int_equal(*scan.at, 'x');
	scan = at("g");
	assert_false(scan_hexadecimal(&scan, &number));
}

static void pointers(void **state)
{
	struct scan scan = at("0x1f (nil) 0 1f");
	uint64_t address;

	(void)state;
	assert_true(scan_pointer(&scan, &address));
	assert_int_equal(address, 0x1f);
	scan_blanks(&scan);
	assert_true(scan_pointer(&scan, &address));
	assert_int_equal(address, 0);
	scan_blanks(&scan);
	assert_true(scan_pointer(&scan, &address));
	assert_int_equal(address, 0);
	scan_blanks(&scan);
	assert_false(scan_pointer(&scan, &address));
}

static void words_and_names(void **state)
{
	struct scan scan = at(" \tab-c d_1(");
	const char *word;
	size_t length;

	(void)state;
	assert_false(scan_word(&scan, &word, &length));
	scan_blanks(&scan);
	assert_true(scan_word(&scan, &word, &length));
	assert_true(scan_equal(word, length, "ab-c"));
	assert_false(scan_equal(word, length, "ab-"));
	scan_blanks(&scan);
	assert_true(scan_name(&scan, &word, &length));
	assert_true(scan_equal(word, length, "d_1"));
	assert_false(scan_literal(&scan, "(x"));
	assert_true(scan_character(&scan, '('));
	assert_true(scan_ended(&scan));
	scan = at("1a");
	assert_false(scan_name(&scan, &word, &length));
}

/* What lies behind `end` may not be looked at: the text is cut in the middle of each thing. */
static void nothing_is_read_behind_the_end(void **state)
{
	static const char number_text[3] = {'0', 'x', '1'}, null_text[3] = {'(', 'n', 'i'};
	char *text = malloc(3);
	uint64_t number;
	struct scan scan = {text, text + 3};

	(void)state;
	assert_non_null(text);
	memcpy(text, number_text, sizeof(number_text));
	assert_true(scan_pointer(&scan, &number));
	scan = scan_text(text, 2);
	assert_true(scan_pointer(&scan, &number));
	assert_int_equal(number, 0);
	memcpy(text, null_text, sizeof(null_text));
	scan = scan_text(text, 3);
	assert_false(scan_pointer(&scan, &number));
	assert_false(scan_literal(&scan, "(nil)"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decimal_numbers),
	    cmocka_unit_test(hexadecimal_numbers),
	    cmocka_unit_test(pointers),
	    cmocka_unit_test(words_and_names),
	    cmocka_unit_test(nothing_is_read_behind_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
