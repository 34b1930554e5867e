#include "config.h"

#include "bench/replay/child.h"

#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define ALWAYS_INLINE __attribute__((always_inline)) inline
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* What one copy of the loop does besides calling the allocator; constant in each copy. */
enum {
	LOOP_TOUCH = 1u << 0, /* as the request says */
	LOOP_PAGES = 1u << 5, /* one byte per page */
	LOOP_LATENCY = 1u << 1,
	LOOP_GRANTED = 1u << 2,
	LOOP_VERIFY = 1u << 3,
	LOOP_PACED = 1u << 4,
	LOOP_PLACE = 1u << 6, /* addresses are told */
};

#define SPINS_BEFORE_SLEEP 256
/* A sample longer than this is worth asking the kernel whether the thread lost its processor. */
#define SUSPECT_NS 2000
#define BATCH_CALLS 64
/* A batch whose calls take longer than this on average was not on the hot path: about 100 ns. */
#define SLOW_CALL_TICKS 256.0
/* The slot table is the harness's: its cache misses are kept out of the time. */
#define PREFETCH_DISTANCE 8

static void await_slot(struct hand_over *hand_over, uint32_t order)
{
	for (int spin = 0; spin < SPINS_BEFORE_SLEEP; spin++) {
		if (atomic_load_explicit(&hand_over->sequence, memory_order_acquire) == order)
			return;
		__builtin_ia32_pause();
	}
	for (;;) {
		atomic_fetch_add(&hand_over->waiters, 1);
		uint32_t seen = atomic_load(&hand_over->sequence);

		if (seen != order)
			(void)session_wait(&hand_over->sequence, seen, -1);
		atomic_fetch_sub(&hand_over->waiters, 1);
		if (atomic_load_explicit(&hand_over->sequence, memory_order_acquire) == order)
			return;
	}
}

static void post_slot(struct hand_over *hand_over)
{
	atomic_fetch_add(&hand_over->sequence, 1);
	if (atomic_load(&hand_over->waiters))
		session_wake(&hand_over->sequence);
}

static void await_time(struct child *child, const struct operation *operation)
{
	const uint64_t *times = session_times(child->session);
	uint64_t due_ns = child->start_ns + times[operation - child->operations];
	struct timespec due = {.tv_sec = (time_t)(due_ns / 1000000000u),
			       .tv_nsec = (long)(due_ns % 1000000000u)};

	if (due_ns > clock_now_ns() + 50000) /* shorter gaps are below what a sleep can do */
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

/* One byte of every page that begins in [from, bytes), the first and the last. */
static ALWAYS_INLINE void touch_pages(uintptr_t address, uint64_t from, uint64_t bytes)
{
	volatile char *block = (volatile char *)address; /* NOLINT(performance-no-int-to-ptr) */

	if (from >= bytes)
		return;
	block[from] = 1;
	for (uint64_t at = 4096 - (address + from) % 4096 + from; UNLIKELY(at < bytes); at += 4096)
		block[at] = 1;
	block[bytes - 1] = 1;
}

static void touch_as_requested(const struct child *child, uintptr_t address, uint64_t from, uint64_t bytes)
{
	switch (child->session->request.touch) {
	case TOUCH_NONE:
		break;
	case TOUCH_FIRST:
		if (from == 0 && bytes > 0)
			*(volatile char *)address = 1; /* NOLINT(performance-no-int-to-ptr) */
		break;
	case TOUCH_ALL:
		if (from < bytes)
			memset((char *)address + from, 1,
			       bytes - from); /* NOLINT(performance-no-int-to-ptr) */
		break;
	default:
		touch_pages(address, from, bytes);
	}
}

static ALWAYS_INLINE void touch(unsigned features, struct child *child, struct slot *slot, uint64_t from,
				uint64_t bytes)
{
	if (features & LOOP_PAGES)
		touch_pages(slot->address, from, bytes);
	if (features & LOOP_TOUCH)
		touch_as_requested(child, slot->address, from, bytes);
	if (features & (LOOP_PAGES | LOOP_TOUCH))
		slot->bytes = bytes;
}

static void latency_record(struct lane *lane, enum latency_kind kind, uint64_t ticks)
{
	struct child *child = lane->child;
	struct session_reply *reply = &child->session->reply;
	uint64_t steps = (uint64_t)((double)ticks / child->clock.step_ticks + 0.5);
	struct histogram *histogram = &reply->latency[kind];

	if (UNLIKELY(ticks >
		     SUSPECT_NS)) { /* a tick is shorter than a nanosecond on every machine that matters */
		struct rusage usage;

		if (getrusage(RUSAGE_THREAD, &usage) == 0 && usage.ru_nivcsw != lane->preemptions) {
			lane->preemptions = usage.ru_nivcsw;
			histogram = &reply->preempted[kind];
		}
	}
	if (child->session->request.mode == MODE_PARALLEL)
		histogram_add_shared(histogram, steps);
	else
		histogram_add(histogram, steps);
}

static ALWAYS_INLINE uint64_t stamp_begin(unsigned features)
{
	return features & LOOP_LATENCY ? clock_begin() : 0;
}

static ALWAYS_INLINE void stamp_end(unsigned features, struct lane *lane, enum latency_kind kind,
				    uint64_t begin)
{
	if (features & LOOP_LATENCY)
		latency_record(lane, kind, clock_end() - begin);
}

static ALWAYS_INLINE void before_release(unsigned features, struct lane *lane, uint32_t slot)
{
	struct child *child = lane->child;

	if (features & LOOP_VERIFY)
		verify_contents(child, lane, slot, child->slots[slot].bytes, FAILURE_CONTENTS);
	if (features & LOOP_GRANTED)
		atomic_fetch_sub_explicit(&child->granted_bytes, child->granted[slot], memory_order_relaxed);
}

/* The block of the operation's slot is at `address` now; `kept` bytes of it were there before. */
static ALWAYS_INLINE void after_allocation(unsigned features, struct lane *lane,
					   const struct operation *operation, void *block)
{
	struct child *child = lane->child;
	uintptr_t address = (uintptr_t)block;
	uint64_t bytes = operation_bytes(operation), mask = operation_alignment(operation) - 1;

	if (UNLIKELY(address == 0 && bytes > 0))
		child_fail(lane, FAILURE_NULL, 0, bytes);
	if (UNLIKELY(address & mask))
		child_fail(lane, FAILURE_ALIGNMENT, address, mask + 1);
	child->slots[operation->slot].address = address;
	if (features & LOOP_GRANTED) {
		uint64_t granted = child->calls.usable ? child->calls.usable(block) : 0;

		child->granted[operation->slot] = granted;
		atomic_fetch_add_explicit(&child->granted_bytes, granted, memory_order_relaxed);
	}
	if (features & LOOP_PLACE)
		session_places(child->session)[operation - child->operations] = (struct session_place){
		    .address = address,
		    .bytes = address && child->calls.usable ? child->calls.usable(block) : bytes,
		};
}

static ALWAYS_INLINE void fill_new(unsigned features, struct lane *lane, const struct operation *operation)
{
	struct child *child = lane->child;
	uint64_t bytes = operation_bytes(operation);

	touch(features, child, &child->slots[operation->slot], 0, bytes);
	if (features & LOOP_VERIFY) {
		verify_fill(child, operation->slot, 0, bytes);
		child->slots[operation->slot].bytes = bytes;
	}
}

static ALWAYS_INLINE void fill_resized(unsigned features, struct lane *lane,
				       const struct operation *operation)
{
	struct child *child = lane->child;
	uint64_t bytes = operation_bytes(operation);
	uint32_t slot = operation->slot;

	touch(features, child, &child->slots[slot], child->slots[slot].bytes, bytes);
	if (features & LOOP_VERIFY) {
		uint64_t kept = child->slots[slot].bytes < bytes ? child->slots[slot].bytes : bytes;

		verify_contents(child, lane, slot, kept, FAILURE_REALLOC);
		verify_fill(child, slot, 0, bytes);
		child->slots[slot].bytes = bytes;
	}
}

static ALWAYS_INLINE void resize(unsigned features, struct lane *lane, const struct operation *operation)
{
	struct child *child = lane->child;
	void *old = (void *)child->slots[operation->slot].address; /* NOLINT(performance-no-int-to-ptr) */

	before_release(features, lane, operation->slot);
	uint64_t begin = stamp_begin(features);
	void *block = child->calls.resize(old, operation_bytes(operation));

	stamp_end(features, lane, LATENCY_REALLOC, begin);
	after_allocation(features, lane, operation, block);
	fill_resized(features, lane, operation);
}

static ALWAYS_INLINE void release(unsigned features, struct lane *lane, const struct operation *operation)
{
	struct child *child = lane->child;
	void *block = (void *)child->slots[operation->slot].address; /* NOLINT(performance-no-int-to-ptr) */

	before_release(features, lane, operation->slot);
	uint64_t begin = stamp_begin(features);

	switch (operation_kind(operation)) {
	case OPERATION_FREE:
		child->calls.release(block);
		break;
	case OPERATION_FREE_SIZED:
		child->calls.release_sized(block, operation_bytes(operation));
		break;
	default: {
		/* realloc(block, 0): some allocators answer with a minimal block instead of freeing. */
		void *rest = child->calls.resize(block, 0);

		if (rest)
			child->calls.release(rest);
	}
	}
	stamp_end(features, lane,
		  operation_kind(operation) == OPERATION_REALLOC_FREE ? LATENCY_REALLOC : LATENCY_FREE,
		  begin);
}

/* One call; false when the operation is none. */
static ALWAYS_INLINE bool perform(unsigned features, struct lane *lane, const struct operation *operation)
{
	const struct child_calls *calls = &lane->child->calls;
	uint64_t bytes = operation_bytes(operation), begin = 0;
	void *block;

	switch (operation_kind(operation)) {
	case OPERATION_MALLOC:
		begin = stamp_begin(features);
		block = calls->allocate(bytes);
		stamp_end(features, lane, LATENCY_MALLOC, begin);
		break;
	case OPERATION_CALLOC:
		begin = stamp_begin(features);
		block = calls->allocate_zeroed(1, bytes);
		stamp_end(features, lane, LATENCY_CALLOC, begin);
		break;
	case OPERATION_MEMALIGN:
		begin = stamp_begin(features);
		block = calls->allocate_aligned(operation_alignment(operation), bytes);
		stamp_end(features, lane, LATENCY_MEMALIGN, begin);
		break;
	case OPERATION_REALLOC_NULL:
		begin = stamp_begin(features);
		block = calls->resize(NULL, bytes);
		stamp_end(features, lane, LATENCY_REALLOC, begin);
		break;
	case OPERATION_REALLOC:
		resize(features, lane, operation);
		return true;
	case OPERATION_REALLOC_FREE:
	case OPERATION_FREE:
	case OPERATION_FREE_SIZED:
		release(features, lane, operation);
		return true;
	case OPERATION_FREE_NULL:
		begin = stamp_begin(features);
		calls->release(NULL);
		stamp_end(features, lane, LATENCY_FREE, begin);
		return true;
	default:
		return false;
	}
	after_allocation(features, lane, operation, block);
	if (features & LOOP_VERIFY && operation_kind(operation) == OPERATION_CALLOC)
		verify_zero(lane->child, lane, operation->slot, bytes);
	fill_new(features, lane, operation);
	return true;
}

static ALWAYS_INLINE const struct operation *
loop(unsigned features, struct lane *lane, const struct operation *operation, const struct operation *end)
{
	struct child *child = lane->child;

	for (; operation < end; operation++) {
		if (operation + PREFETCH_DISTANCE < end)
			__builtin_prefetch(&child->slots[operation[PREFETCH_DISTANCE].slot], 1);
		atomic_store_explicit(&lane->state->operation, (uint64_t)(operation - child->operations),
				      memory_order_relaxed);
		if (features & LOOP_PLACE)
			atomic_store_explicit(&child->placing, (uint64_t)(operation - child->operations),
					      memory_order_relaxed);
		if (features & LOOP_PACED)
			await_time(child, operation);
		if (UNLIKELY(operation->word & OPERATION_WAIT))
			await_slot(&child->hand_overs[operation->slot], operation->order);
		if (UNLIKELY(!perform(features, lane, operation)))
			return operation;
		if (UNLIKELY(operation->word & OPERATION_POST))
			post_slot(&child->hand_overs[operation->slot]);
	}
	return operation;
}

typedef const struct operation *loop_function(struct lane *lane, const struct operation *operation,
					      const struct operation *end);

static const struct operation *loop_plain(struct lane *lane, const struct operation *from,
					  const struct operation *end)
{
	return loop(0, lane, from, end);
}

static const struct operation *loop_touch(struct lane *lane, const struct operation *from,
					  const struct operation *end)
{
	return loop(LOOP_TOUCH, lane, from, end);
}

static const struct operation *loop_pages(struct lane *lane, const struct operation *from,
					  const struct operation *end)
{
	return loop(LOOP_PAGES, lane, from, end);
}

static const struct operation *loop_latency(struct lane *lane, const struct operation *from,
					    const struct operation *end)
{
	return loop(LOOP_TOUCH | LOOP_LATENCY, lane, from, end);
}

static const struct operation *loop_memory(struct lane *lane, const struct operation *from,
					   const struct operation *end)
{
	return loop(LOOP_TOUCH | LOOP_GRANTED, lane, from, end);
}

static const struct operation *loop_verify(struct lane *lane, const struct operation *from,
					   const struct operation *end)
{
	return loop(LOOP_VERIFY, lane, from, end);
}

static const struct operation *loop_place(struct lane *lane, const struct operation *from,
					  const struct operation *end)
{
	return loop(LOOP_PLACE, lane, from, end);
}

static const struct operation *loop_paced(struct lane *lane, const struct operation *from,
					  const struct operation *end)
{
	return loop(LOOP_PACED | LOOP_TOUCH, lane, from, end);
}

static const struct operation *loop_paced_latency(struct lane *lane, const struct operation *from,
						  const struct operation *end)
{
	return loop(LOOP_PACED | LOOP_TOUCH | LOOP_LATENCY, lane, from, end);
}

static const struct operation *loop_paced_memory(struct lane *lane, const struct operation *from,
						 const struct operation *end)
{
	return loop(LOOP_PACED | LOOP_TOUCH | LOOP_GRANTED, lane, from, end);
}

static const struct operation *loop_paced_place(struct lane *lane, const struct operation *from,
						const struct operation *end)
{
	return loop(LOOP_PACED | LOOP_PLACE, lane, from, end);
}

/* The copy of the loop for what is timed as a whole. */
static loop_function *loop_for_time(const struct session_request *request)
{
	return request->touch == TOUCH_NONE    ? loop_plain
	       : request->touch == TOUCH_PAGES ? loop_pages
					       : loop_touch;
}

/* Counts the calls of the next batch; returns its end. A batch has no hand-over and no thread operation in it. */
static const struct operation *batch_end(const struct operation *operation, const struct operation *end,
					 unsigned counts[LATENCY_KINDS])
{
	const struct operation *limit = end - operation > BATCH_CALLS ? operation + BATCH_CALLS : end;

	memset(counts, 0, LATENCY_KINDS * sizeof(counts[0]));
	for (; operation < limit && operation_is_call(operation) && !(operation->word & OPERATION_WAIT);
	     operation++)
		counts[operation_latency_kind(operation_kind(operation))]++;
	return operation;
}

/* A batch in which something rare happened (the thread lost its processor, the allocator asked the kernel for memory) says nothing
 * about the hot path. */
static void batch_record(struct lane *lane, const unsigned counts[LATENCY_KINDS], double ticks)
{
	struct session_regression *regression = &lane->child->session->reply.regression;

	if (ticks > BATCH_CALLS * SLOW_CALL_TICKS) {
		regression->slow++;
		return;
	}
	regression->batches++;
	for (unsigned i = 0; i < LATENCY_KINDS; i++) {
		regression->calls[i] += counts[i];
		regression->durations[i] += counts[i] * ticks;
		for (unsigned j = 0; j < LATENCY_KINDS; j++)
			regression->products[i][j] += (double)counts[i] * counts[j];
	}
}

/* Blocks are not touched here: the page faults of touching would be taken for the cost of whatever call came before. */
static const struct operation *loop_batch(struct lane *lane, const struct operation *operation,
					  const struct operation *end)
{
	while (operation < end) {
		unsigned counts[LATENCY_KINDS];
		const struct operation *limit = batch_end(operation, end, counts);

		if (limit == operation) {
			const struct operation *next = loop_plain(lane, operation, operation + 1);

			if (next == operation)
				return operation;
			operation = next;
			continue;
		}
		uint64_t begin = clock_begin();

		operation = loop_plain(lane, operation, limit);
		batch_record(lane, counts, (double)(clock_end() - begin) - lane->child->clock.overhead_ticks);
	}
	return operation;
}

const struct operation *child_replay(struct child *child, struct lane *lane,
				     const struct operation *operation, const struct operation *end)
{
	static loop_function *const full[PASS_COUNT] = {loop_touch,  loop_latency, loop_batch,
							loop_memory, loop_verify,  loop_place};
	static loop_function *const paced[PASS_COUNT] = {
	    loop_paced, loop_paced_latency, loop_paced, loop_paced_memory, loop_verify, loop_paced_place};
	const struct session_request *request = &child->session->request;

	if (request->pace == PACE_RECORDED)
		return paced[request->pass](lane, operation, end);
	if (request->pass == PASS_THROUGHPUT)
		return loop_for_time(request)(lane, operation, end);
	return full[request->pass](lane, operation, end);
}
