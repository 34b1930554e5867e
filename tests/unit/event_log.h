/* event_log.h: a sink that writes down what it is given as text, so that a test can compare whole traces.
 *
 * One line per event, `[PROCESS.THREAD] KIND OBJECT ...`, where the brackets are left out for 0.0:
 *
 *   malloc 1 32            object, size               realloc 2 <1 64        new object, old object, size
 *   calloc 1 100 x4        object, size, count        memalign 1 100 @64     object, size, alignment
 *   free 1                 object                     [0.1] thread_exit
 *
 *   mmap length=0x2000 protection=0x3 flags=0x22 result=0x7f0000000000      the arguments and the result that are not 0
 *   fork 1                 child                      snapshot 1 maps 120    number, name, bytes
 *   page_free frame=0x9 order=0x1                     what the kernel's allocators did, the numbers that are not 0, a count as x5
 *
 * followed by " at TIME" where the time is not 0, " failed" and " foreign".
 */
#ifndef FAULTLINE_TESTS_EVENT_LOG_H
#define FAULTLINE_TESTS_EVENT_LOG_H

#include "traces/event.h"

#include <stddef.h>
#include <stdint.h>

struct event_log {
	struct event_sink sink;
	char *text; /* the events */
	size_t length, capacity;
	char *
	    cast; /* one line per announced process, thread and file: `process 0 id 22 ./t`, `thread 1 of 0 id 23`,
		   `file 1 /bin/sh`, `gfp 1 GFP_KERNEL`, `cache 2 dentry` */
	size_t cast_length, cast_capacity;
	uint64_t events;
	uint64_t refuse_at; /* put fails at this event (1 = first); 0 = never */
	uint32_t files, snapshots, regions, names;
	char snapshot[64]; /* of the last one: name and bytes */
};

void event_log_create(struct event_log *log);
/* Also writes down references ("load object 1+8 4", kernel's with "kernel " before), regions and what was left out;
 * without this the sink has no use for them. */
void event_log_references(struct event_log *log);
void event_log_skipped(struct event_log *log, uint32_t thread, uint64_t count);

void event_log_destroy(struct event_log *log);

#endif
