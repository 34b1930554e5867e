/* recorder.h: the parent's half of a placement pass: from what the child tells to the records of a placement.
 *
 *   child                                parent
 *   place of operation 0, 1, 2 ...  ──▶  blocks  ┐ in the order in which it happened
 *   session_calls as they happened  ──▶  calls   ┘            ──▶ placement_writer
 *   /proc/PID/smaps at the start    ──▶  what the allocator had before
 *
 * Of the mappings at the start only those are told that a block or a call turns out to concern, right before it. Calls that failed,
 * that ask only, or that concern nothing of the allocator's (libraries, files) are left out; one that could not be
 * followed is an error, because what came after would be wrong.
 */
#ifndef FAULTLINE_BENCH_PLACEMENT_RECORDER_H
#define FAULTLINE_BENCH_PLACEMENT_RECORDER_H

#include "bench/placement/mapped.h"
#include "bench/placement/placement.h"

#include <sys/types.h>

struct feed;

/* A mapping of the process at the start. */
struct recorder_piece {
	uint64_t start, end;
	uint32_t protection; /* PROT_* */
	uint32_t flags;	     /* MAP_NORESERVE or 0 */
	uint32_t advice;     /* MADV_HUGEPAGE, MADV_NOHUGEPAGE, or 0: none was given */
	bool is_break;	     /* the heap of brk, which may be empty */
	bool is_told;
};

struct placement_recorder {
	struct placement_writer *writer;
	struct recorder_piece *piece;
	size_t pieces;
	struct mapped mapped; /* as far as it was told */
	uint64_t calls;	      /* session_calls read so far in this take */
	uint64_t event;	      /* of the last record */
};

/* Begins a take with what process `child` has mapped. */
enum trace_status placement_recorder_start(struct placement_recorder *recorder, pid_t child,
					   struct trace_error *error) TRACE_MUST_USE;

/* Takes what the chunk that has just been replayed left in the feed's session and in the file that it is mapped from. */
enum trace_status placement_recorder_chunk(struct placement_recorder *recorder, const struct feed *feed,
					   int descriptor, struct trace_error *error) TRACE_MUST_USE;

/* Forgets what start found; the writer stays. */
void placement_recorder_clear(struct placement_recorder *recorder);

/* --- The steps, for tests ------------------------------------------------------------------------------------------------- */

/* The pieces of a text of the form of /proc/PID/smaps; `break_start` is where the heap of brk begins. */
enum trace_status placement_recorder_maps(struct placement_recorder *recorder, const char *maps,
					  uint64_t break_start, struct trace_error *error) TRACE_MUST_USE;

/* A call made, or a block placed, while event `event` was replayed. */
enum trace_status placement_recorder_call(struct placement_recorder *recorder, uint64_t event,
					  const struct session_call *call,
					  struct trace_error *error) TRACE_MUST_USE;
enum trace_status placement_recorder_block(struct placement_recorder *recorder,
					   const struct placement_record *block,
					   struct trace_error *error) TRACE_MUST_USE;

#endif
