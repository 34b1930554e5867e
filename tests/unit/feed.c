#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/replay/feed.h"
#include "tests/unit/small_trace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Thread 0 makes blocks that thread 1 frees; thread 1 ends and thread 2 takes its lane. */
static const struct event hand_over[] = {
    {.kind = EVENT_MALLOC, .object = 1, .size = 10, .thread = 0},
    {.kind = EVENT_MALLOC, .object = 2, .size = 20, .thread = 0},
    {.kind = EVENT_FREE, .object = 1, .thread = 1},
    {.kind = EVENT_MALLOC, .object = 3, .size = 30, .thread = 1},
    {.kind = EVENT_FREE, .object = 2, .thread = 1},
    {.kind = EVENT_FREE, .object = 3, .thread = 0},
    {.kind = EVENT_THREAD_EXIT, .thread = 1},
    {.kind = EVENT_MALLOC, .object = 4, .size = 40, .thread = 2},
};

struct fixture {
	struct plan *plan;
	struct session *session;
	struct feed feed;
};

static void set_up(struct fixture *fixture, enum replay_mode mode, uint64_t chunk)
{
	char *path = small_trace_write(hand_over, COUNT(hand_over));
	struct plan_options options = {.path = path, .mode = mode, .process = PLAN_PROCESS_LARGEST};
	struct trace_error error = {""};
	struct session layout;

	if (plan_create(&fixture->plan, &options, &error) != TRACE_OK)
		fail_msg("%s", error.message);
	memset(&layout, 0, sizeof(layout));
	layout.request.mode = mode;
	layout.request.lanes = (uint32_t)plan_totals(fixture->plan)->lanes;
	layout.request.slots = (uint32_t)plan_totals(fixture->plan)->slots;
	layout.request.chunk_operations = chunk;
	session_lay_out(&layout);
	fixture->session = aligned_alloc(4096, (layout.bytes + 4095) & ~UINT64_C(4095));
	assert_non_null(fixture->session);
	memset(fixture->session, 0, layout.bytes);
	memcpy(fixture->session, &layout, sizeof(layout));
	if (feed_create(&fixture->feed, fixture->plan, fixture->session, &error) != TRACE_OK)
		fail_msg("%s", error.message);
	(void)unlink(path);
	free(path);
}

static void tear_down(struct fixture *fixture)
{
	feed_destroy(&fixture->feed);
	plan_destroy(fixture->plan);
	free(fixture->session);
}

static void fill(struct fixture *fixture, uint64_t wanted)
{
	struct trace_error error;

	assert_int_equal(feed_fill(&fixture->feed, &error), TRACE_OK);
	assert_int_equal(fixture->session->chunk.operations, wanted);
}

static void chunks_end_at_capacity_and_at_the_end(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, MODE_SINGLE, 3);
	fill(&fixture, 3);
	assert_int_equal(fixture.feed.event[2], 2);
	fill(&fixture, 3);
	fill(&fixture, 1);
	assert_int_equal(fixture.feed.last.event, 7);
	assert_int_equal(fixture.feed.last.live_bytes, 40);
	fill(&fixture, 0);
	fill(&fixture, 0);
	tear_down(&fixture);
}

static void chunks_end_at_sampling_points(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, MODE_SINGLE, 100);
	fixture.feed.every = 4;
	fixture.feed.extra = 1;
	fill(&fixture, 2);
	fill(&fixture, 2);
	fill(&fixture, 3);
	fill(&fixture, 0);
	tear_down(&fixture);
}

static bool waits(const struct operation *operation, uint32_t order)
{
	return operation->word & OPERATION_WAIT && operation->order == order;
}

/* Lane 0: malloc s0 (post), malloc s1 (post), free s0 (wait 2).   Lane 1: free s0 (wait 1), malloc s0 (post), free s1 (wait 1), exit.
 * Thread 2 has lane 1 again, in the next chunk. */
static void hand_overs_are_marked(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, MODE_PARALLEL, 100);
	fill(&fixture, 7);
	const struct session_span *spans = session_spans(fixture.session);
	const struct operation *operations = session_operations(fixture.session);

	assert_int_equal(fixture.session->chunk.spans, 2);
	assert_int_equal(spans[0].count, 3);
	assert_int_equal(spans[1].first, 3);
	assert_int_equal(spans[1].count, 4);
	assert_true(operations[0].word & OPERATION_POST && !(operations[0].word & OPERATION_WAIT));
	assert_true(operations[1].word & OPERATION_POST);
	assert_true(waits(&operations[2], 2));
	assert_true(waits(&operations[3], 1));
	assert_true(operations[4].word & OPERATION_POST && !(operations[4].word & OPERATION_WAIT));
	assert_true(waits(&operations[5], 1));
	assert_int_equal(operation_kind(&operations[6]), OPERATION_EXIT);
	assert_int_equal(fixture.feed.event[2], 5);
	assert_int_equal(fixture.feed.event[3], 2);
	fill(&fixture, 1);
	assert_int_equal(spans[1].count, 1);
	tear_down(&fixture);
}

/* Between chunks all lanes have finished: nothing waits across them. */
static void nothing_waits_across_chunks(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, MODE_PARALLEL, 1);
	for (size_t i = 0; i < 8; i++) {
		fill(&fixture, 1);
		assert_false(session_operations(fixture.session)[0].word & (OPERATION_WAIT | OPERATION_POST));
	}
	fill(&fixture, 0);
	tear_down(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(chunks_end_at_capacity_and_at_the_end),
	    cmocka_unit_test(chunks_end_at_sampling_points),
	    cmocka_unit_test(hand_overs_are_marked),
	    cmocka_unit_test(nothing_waits_across_chunks),
	};

	return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
