#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/targets/target.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void null_and_glibc_need_no_library(void **state)
{
	struct target target;
	struct target_error error;

	(void)state;
	assert_true(target_parse(&target, "null", NULL, 0, &error));
	assert_int_equal(target.kind, TARGET_NULL);
	assert_int_equal(target.functions, FUNCTIONS_NULL);
	target_destroy(&target);
	assert_true(target_parse(&target, "glibc", NULL, 0, &error));
	assert_string_equal(target.library, "");
	assert_non_null(strstr(target.environment[0], "GLIBC_TUNABLES=glibc.malloc.arena_max="));
	target_destroy(&target);
}

static void glibc_options_become_tunables(void **state)
{
	struct target target;
	struct target_error error;

	(void)state;
	assert_true(target_parse(&target, "glibc:arena_max=1,tcache_count=0", NULL, 0, &error));
	assert_int_equal(target.environment_count, 1);
	assert_string_equal(target.environment[0],
			    "GLIBC_TUNABLES=glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0");
	target_destroy(&target);
	assert_false(target_parse(&target, "glibc:arena_max", NULL, 0, &error));
	assert_non_null(strstr(error.message, "KEY=VALUE"));
}

static void installed_or_refused(const char *text, const char *environment)
{
	struct target target;
	struct target_error error;

	if (target_parse(&target, text, NULL, 0, &error)) {
		assert_int_equal(access(target.library, R_OK), 0);
		assert_string_equal(target.environment[0], environment);
		target_destroy(&target);
	} else {
		assert_non_null(strstr(error.message, "is not installed (Debian: lib"));
	}
}

static void allocators_take_options_in_their_own_way(void **state)
{
	(void)state;
	installed_or_refused("jemalloc:dirty_decay_ms:0,narenas:2", "MALLOC_CONF=dirty_decay_ms:0,narenas:2");
	installed_or_refused("mimalloc:purge_delay=0", "MIMALLOC_PURGE_DELAY=0");
	installed_or_refused("tcmalloc:release_rate=10", "TCMALLOC_RELEASE_RATE=10");
}

static void nonsense_is_refused_with_what_would_be_right(void **state)
{
	struct target target;
	struct target_error error;
	char longest[TARGET_MAX_TEXT + 1];

	(void)state;
	assert_false(target_parse(&target, "jemallok", NULL, 0, &error));
	assert_non_null(strstr(error.message, "engine[:POLICY], glibc, jemalloc"));
	assert_false(target_parse(&target, "/nowhere/at/all.so", NULL, 0, &error));
	assert_non_null(strstr(error.message, "no such file"));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_false(target_parse(&target, longest, NULL, 0, &error));
}

static void titles_name_the_version(void **state)
{
	struct target target = {.kind = TARGET_TCMALLOC};
	char title[64];

	(void)state;
	target_title(&target, "2.10", title, sizeof(title));
	assert_string_equal(title, "gperftools tcmalloc 2.10");
	target.kind = TARGET_LIBRARY;
	(void)snprintf(target.library, sizeof(target.library), "/a/b/my.so");
	target_title(&target, "", title, sizeof(title));
	assert_string_equal(title, "my.so");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(null_and_glibc_need_no_library),
	    cmocka_unit_test(glibc_options_become_tunables),
	    cmocka_unit_test(allocators_take_options_in_their_own_way),
	    cmocka_unit_test(nonsense_is_refused_with_what_would_be_right),
	    cmocka_unit_test(titles_name_the_version),
	};

	return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
