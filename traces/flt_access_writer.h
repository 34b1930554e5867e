/* flt_access_writer.h: blocks of references on their way into the file, encoded by a thread of its own.
 *
 * References come by the hundred million, and encoding, compressing and hashing them takes as long as finding out where they
 * went. So there are two blocks: one is filled while the thread works on the other, and what comes out stands in the file where it
 * would stand without the thread: before everything that was written after it.
 *
 *   append ──▶ block being filled ── hand over ──▶ block being encoded ──▶ section ── collect ──▶ file
 *                                    (thread)        hash, tally
 *
 * Where a thread cannot be had, handing over does its work at once.
 *
 *   I1  `busy` and the job belong to the thread from hand-over until it clears `busy`; then to the caller again
 *   I2  the block being filled begins where the one being encoded ends
 */
#ifndef FAULTLINE_TRACES_FLT_ACCESS_WRITER_H
#define FAULTLINE_TRACES_FLT_ACCESS_WRITER_H

#include "traces/error.h"
#include "traces/flt_access.h"
#include "traces/flt_hash.h"
#include "traces/flt_section.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct flt_access_writer {
	struct flt_access_block block[2];
	unsigned filling; /* which of them */
	struct flt_hash *hash;
	struct flt_access_tally tally;	   /* of the blocks encoded */
	struct flt_section_writer section; /* of the block encoded last, until it is collected */
	bool has_section;
	uint64_t
	    encoding; /* of the block handed over and not collected: bytes that its section takes at most */
	enum trace_status status;
	struct trace_error error;
	bool started, threaded; /* `thread` runs */
	pthread_t thread;
	pthread_mutex_t lock; /* of the two below */
	pthread_cond_t changed;
	bool busy, ending;
};

/* Costs nothing until the first block is handed over; `hash` is used by the thread, for references only. */
void flt_access_writer_start(struct flt_access_writer *writer, struct flt_hash *hash);
void flt_access_writer_end(struct flt_access_writer *writer);

static inline struct flt_access_block *flt_access_writer_block(struct flt_access_writer *writer)
{
	return &writer->block[writer->filling];
}

/* What the sections of both blocks take at most, in bytes. */
uint64_t flt_access_writer_bytes(const struct flt_access_writer *writer);

/* Waits for the block that was handed over; *section is what it became, NULL when there was none. To be written before the
 * next hand-over. */
enum trace_status flt_access_writer_collect(struct flt_access_writer *writer,
					    struct flt_section_writer **section,
					    struct trace_error *error) TRACE_MUST_USE;

/* Hands the block that is being filled over and begins the next; everything before must have been collected. */
enum trace_status flt_access_writer_hand_over(struct flt_access_writer *writer, int level,
					      struct trace_error *error) TRACE_MUST_USE;

#endif
