#include "config.h"

#include "engine/pressure/compactor.h"

#include "engine/base/check.h"
#include "engine/phys/gfp.h"

void compactor_create(struct compactor *compactor, struct memory *memory, struct page_mover mover)
{
	*compactor = (struct compactor){.memory = memory};
	for (unsigned i = 0; i < memory->zones; i++) {
		if (!memory->zone[i].lists)
			continue;
		compactor->is_kept[i] = true;
		compact_create(&compactor->zone[i], memory->zone[i].lists, mover);
	}
}

static bool run(void *owner, const struct zone_request *request, unsigned flags)
{
	return compactor_run(owner, request, flags);
}

void compactor_install(struct compactor *compactor)
{
	struct reclaim_hook *hook = &compactor->memory->hook;

	CHECK(!hook->owner && !hook->compact, "a memory has one hook");
	hook->owner = compactor;
	hook->compact = run;
}

/* What lies in per-CPU sets comes back, and the zone's figures of the moment hold. */
static void prepare(struct compactor *compactor, unsigned number)
{
	struct zone *zone = &compactor->memory->zone[number];
	struct compact *compact = &compactor->zone[number];

	for (unsigned cpu = 0; cpu < zone->cpus; cpu++)
		zone_drain(zone, cpu);
	compact->min_pages = zone_mark(zone, WATERMARK_MIN);
	compact->low_pages = zone_mark(zone, WATERMARK_LOW);
}

/* The lists were changed past the zone: it says what they have. */
static void publish(struct zone *zone)
{
	zone_lock(zone);
	zone_unlock(zone);
}

static bool run_zone(struct compactor *compactor, unsigned number, const struct compact_request *request)
{
	struct zone *zone = &compactor->memory->zone[number];
	pfn_t pfn;

	prepare(compactor, number);
	bool is_made = compact_for_request(&compactor->zone[number], request, &pfn) == COMPACT_SUCCESS;

	publish(zone);
	/* A captured block goes back for its request, which comes again at once. */
	if (pfn != PFN_NONE)
		zone_free(zone, -1, pfn, request->order);
	if (is_made)
		compact_served(&compactor->zone[number], request->order);
	return is_made;
}

bool compactor_run(struct compactor *compactor, const struct zone_request *request, unsigned flags)
{
	struct memory *memory = compactor->memory;
	unsigned efforts = flags & GFP_NORETRY ? 1 : 2;

	if (request->order == 0 || request->order > FREE_LISTS_ORDER_MAX)
		return false;
	for (unsigned effort = 0; effort < efforts; effort++) {
		struct compact_request wanted = {.order = request->order,
						 .type = request->type,
						 .effort = effort == 0 ? COMPACT_ASYNC : COMPACT_LIGHT};

		for (unsigned i = memory->zones; i-- > 0;) {
			if (compactor->is_kept[i] && memory->zone[i].kind <= request->highest &&
			    run_zone(compactor, i, &wanted))
				return true;
		}
	}
	return false;
}

void compactor_run_all(struct compactor *compactor)
{
	for (unsigned i = 0; i < compactor->memory->zones; i++) {
		if (!compactor->is_kept[i])
			continue;
		prepare(compactor, i);
		(void)compact_all(&compactor->zone[i]);
		publish(&compactor->memory->zone[i]);
	}
}

unsigned compactor_score(const struct compactor *compactor)
{
	const struct memory *memory = compactor->memory;
	uint64_t present = 1;
	uint64_t score = 0;

	for (unsigned i = 0; i < memory->zones; i++)
		present += memory->zone[i].present_pages;
	for (unsigned i = 0; i < memory->zones; i++) {
		if (compactor->is_kept[i])
			score += memory->zone[i].present_pages *
				 compact_fragmentation_score(&compactor->zone[i]) / present;
	}
	return (unsigned)score;
}

unsigned compactor_run_proactively(struct compactor *compactor, unsigned proactiveness)
{
	unsigned high = proactiveness < 100 ? 110 - proactiveness : 10;
	unsigned fell = 0;

	if (proactiveness == 0 || compactor_score(compactor) <= (high < 100 ? high : 100))
		return 0;
	for (unsigned i = 0; i < compactor->memory->zones; i++) {
		if (!compactor->is_kept[i])
			continue;
		prepare(compactor, i);
		fell += compact_proactively(&compactor->zone[i], proactiveness);
		publish(&compactor->memory->zone[i]);
	}
	return fell;
}

static void add(uint64_t *sums, const uint64_t *figures, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		sums[i] += figures[i];
}

void compactor_counts(const struct compactor *compactor, struct compact_counts *counts)
{
	*counts = (struct compact_counts){.moved = 0};
	for (unsigned i = 0; i < compactor->memory->zones; i++) {
		const struct compact_counts *zone = &compactor->zone[i].counts;

		add(counts->results, zone->results, COMPACT_RESULTS);
		add(counts->not_moved, zone->not_moved, MOVE_ENDS);
		counts->migrate_scanned += zone->migrate_scanned;
		counts->free_scanned += zone->free_scanned;
		counts->isolated += zone->isolated;
		counts->moved += zone->moved;
		counts->skipped_blocks += zone->skipped_blocks;
		counts->captured += zone->captured;
		counts->proactive_runs += zone->proactive_runs;
	}
}

const char *compactor_check(const struct compactor *compactor)
{
	const char *broken = NULL;

	for (unsigned i = 0; i < compactor->memory->zones && !broken; i++) {
		if (compactor->is_kept[i])
			broken = compact_check(&compactor->zone[i]);
	}
	return broken;
}
