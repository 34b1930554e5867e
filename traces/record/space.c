#include "config.h"

#include "traces/record/space.h"
#include "traces/grown_array.h"

#include <stdlib.h>
#include <string.h>

static void forget_lines(struct space *space)
{
	space->age += SPACE_AGE;
	if (space->age != 0)
		return;
	for (size_t i = 0; i < SPACE_CACHE; i++)
		space->line[i].page = 0;
	space->age = SPACE_AGE;
}

static void forget_line(struct space *space, uint64_t page)
{
	space->line[page % SPACE_CACHE].page = 0;
}

struct space *space_create(void)
{
	struct space *space = calloc(1, sizeof(*space));

	if (!space)
		return NULL;
	space->age = SPACE_AGE;
	space->block = grown_array(NULL, 0, &space->block_capacity, sizeof(*space->block));
	space->page = grown_array(NULL, 0, &space->page_capacity, sizeof(*space->page));
	if (!space->block || !space->page) {
		space_destroy(space);
		return NULL;
	}
	space->block[0] = (struct space_block){0};
	space->page[0] = (struct space_page){0};
	space->blocks = space->pages = 1;
	return space;
}

void space_destroy(struct space *space)
{
	if (!space)
		return;
	for (size_t i = 0; i < space->pages; i++)
		free(space->page[i].cell);
	free(space->segment);
	free(space->block);
	free(space->page);
	number_map_clear(&space->page_index);
	number_map_clear(&space->block_index);
	free(space);
}

/* --- Segments ------------------------------------------------------------------------------------------------------------- */

/* Index of the first segment that ends behind `address`. */
static size_t segment_after(const struct space *space, uint64_t address)
{
	size_t low = 0, high = space->segments;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (space->segment[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

const struct space_segment *space_segment_at(const struct space *space, uint64_t address)
{
	size_t index = segment_after(space, address);

	if (index == space->segments || space->segment[index].start > address)
		return NULL;
	return &space->segment[index];
}

static bool insert_segment(struct space *space, size_t index, const struct space_segment *segment)
{
	struct space_segment *room =
	    grown_array(space->segment, space->segments, &space->segment_capacity, sizeof(*room));

	if (!room)
		return false;
	space->segment = room;
	memmove(room + index + 1, room + index, (space->segments - index) * sizeof(*room));
	room[index] = *segment;
	space->segments++;
	return true;
}

/* Takes [start, end) out of the segments. */
static bool cut_segments(struct space *space, uint64_t start, uint64_t end)
{
	size_t first = segment_after(space, start), last;

	if (first == space->segments)
		return true;
	if (space->segment[first].start < start) {
		struct space_segment rest = space->segment[first];
		space->segment[first].end = start;
		first++;
		if (rest.end > end) {
			rest.start = end;
			return insert_segment(space, first, &rest);
		}
	}
	last = first;
	while (last < space->segments && space->segment[last].end <= end)
		last++;
	if (last < space->segments && space->segment[last].start < end)
		space->segment[last].start = end;
	memmove(space->segment + first, space->segment + last,
		(space->segments - last) * sizeof(*space->segment));
	space->segments -= last - first;
	return true;
}

bool space_map(struct space *space, const struct space_segment *segment)
{
	if (segment->start >= segment->end)
		return true;
	forget_lines(space);
	return cut_segments(space, segment->start, segment->end) &&
	       insert_segment(space, segment_after(space, segment->start), segment);
}

void space_rename_stack(struct space *space, uint64_t from, uint64_t to)
{
	forget_lines(space);
	for (size_t i = 0; i < space->segments; i++) {
		if (space->segment[i].place == ACCESS_STACK && space->segment[i].base == from)
			space->segment[i].base = to;
	}
}

void space_find_segment(const struct space *space, uint64_t address, struct access *access)
{
	const struct space_segment *segment = space_segment_at(space, address);

	access->place = segment ? segment->place : ACCESS_WILD;
	access->base = segment ? segment->base : 0;
	access->offset = segment ? address - segment->origin : address;
}

/* --- Blocks ----------------------------------------------------------------------------------------------------------------- */

static void drop_block(struct space *space, uint32_t index)
{
	space->block[index] = (struct space_block){.address = space->unused};
	space->unused = index;
}

/* `count` cells or pages name the block no more. */
static void unname(struct space *space, uint32_t index, uint32_t count)
{
	struct space_block *block = &space->block[index];

	if (index == 0)
		return;
	block->cells -= count;
	if (block->cells == 0 && block->freed)
		drop_block(space, index);
}

static uint32_t new_block(struct space *space)
{
	uint32_t index = space->unused;
	struct space_block *room;

	if (index != 0) {
		space->unused = (uint32_t)space->block[index].address;
		return index;
	}
	if (space->blocks >= UINT32_MAX)
		return 0;
	room = grown_array(space->block, space->blocks, &space->block_capacity, sizeof(*room));
	if (!room)
		return 0;
	space->block = room;
	return (uint32_t)space->blocks++;
}

static struct space_page *page_of(struct space *space, uint64_t page, bool make)
{
	uint64_t index = number_map_get(&space->page_index, page + 1), previous;
	struct space_page *room;

	if (index != 0 || !make)
		return index ? &space->page[index] : NULL;
	room = grown_array(space->page, space->pages, &space->page_capacity, sizeof(*room));
	if (!room)
		return NULL;
	space->page = room;
	if (!number_map_put(&space->page_index, page + 1, space->pages, &previous))
		return NULL;
	room[space->pages] = (struct space_page){.page = page};
	return &room[space->pages++];
}

/* A page in one block gets a table that says so in each cell. */
static bool have_table(struct space *space, struct space_page *page)
{
	if (page->cell)
		return true;
	page->cell = calloc(SPACE_PAGE_CELLS, sizeof(*page->cell));
	if (!page->cell)
		return false;
	for (size_t i = 0; page->whole != 0 && i < SPACE_PAGE_CELLS; i++)
		page->cell[i] = page->whole;
	if (page->whole != 0)
		space->block[page->whole].cells += SPACE_PAGE_CELLS - 1;
	page->whole = 0;
	return true;
}

/* Cells [from, to) of the page name `index` from now on. */
static void name_cells(struct space *space, struct space_page *page, size_t from, size_t to, uint32_t index)
{
	for (size_t i = from; i < to; i++) {
		uint32_t before = page->cell[i];
		page->cell[i] = index;
		unname(space, before, 1);
	}
	space->block[index].cells += index != 0 ? (uint32_t)(to - from) : 0;
}

static void name_page(struct space *space, struct space_page *page, uint32_t index)
{
	if (page->cell)
		name_cells(space, page, 0, SPACE_PAGE_CELLS, 0);
	free(page->cell);
	page->cell = NULL;
	unname(space, page->whole, 1);
	page->whole = index;
	space->block[index].cells += index != 0;
}

/* [start, end), in whole cells, names `index`; 0: nothing, where a page is known. */
static bool name_range(struct space *space, uint64_t start, uint64_t end, uint32_t index)
{
	while (start < end) {
		uint64_t number = start / SPACE_PAGE_BYTES, next = (number + 1) * SPACE_PAGE_BYTES;
		uint64_t until = next < end ? next : end;
		struct space_page *page = page_of(space, number, index != 0);
		if (!page && index != 0)
			return false;
		if (page && until - start == SPACE_PAGE_BYTES) {
			name_page(space, page, index);
		} else if (page) {
			if (!have_table(space, page))
				return false;
			name_cells(space, page, start % SPACE_PAGE_BYTES / SPACE_CELL_BYTES,
				   (until - 1) % SPACE_PAGE_BYTES / SPACE_CELL_BYTES + 1, index);
		}
		forget_line(space, number);
		start = until;
	}
	return true;
}

/* Cells of the pages in [start, end). Ranges larger than what is known are gone through by what is known. */
static bool clear_blocks(struct space *space, uint64_t start, uint64_t end)
{
	uint64_t cell = SPACE_CELL_BYTES;

	start += (cell - start % cell) % cell;
	end -= end % cell;
	if (start >= end)
		return true;
	if ((end - start) / SPACE_PAGE_BYTES < space->pages)
		return name_range(space, start, end, 0);
	for (size_t i = 1; i < space->pages; i++) {
		uint64_t page = space->page[i].page * SPACE_PAGE_BYTES;
		uint64_t low = page > start ? page : start;
		uint64_t high = page + SPACE_PAGE_BYTES < end ? page + SPACE_PAGE_BYTES : end;
		if (low < high && !name_range(space, low, high, 0))
			return false;
	}
	return true;
}

/* A large block is a segment: its cells would be too many. */
static bool map_block(struct space *space, uint64_t address, uint64_t bytes, uint64_t object)
{
	const struct space_segment segment = {.start = address,
					      .end = address + bytes,
					      .origin = address,
					      .base = object,
					      .place = ACCESS_OBJECT};

	return clear_blocks(space, segment.start, segment.end) && space_map(space, &segment);
}

bool space_allocate(struct space *space, uint64_t address, uint64_t bytes, uint64_t object)
{
	uint64_t start = address - address % SPACE_CELL_BYTES, end = address + (bytes != 0 ? bytes : 1),
		 previous;
	uint32_t index;

	end += (SPACE_CELL_BYTES - end % SPACE_CELL_BYTES) % SPACE_CELL_BYTES;
	if (object == 0 || end > UINT64_C(1) << 48)
		return true;
	space_release(space, address);
	if (bytes >= SPACE_LARGE_BYTES)
		return map_block(space, address, bytes, object);
	index = new_block(space);
	if (index == 0)
		return false;
	space->block[index] = (struct space_block){.address = address, .bytes = bytes, .object = object};
	return name_range(space, start, end, index) &&
	       number_map_put(&space->block_index, address + 1, index, &previous);
}

void space_release(struct space *space, uint64_t address)
{
	uint32_t index = (uint32_t)number_map_take(&space->block_index, address + 1);
	struct space_block *block = &space->block[index];

	if (index == 0)
		return;
	block->freed = true;
	block->serial = 0;
	for (uint64_t page = address / SPACE_PAGE_BYTES;
	     block->bytes >= SPACE_PAGE_BYTES && page <= (address + block->bytes) / SPACE_PAGE_BYTES; page++)
		forget_line(space, page);
	if (block->cells == 0)
		drop_block(space, index);
}

bool space_unmap(struct space *space, uint64_t start, uint64_t end)
{
	if (start >= end)
		return true;
	forget_lines(space);
	return cut_segments(space, start, end) && clear_blocks(space, start, end);
}

/* --- Looking up ------------------------------------------------------------------------------------------------------------- */

bool space_describe(const struct space *space, struct space_line *line, uint64_t address)
{
	const uint64_t start = address - address % SPACE_PAGE_BYTES;
	const struct space_block *block = &space->block[line->whole];
	const struct space_segment *segment = space_segment_at(space, address);
	struct space_segment thing = {.start = 0};
	uint64_t window;

	line->length = 0;
	if (line->whole != 0 && !block->freed && block->bytes > SPACE_FAR_BYTES)
		thing = (struct space_segment){.start = block->address,
					       .end = block->address + block->bytes - SPACE_FAR_BYTES,
					       .origin = block->address,
					       .place = ACCESS_OBJECT};
	else if (line->whole == 0 && !line->cell && segment)
		thing = *segment;
	window = address - (address - thing.origin) % ACCESS_WINDOW_BYTES;
	if (address < thing.start || address >= thing.end || window > address)
		return false;
	if (thing.start < window)
		thing.start = window;
	if (thing.start < start)
		thing.start = start;
	if (thing.end > window + ACCESS_WINDOW_BYTES)
		thing.end = window + ACCESS_WINDOW_BYTES;
	if (thing.end > start + SPACE_PAGE_BYTES)
		thing.end = start + SPACE_PAGE_BYTES;
	line->origin = thing.origin;
	line->low = (uint16_t)(thing.start - start);
	line->length = (uint16_t)(thing.end - thing.start);
	line->is_stack = thing.place == ACCESS_STACK;
	return true;
}

struct space_line *space_fill(struct space *space, uint64_t page)
{
	struct space_line *line = &space->line[page % SPACE_CACHE];
	struct space_segment *reaches = &space->line_segment[page % SPACE_CACHE];
	size_t segment = segment_after(space, page * SPACE_PAGE_BYTES);
	const struct space_page *known = page_of(space, page, false);

	*line = (struct space_line){.page = page + space->age};
	*reaches = (struct space_segment){.start = 0};
	if (segment < space->segments && space->segment[segment].start < (page + 1) * SPACE_PAGE_BYTES)
		*reaches = space->segment[segment];
	if (known) {
		line->cell = known->cell;
		line->whole = known->whole;
	}
	line->is_own = reaches->start <= page * SPACE_PAGE_BYTES &&
		       reaches->end >= (page + 1) * SPACE_PAGE_BYTES && reaches->place != ACCESS_STACK;
	return line;
}

uint32_t space_neighbour(const struct space *space, const struct space_line *line, uint64_t address)
{
	size_t at = address / SPACE_CELL_BYTES % SPACE_PAGE_CELLS;

	for (size_t back = 1; back <= SPACE_OVERREAD_BYTES / SPACE_CELL_BYTES && back <= at; back++) {
		uint32_t index = line->cell[at - back];
		if (index != 0)
			return space->block[index].freed ||
				       address - space->block[index].address >=
					   space->block[index].bytes + SPACE_OVERREAD_BYTES
				   ? 0
				   : index;
	}
	return 0;
}

/* --- Copies ------------------------------------------------------------------------------------------------------------------ */

static void *copy_of(const void *elements, size_t count, size_t bytes)
{
	void *copy = malloc(count * bytes + 1);

	return copy ? memcpy(copy, elements, count * bytes) : NULL;
}

static bool copy_pages(struct space *copy, const struct space *space)
{
	for (size_t i = 0; i < space->pages; i++) {
		copy->page[i] = space->page[i];
		copy->page[i].cell = NULL;
		copy->pages = i + 1;
		if (!space->page[i].cell)
			continue;
		copy->page[i].cell = copy_of(space->page[i].cell, SPACE_PAGE_CELLS, sizeof(uint32_t));
		if (!copy->page[i].cell)
			return false;
	}
	return true;
}

struct space *space_copy(const struct space *space)
{
	struct space *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	copy->age = SPACE_AGE;
	copy->segments = copy->segment_capacity = space->segments;
	copy->blocks = copy->block_capacity = space->blocks;
	copy->page_capacity = space->pages;
	copy->unused = space->unused;
	copy->block = copy_of(space->block, space->blocks, sizeof(*space->block));
	for (size_t i = 0; copy->block && i < copy->blocks; i++)
		copy->block[i].serial = 0; /* contexts are those of one process */
	copy->page = malloc(space->pages * sizeof(*space->page));
	copy->segment =
	    space->segments ? copy_of(space->segment, space->segments, sizeof(*space->segment)) : NULL;
	if (copy->block && copy->page && (copy->segment || space->segments == 0) && copy_pages(copy, space) &&
	    number_map_copy(&copy->page_index, &space->page_index) &&
	    number_map_copy(&copy->block_index, &space->block_index))
		return copy;
	space_destroy(copy);
	return NULL;
}

/* --- Check -------------------------------------------------------------------------------------------------------------------- */

static uint64_t names_of(const struct space *space, uint32_t index)
{
	uint64_t names = 0;

	for (size_t i = 1; i < space->pages; i++) {
		const struct space_page *page = &space->page[i];
		names += page->whole == index;
		for (size_t cell = 0; page->cell && cell < SPACE_PAGE_CELLS; cell++)
			names += page->cell[cell] == index;
	}
	return names;
}

const char *space_check(const struct space *space)
{
	for (size_t i = 0; i < space->segments; i++) {
		const struct space_segment *segment = &space->segment[i];
		if (segment->start >= segment->end || (i > 0 && segment[-1].end > segment->start))
			return "I1: segments are in order, none is empty, no two overlap";
	}
	for (size_t i = 1; i < space->pages; i++) {
		if (space->page[i].whole != 0 && space->page[i].cell)
			return "I3: no page has a whole block and a table";
	}
	for (uint32_t i = 1; i < space->blocks; i++) {
		const struct space_block *block = &space->block[i];
		if (block->object != 0 &&
		    (names_of(space, i) != block->cells || (block->freed && block->cells == 0)))
			return "I2: block.cells is the number of cells and whole pages that name the block; "
			       "one with "
			       "none that is freed is unused";
	}
	return NULL;
}
