#include "config.h"

#include "bench/physical/machine_sets.h"

#include <stdlib.h>
#include <string.h>

#define WORKER "kworker/"

static bool may_be(const struct zoneinfo_set *told)
{
	return told->batch >= 1 && told->batch <= MACHINE_SETS_BATCH_MAX && told->high_min <= told->high_max;
}

/* What lies in a set that nobody takes from was freed into it. Of others, it is soon forgotten. */
static uint32_t freed_before(const struct zoneinfo_set *told)
{
	uint32_t most = told->batch << PCP_BATCH_SCALE_MAX;

	return told->count < most ? told->count : most;
}

enum trace_status machine_sets_create(struct machine_sets *sets, const struct zoneinfo *zoneinfo,
				      struct trace_error *error)
{
	size_t count = (size_t)zoneinfo->zones * zoneinfo->cpus;

	*sets = (struct machine_sets){.zoneinfo = zoneinfo, .told_ns = UINT64_MAX, .tick_ns = UINT64_MAX};
	sets->set = aligned_alloc(_Alignof(struct machine_set), (count + 1) * sizeof(*sets->set));
	sets->step = calloc((size_t)zoneinfo->cpus + 1, sizeof(*sets->step));
	if (!sets->set || !sets->step) {
		machine_sets_destroy(sets);
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the page sets");
	}
	memset(sets->set, 0, (count + 1) * sizeof(*sets->set));
	for (size_t i = 0; i < count; i++) {
		const struct zoneinfo_set *told = &zoneinfo->zone[i / zoneinfo->cpus].set[i % zoneinfo->cpus];
		struct machine_set *set = &sets->set[i];

		set->is_known = may_be(told);
		if (!set->is_known)
			continue;
		set->pcp.tuning = PCP_TUNED;
		pcp_set_figures(&set->pcp,
				&(struct pcp_figures){told->batch, told->high_min, told->high_max});
		set->pcp.free_count = freed_before(told);
	}
	return TRACE_OK;
}

void machine_sets_destroy(struct machine_sets *sets)
{
	free(sets->set);
	free(sets->step);
	sets->set = NULL;
	sets->step = NULL;
}

static struct machine_set *set_of(const struct machine_sets *sets, unsigned zone, unsigned cpu)
{
	struct machine_set *set = &sets->set[(size_t)zone * sets->zoneinfo->cpus + cpu];

	return set->is_known ? set : NULL;
}

void machine_sets_told(struct machine_sets *sets, uint64_t time_ns)
{
	const struct zoneinfo *zoneinfo = sets->zoneinfo;

	sets->told_ns = time_ns;
	for (unsigned zone = 0; zone < zoneinfo->zones; zone++) {
		for (unsigned cpu = 0; cpu < zoneinfo->cpus; cpu++) {
			struct machine_set *set = set_of(sets, zone, cpu);

			if (!set)
				continue;
			set->pcp.count = zoneinfo->zone[zone].set[cpu].count;
			set->pcp.high = zoneinfo->zone[zone].set[cpu].high;
		}
	}
}

/* --- Events ------------------------------------------------------------------------------------------------------------- */

static bool lies_in_sets(const struct event_kernel *kernel)
{
	return kernel->order <= PCP_ORDER_MAX || kernel->order == HUGE_ORDER;
}

/* The zone that holds the event's frame; zoneinfo->zones: none. */
static unsigned zone_of(const struct machine_sets *sets, uint64_t frame)
{
	unsigned i = 0;

	for (; i < sets->zoneinfo->zones; i++) {
		const struct zoneinfo_zone *zone = &sets->zoneinfo->zone[i];

		if (frame >= zone->first && frame - zone->first < zone->spanned)
			break;
	}
	return i;
}

/* Page sets do not grow while the zone has little. */
static bool is_below_high(const struct zoneinfo_zone *zone)
{
	return zone->free < zone->watermark[WATERMARK_HIGH];
}

static void shrink(const struct machine_sets *sets, unsigned cpu)
{
	for (unsigned zone = 0; zone < sets->zoneinfo->zones; zone++) {
		struct machine_set *set = set_of(sets, zone, cpu);

		if (!set)
			continue;
		(void)pcp_decay(&set->pcp);
		set->has_shrunk |= sets->told_ns != UINT64_MAX;
	}
}

/* What a worker drains before it did anything else is the tick's. */
static bool is_tick(struct machine_sets *sets, const struct event *event, struct machine_set_step *step)
{
	if (event->kind != EVENT_PCPU_DRAIN || !step->is_worker)
		return false;
	if (sets->tick_ns == UINT64_MAX)
		sets->tick_ns = event->time_ns;
	return true;
}

static void follow_worker(const struct event *event, const char *thread, struct machine_set_step *step)
{
	step->is_worker =
	    event->kind == EVENT_SWITCH && thread && strncmp(thread, WORKER, sizeof(WORKER) - 1) == 0;
}

static void refill(struct machine_sets *sets, const struct event_kernel *kernel, unsigned zone, unsigned cpu)
{
	struct machine_set_step *step = &sets->step[cpu];
	struct machine_set *set = set_of(sets, zone, cpu);
	unsigned index = pcp_index((enum migrate_type)kernel->migrate_type, kernel->order);

	if (set && (!step->refills || step->zone != zone || step->index != index))
		(void)pcp_refill_blocks(&set->pcp, kernel->order, is_below_high(&sets->zoneinfo->zone[zone]));
	if (set)
		set->pcp.count += 1u << kernel->order;
	step->refills = true;
	step->zone = zone;
	step->index = index;
}

static void take_out(struct pcp *pcp, const struct event_kernel *kernel)
{
	uint32_t pages = 1u << kernel->order;

	pcp->count -= pcp->count < pages ? pcp->count : pages;
}

static bool is_refill(const struct event *event)
{
	return event->kind == EVENT_ZONE_LOCKED && (event->kernel.flags & EVENT_KERNEL_REFILL) &&
	       event->kernel.migrate_type < MIGRATE_PCPTYPES && lies_in_sets(&event->kernel);
}

static void take_page_event(struct machine_sets *sets, const struct event *event, unsigned cpu)
{
	const struct event_kernel *kernel = &event->kernel;
	unsigned zone = zone_of(sets, kernel->frame);
	struct machine_set *set = zone < sets->zoneinfo->zones ? set_of(sets, zone, cpu) : NULL;

	if (!set || !lies_in_sets(kernel))
		return;
	if (event->kind == EVENT_PAGE_ALLOC) {
		take_out(&set->pcp, kernel);
		set->pcp.free_count >>= 1;
	} else if (event->kind == EVENT_PCPU_DRAIN) {
		take_out(&set->pcp, kernel);
	} else if (event->kind == EVENT_PAGE_FREE) {
		set->pcp.count += 1u << kernel->order;
		(void)pcp_tuned_drain(&set->pcp, kernel->order, is_below_high(&sets->zoneinfo->zone[zone]));
	}
}

void machine_sets_before(struct machine_sets *sets, const struct event *event, unsigned cpu,
			 const char *thread)
{
	if (cpu >= sets->zoneinfo->cpus)
		return;
	struct machine_set_step *step = &sets->step[cpu];
	unsigned zone = zone_of(sets, event->kernel.frame);

	if (is_tick(sets, event, step))
		shrink(sets, cpu);
	follow_worker(event, thread, step);
	if (is_refill(event) && zone < sets->zoneinfo->zones) {
		refill(sets, &event->kernel, zone, cpu);
		return;
	}
	if ((event->kind == EVENT_PAGE_ALLOC || event->kind == EVENT_PAGE_FREE ||
	     event->kind == EVENT_PCPU_DRAIN) &&
	    !(event->flags & EVENT_FAILED)) {
		step->refills = false;
		take_page_event(sets, event, cpu);
	}
}

void machine_sets_after(struct machine_sets *sets, const struct event *event, unsigned cpu,
			const char *thread)
{
	if (cpu >= sets->zoneinfo->cpus)
		return;
	unsigned zone = zone_of(sets, event->kernel.frame);

	(void)is_tick(sets, event, &sets->step[cpu]);
	follow_worker(event, thread, &sets->step[cpu]);
	if (is_refill(event) && zone < sets->zoneinfo->zones)
		sets->set[(size_t)zone * sets->zoneinfo->cpus + cpu].ran_empty |=
		    (uint16_t)(1u << pcp_index((enum migrate_type)event->kernel.migrate_type,
					       event->kernel.order));
}

/* --- Ticks -------------------------------------------------------------------------------------------------------------- */

uint64_t machine_sets_next_tick(const struct machine_sets *sets, uint64_t time_ns)
{
	uint64_t phase = sets->tick_ns == UINT64_MAX ? 0 : sets->tick_ns % MACHINE_SETS_TICK_NS;
	uint64_t since =
	    (time_ns % MACHINE_SETS_TICK_NS + MACHINE_SETS_TICK_NS - phase) % MACHINE_SETS_TICK_NS;

	return time_ns <= UINT64_MAX - MACHINE_SETS_TICK_NS ? time_ns + (MACHINE_SETS_TICK_NS - since)
							    : UINT64_MAX;
}

void machine_sets_finish(struct machine_sets *sets, uint64_t start_ns)
{
	if (sets->told_ns > start_ns || machine_sets_next_tick(sets, sets->told_ns) > start_ns)
		return;
	for (size_t i = 0; i < (size_t)sets->zoneinfo->zones * sets->zoneinfo->cpus; i++) {
		if (sets->set[i].is_known && !sets->set[i].has_shrunk)
			(void)pcp_decay(&sets->set[i].pcp);
	}
}

/* --- Questions ---------------------------------------------------------------------------------------------------------- */

const struct machine_set *machine_sets_find(const struct machine_sets *sets, const struct zoneinfo_zone *zone,
					    unsigned cpu)
{
	return cpu < sets->zoneinfo->cpus ? set_of(sets, (unsigned)(zone - sets->zoneinfo->zone), cpu) : NULL;
}

const char *machine_sets_check(const struct machine_sets *sets)
{
	for (size_t i = 0; i < (size_t)sets->zoneinfo->zones * sets->zoneinfo->cpus; i++) {
		const struct machine_set *set = &sets->set[i];

		if (set->is_known && (set->pcp.batch < 1 || set->pcp.batch > MACHINE_SETS_BATCH_MAX ||
				      set->pcp.high_min > set->pcp.high_max))
			return "I1: of a set that is known, high_min <= high_max, 1 <= batch <= "
			       "MACHINE_SETS_BATCH_MAX";
		if (set->pcp.alloc_factor > PCP_BATCH_SCALE_MAX)
			return "I2: alloc_factor <= PCP_BATCH_SCALE_MAX";
	}
	return NULL;
}
