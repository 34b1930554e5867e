#include "config.h"

#include "traces/record/ordering.h"

#include "tests/unit/small_arena.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct rig {
	struct small_arena small;
	struct ordering ordering;
	struct trace_error error;
};

static void start(struct rig *rig, uint32_t chunks)
{
	small_arena_create(&rig->small, chunks);
	assert_int_equal(ordering_create(&rig->ordering, &rig->small.arena, &rig->error), TRACE_OK);
}

static void stop(struct rig *rig)
{
	ordering_destroy(&rig->ordering);
	small_arena_destroy(&rig->small);
}

static void put(struct rig *rig, uint32_t chunk, uint64_t order)
{
	small_arena_write(&rig->small, chunk, order,
			  (struct small_record){.kind = ARENA_MALLOC, .size = order});
}

static void scan(struct rig *rig)
{
	ordering_scan(&rig->ordering);
	assert_null(ordering_check(&rig->ordering));
}

/* Takes all that is ready and demands that it is `first` to `last`, from the threads that wrote them. */
static void take(struct rig *rig, uint64_t first, uint64_t last)
{
	struct ordered_record record;

	for (uint64_t order = first; order <= last; order++) {
		assert_true(ordering_peek(&rig->ordering, &record));
		assert_int_equal(record.order, order);
		assert_int_equal(record.size, order);
		assert_int_equal(record.kind, ARENA_MALLOC);
		ordering_take(&rig->ordering);
		assert_null(ordering_check(&rig->ordering));
	}
	assert_false(ordering_peek(&rig->ordering, &record));
}

/*   chunk 0   1   3 4     7       chunk 1     2     5 6      */
static void threads_are_interleaved_by_number(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig, 2);
	small_arena_own(&rig.small, 0, 1, 1);
	small_arena_own(&rig.small, 1, 1, 2);
	for (uint64_t order = 1; order <= 7; order++)
		put(&rig, order == 2 || order == 5 || order == 6, order);
	scan(&rig);
	take(&rig, 1, 7);
	stop(&rig);
}

static void a_missing_number_is_waited_for(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig, 2);
	small_arena_own(&rig.small, 0, 1, 1);
	small_arena_own(&rig.small, 1, 1, 2);
	put(&rig, 0, 2);
	scan(&rig);
	take(&rig, 1, 0);
	assert_false(rig.ordering.unwritten);
	put(&rig, 1, 1);
	put(&rig, 1, 3);
	scan(&rig);
	take(&rig, 1, 3);
	stop(&rig);
}

/* A place that is reserved and not written: its number may still come. Once its owner is dead it cannot. */
static void an_unwritten_place_holds_up_until_its_owner_is_gone(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig, 2);
	small_arena_own(&rig.small, 0, 1, 1);
	small_arena_own(&rig.small, 1, 2, 2);
	put(&rig, 0, 1);
	small_arena_reserve(&rig.small, 0); /* would be 2 */
	put(&rig, 1, 3);
	scan(&rig);
	take(&rig, 1, 1);
	assert_true(rig.ordering.unwritten);
	assert_true(ordering_process_busy(&rig.ordering, 1));
	ordering_process_gone(&rig.ordering, 1);
	assert_false(ordering_process_busy(&rig.ordering, 1));
	scan(&rig);
	assert_false(rig.ordering.unwritten);
	ordering_skip(&rig.ordering, 4);
	assert_int_equal(rig.ordering.lost, 1);
	take(&rig, 3, 3);
	stop(&rig);
}

static void a_full_chunk_goes_back_and_comes_again(void **unused)
{
	struct rig rig;
	uint64_t order = 1;

	(void)unused;
	start(&rig, 1);
	for (int round = 0; round < 3; round++) {
		uint64_t first = order;
		small_arena_own(&rig.small, 0, 1, 1);
		for (uint32_t i = 0; i < ARENA_CHUNK_RECORDS; i++)
			put(&rig, 0, order++);
		scan(&rig);
		take(&rig, first, order - 1);
		assert_true(ordering_thread_busy(&rig.ordering, 1));
		atomic_store(&rig.small.arena.chunks[0].state, ARENA_CHUNK_CLOSED);
		scan(&rig);
		assert_false(ordering_thread_busy(&rig.ordering, 1));
		assert_int_equal(rig.small.arena.chunks[0].state, ARENA_CHUNK_FREE);
		assert_int_equal((uint32_t)rig.small.arena.control->free_top, 0);
		atomic_store(&rig.small.arena.control->free_top, ARENA_NONE);
	}
	assert_int_equal(rig.ordering.damaged, 0);
	stop(&rig);
}

/* What an earlier owner left behind a new owner's place is no record. */
static void left_overs_are_not_read(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig, 1);
	small_arena_own(&rig.small, 0, 1, 1);
	for (uint64_t order = 1; order <= 5; order++)
		put(&rig, 0, order);
	atomic_store(&rig.small.arena.chunks[0].state, ARENA_CHUNK_CLOSED);
	scan(&rig);
	take(&rig, 1, 5);
	small_arena_own(&rig.small, 0, 1, 2);
	put(&rig, 0, 6);
	small_arena_reserve(&rig.small, 0);
	scan(&rig);
	take(&rig, 6, 6);
	assert_true(rig.ordering.unwritten);
	assert_int_equal(rig.ordering.damaged, 0);
	stop(&rig);
}

static void beyond_the_window_waits_its_turn(void **unused)
{
	struct rig rig;
	uint64_t far = ARENA_FIRST_ORDER + ORDERING_WINDOW + 10;

	(void)unused;
	start(&rig, 2);
	small_arena_own(&rig.small, 0, 1, 1);
	small_arena_own(&rig.small, 1, 1, 2);
	put(&rig, 0, 1);
	put(&rig, 1, far);
	scan(&rig);
	take(&rig, 1, 1);
	assert_false(rig.ordering.unwritten);
	ordering_skip(&rig.ordering, far + 1);
	assert_int_equal(rig.ordering.base, far);
	assert_int_equal(rig.ordering.lost, far - 2);
	scan(&rig);
	take(&rig, far, far);
	stop(&rig);
}

static void twins_and_the_past_are_damage(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig, 2);
	small_arena_own(&rig.small, 0, 1, 1);
	small_arena_own(&rig.small, 1, 1, 2);
	put(&rig, 0, 1);
	put(&rig, 1, 1);
	put(&rig, 1, 2);
	scan(&rig);
	assert_int_equal(rig.ordering.damaged, 1);
	take(&rig, 1, 2);
	put(&rig, 0, 1);
	scan(&rig);
	assert_int_equal(rig.ordering.damaged, 2);
	stop(&rig);
}

static void a_hostile_header_reads_nothing_outside(void **unused)
{
	struct rig rig;
	struct ordered_record record;

	(void)unused;
	start(&rig, 2);
	small_arena_own(&rig.small, 1, 1, 1);
	put(&rig, 1, 1);
	rig.small.arena.chunks[1].process_slot = UINT32_MAX;
	atomic_store(&rig.small.arena.chunks[1].reserved, UINT32_MAX);
	scan(&rig);
	assert_true(ordering_peek(&rig.ordering, &record));
	assert_in_range(record.process_slot, 0, ARENA_PROCESSES - 1);
	ordering_take(&rig.ordering);
	atomic_store(&rig.small.arena.control->order, UINT64_MAX >> 8);
	ordering_process_gone(&rig.ordering, 1);
	scan(&rig);
	ordering_skip(&rig.ordering, UINT64_MAX >> 8);
	assert_int_equal(rig.ordering.base, UINT64_MAX >> 8);
	stop(&rig);
}

static void every_invariant_is_noticed(void **unused)
{
	static const char first[] =
	    "I1: reader.read <= ARENA_CHUNK_RECORDS; reader.pending = its records in the window";
	struct rig rig;

	(void)unused;
	start(&rig, 2);
	small_arena_own(&rig.small, 0, 1, 1);
	put(&rig, 0, 1);
	scan(&rig);
	rig.ordering.reader[0].read = ARENA_CHUNK_RECORDS + 1;
	assert_string_equal(ordering_check(&rig.ordering), first);
	rig.ordering.reader[0].read = 1;
	rig.ordering.reader[0].pending = 0;
	assert_string_equal(ordering_check(&rig.ordering), first);
	rig.ordering.reader[0].pending = 1;
	rig.ordering.window[1] = ARENA_CHUNK_RECORDS + 1;
	assert_string_equal(
	    ordering_check(&rig.ordering),
	    "I2: a window entry belongs to an open reader, and its place is below that reader's `read`");
	rig.ordering.window[1] = 1;
	rig.ordering.reader[1].read = 1;
	rig.ordering.reader[1].pending = 1;
	assert_string_equal(ordering_check(&rig.ordering),
			    "I3: a chunk whose reader is not open has nothing in the window");
	stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(threads_are_interleaved_by_number),
	    cmocka_unit_test(a_missing_number_is_waited_for),
	    cmocka_unit_test(an_unwritten_place_holds_up_until_its_owner_is_gone),
	    cmocka_unit_test(a_full_chunk_goes_back_and_comes_again),
	    cmocka_unit_test(left_overs_are_not_read),
	    cmocka_unit_test(beyond_the_window_waits_its_turn),
	    cmocka_unit_test(twins_and_the_past_are_damage),
	    cmocka_unit_test(a_hostile_header_reads_nothing_outside),
	    cmocka_unit_test(every_invariant_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
