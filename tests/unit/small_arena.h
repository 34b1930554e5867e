/* small_arena.h: an arena in plain memory, written by a test instead of by recorded programs. */
#ifndef FAULTLINE_TESTS_UNIT_SMALL_ARENA_H
#define FAULTLINE_TESTS_UNIT_SMALL_ARENA_H

#include "traces/record/arena.h"

#include <stdint.h>

struct small_arena {
	struct arena arena;
	void *memory;
};

/* `chunks` chunks, none of them on the free stack, no process. Aborts without memory. */
void small_arena_create(struct small_arena *small, uint32_t chunks);
void small_arena_destroy(struct small_arena *small);

/* Makes slot `slot` the process `serial` with the system's number `process_id`. Returns it for more to be filled in. */
struct arena_process *small_arena_process(struct small_arena *small, uint32_t slot, uint64_t serial,
					  uint32_t process_id);

/* Makes chunk `chunk` owned by thread `thread` of the process in slot `process` - 1, whose serial is `process`. */
void small_arena_own(struct small_arena *small, uint32_t chunk, uint64_t process, uint64_t thread);

/* What one record says, but for its order. */
struct small_record {
	enum arena_kind kind;
	uint64_t address, size, info;
};

/* Reserves the next place of chunk `chunk` and writes a record with number `order` there; control.order rises above it. */
void small_arena_write(struct small_arena *small, uint32_t chunk, uint64_t order,
		       struct small_record content);

/* Reserves a place without writing. */
void small_arena_reserve(struct small_arena *small, uint32_t chunk);

#endif
