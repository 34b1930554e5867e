#include "config.h"

#include "bench/space_map.h"

#include "engine/base/check.h"
#include "engine/virt/fault.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN_BITS 7

static_assert(SPACE_MAP_COLUMNS == 1u << COLUMN_BITS, "cells of a row are numbered by so many bits");

struct mapping {
	uint64_t start, end;
	uint64_t resident_pages, huge_pages;
	enum space_kind kind;
	uint32_t flags; /* enum area_flag */
};

/* Resident pages side by side, all of them of huge pages or none. */
struct run {
	uint64_t start, end;
	bool is_huge;
};

struct space {
	uint32_t process;
	uint64_t resident_pages;
	struct mapping *mapping;
	size_t mappings;
	struct run *run;
	size_t runs, run_capacity;
};

struct space_map {
	struct space *space;
	size_t spaces;
};

const char *space_kind_name(enum space_kind kind)
{
	static const char *const names[SPACE_KINDS] = {"nothing",   "text",  "file",   "heap",
						       "anonymous", "stack", "shared", "kernel"};

	return names[kind];
}

struct space_map *space_map_create(void)
{
	return calloc(1, sizeof(struct space_map));
}

static void space_destroy(struct space *space)
{
	free(space->mapping);
	free(space->run);
}

void space_map_destroy(struct space_map *map)
{
	if (!map)
		return;
	for (size_t i = 0; i < map->spaces; i++)
		space_destroy(&map->space[i]);
	free(map->space);
	free(map);
}

/* --- Looking at an address space ---------------------------------------------------------------------------------------- */

static bool holds_stack(const struct vma *vma, struct space_stacks stacks)
{
	for (size_t i = 0; i < stacks.count; i++) {
		if (stacks.top[i] > vma->area.start && stacks.top[i] <= vma->area.end)
			return true;
	}
	return false;
}

static enum space_kind kind_of(const struct mm *mm, const struct vma *vma, struct space_stacks stacks)
{
	if (vma->area.flags & VMA_SPECIAL)
		return SPACE_KERNEL;
	if (vma->file && (vma->file->flags & OPEN_SHARED_MEMORY))
		return SPACE_SHARED;
	if (vma->file)
		return vma->area.flags & AREA_EXECUTE ? SPACE_TEXT : SPACE_FILE;
	if (vma->area.flags & AREA_GROWS_DOWN || holds_stack(vma, stacks))
		return SPACE_STACK;
	return vma->area.start < mm->brk && vma->area.end > mm->layout.start_brk ? SPACE_HEAP
										 : SPACE_ANONYMOUS;
}

struct look {
	struct space *space;
	struct mapping *mapping;
	const struct resident *resident;
	bool failed;
};

static bool add_run(struct space *space, const struct run *run)
{
	struct run *last = space->run && space->runs > 0 ? &space->run[space->runs - 1] : NULL;

	if (last && last->end == run->start && last->is_huge == run->is_huge) {
		last->end = run->end;
		return true;
	}
	if (!space->run || space->runs == space->run_capacity) {
		size_t capacity = space->run_capacity ? space->run_capacity * 2 : 64;
		struct run *runs = realloc(space->run, capacity * sizeof(runs[0]));

		if (!runs)
			return false;
		space->run = runs;
		space->run_capacity = capacity;
	}
	space->run[space->runs++] = *run;
	return true;
}

static bool look_at_leaf(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	struct look *look = context;
	uint64_t end = address + paging_leaf_bytes(look->resident->table.paging, level);
	struct run run = {.start = address, .end = end, .is_huge = level > 1};

	if (!pte_is_present(*entry) || frames_is_zero(look->resident->frames, pte_frame(*entry)))
		return true;
	if (run.start < look->mapping->start)
		run.start = look->mapping->start;
	if (run.end > look->mapping->end)
		run.end = look->mapping->end;
	uint64_t pages = (run.end - run.start) >> PAGE_SHIFT;

	look->mapping->resident_pages += pages;
	look->mapping->huge_pages += run.is_huge ? pages : 0;
	look->failed = !add_run(look->space, &run);
	return !look->failed;
}

/* False without memory: what was made so far is to be destroyed. */
static bool look_at_mappings(struct space *space, const struct mm *mm, struct space_stacks stacks)
{
	const struct resident *resident = &fault_space_of(mm)->resident;

	space->mapping = calloc(mm->tree.count + 1, sizeof(space->mapping[0]));
	if (!space->mapping)
		return false;
	for (const struct vma *vma = mm->tree.first; vma; vma = vma->next) {
		struct mapping *mapping = &space->mapping[space->mappings++];
		struct look look = {space, mapping, resident, false};

		*mapping = (struct mapping){
		    .start = vma->area.start,
		    .end = vma->area.end,
		    .kind = kind_of(mm, vma, stacks),
		    .flags = vma->area.flags,
		};
		pagetable_visit_range(&resident->table, mapping->start, mapping->end, look_at_leaf, &look);
		if (look.failed)
			return false;
		space->resident_pages += mapping->resident_pages;
	}
	return true;
}

static struct space *space_of(struct space_map *map, uint32_t process)
{
	for (size_t i = 0; i < map->spaces; i++) {
		if (map->space[i].process == process)
			return &map->space[i];
	}
	struct space *spaces = realloc(map->space, (map->spaces + 1) * sizeof(spaces[0]));

	if (!spaces)
		return NULL;
	map->space = spaces;
	spaces[map->spaces] = (struct space){.process = process};
	return &spaces[map->spaces++];
}

bool space_map_add(struct space_map *map, uint32_t process, const struct mm *mm, struct space_stacks stacks)
{
	struct space now = {.process = process};
	struct space *space = look_at_mappings(&now, mm, stacks) ? space_of(map, process) : NULL;

	if (!space) {
		space_destroy(&now);
		return false;
	}
	space_destroy(space);
	*space = now;
	return true;
}

/* --- Tables ------------------------------------------------------------------------------------------------------------- */

void space_map_write_mappings(const struct space_map *map, FILE *file)
{
	(void)fputs("# process\tstart\tend\tkind\trights\tresident_pages\thuge_pages\n", file);
	for (size_t i = 0; i < map->spaces; i++) {
		const struct space *space = &map->space[i];

		for (size_t m = 0; m < space->mappings; m++) {
			const struct mapping *mapping = &space->mapping[m];
			uint32_t flags = mapping->flags;

			(void)fprintf(file, "%" PRIu32 "\t0x%" PRIx64 "\t0x%" PRIx64 "\t%s\t%c%c%c%c",
				      space->process, mapping->start, mapping->end,
				      space_kind_name(mapping->kind), flags & AREA_READ ? 'r' : '-',
				      flags & AREA_WRITE ? 'w' : '-', flags & AREA_EXECUTE ? 'x' : '-',
				      flags & AREA_SHARED ? 's' : 'p');
			(void)fprintf(file, "\t%" PRIu64 "\t%" PRIu64 "\n", mapping->resident_pages,
				      mapping->huge_pages);
		}
	}
}

void space_map_write_residency(const struct space_map *map, FILE *file)
{
	(void)fputs("# process\tstart\tend\thuge\n", file);
	for (size_t i = 0; i < map->spaces; i++) {
		const struct space *space = &map->space[i];

		for (size_t r = 0; r < space->runs; r++)
			(void)fprintf(file, "%" PRIu32 "\t0x%" PRIx64 "\t0x%" PRIx64 "\t%d\n", space->process,
				      space->run[r].start, space->run[r].end, space->run[r].is_huge);
	}
}

/* --- Image -------------------------------------------------------------------------------------------------------------- */

/* Rows that are drawn, first to last, counted from address 0 in units of a row. */
struct band {
	uint64_t first, last;
};

struct image {
	const struct space *space;
	unsigned cell_shift; /* log2 of a cell's bytes */
	struct band *band;   /* apart from each other and in order */
	size_t bands;
};

static int compare_bands(const void *one, const void *other)
{
	uint64_t a = ((const struct band *)one)->first, b = ((const struct band *)other)->first;

	return (a > b) - (a < b);
}

/* The bands that mappings' ends and resident pages lie in; the number of the image's rows, with an empty one between bands. */
static uint64_t make_bands(struct image *image)
{
	const struct space *space = image->space;
	unsigned shift = image->cell_shift + COLUMN_BITS;
	uint64_t rows = 0;
	size_t bands = 0, merged = 0;

	for (size_t i = 0; i < space->mappings; i++) {
		uint64_t first = space->mapping[i].start >> shift,
			 last = (space->mapping[i].end - 1) >> shift;

		image->band[bands++] = (struct band){first, first};
		image->band[bands++] = (struct band){last, last};
	}
	for (size_t i = 0; i < space->runs; i++)
		image->band[bands++] =
		    (struct band){space->run[i].start >> shift, (space->run[i].end - 1) >> shift};
	qsort(image->band, bands, sizeof(image->band[0]), compare_bands);
	for (size_t i = 1; i < bands; i++) {
		if (image->band[i].first > image->band[merged].last + 1)
			image->band[++merged] = image->band[i];
		else if (image->band[i].last > image->band[merged].last)
			image->band[merged].last = image->band[i].last;
	}
	image->bands = merged + 1;
	for (size_t i = 0; i < image->bands; i++)
		rows += image->band[i].last - image->band[i].first + 1 + (i > 0);
	return rows;
}

/* False when there is nothing to draw, or no memory. */
static bool image_make(struct image *image, const struct space_map *map)
{
	*image = (struct image){.space = map->spaces > 0 ? &map->space[0] : NULL, .cell_shift = PAGE_SHIFT};
	for (size_t i = 1; i < map->spaces; i++) {
		if (map->space[i].resident_pages > image->space->resident_pages)
			image->space = &map->space[i];
	}
	if (!image->space || image->space->mappings == 0)
		return false;
	image->band = calloc(2 * image->space->mappings + image->space->runs, sizeof(image->band[0]));
	while (image->band && make_bands(image) > SPACE_MAP_ROWS)
		image->cell_shift++;
	return image->band != NULL;
}

static uint64_t overlap(uint64_t start, uint64_t end, uint64_t other_start, uint64_t other_end)
{
	uint64_t from = start > other_start ? start : other_start, to = end < other_end ? end : other_end;

	return from < to ? to - from : 0;
}

/* Where the walk along the addresses has come to. */
struct cursor {
	size_t mapping, run; /* the first that does not end before the cell */
};

static void write_cell(const struct image *image, struct cursor *cursor, uint64_t start, FILE *file)
{
	const struct space *space = image->space;
	uint64_t end = start + ((uint64_t)1 << image->cell_shift);
	uint64_t bytes[SPACE_KINDS] = {0}, resident = 0;
	enum space_kind most = SPACE_NOTHING;

	while (cursor->mapping < space->mappings && space->mapping[cursor->mapping].end <= start)
		cursor->mapping++;
	while (cursor->run < space->runs && space->run[cursor->run].end <= start)
		cursor->run++;
	for (size_t i = cursor->mapping; i < space->mappings && space->mapping[i].start < end; i++) {
		const struct mapping *mapping = &space->mapping[i];

		bytes[mapping->kind] += overlap(start, end, mapping->start, mapping->end);
	}
	for (size_t i = cursor->run; i < space->runs && space->run[i].start < end; i++)
		resident += overlap(start, end, space->run[i].start, space->run[i].end);
	for (unsigned kind = 1; kind < SPACE_KINDS; kind++)
		most = bytes[kind] > bytes[most] ? (enum space_kind)kind : most;
	(void)fprintf(file, "\t%u\t%.4g\n", (unsigned)most,
		      (double)resident / (double)((uint64_t)1 << image->cell_shift));
}

void space_map_write_image(const struct space_map *map, FILE *file)
{
	struct image image;
	struct cursor cursor = {0, 0};
	unsigned row = 0;

	(void)fputs("# row\tcolumn\tkind\tresident_share\n", file);
	if (!image_make(&image, map))
		return;
	for (size_t band = 0; band < image.bands; band++) {
		for (unsigned column = 0; band > 0 && column < SPACE_MAP_COLUMNS; column++)
			(void)fprintf(file, "%u\t%u\t0\t0\n", row, column);
		row += band > 0;
		for (uint64_t at = image.band[band].first; at <= image.band[band].last; at++, row++) {
			for (unsigned column = 0; column < SPACE_MAP_COLUMNS; column++) {
				(void)fprintf(file, "%u\t%u", row, column);
				write_cell(&image, &cursor, (at << COLUMN_BITS | column) << image.cell_shift,
					   file);
			}
		}
	}
	free(image.band);
}

void space_map_write_rows(const struct space_map *map, FILE *file)
{
	struct image image;
	unsigned row = 0;
	uint64_t end = 0;

	(void)fputs("# row\tstart\tskipped_bytes\tcell_bytes\n", file);
	if (!image_make(&image, map))
		return;
	unsigned shift = image.cell_shift + COLUMN_BITS;

	for (size_t band = 0; band < image.bands; band++) {
		row += band > 0;
		for (uint64_t at = image.band[band].first; at <= image.band[band].last; at++, row++) {
			(void)fprintf(file, "%u\t0x%" PRIx64 "\t%" PRIu64 "\t%" PRIu64 "\n", row, at << shift,
				      (at << shift) - end, (uint64_t)1 << image.cell_shift);
			end = (at + 1) << shift;
		}
	}
	free(image.band);
}
