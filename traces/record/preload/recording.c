#include "config.h"

#include "traces/record/preload/recording.h"

#include "traces/record/preload/attach.h"
#include "traces/record/preload/interpose.h"
#include "traces/record/preload/process.h"
#include "traces/record/preload/real.h"
#include "traces/record/preload/stacks.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A waiting thread looks up this often to see whether the recorder still lives. */
#define WAIT_NS 20000000
/* So many looks without a heartbeat: the recorder is gone if its process is, or (a process may not be visible from
 * here) after ten seconds whatever. */
#define WAITS_BEFORE_ASKING 10u
#define WAITS_BEFORE_GIVING_UP 500u

enum process_state {
	PROCESS_UNKNOWN = 0, /* no heap call yet */
	PROCESS_STARTING,    /* some thread is at it */
	PROCESS_ATTACHED,
	PROCESS_NOT_RECORDED, /* for good */
};

static volatile uint64_t no_serial;
static _Atomic unsigned process_state;
static pthread_key_t thread_key;

struct recording recording = {.live_serial = &no_serial};
__thread struct recording_thread recording_thread = {.serial = RECORDING_UNREGISTERED,
						     .until_sample = RECORDING_SAMPLE_EVERY};

bool recording_is_own_process(void)
{
	return recording.process && (uint32_t)syscall(SYS_getpid) == recording.process_id;
}

/* --- Chunks ------------------------------------------------------------------------------------------------------------- */

/* Which process (serial) has met this chunk's pages: nobody else need fetch them. */
static uint32_t populated_by[ARENA_MAX_CHUNKS];

static uint32_t pop_chunk(void)
{
	struct arena_control *control = recording.arena.control;
	uint64_t top = atomic_load(&control->free_top);
	uint32_t index;

	do {
		index = (uint32_t)top;
		if (index >= recording.arena.chunk_count)
			return ARENA_NONE;
	} while (!atomic_compare_exchange_weak(&control->free_top, &top,
					       ((top >> 32) + 1) << 32 |
						   atomic_load(&recording.arena.chunks[index].next)));
	atomic_fetch_sub(&control->free_count, 1);
	return index;
}

static void wake_recorder(void)
{
	struct arena_control *control = recording.arena.control;

	atomic_fetch_add(&control->recorder_bell, 1);
	if (atomic_load(&control->recorder_sleeps))
		(void)syscall(SYS_futex, &control->recorder_bell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static bool recorder_is_gone(uint32_t heartbeat, unsigned *silent)
{
	struct arena_control *control = recording.arena.control;

	if (atomic_load(&control->heartbeat) != heartbeat) {
		*silent = 0;
		return false;
	}
	++*silent;
	if (*silent >= WAITS_BEFORE_GIVING_UP)
		return true;
	return *silent >= WAITS_BEFORE_ASKING && syscall(SYS_kill, control->recorder_id, 0) != 0 &&
	       errno == ESRCH;
}

/* The recorder is behind: waits until it has emptied a chunk. */
static uint32_t wait_for_chunk(void)
{
	static const struct timespec timeout = {.tv_nsec = WAIT_NS};
	struct arena_control *control = recording.arena.control;
	uint64_t start = ticks_now();
	uint32_t index = ARENA_NONE;
	unsigned silent = 0;

	atomic_fetch_add(&control->chunk_waiters, 1);
	while (!atomic_load(&control->finished)) {
		uint32_t bell = atomic_load(&control->chunks_bell);
		uint32_t heartbeat = atomic_load(&control->heartbeat);
		index = pop_chunk();
		if (index != ARENA_NONE)
			break;
		wake_recorder();
		(void)syscall(SYS_futex, &control->chunks_bell, FUTEX_WAIT, bell, &timeout, NULL, 0);
		if (recorder_is_gone(heartbeat, &silent)) {
			atomic_store(&control->active, 0);
			atomic_store(&control->finished, 1);
		}
	}
	atomic_fetch_sub(&control->chunk_waiters, 1);
	atomic_fetch_add_explicit(&recording.process->waited_ticks, ticks_now() - start,
				  memory_order_relaxed);
	return index;
}

static void write_thread_name(struct recording_thread *thread)
{
	uint64_t words[3] = {0};

	(void)prctl(PR_GET_NAME, (char *)&words[1]);
	recording_write_words(thread, ARENA_THREAD_NAME, words);
}

/* A chunk of this thread's, in `state`; NULL when there will be none. */
static struct arena_chunk *take_chunk(const struct recording_thread *thread, enum arena_chunk_state state)
{
	struct arena *arena = &recording.arena;
	uint32_t index = pop_chunk();
	struct arena_record *records;
	struct arena_chunk *chunk;

	if (index == ARENA_NONE)
		index = wait_for_chunk();
	if (index == ARENA_NONE) {
		atomic_fetch_add_explicit(&recording.process->lost_events, 1, memory_order_relaxed);
		return NULL;
	}
	chunk = &arena->chunks[index];
	chunk->process_slot = recording.process_slot;
	chunk->process_serial = thread->serial;
	chunk->thread_serial = thread->thread_serial;
	chunk->thread_id = thread->thread_id;
	chunk->first_order = atomic_load(&arena->control->order);
	atomic_store_explicit(&chunk->reserved, 0, memory_order_relaxed);
	records = arena->records + (uint64_t)index * ARENA_CHUNK_RECORDS;
	if (populated_by[index] != (uint32_t)recording.serial)
		(void)madvise(records, ARENA_CHUNK_RECORDS * sizeof(*records), MADV_POPULATE_WRITE);
	populated_by[index] = (uint32_t)recording.serial;
	/* Words could look like records of any number. */
	if (state == ARENA_CHUNK_WORDS || chunk->held_words)
		memset(records, 0, ARENA_CHUNK_RECORDS * sizeof(*records));
	chunk->held_words = state == ARENA_CHUNK_WORDS;
	atomic_store_explicit(&chunk->state, state, memory_order_release);
	return chunk;
}

static void wake_if_short(void)
{
	struct arena_control *control = recording.arena.control;

	if (atomic_load(&control->recorder_sleeps) &&
	    atomic_load(&control->free_count) < recording.arena.chunk_count / 2)
		wake_recorder();
}

bool recording_refill(struct recording_thread *thread, struct recording_context *context)
{
	int saved_errno = errno;
	bool first = context->chunk == NULL;
	struct arena_chunk *chunk = take_chunk(thread, ARENA_CHUNK_OWNED);

	if (context->chunk)
		atomic_store_explicit(&context->chunk->state, ARENA_CHUNK_CLOSED, memory_order_release);
	*context = (struct recording_context){.chunk = chunk};
	if (chunk) {
		context->next = recording.arena.records +
				(uint64_t)(chunk - recording.arena.chunks) * ARENA_CHUNK_RECORDS;
		context->end = context->next + ARENA_CHUNK_RECORDS;
		if (!first && context == &thread->context[0])
			write_thread_name(thread);
		wake_if_short();
	}
	errno = saved_errno;
	return chunk != NULL;
}

struct arena_chunk *recording_take_words(const struct recording_thread *thread)
{
	int saved_errno = errno;
	struct arena_chunk *chunk = take_chunk(thread, ARENA_CHUNK_WORDS);

	wake_if_short();
	errno = saved_errno;
	return chunk;
}

unsigned recording_nested_level(struct recording_thread *thread, uintptr_t frame)
{
	unsigned level = thread->level;

	while (level > 0 && frame >= thread->level_frame[level - 1])
		level--;
	if (level >= RECORDING_LEVELS) {
		atomic_fetch_add_explicit(&recording.process->lost_events, 1, memory_order_relaxed);
		return RECORDING_LEVELS;
	}
	return level;
}

void recording_write_words(struct recording_thread *thread, enum arena_kind kind, const uint64_t words[3])
{
	unsigned level;
	struct arena_record *record = recording_reserve(thread, &level);
	uint64_t order;

	if (!record)
		return;
	order = atomic_fetch_add(&recording.arena.control->order, 1);
	record->tsc = words[0];
	record->address = words[1];
	record->size = words[2];
	atomic_store_explicit(&record->order_kind, order << 8 | kind, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	thread->level = level;
}

void recording_write_timed(struct recording_thread *thread, enum arena_kind kind, uint64_t address,
			   uint64_t size)
{
	uint64_t start = ticks_now();

	thread->until_sample = RECORDING_SAMPLE_EVERY;
	recording_write(thread, kind, address, size);
	atomic_fetch_add_explicit(&recording.process->sampled_ticks, ticks_now() - start,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&recording.process->sampled_events, 1, memory_order_relaxed);
}

void interpose_count_usable(void)
{
	if (recording.process)
		atomic_fetch_add_explicit(&recording.process->usable_calls, 1, memory_order_relaxed);
}

unsigned recording_stack(struct recording_thread *thread)
{
	return stacks_write(thread) ? ARENA_INFO_STACK : 0;
}

void recording_event_with(struct recording_thread *thread, enum arena_kind kind, const void *address,
			  uint64_t size, uint64_t value)
{
	uint64_t info = value;

	if (value >= ARENA_INFO_DETAIL) {
		recording_write(thread, ARENA_DETAIL, 0, value);
		info = ARENA_INFO_DETAIL;
	}
	if (UNLIKELY(recording.stacks))
		info |= recording_stack(thread);
	recording_write(thread, kind, recording_address(address, info), size);
}

/* --- Threads -------------------------------------------------------------------------------------------------------------- */

/* Destructors of other keys and libraries may still free memory: run in the last of the rounds. */
static void thread_ends(void *argument)
{
	struct recording_thread *thread = argument;

	if (++thread->exit_rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
		(void)pthread_setspecific(thread_key, thread);
		return;
	}
	if (thread->serial != *recording.live_serial)
		return;
	stacks_thread_end(thread);
	write_thread_name(thread);
	recording_write(thread, ARENA_THREAD_END, 0, 0);
}

/* Makes `thread` a fresh thread of this process: nothing of an earlier life (a parent's) is kept. */
static void thread_renew(struct recording_thread *thread)
{
	thread->serial = recording.serial;
	thread->level = 0;
	thread->exit_rounds = 0;
	thread->fork_token = 0;
	memset(thread->context, 0, sizeof(thread->context));
	stacks_thread_end(thread);
	thread->thread_serial = atomic_fetch_add(&recording.arena.control->thread_serial, 1) + 1;
	thread->thread_id = (uint32_t)syscall(SYS_gettid);
}

static void thread_start(struct recording_thread *thread)
{
	recording_write(thread, ARENA_THREAD_START, thread->thread_id, 0);
	write_thread_name(thread);
	(void)pthread_setspecific(thread_key, thread);
}

/* --- Processes ------------------------------------------------------------------------------------------------------------ */

static bool map_live_serial(void)
{
	void *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return false;
	if (madvise(page, (size_t)sysconf(_SC_PAGESIZE), MADV_WIPEONFORK) != 0) {
		(void)munmap(page, (size_t)sysconf(_SC_PAGESIZE));
		return false;
	}
	recording.live_serial = page;
	return true;
}

/* Gives this process a slot and a serial, and writes its first records. */
static bool register_process(struct recording_thread *thread, uint64_t parent_serial, uint64_t fork_token)
{
	struct arena *arena = &recording.arena;
	uint64_t serial = atomic_fetch_add(&arena->control->process_serial, 1) + 1;
	struct arena_process *process;

	if (serial > 1 && !arena->control->follow)
		return false;
	process = attach_process(arena, serial, &recording.process_slot);
	if (!process)
		return false;
	process->parent_serial = parent_serial;
	process->fork_token = fork_token;
	recording.process = process;
	recording.process_id = process->process_id;
	recording.serial = serial;
	atomic_store_explicit(&process->state, ARENA_PROCESS_LIVE, memory_order_release);
	*recording.live_serial = serial;
	thread_renew(thread);
	recording_write(thread, ARENA_PROCESS_START, 0, serial);
	thread_start(thread);
	return true;
}

/* The process's first heap call: finds the real functions, then the recording. */
static void attach(struct recording_thread *thread)
{
	real_resolve();
	if (!attach_arena(&recording.arena) || !map_live_serial() ||
	    pthread_key_create(&thread_key, thread_ends) != 0) {
		atomic_store(&process_state, PROCESS_NOT_RECORDED);
		return;
	}
	recording.stacks = recording.arena.control->stacks;
	recording.follow = recording.arena.control->follow;
	if (!register_process(thread, 0, 0)) {
		atomic_store(&process_state, PROCESS_NOT_RECORDED);
		return;
	}
	process_watch();
	atomic_store(&process_state, PROCESS_ATTACHED);
}

void recording_forked(struct recording_thread *thread)
{
	uint64_t token = thread->fork_token;

	thread->inside = (uintptr_t)__builtin_frame_address(0);
	thread->stacks = NULL;
	if (!recording.follow || !register_process(thread, recording.serial, token)) {
		recording.process = NULL;
		atomic_store(&process_state, PROCESS_NOT_RECORDED);
	}
	thread->inside = 0;
}

/* Registers what is not registered: the process, after a raw clone the child, the thread. */
static bool ready(struct recording_thread *thread)
{
	unsigned state = PROCESS_UNKNOWN;

	if (atomic_compare_exchange_strong(&process_state, &state, PROCESS_STARTING)) {
		attach(thread);
		state = atomic_load(&process_state);
	}
	if (state != PROCESS_ATTACHED)
		return false;
	if (*recording.live_serial == 0) {
		thread->fork_token = 0;
		recording_forked(thread);
		if (atomic_load(&process_state) != PROCESS_ATTACHED)
			return false;
	} else if (thread->serial != *recording.live_serial) {
		thread_renew(thread);
		thread_start(thread);
	}
	return true;
}

bool recording_may_after_all(struct recording_thread *thread, uintptr_t frame)
{
	int saved_errno = errno;
	bool is_ready;

	if (thread->inside != 0 && frame < thread->inside) {
		if (recording.process)
			atomic_fetch_add_explicit(&recording.process->nested_calls, 1, memory_order_relaxed);
		return false;
	}
	if (atomic_load_explicit(&process_state, memory_order_relaxed) == PROCESS_NOT_RECORDED) {
		thread->inside = 0;
		return false;
	}
	thread->inside = frame;
	is_ready = ready(thread);
	thread->inside = 0;
	errno = saved_errno;
	return is_ready && atomic_load_explicit(&recording.arena.control->active, memory_order_relaxed);
}

/* A program that never calls a heap function is known all the same. */
__attribute__((constructor)) static void register_at_start(void)
{
	(void)recording_may(&recording_thread);
}
