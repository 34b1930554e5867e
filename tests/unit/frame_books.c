#include "config.h"

#include "bench/physical/frame_books.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

struct rig {
	struct frame_books *books;
	uint64_t time_ns;
	struct trace_error error;
};

static void start(struct rig *rig, bool has_losses, uint64_t late_ns)
{
	*rig = (struct rig){.books = frame_books_create(has_losses, late_ns), .time_ns = MS};
	assert_non_null(rig->books);
}

static void stop(struct rig *rig)
{
	assert_null(frame_books_check(rig->books));
	frame_books_destroy(rig->books);
}

static void event(struct rig *rig, enum event_kind kind, uint64_t frame, unsigned order)
{
	const struct event what = {
	    .kind = kind, .time_ns = rig->time_ns++, .kernel = {.frame = frame, .order = (uint8_t)order}};

	assert_int_equal(frame_books_event(rig->books, &what, &rig->error), TRACE_OK);
	assert_null(frame_books_check(rig->books));
}

static struct event_snapshot snapshot(uint8_t *bytes, size_t capacity, const unsigned (*runs)[2],
				      size_t count)
{
	const uint64_t times[2] = {MS / 4, MS / 2};
	struct frame_writer writer;
	uint64_t frames = 0;

	for (size_t i = 0; i < count; i++)
		frames += runs[i][1];
	frame_writer_start(&writer, bytes, capacity);
	frame_writer_header(&writer, 0, frames, times);
	for (size_t i = 0; i < count; i++) {
		for (unsigned frame = 0; frame < runs[i][1]; frame++)
			frame_writer_add(&writer, runs[i][0]);
	}
	frame_writer_finish(&writer);
	assert_false(writer.full);
	return (struct event_snapshot){FRAME_KINDS_SNAPSHOT, bytes, writer.used};
}

/* 0..63 free, 64..127 used by processes, 128..191 the kernel's own or in a set, 192..255 holes. */
static const unsigned before[][2] = {
    {FRAME_FREE, 64}, {FRAME_ANONYMOUS, 64}, {FRAME_OTHER, 64}, {FRAME_HOLE, 64}};

static void begin(struct rig *rig)
{
	uint8_t bytes[512];
	const struct event_snapshot first = snapshot(bytes, sizeof(bytes), before, 4);

	assert_int_equal(frame_books_begin(rig->books, &first, &rig->error), TRACE_OK);
	assert_int_equal(rig->books->in_use, 64);
}

static uint64_t told(const struct rig *rig, enum books_event kind, enum books_cause cause)
{
	return rig->books->count[kind][cause];
}

/* The way of a page that the kernel tells whole: nothing needs an explanation. */
static void what_fits(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, false, UINT64_MAX);
	begin(&rig);
	event(&rig, EVENT_ZONE_LOCKED, 8, 2);
	event(&rig, EVENT_PAGE_ALLOC, 8, 2);
	assert_int_equal(rig.books->in_use, 68);
	event(&rig, EVENT_PAGE_FREE, 8, 2);
	event(&rig, EVENT_PCPU_DRAIN, 8, 2);
	event(&rig, EVENT_PAGE_FREE, 64, 3);
	event(&rig, EVENT_PAGE_FREE_BATCHED, 64, 0);
	event(&rig, EVENT_PAGE_ALLOC, 64, 0);
	event(&rig, EVENT_PAGE_ALLOC, 130, 0);
	event(&rig, EVENT_PAGE_FREE, 140, 0);
	assert_int_equal(frame_books_judged(rig.books), 9);
	assert_int_equal(told(&rig, BOOKS_PAGE_ALLOC, BOOKS_FITS), 3);
	assert_int_equal(told(&rig, BOOKS_PAGE_FREE, BOOKS_FITS), 3);
	assert_int_equal(frame_books_unexplained(rig.books), 0);
	stop(&rig);
}

static void each_path_past_the_recording(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, false, UINT64_MAX);
	begin(&rig);
	event(&rig, EVENT_PAGE_ALLOC, 0, 3);
	event(&rig, EVENT_PAGE_FREE, 4, 1);
	assert_int_equal(told(&rig, BOOKS_PAGE_FREE, BOOKS_SPLIT), 1);
	event(&rig, EVENT_PAGE_FREE, 0, 1);
	assert_int_equal(told(&rig, BOOKS_PAGE_FREE, BOOKS_FITS), 1);
	event(&rig, EVENT_PAGE_ALLOC, 16, 0);
	event(&rig, EVENT_PAGE_ALLOC, 17, 0);
	event(&rig, EVENT_PAGE_FREE, 16, 1);
	assert_int_equal(told(&rig, BOOKS_PAGE_FREE, BOOKS_JOINED), 1);
	event(&rig, EVENT_ZONE_LOCKED, 20, 0);
	event(&rig, EVENT_PAGE_FREE, 20, 0);
	event(&rig, EVENT_PAGE_FREE, 20, 0);
	assert_int_equal(told(&rig, BOOKS_PAGE_FREE, BOOKS_BULK), 2);
	event(&rig, EVENT_PAGE_FREE, 200, 0);
	event(&rig, EVENT_PAGE_ALLOC, 210, 0);
	assert_int_equal(told(&rig, BOOKS_PAGE_FREE, BOOKS_GROWTH), 1);
	assert_int_equal(told(&rig, BOOKS_PAGE_ALLOC, BOOKS_GROWTH), 1);
	event(&rig, EVENT_PAGE_FREE, 24, 0);
	assert_int_equal(told(&rig, BOOKS_PAGE_FREE, BOOKS_UNEXPLAINED), 1);
	event(&rig, EVENT_MIGRATE, 0, 0);
	event(&rig, EVENT_PAGE_FREE, 25, 0);
	assert_int_equal(told(&rig, BOOKS_PAGE_FREE, BOOKS_ISOLATION), 1);
	event(&rig, EVENT_PAGE_ALLOC, 65, 0);
	assert_int_equal(told(&rig, BOOKS_PAGE_ALLOC, BOOKS_UNEXPLAINED), 1);
	rig.books->withheld++;
	event(&rig, EVENT_PAGE_ALLOC, 65, 0);
	event(&rig, EVENT_PAGE_ALLOC, 65, 0);
	assert_int_equal(told(&rig, BOOKS_PAGE_ALLOC, BOOKS_WITHHELD), 1);
	assert_int_equal(told(&rig, BOOKS_PAGE_ALLOC, BOOKS_UNEXPLAINED), 2);
	rig.books->withheld++;
	event(&rig, EVENT_PAGE_FREE_BATCHED, 65, 0);
	assert_int_equal(told(&rig, BOOKS_PAGE_FREE_BATCHED, BOOKS_UNEXPLAINED), 1);
	stop(&rig);
}

static void what_was_lost(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, true, UINT64_MAX);
	begin(&rig);
	event(&rig, EVENT_PAGE_ALLOC, 0, 1);
	event(&rig, EVENT_PAGE_ALLOC, 1, 0);
	assert_int_equal(told(&rig, BOOKS_PAGE_ALLOC, BOOKS_LOST), 1);
	event(&rig, EVENT_PAGE_FREE, 0, 0);
	event(&rig, EVENT_PAGE_FREE, 1, 0);
	assert_int_equal(told(&rig, BOOKS_PAGE_FREE, BOOKS_FITS), 2);
	stop(&rig);
}

/* While the snapshot is read nothing is known yet; a failed request takes nothing. */
static void before_the_snapshot(void **state)
{
	struct rig rig;
	const struct event failed = {.kind = EVENT_PAGE_ALLOC, .flags = EVENT_FAILED, .kernel.order = 9};

	(void)state;
	start(&rig, false, UINT64_MAX);
	begin(&rig);
	rig.time_ns = 1;
	event(&rig, EVENT_PAGE_FREE, 3, 0);
	event(&rig, EVENT_PAGE_ALLOC, 70, 0);
	assert_int_equal(told(&rig, BOOKS_PAGE_FREE, BOOKS_UNJUDGED), 1);
	assert_int_equal(told(&rig, BOOKS_PAGE_ALLOC, BOOKS_UNJUDGED), 1);
	assert_int_equal(frame_books_judged(rig.books), 0);
	assert_int_equal(frame_books_event(rig.books, &failed, &rig.error), TRACE_OK);
	assert_int_equal(frame_books_judged(rig.books), 0);
	stop(&rig);
}

static void the_end_is_compared(void **state)
{
	static const unsigned after[][2] = {{FRAME_FREE, 32}, {FRAME_SLAB, 32}, {FRAME_ANONYMOUS, 64}};
	struct books_agreement agreement = {0};
	struct event_snapshot last;
	uint8_t bytes[512];
	struct rig rig;

	(void)state;
	start(&rig, false, 2 * MS);
	begin(&rig);
	event(&rig, EVENT_PAGE_ALLOC, 0, 0);
	event(&rig, EVENT_PAGE_ALLOC, 32, 4);
	rig.time_ns = 3 * MS;
	event(&rig, EVENT_PAGE_FREE, 64, 0);
	last = snapshot(bytes, sizeof(bytes), after, 3);
	assert_int_equal(frame_books_compare(rig.books, &last, &agreement, &rig.error), TRACE_OK);
	assert_int_equal(agreement.frames, 127);
	assert_int_equal(agreement.only_books, 1);
	assert_int_equal(agreement.only_machine, 16);
	stop(&rig);
}

static void bad_input_is_refused(void **state)
{
	const struct event huge = {.kind = EVENT_PAGE_FREE, .kernel = {.order = BOOKS_ORDER_MAX + 1}};
	const struct event far = {.kind = EVENT_PAGE_FREE, .kernel = {.frame = BOOKS_FRAMES_MAX - 1}};
	const struct event between = {.kind = EVENT_PAGE_ALLOC, .kernel = {.frame = 6, .order = 2}};
	const struct event_snapshot nonsense = {FRAME_KINDS_SNAPSHOT, "none", 4};
	uint8_t bytes[512];
	struct event_snapshot cut = snapshot(bytes, sizeof(bytes), before, 4);
	struct rig rig;

	(void)state;
	start(&rig, false, UINT64_MAX);
	assert_int_equal(frame_books_event(rig.books, &huge, &rig.error), TRACE_BAD_INPUT);
	assert_non_null(strstr(rig.error.message, "the largest is 13"));
	assert_int_equal(frame_books_event(rig.books, &far, &rig.error), TRACE_BAD_INPUT);
	assert_int_equal(frame_books_event(rig.books, &between, &rig.error), TRACE_BAD_INPUT);
	assert_string_equal(rig.error.message, "frame 6 with order 2: a block begins at a multiple of 4");
	assert_int_equal(frame_books_begin(rig.books, &nonsense, &rig.error), TRACE_BAD_INPUT);
	cut.length -= 2;
	assert_int_equal(frame_books_begin(rig.books, &cut, &rig.error), TRACE_BAD_INPUT);
	assert_non_null(strstr(rig.error.message, "its first line says 256"));
	stop(&rig);
}

static void broken_invariants_are_named(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, false, UINT64_MAX);
	event(&rig, EVENT_PAGE_ALLOC, 4, 1);
	rig.books->chunk[0][4] = 0;
	assert_string_equal(frame_books_check(rig.books), "I1: a tail lies behind no block that is in use");
	rig.books->chunk[0][5] = 0;
	assert_string_equal(frame_books_check(rig.books), "I2: in_use is not the frames that are in use");
	rig.books->in_use = 0;
	stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_fits),
	    cmocka_unit_test(each_path_past_the_recording),
	    cmocka_unit_test(what_was_lost),
	    cmocka_unit_test(before_the_snapshot),
	    cmocka_unit_test(the_end_is_compared),
	    cmocka_unit_test(bad_input_is_refused),
	    cmocka_unit_test(broken_invariants_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
