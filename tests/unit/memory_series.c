#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/physical/memory_series.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGES 32768u

static void boot(struct memory *memory)
{
	const struct memory_shape shape = {
	    .size = {.pages = PAGES}, .backing = ARENA_NONE, .max_order = 10, .keeper = ZONE_LISTS};

	assert_int_equal(memory_create(memory, &shape), STATUS_OK);
}

/* Samples before the events 100, 350 ... 1100, with a block taken before each. */
static void run(struct memory_series *series, struct memory *memory)
{
	const struct zone_request request = {.order = 0, .type = MIGRATE_MOVABLE, .cpu = -1};
	struct trace_error error;
	uint64_t event, expected = 100;

	boot(memory);
	assert_int_equal(memory_series_create(series, 100, 1100, 5, &error), TRACE_OK);
	while (memory_series_next(series, &event)) {
		assert_int_equal(event, expected);
		expected += 250;
		assert_int_equal(memory_series_take(series, memory, &error), TRACE_OK);
		assert_int_not_equal(zone_take(&memory->zone[1], &request), PFN_NONE);
	}
	assert_int_equal(expected, 1350);
}

static void test_samples(void **state)
{
	struct memory_series series;
	struct memory memory;

	(void)state;
	run(&series, &memory);
	assert_int_equal(series.samples, 5);
	assert_int_equal(series.sample[0].used_pages, 0);
	assert_int_equal(series.sample[4].used_pages, 4);
	assert_int_equal(series.sample[4].free.blocks[10], 30);
	assert_int_equal(series.sample[4].free.blocks[2], 2 - 1);
	assert_int_equal(series.sample[4].free.blocks[0], 0);
	assert_int_equal(series.zone[1].free.blocks[10], 27);
	assert_int_equal(series.map.frames, PAGES);
	assert_int_equal(series.moments, 5);
	assert_int_equal(series.moment[4].event, 1100);
	memory_series_destroy(&series);
	memory_destroy(&memory);
}

/* Of many samples eight have a moment, the first and the last among them. */
static void test_moments(void **state)
{
	struct memory_series series;
	struct trace_error error;
	struct memory memory;
	uint64_t event;

	(void)state;
	boot(&memory);
	assert_int_equal(memory_series_create(&series, 0, 1000, 101, &error), TRACE_OK);
	while (memory_series_next(&series, &event))
		assert_int_equal(memory_series_take(&series, &memory, &error), TRACE_OK);
	assert_int_equal(series.moments, 8);
	assert_int_equal(series.moment[0].event, 0);
	assert_int_equal(series.moment[1].event, 150); /* 1000 / 7 is between two samples */
	assert_int_equal(series.moment[7].event, 1000);
	memory_series_destroy(&series);
	memory_destroy(&memory);
}

static void test_no_event_at_all(void **state)
{
	struct memory_series series;
	struct trace_error error;
	struct memory memory;
	uint64_t event, samples = 0;

	(void)state;
	boot(&memory);
	assert_int_equal(memory_series_create(&series, 7, 7, 0, &error), TRACE_OK);
	for (; memory_series_next(&series, &event); samples++) {
		assert_int_equal(event, 7);
		assert_int_equal(memory_series_take(&series, &memory, &error), TRACE_OK);
	}
	assert_int_equal(samples, 2);
	memory_series_destroy(&series);
	memory_destroy(&memory);
}

static void read_file(const char *directory, const char *name, char *text, size_t bytes)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	text[fread(text, 1, bytes - 1, file)] = '\0';
	(void)fclose(file);
	(void)unlink(path);
}

static void test_files(void **state)
{
	static char text[1 << 21];
	char directory[] = "memory_series.XXXXXX";
	struct memory_series series;
	struct trace_error error;
	struct memory memory;

	(void)state;
	run(&series, &memory);
	assert_non_null(mkdtemp(directory));
	assert_int_equal(memory_series_write(&series, directory, "# head\n", &error), TRACE_OK);
	read_file(directory, "buddy.tsv", text, sizeof(text));
	assert_non_null(strstr(text, "# head\n# event\torder0\torder1\torder2\t"));
	assert_non_null(strstr(text, "\torder10\n100\t0\t0\t0\t0\t0\t0\t0\t0\t1\t1\t31\n350\t1\t1\t1\t1\t"));
	read_file(directory, "model.tsv", text, sizeof(text));
	assert_non_null(strstr(text, "\n100\t?\t?\t0\t?\t?\t0.00787402\t?\t1\n"));
	assert_non_null(strstr(text, "\n1100\t?\t?\t16384\t?\t?\t"));
	read_file(directory, "orders.tsv", text, sizeof(text));
	assert_non_null(strstr(text, "\nall\t10\t30\t"));
	assert_non_null(strstr(text, "\n0/DMA\t10\t3\t0.2\t?\n0/DMA32\t0\t0\t0\t?\n"));
	read_file(directory, "frame_map.tsv", text, sizeof(text));
	assert_non_null(strstr(text, "# head\n# a cell is 4 KiB\n# row\tcolumn\tuse\tshare\n0\t0\t1\t1\n"));
	read_file(directory, "frame_strip.tsv", text, sizeof(text));
	assert_non_null(strstr(
	    text, "# a cell is 32 KiB\n# moment\tevent\trow\tcolumn\tuse\tshare\n0\t100\t0\t0\t1\t1\n"));
	assert_non_null(strstr(text, "\n4\t1100\t0\t0\t1\t1\n"));
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(memory_series_write(&series, directory, "", &error), TRACE_IO);
	memory_series_destroy(&series);
	memory_destroy(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_samples), cmocka_unit_test(test_moments),
					   cmocka_unit_test(test_no_event_at_all),
					   cmocka_unit_test(test_files)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
