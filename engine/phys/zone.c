#include "config.h"

#include "engine/phys/zone.h"

#include "engine/base/check.h"

enum status zone_create(struct zone *zone, const struct zone_shape *shape)
{
	*zone = (struct zone){.name = shape->name, .cpus = shape->cpus};
	size_t bytes = buddy_bytes(&shape->buddy);

	if (bytes == 0)
		return STATUS_BAD_ARGUMENT;
	enum status status = reservation_create(&zone->maps, bytes, PAGE_BYTES);

	if (status == STATUS_OK)
		status = reservation_create(&zone->lists, shape->cpus * sizeof(struct pcp), PAGE_BYTES);
	if (status == STATUS_OK)
		status = buddy_create(&zone->buddy, &shape->buddy, zone->maps.memory);
	if (status != STATUS_OK) {
		zone_destroy(zone);
		return status;
	}
	zone->pcp = zone->lists.memory;
	for (unsigned cpu = 0; cpu < shape->cpus; cpu++)
		pcp_create(&zone->pcp[cpu], PCP_BATCH, PCP_HIGH);
	return STATUS_OK;
}

void zone_destroy(struct zone *zone)
{
	reservation_destroy(&zone->maps);
	reservation_destroy(&zone->lists);
}

void zone_add(struct zone *zone, pfn_t pfn, uint64_t pages)
{
	buddy_add(&zone->buddy, pfn, pages);
	zone->boot_pages += pages;
}

void zone_set_watermarks(struct zone *zone, uint64_t min_pages)
{
	zone->watermark[WATERMARK_MIN] = min_pages;
	zone->watermark[WATERMARK_LOW] = min_pages + min_pages / 4;
	zone->watermark[WATERMARK_HIGH] = min_pages + min_pages / 2;
}

static bool may_take(const struct zone *zone, uint64_t pages, enum zone_watermark watermark)
{
	return watermark == WATERMARKS || zone->buddy.free_pages >= zone->watermark[watermark] + pages;
}

static pfn_t allocate_locked(struct zone *zone, unsigned order, enum zone_watermark watermark)
{
	pfn_t pfn =
	    may_take(zone, (uint64_t)1 << order, watermark) ? buddy_allocate(&zone->buddy, order) : PFN_NONE;

	if (pfn == PFN_NONE)
		zone->refusals++;
	else
		zone->allocations++;
	return pfn;
}

/* Fills the CPU's list with a batch, in ascending order of their coming out. */
static void refill(struct zone *zone, struct pcp *pcp, enum zone_watermark watermark)
{
	pfn_t frames[PCP_FRAMES];
	uint32_t count = 0;

	counted_lock_acquire(&zone->lock);
	while (count < pcp->batch && (count == 0 || may_take(zone, 1, watermark))) {
		pfn_t pfn = allocate_locked(zone, 0, watermark);

		if (pfn == PFN_NONE)
			break;
		frames[count++] = pfn;
	}
	counted_lock_release(&zone->lock);
	while (count > 0)
		(void)pcp_push(pcp, frames[--count]);
	pcp->refills++;
}

static void drain(struct zone *zone, struct pcp *pcp, uint32_t limit)
{
	pfn_t frames[PCP_FRAMES];
	uint32_t count = pcp_drain(pcp, frames, limit);

	counted_lock_acquire(&zone->lock);
	for (uint32_t i = 0; i < count; i++)
		buddy_free(&zone->buddy, frames[i], 0);
	zone->frees += count;
	counted_lock_release(&zone->lock);
	pcp->drains++;
}

pfn_t zone_allocate(struct zone *zone, int cpu, unsigned order, enum zone_watermark watermark)
{
	if (order == 0 && cpu >= 0 && (unsigned)cpu < zone->cpus) {
		struct pcp *pcp = &zone->pcp[cpu];

		if (pcp->count == 0)
			refill(zone, pcp, watermark);
		return pcp_pop(pcp);
	}
	counted_lock_acquire(&zone->lock);
	pfn_t pfn = allocate_locked(zone, order, watermark);

	counted_lock_release(&zone->lock);
	return pfn;
}

void zone_free(struct zone *zone, int cpu, pfn_t pfn, unsigned order)
{
	if (order == 0 && cpu >= 0 && (unsigned)cpu < zone->cpus) {
		CHECK(zone_holds(zone, pfn), "a freed frame lies in its zone (foreign pfn)");
		if (pcp_push(&zone->pcp[cpu], pfn))
			drain(zone, &zone->pcp[cpu], zone->pcp[cpu].batch);
		return;
	}
	counted_lock_acquire(&zone->lock);
	buddy_free(&zone->buddy, pfn, order);
	zone->frees++;
	counted_lock_release(&zone->lock);
}

void zone_drain(struct zone *zone, unsigned cpu)
{
	if (cpu < zone->cpus && zone->pcp[cpu].count > 0)
		drain(zone, &zone->pcp[cpu], PCP_FRAMES);
}

uint64_t zone_free_pages(const struct zone *zone)
{
	uint64_t pages = zone->buddy.free_pages;

	for (unsigned cpu = 0; cpu < zone->cpus; cpu++)
		pages += zone->pcp[cpu].count;
	return pages;
}

void zone_free_blocks(const struct zone *zone, struct free_blocks *free)
{
	*free = (struct free_blocks){.blocks = {0}};
	for (unsigned order = 0; order <= zone->buddy.max_order; order++)
		free->blocks[order] = buddy_free_blocks(&zone->buddy, order);
}

static const char I1[] = "I1: the buddy's invariants, and its range is the zone's";
static const char I3[] =
    "I3: a frame in a per-CPU list is allocated in the buddy, as a block of order 0; and pcp_check()";

static const char *check_list(const struct zone *zone, const struct pcp *pcp)
{
	if (pcp_check(pcp))
		return I3;
	for (uint32_t i = 0; i < pcp->count; i++) {
		pfn_t first;
		unsigned order;

		if (buddy_find(&zone->buddy, pcp->frame[i], &first, &order) != BUDDY_ALLOCATED || order != 0)
			return I3;
	}
	return NULL;
}

const char *zone_check(const struct zone *zone)
{
	const char *broken = NULL;

	if (buddy_check(&zone->buddy))
		return I1;
	if (zone->watermark[WATERMARK_MIN] > zone->watermark[WATERMARK_LOW] ||
	    zone->watermark[WATERMARK_LOW] > zone->watermark[WATERMARK_HIGH])
		return "I2: watermark min <= low <= high";
	for (unsigned cpu = 0; cpu < zone->cpus && !broken; cpu++)
		broken = check_list(zone, &zone->pcp[cpu]);
	if (broken)
		return broken;
	return zone->buddy.managed_pages == zone->boot_pages
		   ? NULL
		   : "I4: managed_pages of the buddy are the frames that boot gave";
}
