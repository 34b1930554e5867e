#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/placement/cursor.h"
#include "bench/placement/mapped.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE MAPPED_PAGE_BYTES
#define UNIT CURSOR_UNIT_BYTES
#define HEAP UINT64_C(0x555555577000)
#define MAPS UINT64_C(0x7ef7f7000000)

static struct placement *read_back(struct placement_writer *writer)
{
	struct placement *placement;
	struct trace_error error = {""};
	size_t bytes;
	void *file = placement_writer_finish(writer, &bytes);

	assert_non_null(file);
	placement_writer_destroy(writer);
	if (placement_read(&placement, file, bytes, "test", &error) != TRACE_OK)
		fail_msg("%s", error.message);
	free(file);
	return placement;
}

static struct placement *of(const struct placement_record *records, size_t count)
{
	static const struct placement_description description = {.events = 1000};
	struct placement_writer *writer = placement_writer_create(&description);
	struct trace_error error = {""};

	assert_non_null(writer);
	assert_int_equal(placement_writer_begin(writer, &error), TRACE_OK);
	for (size_t i = 0; i < count; i++) {
		if (placement_writer_add(writer, &records[i], &error) != TRACE_OK)
			fail_msg("%s", error.message);
	}
	return read_back(writer);
}

static struct placement_record call(uint64_t event, unsigned kind, struct event_call call)
{
	return (struct placement_record){
	    .event = event, .kind = PLACEMENT_CALL, .call_kind = (uint8_t)kind, .call = call};
}

static struct placement_record next(struct placement_cursor *cursor, uint64_t event)
{
	struct placement_record record = {.event = 0};
	struct trace_error error = {""};

	assert_int_equal(placement_cursor_next(cursor, event, &record, &error), TRACE_OK);
	return record;
}

static void none(struct placement_cursor *cursor, uint64_t event)
{
	struct placement_record record;
	struct trace_error error;

	assert_int_equal(placement_cursor_next(cursor, event, &record, &error), TRACE_END);
}

/* The break becomes mappings; each event gets what belongs to it. */
static void the_break_is_mapped(void **state)
{
	const struct placement_record records[] = {
	    call(1, EVENT_BRK, (struct event_call){.result = HEAP}),
	    call(1, EVENT_BRK, (struct event_call){.address = HEAP + 4 * PAGE, .result = HEAP + 4 * PAGE}),
	    {.event = 1, .object = 1, .address = HEAP + 16, .bytes = 100},
	    call(7, EVENT_BRK, (struct event_call){.address = HEAP + PAGE, .result = HEAP + PAGE}),
	};
	struct placement *placement = of(records, 4);
	struct placement_cursor cursor;
	struct placement_record record;
	struct trace_error error;

	(void)state;
	assert_int_equal(placement_cursor_create(&cursor, placement, 0, NULL, &error), TRACE_OK);
	assert_null(placement_cursor_check(&cursor, NULL));
	none(&cursor, 0);
	record = next(&cursor, 1);
	assert_int_equal(record.call_kind, EVENT_MMAP);
	assert_int_equal(record.call.address, CURSOR_LOWEST + HEAP % UNIT);
	assert_int_equal(record.call.result, record.call.address);
	assert_int_equal(record.call.length, 4 * PAGE);
	assert_int_equal(record.call.flags, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
	assert_int_equal(record.call.protection, PROT_READ | PROT_WRITE);
	record = next(&cursor, 1);
	assert_int_equal(record.kind, PLACEMENT_BLOCK);
	assert_int_equal(record.object, 1);
	assert_int_equal(record.address, CURSOR_LOWEST + HEAP % UNIT + 16);
	none(&cursor, 6);
	record = next(&cursor, 9);
	assert_int_equal(record.call_kind, EVENT_MUNMAP);
	assert_int_equal(record.call.address, CURSOR_LOWEST + HEAP % UNIT + PAGE);
	assert_int_equal(record.call.length, 3 * PAGE);
	none(&cursor, UINT64_MAX);
	placement_cursor_destroy(&cursor);
	placement_close(placement);
}

/* Pieces keep clear of the program and of each other, whatever the program occupies. */
static void holes_are_between_what_is_there(void **state)
{
	const struct placement_record records[] = {
	    call(1, EVENT_MMAP, (struct event_call){.length = PAGE, .result = UNIT * 3 - PAGE}),
	    call(1, EVENT_MMAP, (struct event_call){.length = PAGE, .result = UNIT * 3}),
	    call(1, EVENT_MMAP, (struct event_call){.length = PAGE, .result = UNIT * 4}),
	    call(1, EVENT_MMAP, (struct event_call){.length = 5 * UNIT, .result = MAPS}),
	};
	static const uint64_t from[] = {0, PAGE, UNIT - PAGE, UNIT, 3 * UNIT, 5 * UNIT + PAGE};
	struct placement *placement = of(records, 4);

	(void)state;
	for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		struct range_set occupied = {0};
		struct placement_cursor cursor;
		struct trace_error error = {""};

		for (unsigned j = 0; j < 4; j++)
			assert_true(range_set_add(&occupied, CURSOR_LOWEST + (j + 1) * from[i],
						  CURSOR_LOWEST + (j + 1) * from[i] + PAGE));
		assert_int_equal(placement_cursor_create(&cursor, placement, 0, &occupied, &error), TRACE_OK);
		assert_int_equal(cursor.pieces, 2);
		if (placement_cursor_check(&cursor, &occupied))
			fail_msg("from %zu: %s", i, placement_cursor_check(&cursor, &occupied));
		/* What lay side by side still does. */
		assert_int_equal(placement_cursor_moved(&cursor, UNIT * 4) -
				     placement_cursor_moved(&cursor, UNIT * 3 - PAGE),
				 UNIT + PAGE);
		placement_cursor_destroy(&cursor);
		range_set_clear(&occupied);
	}
	placement_close(placement);
}

static void a_full_program_leaves_no_hole(void **state)
{
	const struct placement_record records[] = {
	    call(1, EVENT_MMAP, (struct event_call){.length = PAGE, .result = MAPS})};
	struct placement *placement = of(records, 1);
	struct range_set occupied = {0};
	struct placement_cursor cursor;
	struct trace_error error;

	(void)state;
	assert_true(range_set_add(&occupied, PAGE, MAPPED_END));
	assert_int_equal(placement_cursor_create(&cursor, placement, 0, &occupied, &error),
			 TRACE_UNSUPPORTED);
	range_set_clear(&occupied);
	placement_close(placement);
}

static void other_calls_are_moved(void **state)
{
	const struct placement_record records[] = {
	    call(1, EVENT_MMAP,
		 (struct event_call){.length = 4 * PAGE, .flags = 0x100022, .result = MAPS, .address = 5}),
	    call(2, EVENT_MADVISE, (struct event_call){.address = MAPS, .length = PAGE, .flags = 4}),
	    call(3, EVENT_MREMAP,
		 (struct event_call){.address = MAPS,
				     .length = 4 * PAGE,
				     .new_length = 8 * PAGE,
				     .flags = 1,
				     .result = MAPS + UNIT}),
	    call(4, EVENT_MREMAP,
		 (struct event_call){.address = MAPS + UNIT,
				     .length = 8 * PAGE,
				     .new_length = PAGE,
				     .flags = 1,
				     .result = MAPS + UNIT}),
	};
	struct placement *placement = of(records, 4);
	struct placement_cursor cursor;
	struct placement_record record;
	struct trace_error error;

	(void)state;
	assert_int_equal(placement_cursor_create(&cursor, placement, 0, NULL, &error), TRACE_OK);
	uint64_t moved = placement_cursor_moved(&cursor, MAPS);

	assert_int_equal(placement_cursor_moved(&cursor, 0x1000), 0);
	record = next(&cursor, 1);
	assert_int_equal(record.call.address, moved);
	assert_int_equal(record.call.flags, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
	record = next(&cursor, 2);
	assert_int_equal(record.call.address, moved);
	record = next(&cursor, 3);
	assert_int_equal(record.call.address, moved);
	assert_int_equal(record.call.new_address, moved + UNIT);
	assert_int_equal(record.call.flags, 3);
	record = next(&cursor, 4);
	assert_int_equal(record.call.address, moved + UNIT);
	assert_int_equal(record.call.new_address, 0);
	assert_int_equal(record.call.flags, 1);
	placement_cursor_destroy(&cursor);
	placement_close(placement);
}

static void each_invariant_is_watched(void **state)
{
	struct cursor_piece piece[2] = {{UNIT, 2 * UNIT, 10 * UNIT}, {5 * UNIT, 6 * UNIT, 20 * UNIT}};
	struct placement_cursor cursor = {.piece = piece, .pieces = 2};
	struct range_set occupied = {0};

	(void)state;
	assert_true(range_set_add(&occupied, 30 * UNIT, 31 * UNIT));
	assert_null(placement_cursor_check(&cursor, &occupied));
	piece[1].moved = 11 * UNIT;
	assert_string_equal(placement_cursor_check(&cursor, &occupied),
			    "I1: holes are disjoint from the program's ranges and from each other");
	piece[1].moved = 29 * UNIT;
	assert_string_equal(placement_cursor_check(&cursor, &occupied),
			    "I1: holes are disjoint from the program's ranges and from each other");
	piece[1].moved = 20 * UNIT + PAGE;
	assert_string_equal(placement_cursor_check(&cursor, &occupied),
			    "I2: moved address = address modulo 1 GiB");
	range_set_clear(&occupied);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_break_is_mapped),
	    cmocka_unit_test(holes_are_between_what_is_there),
	    cmocka_unit_test(a_full_program_leaves_no_hole),
	    cmocka_unit_test(other_calls_are_moved),
	    cmocka_unit_test(each_invariant_is_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
