#include "config.h"

#include "bench/physical/machine_boot.h"

struct builder {
	const struct machine_state *state;
	struct memory *memory;
	struct zone *zone;
	struct machine_boot *boot;
};

/* --- Frames that are managed ---------------------------------------------------------------------------------------- */

/* The next of a zone's managed ranges, from `from` on. */
static bool next_range(const struct builder *builder, pfn_t from, struct memblock_range *range)
{
	const struct zone *zone = builder->zone;

	if (!memblock_next_free(&builder->memory->memblock, from > zone->first ? from : zone->first, range) ||
	    range->first >= zone->end)
		return false;
	if (range->end > zone->end)
		range->end = zone->end;
	return true;
}

/* The order of the block that begins with this frame, as far as it lies in the range. */
static unsigned order_at(const struct machine_state *state, pfn_t at, pfn_t end)
{
	unsigned order = state->frames.frame[at].order;

	return (pfn_t)1 << order <= end - at ? order : 0;
}

static bool is_movable(unsigned kind)
{
	return kind == FRAME_ANONYMOUS || kind == FRAME_FILE || kind == FRAME_HUGE || kind == FRAME_MERGED;
}

static void mark_used(const struct builder *builder, pfn_t at, unsigned order)
{
	struct page *page = page_of_pfn(&builder->memory->pages, at);

	*page = (struct page){.flags = PAGE_HEAD |
				       (is_movable(builder->state->frames.frame[at].kind) ? PAGE_LRU : 0),
			      .zone = (uint32_t)(builder->zone - builder->memory->zone),
			      .count = 1,
			      .private = order};
	builder->boot->used += (uint64_t)1 << order;
}

/* --- The keeper ------------------------------------------------------------------------------------------------------- */

/* Takes all free blocks out of the lists again: boot put them there. */
static void empty_lists(struct free_lists *lists)
{
	for (unsigned order = 0; order < FREE_LISTS_ORDERS; order++) {
		for (unsigned type = 0; type < MIGRATE_TYPES; type++) {
			struct list *list = &lists->order[order].type[type];

			while (lists->order[order].blocks[type] > 0) {
				const struct page *page = (const struct page *)((const char *)list->next -
										offsetof(struct page, lru));

				free_lists_take(lists, pfn_of_page(lists->array, page), order);
			}
		}
	}
}

/* Gives the lists a run of free frames. */
static void list_run(struct free_lists *lists, pfn_t at, pfn_t end)
{
	while (at < end) {
		unsigned order = at == 0 ? FREE_LISTS_ORDER_MAX : (unsigned)__builtin_ctzll(at);

		order = order < FREE_LISTS_ORDER_MAX ? order : FREE_LISTS_ORDER_MAX;
		while ((pfn_t)1 << order > end - at)
			order--;
		free_lists_free(lists, at, order, FREE_TO_TAIL);
		at += (pfn_t)1 << order;
	}
}

static void set_types(const struct builder *builder)
{
	struct pageblocks *pageblocks = &builder->zone->pageblocks;

	for (pfn_t at = builder->zone->first; at < builder->zone->end;
	     at = pageblock_start(at) + PAGEBLOCK_PAGES)
		pageblock_set_type(pageblocks, at,
				   (enum migrate_type)builder->state->blocks.type[at >> PAGEBLOCK_ORDER]);
}

/* What is in use lies in pageblocks of its type; of the types that typed bitmaps have not, Movable is what they lie in. */
static void convert_pageblocks(const struct builder *builder)
{
	for (pfn_t at = builder->zone->first; at < builder->zone->end;
	     at = pageblock_start(at) + PAGEBLOCK_PAGES) {
		unsigned type = builder->state->blocks.type[at >> PAGEBLOCK_ORDER];

		if (migrate_type_is_mergeable((enum migrate_type)type))
			zone_convert(builder->zone, at, (enum migrate_type)type);
	}
}

static bool is_listed(const struct builder *builder, pfn_t at)
{
	return builder->state->frames.frame[at].state == MACHINE_LISTED;
}

/* A block that is in use or in a set: all keepers but lists have it as free until now. */
static bool claim(const struct builder *builder, pfn_t at, unsigned order)
{
	struct page_runs runs = zone_runs(builder->zone);

	if (!builder->zone->lists && !runs.claim(runs.keeper, at, (uint64_t)1 << order))
		return false;
	if (builder->state->frames.frame[at].state != MACHINE_SET)
		mark_used(builder, at, order);
	return true;
}

static bool fill_range(const struct builder *builder, const struct memblock_range *range)
{
	for (pfn_t at = range->first; at < range->end;) {
		pfn_t next = at;

		while (next < range->end && is_listed(builder, next))
			next++;
		builder->boot->listed += next - at;
		if (builder->zone->lists)
			list_run(builder->zone->lists, at, next);
		if (next == range->end)
			return true;
		unsigned order = order_at(builder->state, next, range->end);

		if (!claim(builder, next, order))
			return false;
		at = next + ((pfn_t)1 << order);
	}
	return true;
}

static bool fill_keeper(const struct builder *builder)
{
	struct memblock_range range = {0, 0};
	bool is_filled = true;

	zone_lock(builder->zone);
	if (builder->zone->lists) {
		empty_lists(builder->zone->lists);
		set_types(builder);
	}
	while (is_filled && next_range(builder, range.end, &range))
		is_filled = fill_range(builder, &range);
	if (is_filled)
		convert_pageblocks(builder);
	zone_unlock(builder->zone);
	return is_filled;
}

/* --- Page sets -------------------------------------------------------------------------------------------------------- */

/* A block that lies in no set of the simulated machine is free there. */
static void give(const struct builder *builder, pfn_t at, unsigned order)
{
	struct page_runs runs = zone_runs(builder->zone);

	zone_lock(builder->zone);
	if (builder->zone->lists)
		free_lists_free(builder->zone->lists, at, order, FREE_TO_TAIL);
	else
		runs.release(runs.keeper, at, (uint64_t)1 << order);
	zone_unlock(builder->zone);
	builder->boot->listed += (uint64_t)1 << order;
}

static void put_into_set(const struct builder *builder, pfn_t at)
{
	const struct machine_frame *frame = &builder->state->frames.frame[at];
	struct zone *zone = builder->zone;
	unsigned type =
	    frame->type < MIGRATE_PCPTYPES ? frame->type : builder->state->blocks.type[at >> PAGEBLOCK_ORDER];
	unsigned cpu = frame->cpu < zone->cpus ? frame->cpu : 0;
	struct pcp *pcp = cpu < zone->cpus ? &zone->pcp[cpu] : NULL;

	if (zone->keeper == ZONE_BITMAPS || type >= MIGRATE_PCPTYPES)
		type = MIGRATE_MOVABLE;
	struct pcp_list *list = pcp && pcp_holds(pcp, frame->order)
				    ? &pcp->list[pcp_index((enum migrate_type)type, frame->order)]
				    : NULL;

	if (!list || list->blocks >= list->mask ||
	    (!zone->lists && pcp->tuning == PCP_FIXED && pcp->count >= pcp->high)) {
		give(builder, at, frame->order);
		return;
	}
	pcp_list_append(list, at);
	pcp->count += 1u << frame->order;
	builder->boot->in_sets += (uint64_t)1 << frame->order;
}

/* Blocks that were handed out from the beginning, then those that lay there all the time, then those that went from the end. */
static void fill_told(const struct builder *builder, bool was_drained)
{
	const struct machine_frames *frames = &builder->state->frames;

	for (size_t i = 0; i < frames->sets; i++) {
		const struct machine_set_block *block = &frames->set[was_drained ? frames->sets - 1 - i : i];

		if (block->was_drained == was_drained && zone_holds(builder->zone, block->frame))
			put_into_set(builder, block->frame);
	}
}

static void fill_silent(const struct builder *builder)
{
	const struct machine_frames *frames = &builder->state->frames;

	for (pfn_t at = builder->zone->first; at < builder->zone->end; at++) {
		const struct machine_frame *frame = &frames->frame[at];

		if (frame->state == MACHINE_SET &&
		    !(frame->flags & (MACHINE_FRAME_TOLD | MACHINE_FRAME_TAIL)))
			put_into_set(builder, at);
	}
}

/* The type of the lists in which a page of this frame is freed. */
static unsigned list_type(const struct builder *builder, pfn_t at)
{
	unsigned type = builder->state->blocks.type[at >> PAGEBLOCK_ORDER];

	return type < MIGRATE_PCPTYPES ? type : MIGRATE_MOVABLE;
}

/* May the frame lie in a set, for all that is known? */
static bool is_unknown(const struct builder *builder, pfn_t at)
{
	const struct machine_frame *frame = &builder->state->frames.frame[at];
	const struct page *page = page_of_pfn(&builder->memory->pages, at);

	return frame->state == MACHINE_UNKNOWN && !(frame->flags & MACHINE_FRAME_TOLD) &&
	       (page->flags & PAGE_HEAD) && page->private == 0;
}

/* What is guessed: how many pages the set of a processor has in the end, and which of its lists gets which blocks. */
struct guess {
	struct pcp *pcp;
	uint32_t pages;
	enum migrate_type list;
	unsigned order;
	unsigned pageblocks; /* their type, or MIGRATE_TYPES: any */
};

/* The next block from *at on whose frames are unknown, in a pageblock of the type that is asked for. */
static bool next_unknown(const struct builder *builder, const struct guess *guess, pfn_t *at)
{
	const pfn_t block = (pfn_t)1 << guess->order;

	for (*at = (*at + block - 1) / block * block; *at + block <= builder->zone->end; *at += block) {
		pfn_t known = *at;

		if (*at < builder->zone->first ||
		    (guess->pageblocks != MIGRATE_TYPES && list_type(builder, *at) != guess->pageblocks))
			continue;
		while (known < *at + block && is_unknown(builder, known))
			known++;
		if (known == *at + block)
			return true;
	}
	return false;
}

static void make_guess(const struct builder *builder, const struct guess *guess)
{
	struct pcp_list *list = &guess->pcp->list[pcp_index(guess->list, guess->order)];
	const uint32_t block = 1u << guess->order;

	for (pfn_t at = builder->zone->first;
	     guess->pcp->count + block <= guess->pages && list->blocks < list->mask; at += block) {
		if (!next_unknown(builder, guess, &at))
			return;
		for (pfn_t frame = at; frame < at + block; frame++)
			*page_of_pfn(&builder->memory->pages, frame) = (struct page){.flags = 0};
		pcp_list_append(list, at);
		guess->pcp->count += block;
		builder->boot->used -= block;
		builder->boot->in_sets += block;
		builder->boot->guessed += block;
	}
}

/* In which list they are nothing tells, but in which they are not: in none that ran empty later. Single frames come first, of the
 * lists' types as long as there are some: what lay there from the start to the end of the recording is only counted. What is then
 * missing lies in lists of blocks. */
static void guess_set(const struct builder *builder, const struct zoneinfo_zone *told, unsigned cpu,
		      uint32_t pages)
{
	static const enum migrate_type types[] = {MIGRATE_MOVABLE, MIGRATE_UNMOVABLE, MIGRATE_RECLAIMABLE};
	static const struct {
		unsigned order;
		bool is_any; /* pageblock */
	} ways[] = {{0, false}, {0, true}, {3, false}, {2, false}, {1, false}};
	const struct machine_set *set = machine_sets_find(&builder->state->sets, told, cpu);
	unsigned ran_empty = set ? set->ran_empty : 0;

	for (unsigned way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
		for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
			enum migrate_type type = types[i];

			if (!(ran_empty >> pcp_index(type, ways[way].order) & 1))
				make_guess(builder, &(struct guess){&builder->zone->pcp[cpu], pages, type,
								    ways[way].order,
								    ways[way].is_any ? (unsigned)MIGRATE_TYPES
										     : (unsigned)type});
		}
	}
}

/* Pages that the set of a processor gets at its end. */
static uint32_t drained_pages(const struct builder *builder, unsigned cpu)
{
	const struct machine_frames *frames = &builder->state->frames;
	uint32_t pages = 0;

	for (size_t i = 0; i < frames->sets; i++) {
		const struct machine_frame *frame = &frames->frame[frames->set[i].frame];

		if (frames->set[i].was_drained && zone_holds(builder->zone, frames->set[i].frame) &&
		    (frame->cpu < builder->zone->cpus ? frame->cpu : 0) == cpu)
			pages += 1u << frame->order;
	}
	return pages;
}

/* How many pages the set had at the start, as far as that is known. */
static uint32_t pages_of_set(const struct machine_state *state, const struct zoneinfo_zone *told,
			     unsigned cpu)
{
	const struct machine_set *set = machine_sets_find(&state->sets, told, cpu);

	return set ? set->pcp.count : told->set[cpu].count;
}

/* What a set that follows its load remembers. */
static void remember(const struct builder *builder, const struct zoneinfo_zone *told, unsigned cpu)
{
	const struct machine_set *set = machine_sets_find(&builder->state->sets, told, cpu);
	struct pcp *pcp = &builder->zone->pcp[cpu];

	if (!set || pcp->tuning != PCP_TUNED)
		return;
	if (set->pcp.high >= pcp->high_min && set->pcp.high <= pcp->high_max)
		pcp->high = set->pcp.high;
	pcp->alloc_factor = set->pcp.alloc_factor;
	pcp->free_count = set->pcp.free_count;
	pcp->freed_high_order = set->pcp.freed_high_order;
}

static void fill_sets(const struct builder *builder)
{
	const struct proc_zone name = {builder->zone->node, builder->zone->kind};
	const struct zoneinfo_zone *told = zoneinfo_find(&builder->state->zoneinfo, &name);

	fill_told(builder, false);
	fill_silent(builder);
	for (unsigned cpu = 0; told && builder->zone->lists && cpu < builder->zone->cpus; cpu++) {
		uint32_t drained = drained_pages(builder, cpu);
		uint32_t pages = pages_of_set(builder->state, told, cpu);

		guess_set(builder, told, cpu, pages > drained ? pages - drained : 0);
	}
	fill_told(builder, true);
	for (unsigned cpu = 0; told && cpu < builder->zone->cpus; cpu++)
		remember(builder, told, cpu);
}

/* --- The whole -------------------------------------------------------------------------------------------------------- */

static void set_watermarks(const struct builder *builder, const struct memory_shape *shape)
{
	const struct proc_zone name = {builder->zone->node, builder->zone->kind};
	const struct zoneinfo_zone *told = zoneinfo_find(&builder->state->zoneinfo, &name);

	if (!told || shape->watermarks.min_free_kbytes != 0)
		return;
	zone_set_watermarks(builder->zone, told->watermark[WATERMARK_MIN] - told->boost,
			    told->watermark[WATERMARK_LOW] - told->watermark[WATERMARK_MIN]);
	atomic_store_explicit(&builder->zone->boost, told->boost, memory_order_relaxed);
}

static enum trace_status create(const struct machine_state *state, struct memory *memory,
				const struct memory_shape *shape, struct trace_error *error)
{
	struct memory_shape recorded = *shape;

	recorded.description = &state->description;
	recorded.cpus = shape->cpus > 0 ? state->zoneinfo.cpus : 0;
	switch (memory_create(memory, &recorded)) {
	case STATUS_OK:
		return TRACE_OK;
	case STATUS_NO_MEMORY:
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the recorded machine");
	default:
		return trace_fail(error, TRACE_BAD_INPUT,
				  "its snapshots describe no machine that can be simulated: too many ranges, "
				  "or more managed pages than memory");
	}
}

enum trace_status machine_state_boot(const struct machine_state *state, struct memory *memory,
				     const struct memory_shape *shape, struct machine_boot *boot,
				     struct trace_error *error)
{
	struct builder builder = {.state = state, .memory = memory, .boot = boot};
	enum trace_status status = create(state, memory, shape, error);

	*boot = (struct machine_boot){0};
	if (status != TRACE_OK)
		return status;
	for (unsigned i = 0; i < memory->zones; i++) {
		builder.zone = &memory->zone[i];
		set_watermarks(&builder, shape);
		if (!fill_keeper(&builder)) {
			memory_destroy(memory);
			return trace_fail(error, TRACE_BAD_INPUT,
					  "a block of frames lies across the end of a zone");
		}
		fill_sets(&builder);
	}
	return TRACE_OK;
}

const struct free_blocks *machine_zone_blocks(const struct buddyinfo *buddyinfo, const struct zone *zone)
{
	const struct proc_zone name = {zone->node, zone->kind};
	const struct buddyinfo_zone *found = buddyinfo_find(buddyinfo, &name);

	return found ? &found->free : NULL;
}

uint64_t machine_blocks_difference(const struct memory *memory, const struct buddyinfo *buddyinfo)
{
	uint64_t difference = 0;

	for (unsigned i = 0; i < memory->zones; i++) {
		const struct free_blocks *told = machine_zone_blocks(buddyinfo, &memory->zone[i]);
		struct free_blocks built;

		zone_free_blocks(&memory->zone[i], &built);
		for (unsigned order = 0; told && order < FRAGMENTATION_ORDERS; order++)
			difference += built.blocks[order] > told->blocks[order]
					  ? built.blocks[order] - told->blocks[order]
					  : told->blocks[order] - built.blocks[order];
	}
	return difference;
}
