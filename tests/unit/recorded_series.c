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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_before_and_after),
					   cmocka_unit_test(test_a_cut_recording_has_no_end),
					   cmocka_unit_test(test_no_frames), cmocka_unit_test(test_nonsense)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
