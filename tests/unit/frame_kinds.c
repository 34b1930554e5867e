#include "config.h"

#include "traces/frame_kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BIT(n) (UINT64_C(1) << (n))

static void values(void **state)
{
	static const struct {
		uint64_t flags;
		unsigned value;
	} cases[] = {
	    {0, FRAME_OTHER},
	    {BIT(20), FRAME_HOLE},
	    {BIT(10), FRAME_FREE},
	    {BIT(7) | BIT(15), FRAME_SLAB},
	    {BIT(7) | BIT(16), FRAME_SLAB | FRAME_TAIL},
	    {BIT(26), FRAME_PAGE_TABLE},
	    {BIT(5) | BIT(12) | BIT(11), FRAME_ANONYMOUS | FRAME_MAPPED},
	    {BIT(12) | BIT(22) | BIT(16), FRAME_HUGE | FRAME_TAIL},
	    {BIT(5) | BIT(6), FRAME_FILE},
	    {BIT(17) | BIT(15), FRAME_HUGETLB},
	    {BIT(19), FRAME_UNMOVABLE},
	    {BIT(23), FRAME_UNMOVABLE},
	    {BIT(32), FRAME_UNMOVABLE},
	    {BIT(24) | BIT(32), FRAME_ZERO},
	    {BIT(21) | BIT(12), FRAME_MERGED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(frame_value(cases[i].flags), cases[i].value);
	assert_string_equal(frame_kind_name(FRAME_PAGE_TABLE), "table");
	assert_string_equal(frame_kind_name(FRAME_KINDS), "unknown");
}

/* 70,000 holes, then slab and free frames in turns, then one free run. */
static unsigned value_at(uint64_t frame)
{
	if (frame < 70000)
		return FRAME_HOLE;
	if (frame < 70100)
		return frame % 2 ? FRAME_SLAB | FRAME_MAPPED : FRAME_FREE;
	return FRAME_FREE;
}

#define FRAMES 100000u

static size_t write_frames(uint8_t *bytes, size_t capacity)
{
	const uint64_t time_ns[] = {5, UINT64_C(1) << 60};
	struct frame_writer writer;

	frame_writer_start(&writer, bytes, capacity);
	for (uint64_t frame = 0; frame < FRAMES; frame++)
		frame_writer_add(&writer, value_at(frame));
	frame_writer_finish(&writer);
	frame_writer_header(&writer, (UINT64_C(1) << 50), FRAMES, time_ns);
	return writer.full ? 0 : writer.used;
}

static void round_trip(void **state)
{
	uint8_t bytes[400];
	const size_t used = write_frames(bytes, sizeof(bytes));
	struct frame_reader reader;
	struct frame_run run;
	uint64_t frame = 0;

	(void)state;
	assert_true(used > 0 && used < 220);
	assert_true(frame_reader_start(&reader, bytes, used));
	assert_true(reader.first == (UINT64_C(1) << 50) && reader.frames == FRAMES);
	assert_true(reader.begin_ns == 5 && reader.end_ns == UINT64_C(1) << 60);
	while (frame_reader_next(&reader, &run)) {
		assert_true(run.first == (UINT64_C(1) << 50) + frame);
		for (uint64_t end = frame + run.frames; frame < end; frame++)
			assert_int_equal(run.value, value_at(frame));
	}
	assert_int_equal(frame, FRAMES);
	assert_int_equal(reader.told, FRAMES);
}

/* Every cut is noticed: at the start, or by frames that are not told. */
static void damage(void **state)
{
	uint8_t bytes[400];
	const size_t used = write_frames(bytes, sizeof(bytes));
	struct frame_reader reader;
	struct frame_run run;

	(void)state;
	for (size_t cut = 0; cut < used; cut++) {
		if (!frame_reader_start(&reader, bytes, cut))
			continue;
		while (frame_reader_next(&reader, &run))
			continue;
		assert_true(reader.told < FRAMES);
	}
	assert_int_equal(write_frames(bytes, 150), 0);
	assert_int_equal(write_frames(bytes, 10), 0);
	assert_false(frame_reader_start(&reader, "1 99999999999999999999 0 0\n", 27));
	assert_false(frame_reader_start(&reader, "1 4194305 0 0\n", 14));
	assert_false(frame_reader_start(&reader, "x", 1));
	assert_true(frame_reader_start(&reader, "0 1 0 0\n\x0f", 9));
	assert_false(frame_reader_next(&reader, &run)); /* no kind 15 */
	assert_true(frame_reader_start(&reader, "0 1 0 0\n\x41", 9));
	assert_false(frame_reader_next(&reader, &run)); /* two frames of one */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(values), cmocka_unit_test(round_trip),
					   cmocka_unit_test(damage)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
