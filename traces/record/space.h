/* space.h: what lies where in a recorded process's address space, so that a reference can be said relative to it.
 *
 * Two layers. Segments are the mappings, in order of address; each belongs to a region of the trace or is a thread's
 * stack. Above them lie the heap's blocks, found by address in constant time: each page with blocks has a table with one
 * cell per 8 bytes, which names the block there; a page that lies in one block altogether needs no table.
 *
 *   address ──▶ page ──cache──▶ | whole block k |  or  | cell cell cell ... 512 of them |  or  segment
 *                                                         │
 *                                                         ▼ block: address, bytes, object id, freed
 *
 * A block of a MiB or more is a segment itself, in place of the mapping's.
 *
 * A freed block keeps its cells until another block, or the end of the mapping, takes them: so a reference to freed memory
 * is known to be one. Up to 64 bytes behind a block that has no neighbour there belong to it: vector loads read too far.
 *
 *   I1  segments are in order, none is empty, no two overlap
 *   I2  block.cells is the number of cells and whole pages that name the block; one with none that is freed is unused
 *   I3  no page has a whole block and a table
 */
#ifndef FAULTLINE_TRACES_RECORD_SPACE_H
#define FAULTLINE_TRACES_RECORD_SPACE_H

#include "traces/access.h"
#include "traces/record/number_map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPACE_PAGE_BYTES 4096u
#define SPACE_CELL_BYTES 8u
#define SPACE_PAGE_CELLS (SPACE_PAGE_BYTES / SPACE_CELL_BYTES)
#define SPACE_CACHE 4096u
#define SPACE_OVERREAD_BYTES 64u
#define SPACE_AGE (UINT64_C(1) << 52) /* more than any page's number */
#define SPACE_FAR_BYTES 512u	      /* so many bytes behind an even page belong to its block, too */
#define SPACE_LARGE_BYTES (UINT64_C(1) << 20)

struct space_segment {
	uint64_t start, end;
	uint64_t origin; /* what offsets count from: the region's first byte, or the stack's top */
	uint64_t base;	 /* number of the region or of the thread, id of the object */
	uint8_t place;	 /* ACCESS_REGION, ACCESS_STACK or ACCESS_OBJECT */
};

struct space_block {
	uint64_t address, bytes;
	uint64_t object; /* id; 0 = this place in the table is unused */
	uint32_t cells;	 /* I2 */
	uint32_t serial; /* whose number `context` is; 0 = nobody's */
	uint16_t context;
	bool freed;
};

struct space_page {
	uint64_t page;	/* number */
	uint32_t whole; /* block index, 0 = none */
	uint32_t *cell; /* block indices, 0 = none; NULL = no table */
};

/* Where the references to one page go.
 *
 * Whoever looks up many keeps a number here for what is the same for a stretch of the page, or for a block: `context`, which is his as
 * long as `serial` is (flt_access.h). */
struct space_line {
	uint64_t page; /* number + space.age; 0 = empty */
	const uint32_t *cell;
	uint64_t origin; /* of the stretch (space_describe): what offsets count from */
	uint32_t whole;
	uint32_t serial, own_serial; /* of `context`; of `own_context`; 0 = nobody's */
	uint16_t context;	     /* of the stretch */
	uint16_t own_context;	     /* of references that the allocator makes to this page */
	uint16_t low, length;	     /* the stretch, in bytes from the page's start */
	bool is_stack;		     /* the stretch lies in a stack */
	bool is_own; /* what the allocator does in this page, it does to its own: no stack is here */
};

_Static_assert(sizeof(struct space_line) <= 48,
	       "the lines of a program's pages stay in the processor's first cache");

struct space {
	struct space_segment *segment;
	size_t segments, segment_capacity;
	struct space_block *block; /* from 1 */
	size_t blocks, block_capacity;
	uint32_t unused;	 /* a place in the table that is unused, linked by .address; 0 = none */
	struct space_page *page; /* from 1 */
	size_t pages, page_capacity;
	struct number_map page_index;  /* page number + 1 -> index */
	struct number_map block_index; /* address + 1 -> index of the live block there */
	uint64_t age;		       /* of the lines that are valid, in steps of SPACE_AGE, at least one */
	struct space_line line[SPACE_CACHE];
	struct space_segment
	    line_segment[SPACE_CACHE]; /* of each line: the first that reaches into the page; all 0: none */
};

/* An empty space; NULL: no memory. */
struct space *space_create(void);
void space_destroy(struct space *space);

/* What a fork copies; NULL: no memory. */
struct space *space_copy(const struct space *space);

/* `segment` comes where others may have been. False: no memory. */
bool space_map(struct space *space, const struct space_segment *segment);

/* Nothing is at [start, end) any more, segments and blocks. False: no memory. */
bool space_unmap(struct space *space, uint64_t start, uint64_t end);

/* The segment that holds `address`; NULL if none does. Valid until the next change. */
const struct space_segment *space_segment_at(const struct space *space, uint64_t address);

/* Stack segments of thread `from` are those of thread `to` from now on. */
void space_rename_stack(struct space *space, uint64_t from, uint64_t to);

/* A block is handed out, or given back. False: no memory. Cost: its bytes / 8, or bytes / 4096 for whole pages. */
bool space_allocate(struct space *space, uint64_t address, uint64_t bytes, uint64_t object);
void space_release(struct space *space, uint64_t address);

/* The lookup behind space_find: fills the page's line. */
struct space_line *space_fill(struct space *space, uint64_t page);

/* Sets the line's stretch to the bytes around `address` that lie in one segment or block, but for the end of a block, and whose offsets
 * lie in one window. False: there is no such stretch, for the page has cells, or nothing is there. */
bool space_describe(const struct space *space, struct space_line *line, uint64_t address);

/* Is `address` in the line's stretch? */
static inline bool space_is_described(const struct space_line *line, uint64_t address)
{
	return (uint32_t)(address % SPACE_PAGE_BYTES) - line->low < line->length;
}

/* Index of the block whose cell or page `address` is in, 0 = none. */
static inline uint32_t space_block_at(const struct space_line *line, uint64_t address)
{
	return line->cell ? line->cell[address / SPACE_CELL_BYTES % SPACE_PAGE_CELLS] : line->whole;
}

/* What space_find tells besides the place. */
enum space_finding {
	SPACE_FOUND,
	SPACE_FREED,  /* in a block that has been given back */
	SPACE_BEYOND, /* past the bytes that were asked for */
};

/* Says where `address` is: place, base and offset of *access. */
static inline enum space_finding space_find_block(const struct space *space, uint32_t index, uint64_t address,
						  struct access *access)
{
	const struct space_block *block = &space->block[index];

	access->place = ACCESS_OBJECT;
	access->base = block->object;
	access->offset = address - block->address;
	if (block->freed)
		return SPACE_FREED;
	return access->offset + access->size > block->bytes ? SPACE_BEYOND : SPACE_FOUND;
}

/* The same for what is in no block; ACCESS_WILD where nothing is mapped. */
void space_find_segment(const struct space *space, uint64_t address, struct access *access);

/* Near the cell of `address` ends a block that a vector load may have come from; its index, 0 = none. */
uint32_t space_neighbour(const struct space *space, const struct space_line *line, uint64_t address);

static inline enum space_finding space_find(struct space *space, uint64_t address, struct access *access)
{
	uint64_t page = address / SPACE_PAGE_BYTES;
	struct space_line *line = &space->line[page % SPACE_CACHE];
	uint32_t index;

	if (__builtin_expect(line->page != page + space->age, 0))
		line = space_fill(space, page);
	index = space_block_at(line, address);
	if (__builtin_expect(index == 0 && line->cell != NULL, 0))
		index = space_neighbour(space, line, address);
	if (index != 0)
		return space_find_block(space, index, address, access);
	const struct space_segment *segment = &space->line_segment[page % SPACE_CACHE];

	if (__builtin_expect(address - segment->start >= segment->end - segment->start, 0)) {
		space_find_segment(space, address, access);
		return SPACE_FOUND;
	}
	access->place = segment->place;
	access->base = segment->base;
	access->offset = address - segment->origin;
	return SPACE_FOUND;
}

/* NULL, or the text of the first broken invariant. */
const char *space_check(const struct space *space);

#endif
