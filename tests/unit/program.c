#include "config.h"

#include "traces/record/program.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/faultline-program.XXXXXX";

static int enter_directory(void **unused)
{
	(void)unused;
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave_directory(void **unused)
{
	(void)unused;
	(void)unlink("file");
	return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static void write_file(const void *bytes, size_t size)
{
	FILE *file = fopen("file", "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod("file", 0755), 0);
}

static void a_name_is_looked_up_in_path(void **unused)
{
	char path[4096];

	(void)unused;
	assert_true(program_find("sh", path, sizeof(path)));
	assert_int_equal(access(path, X_OK), 0);
	assert_false(program_find("no-such-program-anywhere", path, sizeof(path)));
	assert_false(program_find("/tmp", path, sizeof(path)));
	assert_false(program_find("sh", path, 3));
}

static void an_ordinary_program_has_no_obstacle(void **unused)
{
	char path[4096], reason[512];

	(void)unused;
	assert_true(program_find("sh", path, sizeof(path)));
	assert_false(program_obstacle(path, reason, sizeof(reason)));
}

static void a_script_is_its_interpreter(void **unused)
{
	static const char script[] = "#! /bin/sh -e\nexit\n", endless[] = "#!./file\n";
	char reason[512];

	(void)unused;
	write_file(script, sizeof(script) - 1);
	assert_false(program_obstacle("file", reason, sizeof(reason)));
	write_file(endless, sizeof(endless) - 1);
	assert_false(program_obstacle("file", reason, sizeof(reason)));
}

/* The test's own file, damaged in every way that cutting and flipping make: only words come out, or none. */
static void damaged_programs_are_survived(void **unused)
{
	static unsigned char bytes[1 << 16];
	FILE *file = fopen("/bin/true", "r");
	size_t size;
	char reason[512];

	(void)unused;
	assert_non_null(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	assert_int_equal(fclose(file), 0);
	for (size_t cut = 1; cut < size; cut += cut < 1024 ? 31 : 4001) {
		write_file(bytes, cut);
		(void)program_obstacle("file", reason, sizeof(reason));
	}
	for (size_t at = 16; at < 600 && at < size; at += 3) {
		unsigned char before = bytes[at];
		bytes[at] = (unsigned char)(before ^ 0xff);
		write_file(bytes, size);
		(void)program_obstacle("file", reason, sizeof(reason));
		bytes[at] = before;
	}
}

static void a_32_bit_program_is_named(void **unused)
{
	static const unsigned char header[64] = {0x7f, 'E', 'L', 'F', 1, 1, 1};
	char reason[512];

	(void)unused;
	write_file(header, sizeof(header));
	assert_true(program_obstacle("file", reason, sizeof(reason)));
	assert_string_equal(reason, "file is not a 64-bit program, and this recorder is 64-bit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_is_looked_up_in_path),
	    cmocka_unit_test(an_ordinary_program_has_no_obstacle),
	    cmocka_unit_test(a_script_is_its_interpreter),
	    cmocka_unit_test(damaged_programs_are_survived),
	    cmocka_unit_test(a_32_bit_program_is_named),
	};

	return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
