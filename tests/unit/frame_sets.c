#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/physical/frame_sets.h"
#include "tests/unit/written_trace.h"
#include "traces/frame_kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct trace_error error;

/* Writes down which snapshots came. */
struct visits {
	char text[64];
	unsigned refuse_after;
};

static enum trace_status visit(void *context, const struct event_snapshot *part, struct trace_error *failed)
{
	struct visits *visits = context;
	struct frame_reader frames;

	assert_true(frame_reader_start(&frames, part->bytes, part->length));
	const size_t used = strlen(visits->text);

	(void)snprintf(visits->text + used, sizeof(visits->text) - used, " %" PRIu64, frames.first);
	return visits->refuse_after-- > 0 ? TRACE_OK : trace_fail(failed, TRACE_BAD_INPUT, "enough");
}

static void text(struct written_trace *trace, const char *name)
{
	written_snapshot(trace, name, "x\n", (struct event){0});
}

/*  1 x   2 0..   3 x   4 1024..   5 0..   6 x   7 1024..   8 0..       */
static struct flt_reader *three_sets(void)
{
	struct written_trace trace;

	written_trace_begin(&trace);
	text(&trace, "zoneinfo");
	written_frames(&trace, 0, 1024, FRAME_FILE);
	text(&trace, "vmstat");
	written_frames(&trace, 1024, 512, FRAME_FREE);
	written_frames(&trace, 0, 1024, FRAME_SLAB);
	text(&trace, "buddyinfo");
	written_frames(&trace, 1024, 1024, FRAME_FREE);
	written_frames(&trace, 0, 4096, FRAME_FREE);
	return written_trace_open(&trace);
}

static void parts_that_rise_are_a_set(void **state)
{
	struct flt_reader *reader = three_sets();
	struct frame_sets sets;

	(void)state;
	assert_int_equal(frame_sets_find(&sets, reader, &error), TRACE_OK);
	assert_int_equal(sets.count, 2);
	assert_int_equal(sets.set[0].first, 2);
	assert_int_equal(sets.set[0].end, 5);
	assert_int_equal(sets.set[1].first, 5);
	assert_int_equal(sets.set[1].end, 8);
	assert_int_equal(sets.set[1].begin_ns, 1);
	assert_int_equal(sets.frames, 2048);
	flt_reader_close(reader);
}

static void parts_alone_are_visited(void **state)
{
	struct flt_reader *reader = three_sets();
	struct visits visits = {.refuse_after = 9};
	struct frame_sets sets;

	(void)state;
	assert_int_equal(frame_sets_find(&sets, reader, &error), TRACE_OK);
	for (unsigned i = 0; i < sets.count; i++)
		assert_int_equal(
		    frame_set_visit(&sets.set[i], reader, &(struct frame_visitor){visit, &visits}, &error),
		    TRACE_OK);
	assert_string_equal(visits.text, " 0 1024 0 1024");
	visits = (struct visits){.refuse_after = 0};
	assert_int_equal(
	    frame_set_visit(&sets.set[0], reader, &(struct frame_visitor){visit, &visits}, &error),
	    TRACE_BAD_INPUT);
	assert_string_equal(visits.text, " 0");
	assert_string_equal(error.message, "enough");
	flt_reader_close(reader);
}

static void no_part_is_no_set(void **state)
{
	struct written_trace trace;
	struct frame_sets sets;

	(void)state;
	written_trace_begin(&trace);
	text(&trace, "vmstat");
	struct flt_reader *reader = written_trace_open(&trace);

	assert_int_equal(frame_sets_find(&sets, reader, &error), TRACE_OK);
	assert_int_equal(sets.count, 0);
	assert_int_equal(sets.frames, 0);
	flt_reader_close(reader);
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = {"frames", "0 4194305 1 2\n\x01", "4294967295 2 1 2\n\x01",
					    "18446744073709551615 4096 1 2\n\x01"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct written_trace trace;
		struct frame_sets sets;

		written_trace_begin(&trace);
		written_snapshot(&trace, FRAME_KINDS_SNAPSHOT, texts[i], (struct event){0});
		struct flt_reader *reader = written_trace_open(&trace);

		assert_int_equal(frame_sets_find(&sets, reader, &error), TRACE_BAD_INPUT);
		assert_string_equal(error.message,
				    "snapshot 1: it does not begin with FIRST FRAMES BEGIN_NS END_NS of at "
				    "most 4194304 frames below 4294967296");
		flt_reader_close(reader);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parts_that_rise_are_a_set),
	    cmocka_unit_test(parts_alone_are_visited),
	    cmocka_unit_test(no_part_is_no_set),
	    cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
