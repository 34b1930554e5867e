#include "config.h"

#include "traces/import/constant.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t value_of(const char *name)
{
	uint64_t value = 12345;

	assert_true(constant_find(name, strlen(name), &value));
	return value;
}

static void names_of_arguments(void **state)
{
	(void)state;
	assert_int_equal(value_of("PROT_READ"), 1);
	assert_int_equal(value_of("MAP_ANONYMOUS"), 0x20);
	assert_int_equal(value_of("MADV_COLLAPSE"), 25);
	assert_int_equal(value_of("CLONE_IO"), 0x80000000u);
	assert_int_equal(value_of("NULL"), 0);
}

static void names_that_are_none(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_false(constant_find("PROT_REA", 8, &value));
	assert_false(constant_find("PROT_READX", 10, &value));
	assert_false(constant_find("", 0, &value));
	assert_int_equal(value, 7);
}

static void errors(void **state)
{
	(void)state;
	assert_int_equal(constant_errno("ENOMEM", 6), 12);
	assert_int_equal(constant_errno("EEXIST", 6), 17);
	assert_int_equal(constant_errno("EWHAT", 5), 0);
	assert_int_equal(constant_errno("ENOMEMX", 6), 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names_of_arguments),
					   cmocka_unit_test(names_that_are_none), cmocka_unit_test(errors)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
