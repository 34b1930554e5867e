/* arena_file.h: the recorder's side of an arena: the file behind it, and its stock of free chunks.
 *
 * The file has the size of the largest allowed buffer from the start but is sparse; chunks are given memory (fallocate)
 * before they are pushed on the free stack, so that a recorded program never meets a page that cannot be had.
 */
#ifndef FAULTLINE_TRACES_RECORD_ARENA_FILE_H
#define FAULTLINE_TRACES_RECORD_ARENA_FILE_H

#include "traces/error.h"
#include "traces/record/arena.h"

#include <stddef.h>
#include <stdint.h>

#define ARENA_FILE_STOCK 256u /* chunks given out at the start: 16 MiB */

struct arena_file {
	int fd;
	void *base;
	size_t bytes;
	struct arena arena;
	uint32_t stocked;     /* chunks that have memory; never given back */
	char assignment[256]; /* ARENA_ENVIRONMENT's value */
};

/* Makes an arena with room for `buffer_bytes` of records (rounded up to a chunk, at least the first stock). */
enum trace_status arena_file_create(struct arena_file *file, uint64_t buffer_bytes,
				    struct trace_error *error) TRACE_MUST_USE;

/* Doubles the stock when less than half of it is free. Returns how many chunks were added: 0 also when the buffer is
 * at its bound or the system has no memory for more, which only makes the program wait. */
uint32_t arena_file_restock(struct arena_file *file);

void arena_file_destroy(struct arena_file *file);

#endif
