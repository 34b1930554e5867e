/* watch.h: which processes of a recording live, and when they have ended.
 *
 * A process registers by filling a slot of the arena. From then on it is watched by a pidfd, which tells its end even
 * while nobody has collected it and however it came about.
 */
#ifndef FAULTLINE_TRACES_RECORD_WATCH_H
#define FAULTLINE_TRACES_RECORD_WATCH_H

#include "traces/error.h"
#include "traces/record/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watched {
	uint64_t serial; /* 0 = the slot is not in use */
	uint32_t process_id;
	int pidfd;     /* -1 = could not be had: asked by signal 0 instead */
	bool ended;    /* the process is gone */
	bool replaced; /* by exec: another slot has the same process now */
};

struct watch {
	struct watched slot[ARENA_PROCESSES];
	uint32_t living; /* slots in use and not ended */
};

void watch_start(struct watch *watch);
void watch_end(struct watch *watch);

/* Finds new slots, and processes that ended since. Cost: one look at every slot, one poll per living process. */
void watch_poll(struct watch *watch, const struct arena *arena);

/* The process of `slot` is done with: makes the slot free for another. */
void watch_release(struct watch *watch, const struct arena *arena, uint32_t slot);

/* Is thread `thread_id` of process `process_id` still there? */
bool watch_thread_lives(uint32_t process_id, uint32_t thread_id);

#endif
