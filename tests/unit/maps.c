#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/spaces/maps.h"

#include <string.h>
#include <sys/sysmacros.h>

static void test_lines_are_taken_apart(void **state)
{
	static const char text[] =
	    "555555554000-555555556000 r--p 00001000 fe:01 1234                       /usr/bin/a b\n"
	    "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          [stack]\n"
	    "7ffff7fc0000-7ffff7fc1000 rw-s 00000000 00:00 0 \n";
	struct maps maps = maps_of(text, strlen(text));
	struct maps_line line;

	(void)state;
	assert_true(maps_next(&maps, &line));
	assert_int_equal(line.start, 0x555555554000);
	assert_int_equal(line.end, 0x555555556000);
	assert_true(line.may_read && !line.may_write && !line.may_execute && !line.is_shared);
	assert_int_equal(line.offset, 0x1000);
	assert_int_equal(line.device, makedev(0xfe, 1));
	assert_int_equal(line.inode, 1234);
	assert_true(maps_is_named(&line, "/usr/bin/a b"));
	assert_true(maps_next(&maps, &line));
	assert_true(maps_is_named(&line, "[stack]") && line.may_write);
	assert_true(maps_next(&maps, &line));
	assert_true(line.is_shared && line.name == NULL);
	assert_false(maps_next(&maps, &line));
}

static void test_other_texts_end(void **state)
{
	static const char *const texts[] = {"",
					    "x",
					    "1000-2000",
					    "1000-2000 rwxp",
					    "1000-2000 rwxq 0 0:0 0\n",
					    "10000000000000000-2 rw-p 0 0:0 0\n",
					    "1000-2000 rw-p 0 0:0 99999999999999999999\n",
					    "1000-2000 rw-p 0 0:0 x"};
	struct maps_line line;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct maps maps = maps_of(texts[i], strlen(texts[i]));

		assert_false(maps_next(&maps, &line));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines_are_taken_apart),
	    cmocka_unit_test(test_other_texts_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
