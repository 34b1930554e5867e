/* child.h: the replaying child: one process, one pass, one allocator.
 *
 * It is exec'd afresh for every pass with the allocator preloaded, and calls it through one table of function pointers. It
 * uses no malloc of its own: whatever the allocator serves is the trace's (but for what the C library asks for when a thread
 * is made, as it does in the recorded program). Its own memory (operations, slots, thread stacks) is mapped and faulted in
 * before the baseline is taken.
 *
 * Modes. `single`: the main thread replays everything. `baton`: one thread per lane, one of them runs at a time; the *cursor*
 * is passed on with the baton. `parallel`: each lane replays its own span of the chunk; hand-overs wait on the slot.
 */
#ifndef FAULTLINE_BENCH_REPLAY_CHILD_H
#define FAULTLINE_BENCH_REPLAY_CHILD_H

#include "bench/replay/clock.h"
#include "bench/replay/session.h"

#include <pthread.h>

/* What every allocator is called through. */
struct child_calls {
	void *(*allocate)(size_t bytes);
	void *(*allocate_zeroed)(size_t count, size_t bytes);
	void *(*resize)(void *block, size_t bytes);
	void *(*allocate_aligned)(size_t alignment, size_t bytes);
	void (*release)(void *block);
	void (*release_sized)(void *block,
			      size_t bytes); /* `release` again where the allocator has no such call */
	size_t (*usable)(void *block);	     /* NULL where the allocator has none */
};

struct slot {
	uintptr_t address;
	uint64_t bytes; /* requested; kept where blocks are touched or verified */
};

/* Mode parallel: what lanes wait for when a block, or its slot, goes from one to another. */
struct hand_over {
	_Atomic uint32_t sequence; /* futex: hand-overs so far */
	_Atomic uint32_t waiters;
};

struct lane {
	struct child *child;
	struct session_lane *state; /* in the session */
	pthread_t thread;
	void *stack;
	const struct operation *operation; /* mode parallel: next of its span; others use child->cursor */
	const struct operation *end;
	_Atomic uint32_t turn; /* futex: 1 = it is this lane's turn */
	uint32_t number;
	bool alive;	  /* has a thread */
	bool ended;	  /* mode parallel: its thread has ended and wants to be joined */
	long preemptions; /* involuntary context switches at the last look */
};

struct child {
	struct session *session;
	struct operation *operations; /* of the chunk */
	struct slot *slots;
	struct hand_over *hand_overs; /* per slot; mode parallel */
	struct lane *lanes;
	uint64_t *granted; /* per slot: usable size; PASS_MEMORY */
	uint64_t *tags;	   /* per slot: seed of the pattern the block is filled with; PASS_VERIFY */
	struct child_calls calls;
	struct clock clock;
	const struct operation *cursor, *end; /* modes single and baton: rest of the chunk */
	struct lane *leaving;	  /* mode baton: the lane whose thread must be joined before going on */
	_Atomic uint32_t running; /* futex, mode parallel: lanes that have not finished their span */
	_Atomic uint64_t granted_bytes;
	_Atomic uint64_t next_tag;
	uint64_t chunks;
	uint64_t start_ns, chunk_start_ns;
	uintptr_t next_place;	  /* PASS_PLACEMENT: where the child's own memory goes next */
	_Atomic uint64_t placing; /* PASS_PLACEMENT: index of the present operation */
	int session_descriptor;	  /* what the session is mapped from */
	int memory_descriptor;	  /* /proc/self/smaps_rollup */
};

/* --- child_loop.c: replays operations ---------------------------------------------------------------------------------- */

/* Replays from `operation` to `end` or to the first operation that is not a call, and returns where it stopped. */
const struct operation *child_replay(struct child *child, struct lane *lane,
				     const struct operation *operation, const struct operation *end);

/* --- child_threads.c: who replays when ---------------------------------------------------------------------------------- */

/* Makes the lanes and their stacks. */
void child_lanes_create(struct child *child);

/* Replays chunk after chunk until the parent sends an empty one. */
void child_run(struct child *child);

/* --- child_chunk.c: the turns with the parent --------------------------------------------------------------------------- */

/* Reports the chunk just replayed and waits for the next; false at the end of the trace. */
bool child_next_chunk(struct child *child);

/* Waits for the first chunk; false when the trace is empty. */
bool child_first_chunk(struct child *child);

/* The end of the pass: drains, fills in the reply. */
void child_finish(struct child *child);

/* --- child_calls.c: the allocator --------------------------------------------------------------------------------------- */

/* Finds the functions. On failure the session's failure is set and the process ends. */
void child_calls_find(struct child *child);

/* Fills in what the allocator says of itself. */
void child_figures_ask(enum child_figures figures, struct session_figures *answer);

/* --- child_memory.c: resident set, own memory ---------------------------------------------------------------------------- */

/* Anonymous memory, zero and faulted in. Ends the process when there is none. */
void *child_memory_map(struct child *child, size_t bytes);

/* Anonymous memory, zero, not faulted in; MAP_FAILED when there is none. */
void *child_memory_reserve(struct child *child, size_t bytes);

/* Reads /proc/self/smaps_rollup without allocating. */
void child_memory_read(struct child *child, struct session_memory *memory);

/* --- child_placement.c: the allocator's memory system calls ------------------------------------------------------------- */

/* The child's own memory lies in [CHILD_PLACE, CHILD_PLACE_END) in PASS_PLACEMENT, far from what is told, and shared, so that it
 * never becomes one with a mapping of the allocator's. */
#define CHILD_PLACE UINT64_C(0x400000000000)
#define CHILD_PLACE_END UINT64_C(0x500000000000)

/* From now on every memory system call is written to the session. Addresses are fixed, or the process ends. */
void child_placement_start(struct child *child);

/* --- child_verify.c: is a block what it was -------------------------------------------------------------------------------- */

/* Fills bytes [from, bytes) of the block of `slot` with the pattern of a new tag when from is 0, of its tag otherwise. */
void verify_fill(struct child *child, uint32_t slot, uint64_t from, uint64_t bytes);

/* Bytes [0, bytes) of the block still hold the pattern, or the pass fails as `kind`. */
void verify_contents(struct child *child, struct lane *lane, uint32_t slot, uint64_t bytes,
		     enum failure_kind kind);

/* Bytes [0, bytes) of a calloc block are zero, or the pass fails. */
void verify_zero(struct child *child, struct lane *lane, uint32_t slot, uint64_t bytes);

/* --- child_failure.c -------------------------------------------------------------------------------------------------------- */

/* Records a failure at the lane's present operation and ends the process. */
_Noreturn void child_fail(struct lane *lane, enum failure_kind kind, uintptr_t address, uint64_t detail);

/* The same before the first operation. */
_Noreturn void child_fail_setup(struct session *session, const char *what, const char *which);

/* Makes signals that kill a process leave their number in the session first. */
void child_signals_catch(struct session *session);

/* Tells the signal handler which lane the calling thread is. */
void child_lane_enter(uint32_t number);

#endif
