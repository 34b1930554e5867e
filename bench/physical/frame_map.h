/* frame_map.h: all frames of a machine as an image: the line of frame numbers laid along Hilbert's curve (hilbert.h).
 *
 *   frames   |.................|.................|..        a cell: the smallest power of two of frames with which they fit a
 *   cell            0                  1                    square of the given side
 *
 *   frame_map.tsv     row column use share                  of the cell's frames, what most are, and the share that are that
 *
 * Where two uses have as many frames, the one with the higher number is shown. A cell without any memory has use and share 0. Rows of
 * the file come row by row of the image, as gnuplot wants an image.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_FRAME_MAP_H
#define FAULTLINE_BENCH_PHYSICAL_FRAME_MAP_H

#include "engine/phys/memory.h"
#include "traces/error.h"
#include "traces/event.h"

#include <stdio.h>

#define FRAME_MAP_SIDE_MAX 1024u

enum frame_use {
	FRAME_USE_NONE,	      /* no memory */
	FRAME_USE_RESERVED,   /* since boot */
	FRAME_USE_LATE,	      /* the kernel has not initialised it yet */
	FRAME_USE_FREE_LARGE, /* in a free block of 2 MiB or more */
	FRAME_USE_FREE_SMALL,
	FRAME_USE_SET,	   /* in a processor's page set */
	FRAME_USE_MOVABLE, /* of a process or a file */
	FRAME_USE_KERNEL,  /* everything else */
	FRAME_USES,
};

struct frame_map {
	uint64_t frames, cell_frames;
	unsigned side;		      /* of the square, in cells; a power of two */
	uint32_t (*cell)[FRAME_USES]; /* [place on the curve]: frames by use */
};

/* An empty map of the frames 0 .. frames-1 in a square of at most `side` (a power of two, at most FRAME_MAP_SIDE_MAX): the smallest that
 * cells of this size fit. TRACE_NO_MEMORY. */
enum trace_status frame_map_create(struct frame_map *map, uint64_t frames, unsigned side,
				   struct trace_error *error) TRACE_MUST_USE;
void frame_map_destroy(struct frame_map *map);

/* The frames first .. first+frames-1 are of that use; those beyond the map are left out. No frame is told twice. */
void frame_map_add(struct frame_map *map, uint64_t first, uint64_t frames, enum frame_use use);

/* All frames of a simulated memory. O(frames). */
void frame_map_add_memory(struct frame_map *map, const struct memory *memory);

/* What a snapshot cannot tell of the frames that it calls "other": where there is no memory, and where there is some that is not initialised
 * yet. Of ranges that rise; NULL: not known, or none. */
struct frame_layout {
	const struct memblock_list *present, *late;
};

/* A part of a recorded snapshot of the frames (traces/frame_kinds.h). What waits in page sets counts as the kernel's there. False when it
 * makes no sense: as far as it does, it is in. */
bool frame_map_add_snapshot(struct frame_map *map, const struct event_snapshot *snapshot,
			    const struct frame_layout *layout);

/* A row of numbers for each cell of the square: `prefix`, row, column, use, share. */
void frame_map_write(const struct frame_map *map, const char *prefix, FILE *file);

#endif
