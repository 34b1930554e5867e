#include "config.h"

#include "bench/physical/free_pass.h"

#include "engine/base/check.h"
#include "engine/phys/gfp.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TICKS_MAX 1024u
#define SET_BATCHES 4u /* that a set holds while memory is reclaimed */

/* --- The beginning ---------------------------------------------------------------------------------------------------- */

static unsigned flags_of_names(const char *names)
{
	unsigned flags = 0;

	while (*names != '\0') {
		size_t length = strcspn(names, "|");

		flags |= gfp_flags_of_name(names, length);
		names += length + (names[length] == '|');
	}
	return gfp_flags_are_valid(flags) ? flags : GFP_KERNEL;
}

/* Compound or not: a block is freed as it is, and its parts may be freed one by one. */
static bool read_flags(struct free_pass *pass)
{
	const struct flt_summary *summary = flt_reader_summary(pass->reader);
	uint32_t names = summary->names[EVENT_NAMES_GFP];

	pass->gfp = calloc((size_t)names + 1, sizeof(*pass->gfp));
	if (!pass->gfp)
		return false;
	for (uint32_t i = 0; i < names; i++)
		pass->gfp[i + 1] = flags_of_names(summary->name[EVENT_NAMES_GFP][i]) & ~(unsigned)GFP_COMP;
	return true;
}

/* What is in use at the start lies where it lay. */
static bool place_blocks(struct free_pass *pass)
{
	uint64_t frames = pass->state.frames.frames;

	pass->place = malloc(frames * sizeof(*pass->place));
	if (!pass->place)
		return false;
	for (uint64_t i = 0; i < frames;) {
		const struct page *page = page_of_pfn(&pass->memory.pages, i);
		uint64_t end = i + (page->flags & PAGE_HEAD ? UINT64_C(1) << page->private : 1);
		bool is_used = page->flags & PAGE_HEAD;

		for (; i < end; i++)
			pass->place[i] = is_used ? (uint32_t)i : PLACE_NONE;
	}
	return true;
}

/* Direct reclaim that still finds nothing empties the page sets of all processors (drain_all_pages). */
static uint64_t drain_all(void *owner, const struct zone_request *request, unsigned flags)
{
	struct memory *memory = owner;
	uint64_t before = 0, after = 0;

	(void)request;
	(void)flags;
	for (unsigned i = 0; i < memory->zones; i++) {
		before += zone_kept_pages(&memory->zone[i]);
		for (unsigned cpu = 0; cpu < memory->zone[i].cpus; cpu++)
			zone_drain(&memory->zone[i], cpu);
		after += zone_kept_pages(&memory->zone[i]);
	}
	return after - before;
}

static enum trace_status start(struct free_pass *pass, struct trace_error *error)
{
	enum trace_status status = processors_create(&pass->processors, pass->reader, error);
	struct event event;

	if (status != TRACE_OK)
		return status;
	if (!read_flags(pass) || !place_blocks(pass))
		return trace_fail(error, TRACE_NO_MEMORY,
				  "not enough memory for the places of %" PRIu64 " frames",
				  pass->state.frames.frames);
	while (pass->position < pass->state.start && status == TRACE_OK) {
		status = flt_reader_next(pass->reader, &event, error);
		if (status != TRACE_OK)
			break;
		(void)processors_of(&pass->processors, &event);
		pass->position++;
	}
	pass->tick_ns = machine_sets_next_tick(&pass->state.sets, pass->state.start_ns);
	pass->memory.hook = (struct reclaim_hook){.owner = &pass->memory, .reclaim = drain_all};
	return status;
}

enum trace_status free_pass_create(struct free_pass **pass, const struct memory_shape *shape,
				   struct flt_reader *reader, struct trace_error *error)
{
	struct free_pass *made = calloc(1, sizeof(*made));
	enum trace_status status;

	*pass = NULL;
	if (!made)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for a machine");
	made->reader = reader;
	status = machine_state_read(&made->state, reader, error);
	if (status != TRACE_OK) {
		free(made);
		return status;
	}
	status = machine_state_boot(&made->state, &made->memory, shape, &made->boot, error);
	if (status != TRACE_OK) {
		machine_state_destroy(&made->state);
		free(made);
		return trace_fail_in(error, status, flt_reader_name(reader));
	}
	status = start(made, error);
	if (status == TRACE_OK) {
		*pass = made;
		return status;
	}
	free_pass_destroy(made);
	return trace_fail_in(error, status, flt_reader_name(reader));
}

void free_pass_destroy(struct free_pass *pass)
{
	if (!pass)
		return;
	free(pass->place);
	free(pass->gfp);
	processors_destroy(&pass->processors);
	memory_destroy(&pass->memory);
	machine_state_destroy(&pass->state);
	free(pass);
}

/* --- Events ------------------------------------------------------------------------------------------------------------- */

static struct page *page_at(struct free_pass *pass, uint64_t pfn)
{
	return page_of_pfn(&pass->memory.pages, pfn);
}

/* Frees the simulated frame of a recorded one; the block around it goes to pieces first. */
static void release_frame(struct free_pass *pass, int cpu, uint32_t *place)
{
	if (*place != PLACE_REFUSED) {
		struct page *page = page_at(pass, *place);
		struct page *head = page->flags & PAGE_HEAD ? page : page_head(&pass->memory, *place);

		split_page(&pass->memory, head, (unsigned)head->private);
		free_pages_of(&pass->memory, cpu, page, 0);
	}
	*place = PLACE_NONE;
}

/* Is it in use, as one block of this order, which begins there? */
static bool is_whole(struct free_pass *pass, uint64_t frame, unsigned order)
{
	const struct page *page =
	    pass->place[frame] < PLACE_REFUSED ? page_at(pass, pass->place[frame]) : NULL;

	if (!page || !(page->flags & PAGE_HEAD) || page->private != order)
		return false;
	for (uint64_t i = 1; i < UINT64_C(1) << order; i++) {
		if (pass->place[frame + i] != pass->place[frame] + i)
			return false;
	}
	return true;
}

static void release_whole(struct free_pass *pass, int cpu, uint64_t frame, unsigned order)
{
	struct page *page = page_at(pass, pass->place[frame]);
	const uint64_t begin = pass->latency ? clock_begin() : 0;

	free_pages_of(&pass->memory, cpu, page, order);
	if (pass->latency)
		page_latency_add(pass->latency, PAGE_RELEASE, order, clock_end() - begin);
	for (uint64_t i = 0; i < UINT64_C(1) << order; i++)
		pass->place[frame + i] = PLACE_NONE;
}

/* Frees whatever of the block is in use; returns how many of its frames were. */
static uint64_t release(struct free_pass *pass, int cpu, uint64_t frame, unsigned order)
{
	uint64_t used = 0;

	if (is_whole(pass, frame, order)) {
		release_whole(pass, cpu, frame, order);
		return UINT64_C(1) << order;
	}
	for (uint64_t i = frame; i < frame + (UINT64_C(1) << order); i++) {
		if (pass->place[i] == PLACE_NONE)
			continue;
		release_frame(pass, cpu, &pass->place[i]);
		used++;
	}
	return used;
}

static void take_free(struct free_pass *pass, int cpu, const struct event_kernel *kernel)
{
	bool is_part =
	    !is_whole(pass, kernel->frame, kernel->order) && pass->place[kernel->frame] != PLACE_REFUSED;

	if (release(pass, cpu, kernel->frame, kernel->order) == 0) {
		pass->counts.unseen_allocations++;
		return;
	}
	pass->counts.parts += is_part;
	pass->counts.frees++;
}

static struct gfp request_of(const struct free_pass *pass, int cpu, const struct event *event)
{
	const struct flt_summary *summary = flt_reader_summary(pass->reader);
	uint32_t number = event->kernel.gfp;

	return (struct gfp){.flags = number <= summary->names[EVENT_NAMES_GFP] ? pass->gfp[number] : 0,
			    .cpu = cpu,
			    .caller = event->thread < summary->threads ? summary->thread[event->thread].name
								       : NULL};
}

/* The machine had no block. */
static void try_in_vain(struct free_pass *pass, int cpu, const struct event *event)
{
	const struct gfp gfp = request_of(pass, cpu, event);
	struct page *page = alloc_pages(&pass->memory, &gfp, event->kernel.order);

	outcome_load_count(&pass->counts.load, event->kernel.order, !page);
	if (!page)
		return;
	pass->counts.served++;
	free_pages_of(&pass->memory, cpu, page, event->kernel.order);
}

static struct page *allocate(struct free_pass *pass, const struct gfp *gfp, unsigned order)
{
	const uint64_t begin = pass->latency ? clock_begin() : 0;
	struct page *page = alloc_pages(&pass->memory, gfp, order);

	if (pass->latency)
		page_latency_add(pass->latency, PAGE_ALLOCATION, order, clock_end() - begin);
	return page;
}

static void take_allocation(struct free_pass *pass, int cpu, const struct event *event)
{
	const struct event_kernel *kernel = &event->kernel;
	const struct gfp gfp = request_of(pass, cpu, event);

	pass->counts.unseen_frees += release(pass, cpu, kernel->frame, kernel->order) > 0;
	struct page *page = allocate(pass, &gfp, kernel->order);
	uint64_t pfn = page ? pfn_of_page(&pass->memory.pages, page) : PLACE_REFUSED;

	for (uint64_t i = 0; i < UINT64_C(1) << kernel->order; i++)
		pass->place[kernel->frame + i] = page ? (uint32_t)(pfn + i) : PLACE_REFUSED;
	outcome_load_count(&pass->counts.load, kernel->order, !page);
	if (!page) {
		pass->counts.refused++;
		return;
	}
	pass->counts.allocations++;
	pass->counts.other_zones += !zone_holds(&pass->memory.zone[page->zone], kernel->frame);
}

/* --- Reclaim ------------------------------------------------------------------------------------------------------------ */

/* While kswapd works, sets hold few pages (ZONE_RECLAIM_ACTIVE), and may hold fewer with every free. When it stops working it does not tell
 * before it goes to sleep; its own frees are certain. */
static void keep_set_small(struct free_pass *pass, int cpu, const struct event *event)
{
	struct zone *zone = memory_zone_of(&pass->memory, event->kernel.frame);

	if (!pass->reclaims || !zone || (unsigned)cpu >= zone->cpus)
		return;
	struct pcp *pcp = &zone->pcp[cpu];
	uint32_t fewer = pcp->free_count > pcp->batch ? pcp->free_count : pcp->batch;

	if (pcp->tuning == PCP_TUNED && event->thread == pass->reclaimer)
		pcp->high = pcp->high > pcp->high_min + fewer ? pcp->high - fewer : pcp->high_min;
	if (pcp->count >= SET_BATCHES * pcp->batch)
		zone_drain(zone, (unsigned)cpu);
}

/* kswapd begins a round, or goes to sleep: the round before is over, and has reclaimed what the boosts of watermarks asked for. */
static void follow_kswapd(struct free_pass *pass, const struct event *event)
{
	pass->reclaims = event->kind == EVENT_KSWAPD_WAKE;
	pass->reclaimer = event->thread;
	for (unsigned i = 0; i < pass->memory.zones; i++)
		zone_unboost(&pass->memory.zone[i], UINT64_MAX);
}

static void grow(struct free_pass *pass, const struct event *event)
{
	static const enum zone_kind kinds[] = {
	    [EVENT_ZONE_DMA] = ZONE_DMA,	 [EVENT_ZONE_DMA32] = ZONE_DMA32,
	    [EVENT_ZONE_NORMAL] = ZONE_NORMAL,	 [EVENT_ZONE_HIGHMEM] = ZONE_HIGHMEM,
	    [EVENT_ZONE_MOVABLE] = ZONE_MOVABLE,
	};

	for (unsigned i = 0; i < pass->memory.zones; i++) {
		struct zone *zone = &pass->memory.zone[i];

		if (event->kernel.code >= sizeof(kinds) / sizeof(kinds[0]) ||
		    zone->kind != kinds[event->kernel.code] || zone->node != event->kernel.node ||
		    event->count <= zone->managed_pages)
			continue;
		(void)memory_grow_zone(&pass->memory, zone, event->count - zone->managed_pages);
	}
}

static void decay(struct free_pass *pass)
{
	for (unsigned i = 0; i < pass->memory.zones; i++) {
		for (unsigned cpu = 0; cpu < pass->memory.zone[i].cpus; cpu++)
			zone_decay(&pass->memory.zone[i], cpu);
	}
}

/* After a gap of many ticks sets shrink no more. */
static void pass_ticks(struct free_pass *pass, uint64_t time_ns)
{
	for (unsigned ticks = 0; pass->tick_ns <= time_ns && ticks < TICKS_MAX; ticks++) {
		decay(pass);
		pass->tick_ns = machine_sets_next_tick(&pass->state.sets, pass->tick_ns);
	}
	if (pass->tick_ns <= time_ns)
		pass->tick_ns = machine_sets_next_tick(&pass->state.sets, time_ns);
}

/* Does the event name a block of the machine's frames, as those do that are looked at here? */
static bool is_block(const struct free_pass *pass, const struct event_kernel *kernel)
{
	uint64_t frames = pass->state.frames.frames;

	return kernel->order <= pass->memory.max_order && kernel->frame < frames &&
	       UINT64_C(1) << kernel->order <= frames - kernel->frame;
}

static enum trace_status take(struct free_pass *pass, const struct event *event, struct trace_error *error)
{
	int cpu = (int)processors_of(&pass->processors, event);
	bool is_page = event->kind == EVENT_PAGE_ALLOC || event->kind == EVENT_PAGE_FREE;

	pass_ticks(pass, event->time_ns);
	if (is_page && !(event->flags & EVENT_FAILED) && !is_block(pass, &event->kernel))
		return trace_fail(error, TRACE_BAD_INPUT,
				  "event %" PRIu64 ": a block of order %u at frame %" PRIu64
				  " does not lie in the machine's %" PRIu64 " frames",
				  pass->position, event->kernel.order, event->kernel.frame,
				  pass->state.frames.frames);
	if (event->kind == EVENT_PAGE_ALLOC && (event->flags & EVENT_FAILED))
		try_in_vain(pass, cpu, event);
	else if (event->kind == EVENT_PAGE_ALLOC)
		take_allocation(pass, cpu, event);
	else if (event->kind == EVENT_PAGE_FREE) {
		take_free(pass, cpu, &event->kernel);
		keep_set_small(pass, cpu, event);
	} else if (event->kind == EVENT_KSWAPD_WAKE || event->kind == EVENT_KSWAPD_SLEEP)
		follow_kswapd(pass, event);
	else if (event->kind == EVENT_ZONE_GROW)
		grow(pass, event);
	return TRACE_OK;
}

static void prove(const struct free_pass *pass, const struct event *event)
{
	bool has_block = (event->kind == EVENT_PAGE_ALLOC || event->kind == EVENT_PAGE_FREE) &&
			 !(event->flags & EVENT_FAILED);
	const char *broken =
	    has_block ? free_pass_check_block(pass, event->kernel.frame, event->kernel.order) : NULL;

	CHECK(broken == NULL, broken);
}

static void predict(struct free_pass *pass)
{
	if (pass->position == pass->state.end && pass->state.has_after)
		free_prediction_make(&pass->prediction, &pass->memory, &pass->state.before,
				     &pass->state.after);
}

enum trace_status free_pass_advance(struct free_pass *pass, uint64_t to, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;
	struct event event;

	while (pass->position < to) {
		predict(pass);
		status = flt_reader_next(pass->reader, &event, error);
		if (status == TRACE_OK)
			status = take(pass, &event, error);
		if (status != TRACE_OK)
			break;
		if (pass->checks_events)
			prove(pass, &event);
		pass->position++;
	}
	return status == TRACE_OK || status == TRACE_END
		   ? TRACE_OK
		   : trace_fail_in(error, status, flt_reader_name(pass->reader));
}

/* --- Check --------------------------------------------------------------------------------------------------------------- */

static const char I2[] = "I2: the frame at place[F] lies in an allocated block, and in no other place";

const char *free_pass_check_block(const struct free_pass *pass, uint64_t frame, unsigned order)
{
	for (uint64_t i = frame; i < frame + (UINT64_C(1) << order); i++) {
		uint32_t place = pass->place[i];

		if (place >= PLACE_REFUSED)
			continue;
		if (place >= pass->state.frames.frames || !page_head(&pass->memory, place))
			return I2;
		for (unsigned zone = 0; zone < pass->memory.zones; zone++) {
			if (zone_holds(&pass->memory.zone[zone], place) &&
			    zone_is_free(&pass->memory.zone[zone], place))
				return I2;
		}
	}
	return NULL;
}

const char *free_pass_check(const struct free_pass *pass)
{
	uint64_t frames = pass->state.frames.frames;
	const char *fault = memory_check(&pass->memory);
	uint8_t *seen = fault ? NULL : calloc(frames, 1);

	for (uint64_t i = 0; !fault && i < frames; i++) {
		uint32_t place = pass->place[i];

		if (place >= PLACE_REFUSED)
			continue;
		if (place >= frames || !page_head(&pass->memory, place) || (seen && seen[place]++))
			fault = I2;
	}
	free(seen);
	return fault;
}
