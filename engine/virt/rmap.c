#include "config.h"

#include "engine/virt/rmap.h"

#include "engine/base/check.h"

#include <stdlib.h>

#define ROOM_FIRST 16u

void rmap_create(struct rmap *rmap)
{
	*rmap = (struct rmap){.count = 0};
}

void rmap_destroy(struct rmap *rmap)
{
	free((void *)rmap->residents);
	rmap_create(rmap);
}

static size_t place_of(const struct rmap *rmap, const struct resident *resident)
{
	size_t place = 0;

	while (place < rmap->count && rmap->residents[place] != resident)
		place++;
	return place;
}

enum status rmap_add(struct rmap *rmap, struct resident *resident)
{
	CHECK(place_of(rmap, resident) == rmap->count, "an address space is added once");
	if (rmap->count == rmap->room) {
		size_t room = rmap->room == 0 ? ROOM_FIRST : rmap->room * 2;
		struct resident **grown =
		    (struct resident **)realloc((void *)rmap->residents, room * sizeof(struct resident *));

		if (!grown)
			return STATUS_NO_MEMORY;
		rmap->residents = grown;
		rmap->room = room;
	}
	rmap->residents[rmap->count++] = resident;
	return STATUS_OK;
}

void rmap_remove(struct rmap *rmap, const struct resident *resident)
{
	size_t place = place_of(rmap, resident);

	CHECK(place < rmap->count, "an address space that is removed was added");
	rmap->residents[place] = rmap->residents[--rmap->count];
}

struct finding {
	struct resident *resident;
	pfn_t frame;
	struct rmap_entry *entries;
	size_t most, wanted, found;
};

static void note(struct finding *finding, uint64_t address)
{
	if (finding->found < finding->most)
		finding->entries[finding->found] = (struct rmap_entry){finding->resident, address};
	finding->found++;
}

static bool look(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	struct finding *finding = context;

	if (level == 1 && pte_is_present(*entry) && pte_frame(*entry) == finding->frame)
		note(finding, address);
	return finding->found < finding->wanted;
}

/* Where the page was mapped last, in every address space. */
static void look_at(const struct rmap *rmap, struct finding *finding, uint64_t page)
{
	for (size_t i = 0; i < rmap->count && finding->found < finding->wanted; i++) {
		const struct pagetable *table = &rmap->residents[i]->table;
		uint64_t address = page << table->paging->page_shift;
		unsigned level;
		pte_t *entry = pagetable_find(table, address, &level);

		finding->resident = rmap->residents[i];
		if (entry)
			(void)look(finding, address, level, entry);
	}
}

static void look_everywhere(struct rmap *rmap, struct finding *finding)
{
	rmap->searches++;
	finding->found = 0;
	for (size_t i = 0; i < rmap->count && finding->found < finding->wanted; i++) {
		const struct pagetable *table = &rmap->residents[i]->table;

		finding->resident = rmap->residents[i];
		pagetable_visit_range(table, 0, paging_lower_end(table->paging), look, finding);
	}
}

size_t rmap_find(struct rmap *rmap, pfn_t frame, struct rmap_entry *entries, size_t most)
{
	if (rmap->count == 0)
		return 0;
	const struct page *page = frames_page(rmap->residents[0]->frames, frame);
	struct finding finding = {
	    .frame = frame, .entries = entries, .most = most, .wanted = (size_t)page->mapcount};

	if (finding.wanted == 0)
		return 0;
	if (page->flags & PAGE_ANONYMOUS)
		look_at(rmap, &finding, page->index);
	if (finding.found < finding.wanted)
		look_everywhere(rmap, &finding);
	return finding.found;
}

const char *rmap_check(const struct rmap *rmap)
{
	if (rmap->count > rmap->room)
		return "I1: no address space is in the list twice, and count <= room";
	for (size_t i = 0; i < rmap->count; i++) {
		if (place_of(rmap, rmap->residents[i]) != i)
			return "I1: no address space is in the list twice, and count <= room";
	}
	return NULL;
}
