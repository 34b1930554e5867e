#include "config.h"

#include "bench/physical/machine_blocks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum trace_status machine_blocks_create(struct machine_blocks *blocks, uint64_t frames,
					struct trace_error *error)
{
	*blocks = (struct machine_blocks){.blocks = (frames + PAGEBLOCK_PAGES - 1) >> PAGEBLOCK_ORDER};
	blocks->type = malloc(blocks->blocks + 1);
	if (!blocks->type)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for %" PRIu64 " pageblocks",
				  blocks->blocks);
	memset(blocks->type, MIGRATE_TYPES, blocks->blocks + 1);
	return TRACE_OK;
}

void machine_blocks_destroy(struct machine_blocks *blocks)
{
	free(blocks->type);
	blocks->type = NULL;
}

void machine_blocks_event(struct machine_blocks *blocks, const struct event *event)
{
	uint64_t block = event->kernel.frame >> PAGEBLOCK_ORDER;
	bool is_list = event->kind == EVENT_ZONE_LOCKED || event->kind == EVENT_PCPU_DRAIN;
	unsigned type =
	    event->kind == EVENT_EXTFRAG ? event->kernel.fallback_type : event->kernel.migrate_type;

	if ((!is_list && event->kind != EVENT_EXTFRAG) || type >= MIGRATE_PCPTYPES ||
	    block >= blocks->blocks || blocks->type[block] != MIGRATE_TYPES)
		return;
	blocks->type[block] = (uint8_t)type;
	blocks->told++;
}

/* --- By contents ------------------------------------------------------------------------------------------------------ */

/* The free blocks of frames first .. end-1, which lie in one pageblock and are not all of it. */
static void count_free(struct block_contents *contents, uint64_t first, uint64_t end)
{
	while (first < end) {
		unsigned order = 0;

		while (order + 1 < PAGEBLOCK_ORDER && first % (UINT64_C(2) << order) == 0 &&
		       UINT64_C(2) << order <= end - first)
			order++;
		contents->free[order]++;
		first += UINT64_C(1) << order;
	}
}

static void look_for_free(struct block_contents *contents, const struct machine_frames *frames, uint64_t end)
{
	uint64_t first = contents->block << PAGEBLOCK_ORDER;
	uint64_t at = first;

	while (at < end) {
		uint64_t run = at;

		while (run < end && frames->frame[run].state == MACHINE_LISTED)
			run++;
		if (run - at < PAGEBLOCK_PAGES)
			count_free(contents, at, run);
		at = run + 1;
	}
}

static struct block_contents look(const struct machine_frames *frames, uint64_t block)
{
	uint64_t end = (block + 1) << PAGEBLOCK_ORDER;
	struct block_contents contents = {.block = block};

	end = end < frames->frames ? end : frames->frames;
	look_for_free(&contents, frames, end);
	for (uint64_t i = block << PAGEBLOCK_ORDER; i < end; i++) {
		const struct machine_frame *frame = &frames->frame[i];
		bool is_slab = frame->kind == FRAME_SLAB;
		bool is_kernel = is_slab || frame->kind == FRAME_PAGE_TABLE || frame->kind == FRAME_OTHER;

		if (frame->state != MACHINE_USED && frame->state != MACHINE_UNKNOWN)
			continue;
		contents.kernel += is_kernel ? 1 : -1;
		contents.slab += is_slab ? 1 : is_kernel ? -1 : 0;
	}
	return contents;
}

static int more_kernel(const void *left, const void *right)
{
	const struct block_contents *a = left, *b = right;

	if (a->kernel != b->kernel)
		return a->kernel > b->kernel ? -1 : 1;
	return a->block < b->block ? -1 : 1;
}

static int more_slab(const void *left, const void *right)
{
	const struct block_contents *a = left, *b = right;

	if (a->slab != b->slab)
		return a->slab > b->slab ? -1 : 1;
	return a->block < b->block ? -1 : 1;
}

/* What is known of a zone's pageblocks, and what is not. */
struct zone_blocks {
	uint64_t missing[MIGRATE_TYPES]; /* pageblocks of each type */
	struct block_types types;
	struct block_contents *open;
	size_t count;
};

static void find_open(const struct machine_blocks *blocks, const struct machine_frames *frames,
		      const uint64_t range[2], struct zone_blocks *zone)
{
	for (uint64_t block = range[0]; block < range[1]; block++) {
		struct block_contents contents = look(frames, block);

		contents.type = blocks->type[block];
		if (contents.type == MIGRATE_TYPES) {
			zone->open[zone->count++] = contents;
			continue;
		}
		zone->missing[contents.type] -= zone->missing[contents.type] > 0;
		block_types_know(&zone->types, &contents);
	}
}

static void guess_by_contents(struct zone_blocks *zone)
{
	uint64_t reclaimable = zone->missing[MIGRATE_RECLAIMABLE];
	uint64_t of_kernel = zone->missing[MIGRATE_UNMOVABLE] + reclaimable;

	of_kernel = of_kernel < zone->count ? of_kernel : zone->count;
	qsort(zone->open, zone->count, sizeof(*zone->open), more_kernel);
	qsort(zone->open, of_kernel, sizeof(*zone->open), more_slab);
	for (size_t i = 0; i < zone->count; i++)
		zone->open[i].type = i >= of_kernel    ? MIGRATE_MOVABLE
				     : i < reclaimable ? MIGRATE_RECLAIMABLE
						       : MIGRATE_UNMOVABLE;
}

enum trace_status machine_blocks_infer(struct machine_blocks *blocks, const struct machine_frames *frames,
				       const uint64_t zone[2], const struct pagetypeinfo_zone *told,
				       struct trace_error *error)
{
	static const struct pagetypeinfo_zone nothing;
	const uint64_t range[2] = {zone[0] >> PAGEBLOCK_ORDER,
				   (zone[1] + PAGEBLOCK_PAGES - 1) >> PAGEBLOCK_ORDER};
	struct zone_blocks found = {.open = malloc((size_t)(range[1] - range[0] + 1) * sizeof(*found.open))};

	if (!found.open)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for %" PRIu64 " pageblocks",
				  range[1] - range[0]);
	told = told ? told : &nothing;
	memcpy(found.missing, told->blocks, sizeof(found.missing));
	block_types_create(&found.types, told);
	find_open(blocks, frames, range, &found);
	guess_by_contents(&found);
	if (told != &nothing)
		block_types_fit(&found.types, found.open, found.count);
	for (size_t i = 0; i < found.count; i++)
		blocks->type[found.open[i].block] = (uint8_t)found.open[i].type;
	free(found.open);
	return TRACE_OK;
}
