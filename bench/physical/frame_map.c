#include "config.h"

#include "bench/physical/frame_map.h"

#include "bench/physical/hilbert.h"
#include "traces/frame_kinds.h"

#include <inttypes.h>
#include <stdlib.h>

enum trace_status frame_map_create(struct frame_map *map, uint64_t frames, unsigned side,
				   struct trace_error *error)
{
	*map = (struct frame_map){.frames = frames, .cell_frames = 1, .side = 1};
	while ((uint64_t)side * side < (frames + map->cell_frames - 1) / map->cell_frames)
		map->cell_frames *= 2;
	while ((uint64_t)map->side * map->side < (frames + map->cell_frames - 1) / map->cell_frames)
		map->side *= 2;
	map->cell = calloc((size_t)map->side * map->side, sizeof(map->cell[0]));
	return map->cell ? TRACE_OK
			 : trace_fail(error, TRACE_NO_MEMORY,
				      "not enough memory for a map of %" PRIu64 " frames", frames);
}

void frame_map_destroy(struct frame_map *map)
{
	free(map->cell);
	map->cell = NULL;
}

void frame_map_add(struct frame_map *map, uint64_t first, uint64_t frames, enum frame_use use)
{
	const uint64_t end = first >= map->frames	    ? first
			     : frames > map->frames - first ? map->frames
							    : first + frames;

	while (first < end) {
		const uint64_t cell = first / map->cell_frames;
		const uint64_t next =
		    (cell + 1) * map->cell_frames < end ? (cell + 1) * map->cell_frames : end;

		map->cell[cell][use] += (uint32_t)(next - first);
		first = next;
	}
}

/* --- A simulated memory ------------------------------------------------------------------------------------------------- */

static void add_free(struct frame_map *map, uint64_t first, unsigned order)
{
	frame_map_add(map, first, (uint64_t)1 << order,
		      order >= HUGE_ORDER ? FRAME_USE_FREE_LARGE : FRAME_USE_FREE_SMALL);
}

/* The free block that begins at the frame; false: none does. */
static bool find_free(const struct zone *zone, pfn_t pfn, unsigned *order)
{
	pfn_t first;

	return zone_find_free(zone, pfn, &first, order) && first == pfn;
}

/* The frames from `pfn` on that are of one use; returns the first behind them. */
static pfn_t add_block(struct frame_map *map, const struct memory *memory, const struct zone *zone, pfn_t pfn)
{
	const struct page *page = page_of_pfn(&memory->pages, pfn);
	unsigned order = 0;

	if (page->flags & PAGE_HEAD) {
		order = (unsigned)page->private;
		frame_map_add(map, pfn, (uint64_t)1 << order,
			      page->flags & (PAGE_LRU | PAGE_ANONYMOUS | PAGE_CACHED) ? FRAME_USE_MOVABLE
										      : FRAME_USE_KERNEL);
	} else if (find_free(zone, pfn, &order)) {
		add_free(map, pfn, order);
	} else {
		frame_map_add(map, pfn, 1, FRAME_USE_SET);
	}
	return pfn + ((pfn_t)1 << order);
}

/* Frames that the zones got. */
static void add_managed(struct frame_map *map, const struct memory *memory, pfn_t first, pfn_t end)
{
	for (unsigned i = 0; i < memory->zones; i++) {
		const struct zone *zone = &memory->zone[i];
		const pfn_t from = first > zone->first ? first : zone->first;
		const pfn_t to = end < zone->end ? end : zone->end;

		for (pfn_t pfn = from; pfn < to;)
			pfn = add_block(map, memory, zone, pfn);
	}
}

/* The range of the list in which the frame lies, or else the next behind it; NULL: none. */
static const struct memblock_range *range_at(const struct memblock_list *list, uint64_t frame)
{
	for (unsigned i = 0; i < list->count; i++) {
		if (list->range[i].end > frame)
			return &list->range[i];
	}
	return NULL;
}

/* Cuts *end back to where frames cease to be in the list, or not to be, as the one at `first` is; says which. */
static bool is_in(const struct memblock_list *list, uint64_t first, uint64_t *end)
{
	const struct memblock_range *range = range_at(list, first);
	const bool is = range && range->first <= first;
	const uint64_t change = !range ? *end : is ? range->end : range->first;

	*end = change < *end ? change : *end;
	return is;
}

/* Frames of memory that boot reserved, or that it has not come to yet. */
static void add_reserved(struct frame_map *map, const struct memblock_list *late, uint64_t first,
			 uint64_t end)
{
	while (first < end) {
		uint64_t next = end;
		const bool is_late = is_in(late, first, &next);

		frame_map_add(map, first, next - first, is_late ? FRAME_USE_LATE : FRAME_USE_RESERVED);
		first = next;
	}
}

/* A range of memory: what lies between the reserved ones is the zones'. */
static void add_range(struct frame_map *map, const struct memory *memory, struct memblock_range range)
{
	const struct memblock_list *reserved = &memory->memblock.reserved;

	for (unsigned i = 0; i < reserved->count && range.first < range.end; i++) {
		const struct memblock_range *one = &reserved->range[i];

		if (one->end <= range.first || one->first >= range.end)
			continue;
		if (one->first > range.first)
			add_managed(map, memory, range.first, one->first);
		const pfn_t from = one->first > range.first ? one->first : range.first;
		const pfn_t to = one->end < range.end ? one->end : range.end;

		add_reserved(map, &memory->late.reserved, from, to);
		range.first = to;
	}
	add_managed(map, memory, range.first, range.end);
}

void frame_map_add_memory(struct frame_map *map, const struct memory *memory)
{
	const struct memblock_list *present = &memory->memblock.memory;

	for (unsigned i = 0; i < present->count; i++)
		add_range(map, memory, present->range[i]);
}

/* --- A recorded machine ------------------------------------------------------------------------------------------------- */

static enum frame_use use_of(unsigned kind)
{
	switch (kind) {
	case FRAME_HOLE:
		return FRAME_USE_NONE;
	case FRAME_UNMOVABLE:
		return FRAME_USE_RESERVED;
	case FRAME_ANONYMOUS:
	case FRAME_FILE:
	case FRAME_HUGE:
	case FRAME_HUGETLB:
	case FRAME_MERGED:
		return FRAME_USE_MOVABLE;
	default:
		return FRAME_USE_KERNEL;
	}
}

/* Free frames lie in the largest aligned blocks that they make. */
static void add_free_run(struct frame_map *map, uint64_t first, uint64_t frames)
{
	const uint64_t end = first + frames;
	uint64_t large = (first + HUGE_PAGES - 1) / HUGE_PAGES * HUGE_PAGES;
	uint64_t large_end = end / HUGE_PAGES * HUGE_PAGES;

	if (large > large_end)
		large = large_end = end;
	frame_map_add(map, first, large - first, FRAME_USE_FREE_SMALL);
	frame_map_add(map, large, large_end - large, FRAME_USE_FREE_LARGE);
	frame_map_add(map, large_end, end - large_end, FRAME_USE_FREE_SMALL);
}

struct free_run {
	uint64_t first, frames;
};

/* Frames that the snapshot calls neither free nor anybody's. */
static void add_other(struct frame_map *map, const struct frame_layout *layout, uint64_t first,
		      uint64_t frames)
{
	const uint64_t end = first + frames;

	while (first < end) {
		uint64_t next = end;
		const bool is_present = !layout->present || is_in(layout->present, first, &next);
		const bool is_late = layout->late && is_in(layout->late, first, &next);

		frame_map_add(map, first, next - first,
			      !is_present ? FRAME_USE_NONE
			      : is_late	  ? FRAME_USE_LATE
					  : FRAME_USE_KERNEL);
		first = next;
	}
}

/* The kernel tells blocks apart, so a run of free frames comes in several. */
static void take_run(struct frame_map *map, const struct frame_layout *layout, const struct frame_run *run,
		     struct free_run *before)
{
	const unsigned kind = run->value & ~(FRAME_MAPPED | FRAME_TAIL);

	if (kind == FRAME_FREE && before->first + before->frames == run->first) {
		before->frames += run->frames;
		return;
	}
	add_free_run(map, before->first, before->frames);
	*before = (struct free_run){run->first + (kind == FRAME_FREE ? 0 : run->frames),
				    kind == FRAME_FREE ? run->frames : 0};
	if (kind == FRAME_OTHER)
		add_other(map, layout, run->first, run->frames);
	else if (kind != FRAME_FREE)
		frame_map_add(map, run->first, run->frames, use_of(kind));
}

bool frame_map_add_snapshot(struct frame_map *map, const struct event_snapshot *snapshot,
			    const struct frame_layout *layout)
{
	struct free_run free_run = {0};
	struct frame_reader reader;
	struct frame_run run;

	if (!frame_reader_start(&reader, snapshot->bytes, snapshot->length))
		return false;
	while (frame_reader_next(&reader, &run))
		take_run(map, layout, &run, &free_run);
	add_free_run(map, free_run.first, free_run.frames);
	return reader.told == reader.frames;
}

/* --- Rows --------------------------------------------------------------------------------------------------------------- */

static enum frame_use most_of(const uint32_t count[FRAME_USES], uint64_t *frames)
{
	enum frame_use most = FRAME_USE_NONE;

	*frames = 0;
	for (unsigned use = FRAME_USE_NONE + 1; use < FRAME_USES; use++) {
		*frames += count[use];
		if (count[use] > 0 && count[use] >= (most == FRAME_USE_NONE ? 0 : count[most]))
			most = (enum frame_use)use;
	}
	return most;
}

static void write_cell(const struct frame_map *map, unsigned row, unsigned column, FILE *file)
{
	const uint32_t *count = map->cell[hilbert_place(map->side, row, column)];
	uint64_t frames;
	const enum frame_use use = most_of(count, &frames);

	(void)fprintf(file, "%u\t%u\t%d\t%.3g\n", row, column, (int)use,
		      frames > 0 ? (double)count[use] / (double)frames : 0);
}

void frame_map_write(const struct frame_map *map, const char *prefix, FILE *file)
{
	for (unsigned row = 0; row < map->side; row++) {
		for (unsigned column = 0; column < map->side; column++) {
			(void)fputs(prefix, file);
			write_cell(map, row, column, file);
		}
	}
}
