#include "config.h"

#include "bench/replay/child.h"

#include <time.h>

/* With one thread, the time that it ran: what other programs do on the machine meanwhile is not the allocator's. With several, what
 * they wait for is part of the matter: wall clock. */
static uint64_t work_ns(const struct child *child)
{
	struct timespec used;

	if (child->session->request.mode != MODE_SINGLE)
		return clock_now_ns();
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

static bool await_chunk(struct child *child)
{
	struct session_chunk *chunk = &child->session->chunk;

	(void)session_wait(&chunk->posted, (uint32_t)child->chunks, -1);
	child->chunks++;
	child->cursor = child->operations;
	child->end = child->operations + chunk->operations;
	atomic_store_explicit(&child->placing, 0, memory_order_relaxed);
	child->chunk_start_ns = work_ns(child);
	return chunk->operations > 0;
}

bool child_first_chunk(struct child *child)
{
	return await_chunk(child);
}

bool child_next_chunk(struct child *child)
{
	struct session_chunk *chunk = &child->session->chunk;

	chunk->elapsed_ns = work_ns(child) - child->chunk_start_ns;
	chunk->time_ns = clock_now_ns() - child->start_ns;
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
		if (session->request.drain_ns) {
			drain(child);
			child_memory_read(child, &reply->drained);
		}
	}
	/* Last, because the asking itself touches memory of the allocator. */
	if (session->request.pass == PASS_MEMORY || session->request.pass == PASS_PLACEMENT)
		child_figures_ask((enum child_figures)session->request.figures, &reply->figures);
}
