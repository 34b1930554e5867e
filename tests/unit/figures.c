#include "config.h"

#include "bench/fidelity/figures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_find(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_true(figures_find("Name:\tx\nVmPTE:\t      48 kB\nRss:  12 kB\n", "VmPTE", &value));
	assert_int_equal(value, 48);
	assert_true(figures_find("Rss:  12 kB", "Rss", &value));
	assert_int_equal(value, 12);
	/* Not the end of another name, nor a name without a number. */
	assert_false(figures_find("VmRss: 12 kB\n", "Rss", &value));
	assert_false(figures_find("Rss: many\n", "Rss", &value));
	assert_false(figures_find("", "Rss", &value));
}

static void test_stat(void **state)
{
	const char *text = "41 (a) b (c) S 1 2 3 4 5 6 725 8 1 10\n";
	uint64_t value;

	(void)state;
	assert_true(figures_stat(text, 4, &value));
	assert_int_equal(value, 1);
	assert_true(figures_stat(text, 10, &value));
	assert_int_equal(value, 725);
	assert_false(figures_stat(text, 3, &value));
	assert_false(figures_stat(text, 60, &value));
	assert_false(figures_stat("41 cut", 10, &value));
}

static void test_take(void **state)
{
	struct figures figures = {0};

	(void)state;
	assert_true(figures_take(&figures, "stat", "41 (a) S 1 2 3 4 5 6 725 8 1 10\n"));
	assert_true(figures_take(&figures, "smaps_rollup", "Rss: 7564 kB\nAnonHugePages: 2048 kB\n"));
	assert_true(figures_take(&figures, "status",
				 "RssAnon: 2436 kB\nRssFile: 5128 kB\nRssShmem: 0 kB\nVmPTE: 48 kB\n"));
	assert_true(figures_take(&figures, "limits", "anything"));
	assert_int_equal(figures.minor, 725);
	assert_int_equal(figures.major, 1);
	assert_int_equal(figures.resident_pages, 1891);
	assert_int_equal(figures.huge_pages, 512);
	assert_int_equal(figures.anonymous_pages, 609);
	assert_int_equal(figures.file_pages, 1282);
	assert_int_equal(figures.table_pages, 12);
	assert_false(figures_take(&figures, "status", "RssAnon: 2436 kB\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_find), cmocka_unit_test(test_stat),
					   cmocka_unit_test(test_take)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
