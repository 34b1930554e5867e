#include "config.h"

#include "bench/replay/child.h"

#include <time.h>

static bool await_chunk(struct child *child)
{
	struct session_chunk *chunk = &child->session->chunk;

	(void)session_wait(&chunk->posted, (uint32_t)child->chunks, -1);
	child->chunks++;
	child->cursor = child->operations;
	child->end = child->operations + chunk->operations;
	child->chunk_start_ns = clock_now_ns();
	return chunk->operations > 0;
}

bool child_first_chunk(struct child *child)
{
	return await_chunk(child);
}

bool child_next_chunk(struct child *child)
{
	struct session_chunk *chunk = &child->session->chunk;
	uint64_t now_ns = clock_now_ns();

	chunk->elapsed_ns = now_ns - child->chunk_start_ns;
	chunk->time_ns = now_ns - child->start_ns;
	chunk->granted_bytes = atomic_load_explicit(&child->granted_bytes, memory_order_relaxed);
	if (child->session->request.pass == PASS_MEMORY)
		child_memory_read(child, &chunk->memory);
	atomic_store_explicit(&chunk->done, (uint32_t)child->chunks, memory_order_release);
	session_wake(&chunk->done);
	return await_chunk(child);
}

/* A process that waits for work still makes a call now and then, and allocators return memory only inside calls. */
static void drain(struct child *child)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	uint64_t end_ns = clock_now_ns() + child->session->request.drain_ns;

	while (clock_now_ns() < end_ns) {
		(void)nanosleep(&pause, NULL);
		child->calls.release(child->calls.allocate(64));
	}
}

void child_finish(struct child *child)
{
	struct session *session = child->session;
	struct session_reply *reply = &session->reply;
	double ns_per_tick = clock_ns_per_tick(&child->clock);

	reply->clock_step_ns_x1000 = (uint64_t)((double)child->clock.step_ticks * ns_per_tick * 1000 + 0.5);
	reply->clock_overhead_ns_x1000 = (uint64_t)(child->clock.overhead_ticks * ns_per_tick * 1000 + 0.5);
	for (unsigned i = 0; i < LATENCY_KINDS; i++)
		reply->regression.durations[i] *= ns_per_tick;
	if (session->request.pass == PASS_MEMORY) {
		child_memory_read(child, &reply->end);
		child_figures_ask((enum child_figures)session->request.figures, &reply->figures);
		if (session->request.drain_ns) {
			drain(child);
			child_memory_read(child, &reply->drained);
		}
	}
}
