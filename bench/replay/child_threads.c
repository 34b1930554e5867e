#include "config.h"

#include "bench/replay/child.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Address space; sanitizers want most of a megabyte for themselves. */
#define STACK_BYTES (1u << 20)
/* What a thread of the child is known to touch of its stack, allocators included; faulted in before the baseline. */
#define STACK_FAULTED_BYTES (32u << 10)

static void *stack_create(struct child *child)
{
	char *stack = child_memory_reserve(child, STACK_BYTES);

	if (stack == MAP_FAILED)
		child_fail_setup(child->session, "no memory for the stacks of the replaying threads", "");
	memset(stack + STACK_BYTES - STACK_FAULTED_BYTES, 0, STACK_FAULTED_BYTES);
	return stack;
}

/* One of the threads runs at a time, and handing over is several times cheaper on one processor. The allocators have counted the
 * processors before, when they were loaded. Not being allowed to only costs time. */
static void stay_on_one_processor(void)
{
	int processor = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	if (processor >= 0) {
		CPU_SET((unsigned)processor, &set);
		(void)sched_setaffinity(0, sizeof(set), &set);
	}
}

void child_lanes_create(struct child *child)
{
	const struct session_request *request = &child->session->request;

	child->lanes = child_memory_map(child, request->lanes * sizeof(struct lane));
	for (uint32_t i = 0; i < request->lanes; i++) {
		struct lane *lane = &child->lanes[i];

		lane->child = child;
		lane->number = i;
		lane->state = &session_lanes(child->session)[i];
		if (i > 0 && request->mode != MODE_SINGLE)
			lane->stack = stack_create(child);
	}
	child->lanes[0].alive = true;
	if (request->mode == MODE_BATON)
		stay_on_one_processor();
}

static void lane_start(struct lane *lane, void *(*body)(void *))
{
	pthread_attr_t attributes;

	if (pthread_attr_init(&attributes) != 0 ||
	    pthread_attr_setstack(&attributes, lane->stack, STACK_BYTES) != 0 ||
	    pthread_create(&lane->thread, &attributes, body, lane) != 0)
		child_fail_setup(lane->child->session, "cannot make another thread", "");
	(void)pthread_attr_destroy(&attributes);
	lane->alive = true;
}

static void lane_await_turn(struct lane *lane)
{
	(void)session_wait(&lane->turn, 0, -1);
	atomic_store_explicit(&lane->turn, 0, memory_order_relaxed);
}

static void lane_give_turn(struct lane *lane)
{
	atomic_store_explicit(&lane->turn, 1, memory_order_release);
	session_wake(&lane->turn);
}

/* --- baton ---------------------------------------------------------------------------------------------------------- */

static void *baton_body(void *argument);

static void baton_pass(struct child *child, uint32_t to)
{
	struct lane *lane = &child->lanes[to];

	/* Nothing of the child may be looked at once the turn is given. */
	if (!lane->alive)
		lane_start(lane, baton_body);
	lane_give_turn(lane);
}

static void baton_take(struct child *child, struct lane *lane)
{
	lane_await_turn(lane);
	if (child->leaving) {
		(void)pthread_join(child->leaving->thread, NULL);
		child->leaving->alive = false;
		child->leaving = NULL;
	}
}

static _Noreturn void pass_end(struct child *child)
{
	child_finish(child);
	_Exit(0);
}

/* The lane holds the baton; returns when its thread is to end. */
static void baton_hold(struct child *child, struct lane *lane)
{
	for (;;) {
		const struct operation *stop = child_replay(child, lane, child->cursor, child->end);

		if (stop == child->end) {
			if (!child_next_chunk(child))
				pass_end(child);
			continue;
		}
		child->cursor = stop + 1;
		if (operation_kind(stop) == OPERATION_EXIT) {
			child->leaving = lane;
			baton_pass(child, stop->slot);
			return;
		}
		baton_pass(child, stop->slot);
		baton_take(child, lane);
	}
}

static void *baton_body(void *argument)
{
	struct lane *lane = argument;

	child_lane_enter(lane->number);
	baton_take(lane->child, lane);
	baton_hold(lane->child, lane);
	return NULL;
}

/* --- parallel --------------------------------------------------------------------------------------------------------- */

/* Replays the lane's span; false when it ended with the end of its thread. */
static bool span_replay(struct child *child, struct lane *lane)
{
	const struct operation *stop = child_replay(child, lane, lane->operation, lane->end);

	if (stop == lane->end)
		return true;
	return lane->number == 0 || operation_kind(stop) != OPERATION_EXIT;
}

static void *parallel_body(void *argument)
{
	struct lane *lane = argument;
	struct child *child = lane->child;

	child_lane_enter(lane->number);
	for (;;) {
		lane_await_turn(lane);
		lane->ended = !span_replay(child, lane);
		if (lane->ended)
			return NULL; /* `running` counts the join */
		if (atomic_fetch_sub(&child->running, 1) == 1)
			session_wake(&child->running);
	}
}

static void spans_begin(struct child *child, const struct session_span *spans, uint32_t count)
{
	uint32_t running = 0;

	for (uint32_t i = 0; i < count; i++) {
		child->lanes[i].operation = child->operations + spans[i].first;
		child->lanes[i].end = child->lanes[i].operation + spans[i].count;
		if (i == 0 || spans[i].count == 0)
			continue;
		running++;
		if (!child->lanes[i].alive)
			lane_start(&child->lanes[i], parallel_body);
	}
	atomic_store(&child->running, running);
	child->chunk_start_ns = clock_now_ns();
	for (uint32_t i = 1; i < count; i++) {
		if (spans[i].count)
			lane_give_turn(&child->lanes[i]);
	}
}

/* Waits for every lane; a lane whose thread ends is joined, so that its caches have been flushed. */
static void spans_end(struct child *child, const struct session_span *spans, uint32_t count)
{
	const struct operation *operations = child->operations;

	for (uint32_t i = 1; i < count; i++) {
		struct lane *lane = &child->lanes[i];

		if (spans[i].count == 0 ||
		    operation_kind(&operations[spans[i].first + spans[i].count - 1]) != OPERATION_EXIT)
			continue;
		(void)pthread_join(lane->thread, NULL);
		lane->alive = false;
		atomic_fetch_sub(&child->running, 1);
	}
	for (uint32_t left = atomic_load(&child->running); left; left = atomic_load(&child->running))
		(void)session_wait(&child->running, left, -1);
}

static void parallel_run(struct child *child)
{
	const struct session_span *spans = session_spans(child->session);
	bool more = child_first_chunk(child);

	while (more) {
		uint32_t count = child->session->chunk.spans;

		spans_begin(child, spans, count);
		if (spans[0].count)
			(void)span_replay(child, &child->lanes[0]);
		spans_end(child, spans, count);
		more = child_next_chunk(child);
	}
	pass_end(child);
}

void child_run(struct child *child)
{
	if (child->session->request.mode == MODE_PARALLEL)
		parallel_run(child);
	if (!child_first_chunk(child))
		pass_end(child);
	baton_hold(child, &child->lanes[0]);
}
