/* session.h: the memory that the replaying parent and its child share during one pass.
 *
 * One memfd, mapped by both, holds
 *
 *   +---------+--------------+------------------------+----------------------+------------------+-----------------+
 *   | session | lane states  | spans (mode parallel)  | operations (a chunk) | times (a chunk)  | places (a chunk)|
 *   +---------+--------------+------------------------+----------------------+------------------+-----------------+
 *
 * The parent writes the request and starts the child. Then the two take turns: the parent fills the chunk and advances
 * `chunk_posted`, the child replays it, writes a sample and advances `chunk_done`; the child is never running while the
 * parent decodes, so that decoding disturbs no timing. A chunk of no operations ends the pass: the child writes its reply and
 * exits with status 0. A child that cannot go on writes `failure` and exits with status CHILD_FAILED.
 *
 * The pass that records a placement also tells where each operation's block came to lie, and, behind the end of what is
 * mapped, one session_call after the other for the allocator's memory system calls: the child writes them as they happen, the
 * parent reads them after the chunk.
 *
 * Nothing here is a pointer: both sides compute addresses from the offsets.
 */
#ifndef FAULTLINE_BENCH_REPLAY_SESSION_H
#define FAULTLINE_BENCH_REPLAY_SESSION_H

#include "bench/histogram.h"
#include "bench/replay/operation.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSION_MAGIC UINT32_C(0x466c7437)
#define CHILD_FAILED 3 /* exit status of a child that has filled in `failure` */

enum replay_mode { MODE_SINGLE, MODE_BATON, MODE_PARALLEL, MODE_COUNT };
enum replay_touch { TOUCH_NONE, TOUCH_FIRST, TOUCH_PAGES, TOUCH_ALL, TOUCH_RECORDED, TOUCH_COUNT };
enum replay_pace { PACE_FULL, PACE_RECORDED, PACE_COUNT };

/* What one pass is for; each is a child of its own. */
enum pass_kind {
	PASS_THROUGHPUT, /* no clock inside a chunk */
	PASS_LATENCY,	 /* a clock around every call */
	PASS_BATCH,	 /* a clock around batches of calls */
	PASS_MEMORY,	 /* usable sizes and resident set; not timed */
	PASS_VERIFY,	 /* every block filled and checked; not timed */
	PASS_PLACEMENT,	 /* addresses and memory system calls, at fixed addresses; not timed */
	PASS_COUNT
};

/* How the child finds the functions it calls. */
enum child_functions {
	FUNCTIONS_PROCESS, /* malloc and friends of the process, by dlsym: whatever was preloaded */
	FUNCTIONS_NULL,	   /* the null target */
	FUNCTIONS_LINKED,  /* the heap linked into the child (sanitizer builds) */
};

/* Which of its own figures an allocator is asked for. */
enum child_figures {
	FIGURES_NONE,
	FIGURES_GLIBC,
	FIGURES_JEMALLOC,
	FIGURES_MIMALLOC,
	FIGURES_TCMALLOC,
	FIGURES_ENGINE
};

enum failure_kind {
	FAILURE_NONE,
	FAILURE_SETUP,	   /* before the first operation; `text` says why */
	FAILURE_NULL,	   /* the allocator returned NULL for `detail` bytes */
	FAILURE_ALIGNMENT, /* address `address` is not aligned to `detail` bytes */
	FAILURE_CONTENTS, /* byte `detail` of the block at `address` had changed when it was freed or resized */
	FAILURE_REALLOC, /* byte `detail` was not preserved by realloc */
	FAILURE_ZERO,	 /* byte `detail` of a calloc block was not zero */
	FAILURE_SIGNAL,	 /* signal `detail`, at address `address` */
};

struct session_failure {
	_Atomic uint32_t kind; /* enum failure_kind; set last, by whoever is first */
	uint32_t lane;
	uint64_t operation; /* index in the current chunk */
	uint64_t address;
	uint64_t detail;
	char text[256];
};

/* Resident set as /proc/self/smaps_rollup tells it. */
struct session_memory {
	uint64_t resident_bytes;
	uint64_t lazyfree_bytes;
	uint64_t anon_huge_bytes;
};

struct session_request {
	uint32_t magic;
	uint32_t mode;	      /* enum replay_mode */
	uint32_t touch;	      /* enum replay_touch */
	uint32_t pace;	      /* enum replay_pace */
	uint32_t pass;	      /* enum pass_kind */
	uint32_t functions;   /* enum child_functions */
	uint32_t figures;     /* enum child_figures */
	uint32_t thp_disable; /* prctl(PR_SET_THP_DISABLE) */
	uint32_t lanes;	      /* at least 1 */
	uint32_t slots;
	uint64_t chunk_operations; /* capacity of a chunk */
	uint64_t largest_bytes;	   /* of any block, for the null target's scratch memory */
	uint64_t drain_ns;	   /* pause after the last chunk */
	char library[4096];	   /* path that malloc must come from; empty: not looked at */
};

/* One chunk's operations of one lane, mode parallel: operations[first .. first + count). */
struct session_span {
	uint32_t first, count;
};

struct session_chunk {
	_Atomic uint32_t posted; /* futex: chunks that the parent has handed over */
	_Atomic uint32_t done;	 /* futex: chunks that the child has replayed */
	_Atomic uint32_t
	    ready; /* futex, PASS_PLACEMENT: 1 = the child catches calls and waits for the first chunk */
	uint64_t operations; /* in this chunk; 0 = the end */
	uint32_t spans;	     /* mode parallel: lanes that have a span (their entries may be empty) */
	uint64_t
	    elapsed_ns; /* the child's: from the first operation to the last; processor time in mode single, else wall clock */
	uint64_t time_ns;	      /* the child's: since the start of the pass, at the end of the chunk */
	uint64_t granted_bytes;	      /* the child's, PASS_MEMORY: usable bytes of the live blocks */
	struct session_memory memory; /* the child's, PASS_MEMORY */
	_Atomic uint64_t calls;	      /* the child's, PASS_PLACEMENT: session_calls written in the pass */
};

#define FIGURE_MISSING UINT64_MAX

/* What the allocator says of itself; FIGURE_MISSING where it does not. */
struct session_figures {
	uint64_t allocated_bytes, active_bytes, resident_bytes, mapped_bytes, metadata_bytes, retained_bytes;
	char version[128];
};

/* Least squares of batch durations over the numbers of calls of each kind: normal equations. */
struct session_regression {
	double products[LATENCY_KINDS][LATENCY_KINDS]; /* sum over batches of n_i * n_j */
	double durations[LATENCY_KINDS];	       /* sum of n_i * duration in ns */
	uint64_t calls[LATENCY_KINDS];
	uint64_t batches;
	uint64_t slow; /* batches left out as not of the hot path */
};

struct session_reply {
	struct session_memory baseline, end, drained;
	struct session_figures figures;
	uint64_t clock_step_ns_x1000;		   /* smallest difference of two readings, in 1/1000 ns */
	uint64_t clock_overhead_ns_x1000;	   /* mean difference of two readings with nothing between */
	struct histogram latency[LATENCY_KINDS];   /* in clock steps, overhead not subtracted */
	struct histogram preempted[LATENCY_KINDS]; /* the samples in which the thread lost its processor */
	struct session_regression regression;
};

/* PASS_PLACEMENT: what an operation's block is; all 0 for operations that make none. */
struct session_place {
	uint64_t address;
	uint64_t bytes; /* that may be used */
};

/* PASS_PLACEMENT: a memory system call that succeeded or failed, made while `operation` was replayed. */
struct session_call {
	uint64_t operation; /* index in the current chunk */
	uint64_t number;
	uint64_t argument[6];
	int64_t result;
};

/* The position of a lane, written before every operation, read when the child has died. */
struct session_lane {
	_Alignas(64) _Atomic uint64_t operation; /* index in the current chunk */
};

struct session {
	struct session_request request;
	struct session_chunk chunk;
	struct session_failure failure;
	struct session_reply reply;
	uint64_t lanes_offset, spans_offset, operations_offset, times_offset, places_offset;
	uint64_t bytes; /* of the mapping */
};

/* Fills in the offsets and `bytes` from the request. */
void session_lay_out(struct session *session);

static inline struct session_lane *session_lanes(struct session *session)
{
	return (struct session_lane *)(void *)((char *)session + session->lanes_offset);
}

static inline struct session_span *session_spans(struct session *session)
{
	return (struct session_span *)(void *)((char *)session + session->spans_offset);
}

static inline struct operation *session_operations(struct session *session)
{
	return (struct operation *)(void *)((char *)session + session->operations_offset);
}

/* Recorded time of each operation in ns; only with PACE_RECORDED. */
static inline uint64_t *session_times(struct session *session)
{
	return (uint64_t *)(void *)((char *)session + session->times_offset);
}

/* Place of each operation of the chunk; only in PASS_PLACEMENT. */
static inline struct session_place *session_places(struct session *session)
{
	return (struct session_place *)(void *)((char *)session + session->places_offset);
}

/* Waits until *word differs from `seen`, at most timeout_ms (negative: for ever); false on timeout. Works between processes. */
bool session_wait(_Atomic uint32_t *word, uint32_t seen, int timeout_ms);

/* Wakes everyone who waits on *word. */
void session_wake(_Atomic uint32_t *word);

#endif
