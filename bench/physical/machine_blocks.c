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

struct contents {
	uint64_t block;
	int32_t kernel; /* frames of the kernel, less those of processes and files */
	int32_t slab;	/* of them, slab pages, less the others */
};

static struct contents look(const struct machine_frames *frames, uint64_t block)
{
	uint64_t end = (block + 1) << PAGEBLOCK_ORDER;
	struct contents contents = {.block = block};

	end = end < frames->frames ? end : frames->frames;
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
	const struct contents *a = left, *b = right;

	if (a->kernel != b->kernel)
		return a->kernel > b->kernel ? -1 : 1;
	return a->block < b->block ? -1 : 1;
}

static int more_slab(const void *left, const void *right)
{
	const struct contents *a = left, *b = right;

	if (a->slab != b->slab)
		return a->slab > b->slab ? -1 : 1;
	return a->block < b->block ? -1 : 1;
}

/* How many pageblocks of each type are missing; what is not known goes into `open`. Returns how many these are. */
static size_t find_open(const struct machine_blocks *blocks, const struct machine_frames *frames,
			const uint64_t range[2], uint64_t *missing, struct contents *open)
{
	size_t count = 0;

	for (uint64_t block = range[0]; block < range[1]; block++) {
		unsigned type = blocks->type[block];

		if (type == MIGRATE_TYPES)
			open[count++] = look(frames, block);
		else if (missing[type] > 0)
			missing[type]--;
	}
	return count;
}

enum trace_status machine_blocks_infer(struct machine_blocks *blocks, const struct machine_frames *frames,
				       const uint64_t zone[2], const uint64_t *wanted,
				       struct trace_error *error)
{
	const uint64_t range[2] = {zone[0] >> PAGEBLOCK_ORDER,
				   (zone[1] + PAGEBLOCK_PAGES - 1) >> PAGEBLOCK_ORDER};
	uint64_t missing[MIGRATE_TYPES] = {0};
	struct contents *open = malloc((size_t)(range[1] - range[0] + 1) * sizeof(*open));

	if (!open)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for %" PRIu64 " pageblocks",
				  range[1] - range[0]);
	if (wanted)
		memcpy(missing, wanted, sizeof(missing));
	size_t count = find_open(blocks, frames, range, missing, open);
	uint64_t of_kernel = missing[MIGRATE_UNMOVABLE] + missing[MIGRATE_RECLAIMABLE];

	of_kernel = of_kernel < count ? of_kernel : count;
	qsort(open, count, sizeof(*open), more_kernel);
	qsort(open, of_kernel, sizeof(*open), more_slab);
	for (size_t i = 0; i < count; i++)
		blocks->type[open[i].block] = i >= of_kernel			 ? MIGRATE_MOVABLE
					      : i < missing[MIGRATE_RECLAIMABLE] ? MIGRATE_RECLAIMABLE
										 : MIGRATE_UNMOVABLE;
	free(open);
	return TRACE_OK;
}
