#include "config.h"

#include "traces/import/system_call.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct system_call parse(const char *text)
{
	struct system_call call;

	assert_true(system_call_parse(scan_text(text, strlen(text)), &call));
	return call;
}

static void refuse(const char *text)
{
	struct system_call call;

	assert_false(system_call_parse(scan_text(text, strlen(text)), &call));
}

static uint64_t value_of(const char *text)
{
	uint64_t value;

	assert_true(system_call_value(scan_text(text, strlen(text)), &value));
	return value;
}

static void expect_path(const char *text, const char *expected)
{
	struct scan path;

	assert_true(system_call_path(scan_text(text, strlen(text)), &path));
	assert_int_equal(path.end - path.at, strlen(expected));
	assert_memory_equal(path.at, expected, strlen(expected));
}

static void a_whole_call(void **state)
{
	struct system_call call =
	    parse("mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) "
		  "= 0x7f4544e63000 <0.000087>");

	(void)state;
	assert_true(call.returned);
	assert_int_equal(call.result, 0x7f4544e63000);
	assert_int_equal(call.arguments, 6);
	assert_true(scan_equal(call.name.at, (size_t)(call.name.end - call.name.at), "mmap"));
}

static void results(void **state)
{
	(void)state;
	assert_int_equal(parse("mremap(0x1000, 1, 2, 0) = -1 ENOMEM (Cannot allocate memory)").result, -12);
	assert_int_equal(parse("brk(NULL)                         = 0x55f846a98000").result, 0x55f846a98000);
	assert_int_equal(parse("munmap(0x1000, 4096) = 0").result, 0);
	assert_false(parse("exit_group(0)           = ?").returned);
	assert_int_equal(parse("fork() = 1234").arguments, 0);
	refuse("mmap(NULL, 1");
	refuse("mmap(NULL, 1)");
	refuse("mmap(NULL, 1) = ");
	refuse("mmap(NULL, 1) = -1 EWHAT (?)");
	refuse("mmap NULL, 1) = 0");
	refuse("f(1, 2, 3, 4, 5, 6, 7, 8, 9) = 0");
	refuse("f((((((((((((((((((1)))))))))))))))))) = 0");
}

static void what_does_not_separate(void **state)
{
	struct system_call call = parse(
	    "f(\"a, b) \\\" c\", {x=[1, 2], y=3}, 3</tmp/a, (b)>, 21<<MAP_HUGE_SHIFT|MAP_HUGETLB, 4) = 0");

	(void)state;
	assert_int_equal(call.arguments, 5);
	expect_path("3</tmp/a, (b)>", "/tmp/a, (b)");
	expect_path("\"/bin/sh\"", "/bin/sh");
	assert_int_equal(value_of("21<<MAP_HUGE_SHIFT|MAP_HUGETLB"), (21u << 26) | 0x40000u);
}

static void values(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(value_of("PROT_READ|PROT_WRITE"), 3);
	assert_int_equal(value_of("0x3 /* PROT_READ|PROT_WRITE */"), 3);
	assert_int_equal(value_of("MAP_PRIVATE|0x80 /* MAP_??? */"), 0x82);
	assert_int_equal(value_of("IPC_CREAT|0600"), 01600);
	assert_true(value_of("-1") == UINT64_MAX);
	assert_int_equal(value_of("3</etc/ld.so.cache>"), 3);
	assert_int_equal(value_of("0"), 0);
	assert_false(system_call_value(scan_text("PROT_WHAT", 9), &value));
	assert_false(system_call_value(scan_text("", 0), &value));
	assert_false(system_call_value(scan_text("0x10000000000000000", 19), &value));
	assert_false(system_call_value(scan_text("1|", 2), &value) && value != 1);
}

static void members(void **state)
{
	struct system_call clone = parse("clone(child_stack=NULL, flags=CLONE_VM|CLONE_VFORK|SIGCHLD) = 7");
	struct system_call clone3 = parse("clone3({flags=CLONE_THREAD|CLONE_VM, child_tid=0x7f}, 88) = 8");
	struct system_call none = parse("fork(xflags=3) = 8");
	uint64_t value;

	(void)state;
	assert_true(system_call_member(&clone, "flags", &value));
	assert_int_equal(value, 0x4111);
	assert_true(system_call_member(&clone3, "flags", &value));
	assert_int_equal(value, 0x10100);
	assert_false(system_call_member(&none, "flags", &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_whole_call), cmocka_unit_test(results),
					   cmocka_unit_test(what_does_not_separate), cmocka_unit_test(values),
					   cmocka_unit_test(members)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
