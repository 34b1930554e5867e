/* machine_log.h: what the processors of a machine did, kept in memory that was there before the recording began.
 *
 *   processor 0   chunk 0 ─▶ chunk 2 ─▶ chunk 3
 *   processor 1   chunk 1 ─▶ chunk 4              records of 3 to 10 words, one after the other; none crosses a chunk's end
 *
 * A page takes 24 bytes, a slab object 32 (freed) or 40. When the memory is used up records are counted instead of kept.
 *
 *   I1  used <= chunks, and every used chunk is in one processor's list, once
 *   I2  each list ends with the processor's last chunk, which is filled up to `fill` <= MACHINE_CHUNK_WORDS
 */
#ifndef FAULTLINE_TRACES_RECORD_MACHINE_LOG_H
#define FAULTLINE_TRACES_RECORD_MACHINE_LOG_H

#include "traces/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACHINE_CHUNK_WORDS 32768u
#define MACHINE_NAME_BYTES 16u /* of a thread, with its NUL */
#define MACHINE_NO_CHUNK UINT32_MAX

/* Kinds of records beside those of events; EVENT_SWITCH is one, too: thread_id is who the processor goes on with. */
enum machine_kind {
	MACHINE_BIRTH = EVENT_KINDS + 1, /* of thread_id in process_id; parent_id */
	MACHINE_NAME,			 /* name of thread_id */
};

struct machine_record {
	uint64_t time_ns;		/* less than 2^55 */
	uint32_t process_id, thread_id; /* the system's numbers */
	uint32_t parent_id;
	uint32_t cpu;		    /* whose record it is; not kept with the record */
	uint8_t kind;		    /* enum event_kind, or machine_kind */
	uint8_t flags;		    /* EVENT_FAILED */
	uint64_t count;		    /* event.count */
	struct event_kernel kernel; /* gfp and cache are numbers that whoever fills the log has given */
	char name[MACHINE_NAME_BYTES];
};

struct machine_lane {
	uint32_t first, last; /* chunks; MACHINE_NO_CHUNK = none yet */
	uint32_t fill;	      /* words of the last one */
};

struct machine_log {
	uint64_t *words;
	uint32_t *next; /* by chunk: the one after it */
	struct machine_lane *lane;
	uint32_t chunks, used;
	size_t lanes;	  /* processors */
	uint64_t dropped; /* records for which there was no room */
};

/* Takes `bytes` bytes of memory, all of it at once, for so many processors. False: there is not so much. */
bool machine_log_create(struct machine_log *log, uint64_t bytes, size_t processors);
void machine_log_destroy(struct machine_log *log);

/* Appends to the processor's records; false: there is no room, and `dropped` counts it. */
bool machine_log_put(struct machine_log *log, const struct machine_record *record);

/* Whether more than a sixteenth of the memory is left: the rest is for what still happens while a recording is ended. */
bool machine_log_has_room(const struct machine_log *log);

/* Reads a processor's records from the first on. */
struct machine_cursor {
	const struct machine_log *log;
	uint32_t cpu, chunk, at;
};

void machine_cursor_start(struct machine_cursor *cursor, const struct machine_log *log, uint32_t cpu);

/* False after the last. */
bool machine_cursor_next(struct machine_cursor *cursor, struct machine_record *record);

/* NULL, or the text of the first invariant that does not hold. */
const char *machine_log_check(const struct machine_log *log);

#endif
