#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/physical/recorded_series.h"
#include "tests/unit/written_trace.h"
#include "traces/frame_kinds.h"

/* Before: 1024 frames of files and 1024 free ones. After: all free; then what belongs to no set. */
static struct flt_reader *two_sets(bool is_cut)
{
	struct written_trace trace;

	written_trace_begin(&trace);
	written_frames(&trace, 0, 1024, FRAME_FILE);
	written_snapshot(&trace, "vmstat", "nr_free_pages 1\n", (struct event){0});
	written_frames(&trace, 1024, 1024, FRAME_FREE);
	written_frames(&trace, 0, 1024, FRAME_FREE);
	written_frames(&trace, 1024, 1024, FRAME_FREE);
	if (is_cut)
		assert_int_equal(flt_writer_warn(trace.writer, EVENT_CUT_WARNING, 1, &trace.error), TRACE_OK);
	return written_trace_open(&trace);
}

static uint64_t sum(const struct frame_map *map, enum frame_use use)
{
	uint64_t frames = 0;

	for (size_t i = 0; i < (size_t)map->side * map->side; i++)
		frames += map->cell[i][use];
	return frames;
}

static void test_before_and_after(void **state)
{
	struct flt_reader *reader = two_sets(false);
	struct memory_series series;
	struct trace_error error;

	(void)state;
	assert_int_equal(recorded_series_read(&series, reader, &error), TRACE_OK);
	assert_int_equal(series.samples, 0);
	assert_int_equal(series.moments, 2);
	assert_int_equal(series.moment[1].event, flt_reader_summary(reader)->events);
	assert_int_equal(sum(&series.moment[0].map, FRAME_USE_MOVABLE), 1024);
	assert_int_equal(sum(&series.moment[0].map, FRAME_USE_FREE_LARGE), 1024);
	assert_int_equal(sum(&series.moment[1].map, FRAME_USE_FREE_LARGE), 2048);
	assert_int_equal(sum(&series.map, FRAME_USE_FREE_LARGE), 2048);
	assert_int_equal(series.map.frames, 2048);
	memory_series_destroy(&series);
	flt_reader_close(reader);
}

static void test_a_cut_recording_has_no_end(void **state)
{
	struct flt_reader *reader = two_sets(true);
	struct memory_series series;
	struct trace_error error;

	(void)state;
	assert_int_equal(recorded_series_read(&series, reader, &error), TRACE_OK);
	assert_int_equal(series.moments, 1);
	assert_null(series.map.cell);
	memory_series_destroy(&series);
	flt_reader_close(reader);
}

static void test_no_frames(void **state)
{
	struct written_trace trace;
	struct memory_series series;
	struct trace_error error;

	(void)state;
	written_trace_begin(&trace);
	written_snapshot(&trace, "vmstat", "nr_free_pages 1\n", (struct event){0});
	struct flt_reader *reader = written_trace_open(&trace);

	assert_int_equal(recorded_series_read(&series, reader, &error), TRACE_OK);
	assert_true(series.moments == 0 && series.samples == 0);
	memory_series_destroy(&series);
	flt_reader_close(reader);
}

/* What is no text line, what tells fewer frames than it says, and frames beyond every machine. */
static void test_nonsense(void **state)
{
	static const char *const texts[] = {"frames", "0 4096 1 2\n\x01",
					    "18446744073709551615 4096 1 2\n\x01",
					    "0 18446744073709551615 1 2\n\x01"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct written_trace trace;
		struct memory_series series;
		struct trace_error error;

		written_trace_begin(&trace);
		written_snapshot(&trace, FRAME_KINDS_SNAPSHOT, texts[i], (struct event){0});
		struct flt_reader *reader = written_trace_open(&trace);

		assert_int_equal(recorded_series_read(&series, reader, &error), TRACE_BAD_INPUT);
		flt_reader_close(reader);
	}
}

/* --- Free blocks and where memory lies ---------------------------------------------------------------------------------- */

static const char zoneinfo[] = "Node 0, zone   Normal\n"
			       "  pages free     300\n"
			       "        boost    0\n"
			       "        min      12\n"
			       "        low      15\n"
			       "        high     18\n"
			       "        promo    21\n"
			       "        spanned  2048\n"
			       "        present  2000\n"
			       "        managed  1800\n"
			       "        cma      0\n"
			       "        protection: (0, 0)\n"
			       "  pagesets\n"
			       "    cpu: 0\n"
			       "              count:    50\n"
			       "              high:     60\n"
			       "              batch:    1\n"
			       "              high_min: 7\n"
			       "              high_max: 240\n"
			       "  node_unreclaimable:  0\n"
			       "  start_pfn:           0\n";
static const char iomem[] = "00000000-007cffff : System RAM\n007d0000-00ffffff : PCI Bus 0000:00\n";

/* The texts, and of 2048 frames 1024 of files and 1024 of which nothing is known, the last 48 of them in a hole. */
static void write_set(struct written_trace *trace, const char *buddyinfo)
{
	written_frames(trace, 0, 1024, FRAME_FILE);
	written_frames(trace, 1024, 1024, FRAME_OTHER);
	written_snapshot(trace, "iomem", iomem, (struct event){0});
	written_snapshot(trace, "zoneinfo", zoneinfo, (struct event){0});
	written_snapshot(trace, "buddyinfo", buddyinfo, (struct event){0});
}

static struct flt_reader *whole_machine(bool is_cut)
{
	struct written_trace trace;

	written_trace_begin(&trace);
	write_set(&trace,
		  "Node 0, zone   Normal      4      2      0      0      0      0      0      0      0      "
		  "1      0 \n");
	written_event(&trace, (struct event){.kind = EVENT_MARKER});
	write_set(&trace,
		  "Node 0, zone   Normal      0      2      0      0      0      0      0      0      0      "
		  "0      1 \n");
	if (is_cut)
		assert_int_equal(flt_writer_warn(trace.writer, EVENT_CUT_WARNING, 1, &trace.error), TRACE_OK);
	return written_trace_open(&trace);
}

static void test_free_blocks(void **state)
{
	struct flt_reader *reader = whole_machine(false);
	struct memory_outcome outcome = {0};
	struct memory_series series;
	struct trace_error error;
	struct event event;

	(void)state;
	assert_int_equal(recorded_series_read(&series, reader, &error), TRACE_OK);
	assert_int_equal(series.samples, 2);
	assert_int_equal(series.orders, 11);
	assert_int_equal(series.sample[0].free.blocks[0], 4);
	assert_int_equal(series.sample[1].free.blocks[10], 1);
	assert_int_equal(series.sample[0].used_pages, 1800 - 300 - 50);
	assert_int_equal(series.sample[1].event - series.sample[0].event, 6);
	assert_int_equal(series.zone[0].free.blocks[9], 0);
	assert_string_equal(series.zone[0].name, "Normal");
	recorded_series_outcome(&series, &outcome);
	assert_true(outcome.has_free && outcome.kernel_blocks == OUTCOME_UNKNOWN);
	assert_int_equal(memory_outcome_huge(&outcome), 2);
	/* The reader is at the first event again. */
	assert_int_equal(flt_reader_next(reader, &event, &error), TRACE_OK);
	assert_int_equal(event.kind, EVENT_SNAPSHOT);
	memory_series_destroy(&series);
	flt_reader_close(reader);
}

/* Of 2000 frames 200 are not managed, and none of them was reserved: they are the last ones. */
static void test_memory_that_is_not_initialised(void **state)
{
	struct flt_reader *reader = whole_machine(false);
	struct memory_series series;
	struct trace_error error;

	(void)state;
	assert_int_equal(recorded_series_read(&series, reader, &error), TRACE_OK);
	assert_int_equal(sum(&series.map, FRAME_USE_MOVABLE), 1024);
	assert_int_equal(sum(&series.map, FRAME_USE_KERNEL), 776);
	assert_int_equal(sum(&series.map, FRAME_USE_LATE), 200);
	assert_int_equal(sum(&series.map, FRAME_USE_NONE), 48);
	assert_int_equal(sum(&series.moment[0].map, FRAME_USE_LATE), 200);
	memory_series_destroy(&series);
	flt_reader_close(reader);
}

static void test_free_blocks_of_a_cut_recording(void **state)
{
	struct flt_reader *reader = whole_machine(true);
	struct memory_outcome outcome = {0};
	struct memory_series series;
	struct trace_error error;

	(void)state;
	assert_int_equal(recorded_series_read(&series, reader, &error), TRACE_OK);
	assert_int_equal(series.samples, 1);
	recorded_series_outcome(&series, &outcome);
	assert_false(outcome.has_free);
	memory_series_destroy(&series);
	flt_reader_close(reader);
}

static void test_texts_that_make_no_sense(void **state)
{
	static const char *const names[] = {"buddyinfo", "zoneinfo", "iomem"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct written_trace trace;
		struct memory_series series;
		struct trace_error error;

		written_trace_begin(&trace);
		written_snapshot(&trace, names[i], "Node 0, zone\n", (struct event){0});
		write_set(&trace, "Node 0, zone   Normal      4      2\n");
		struct flt_reader *reader = written_trace_open(&trace);

		assert_int_equal(recorded_series_read(&series, reader, &error), TRACE_BAD_INPUT);
		flt_reader_close(reader);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_before_and_after),
					   cmocka_unit_test(test_a_cut_recording_has_no_end),
					   cmocka_unit_test(test_no_frames),
					   cmocka_unit_test(test_nonsense),
					   cmocka_unit_test(test_free_blocks),
					   cmocka_unit_test(test_memory_that_is_not_initialised),
					   cmocka_unit_test(test_free_blocks_of_a_cut_recording),
					   cmocka_unit_test(test_texts_that_make_no_sense)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
