/* recording.h: what the recorder keeps in a recorded process, and how one event is written.
 *
 * Everything here runs inside other people's malloc: it may not allocate, use stdio or take a lock. State of a thread is
 * thread-local (initial-exec, so that reaching it never allocates); state of the process is `recording`.
 *
 * A wrapper does: recording_may? - recording_enter - the real function - recording_leave, and recording_event before it
 * (free) or after it (malloc). Calls made by the real function itself are seen as nested and not recorded again.
 *
 *   I1  thread.serial == *recording.live_serial exactly when the thread is registered in this process: the word lies on a
 *       page that fork wipes (MADV_WIPEONFORK), so a child sees 0 there and registers anew
 *   I2  thread.inside is 0, or a stack address of the wrapper whose real function is running. A call whose frame is not
 *       below it is not nested: the wrapper was left by an exception or a longjmp, and the mark is stale
 *   I3  context[n] is used only while n recordings of this thread are interrupted by signal handlers; so each context
 *       has one user and needs no atomic operation
 */
#ifndef FAULTLINE_TRACES_RECORD_PRELOAD_RECORDING_H
#define FAULTLINE_TRACES_RECORD_PRELOAD_RECORDING_H

#include "traces/record/arena.h"
#include "traces/record/ticks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* A signal handler may interrupt a recording, and another signal that handler: this deep. */
#define RECORDING_LEVELS 4u
/* One event in so many is timed. Odd, so that a loop of malloc and free has both measured. */
#define RECORDING_SAMPLE_EVERY 1021u
#define RECORDING_UNREGISTERED UINT64_MAX

/* Where the next record goes. */
struct recording_context {
	struct arena_record *next;
	struct arena_record *end;
	struct arena_chunk *chunk; /* NULL = none yet */
};

struct recording_thread {
	uint64_t serial;	/* of the process that this thread is registered in */
	uintptr_t inside;	/* I2 */
	unsigned level;		/* I3: recordings in progress, 0 to RECORDING_LEVELS */
	uint32_t until_sample;	/* events until the next timed one */
	uint64_t thread_serial; /* unique in the recording */
	uint64_t fork_token;	/* of the fork in progress, 0 = none */
	uint32_t thread_id;	/* the system's */
	unsigned exit_rounds;	/* rounds of thread-exit destructors seen */
	uintptr_t level_frame
	    [RECORDING_LEVELS]; /* stack address of the recording at each level, to notice stale ones */
	struct recording_context context[RECORDING_LEVELS];
	void *stacks; /* memory of stacks.h, NULL = none yet */
};

struct recording {
	volatile uint64_t *live_serial; /* I1; never NULL */
	struct arena arena;		/* valid once *live_serial was non-zero */
	struct arena_process *process;	/* our slot */
	uint64_t serial; /* as *live_serial, but it survives fork: the parent's, until the child registers */
	uint32_t process_slot;
	uint32_t process_id;
	bool stacks; /* call stacks are wanted */
	bool follow; /* children and exec'd programs are recorded */
};

extern struct recording recording;
extern __thread struct recording_thread recording_thread;

/* --- The slow halves (recording.c) ------------------------------------------------------------------------------------ */

/* recording_may for an unregistered, nested or forked caller; registers process and thread when needed. */
bool recording_may_after_all(struct recording_thread *thread, uintptr_t frame);

/* Gives `context` a fresh chunk; waits for one when the recorder is behind. False: there will be none. Keeps errno. */
bool recording_refill(struct recording_thread *thread, struct recording_context *context);

/* An ARENA_CHUNK_WORDS of zeros, which an ARENA_ACCESSES gives back; NULL: there will be none. Keeps errno. */
struct arena_chunk *recording_take_words(const struct recording_thread *thread);

/* recording_write, timed. */
void recording_write_timed(struct recording_thread *thread, enum arena_kind kind, uint64_t address,
			   uint64_t size);

/* The level for a recording at stack address `frame` that finds thread->level above 0: recordings that a longjmp out of
 * a signal handler abandoned are dropped. RECORDING_LEVELS = too deep; the event is counted as lost. */
unsigned recording_nested_level(struct recording_thread *thread, uintptr_t frame);

/* In a child just forked: makes it a process of its own, forked at thread->fork_token (0 = unknown). */
void recording_forked(struct recording_thread *thread);

/* Is the process that runs this code the one that registered? False in a child that shares its memory (vfork). */
bool recording_is_own_process(void);

/* --- The fast half ------------------------------------------------------------------------------------------------------ */

/* May the caller's call be recorded? False: it calls the real function and nothing else. */
static inline __attribute__((always_inline)) bool recording_may(struct recording_thread *thread)
{
	if (UNLIKELY(thread->serial != *recording.live_serial || thread->inside != 0 ||
		     !atomic_load_explicit(&recording.arena.control->active, memory_order_relaxed)))
		return recording_may_after_all(thread, (uintptr_t)__builtin_frame_address(0));
	return true;
}

/* Around the real function, and nothing but it: a signal handler's call in between counts as nested. */
static inline __attribute__((always_inline)) void recording_enter(struct recording_thread *thread)
{
	thread->inside = (uintptr_t)__builtin_frame_address(0);
}

static inline __attribute__((always_inline)) void recording_leave(struct recording_thread *thread)
{
	thread->inside = 0;
}

/* The place for one record, and the level that recording_commit must restore; NULL: there is none. */
static inline __attribute__((always_inline)) struct arena_record *
recording_reserve(struct recording_thread *thread, unsigned *level)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	struct recording_context *context;
	struct arena_record *record;

	*level = thread->level;
	if (UNLIKELY(*level != 0) && (*level = recording_nested_level(thread, frame)) == RECORDING_LEVELS)
		return NULL;
	thread->level_frame[*level] = frame;
	thread->level = *level + 1;
	atomic_signal_fence(memory_order_seq_cst);
	context = &thread->context[*level];
	if (UNLIKELY(context->next == context->end) && !recording_refill(thread, context)) {
		thread->level = *level;
		return NULL;
	}
	record = context->next++;
	atomic_store_explicit(&context->chunk->reserved,
			      ARENA_CHUNK_RECORDS - (uint32_t)(context->end - context->next),
			      memory_order_relaxed);
	return record;
}

/* One record. The order number is taken in here, so call it before a free and after a malloc. About 20 ns. */
static inline __attribute__((always_inline)) void
recording_write(struct recording_thread *thread, enum arena_kind kind, uint64_t address, uint64_t size)
{
	unsigned level;
	struct arena_record *record;
	uint64_t order;

	if (UNLIKELY(--thread->until_sample == 0)) {
		recording_write_timed(thread, kind, address, size);
		return;
	}
	record = recording_reserve(thread, &level);
	if (UNLIKELY(!record))
		return;
	order = atomic_fetch_add(&recording.arena.control->order, 1);
	record->tsc = ticks_now();
	record->address = address;
	record->size = size;
	atomic_store_explicit(&record->order_kind, order << 8 | kind, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	thread->level = level;
}

/* As recording_write, with three words of the caller's (tsc, address, size) and no clock. */
void recording_write_words(struct recording_thread *thread, enum arena_kind kind, const uint64_t words[3]);

/* Writes down the caller's stack if stacks are wanted, and the flag for the event's record that follows. */
unsigned recording_stack(struct recording_thread *thread);

/* The address word of a record. */
static inline uint64_t recording_address(const void *address, uint64_t info)
{
	return ((uintptr_t)address & ARENA_ADDRESS_MASK) | info << ARENA_INFO_SHIFT;
}

/* The record of one heap event, with its stack when stacks are wanted. */
static inline __attribute__((always_inline)) void
recording_event(struct recording_thread *thread, enum arena_kind kind, const void *address, uint64_t size)
{
	uint64_t info = UNLIKELY(recording.stacks) ? recording_stack(thread) : 0;

	recording_write(thread, kind, recording_address(address, info), size);
}

/* As recording_event, for kinds with a value in the info bits. A value that does not fit goes ahead in a record of its
 * own. */
void recording_event_with(struct recording_thread *thread, enum arena_kind kind, const void *address,
			  uint64_t size, uint64_t value);

#endif
