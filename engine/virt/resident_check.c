#include "config.h"

#include "engine/virt/resident.h"

#include "engine/virt/resident_entry.h"

#include <stdlib.h>

static const char I2[] = "I2: an entry names a frame that is in use";
static const char I3[] = "I3: the resident pages are those that entries map, by the kind of their frames";
static const char I4[] = "I4: huge_pages and deposits are those of the huge entries";
static const char I5[] =
    "I5: a huge entry names a whole block, and no entry that may be written names the zero frame";
static const char I6[] = "I6: a frame's mapcount is the number of entries that name it";

struct audit {
	const struct resident *resident;
	const char *broken;
	uint64_t anonymous, file, shared_memory, huge, deposits;
	uint32_t *small, *large; /* entries per frame, over all sets; NULL: not asked */
};

static const char *audit_zero(struct audit *audit, unsigned level, pte_t entry)
{
	const struct frames *frames = audit->resident->frames;

	if (level > SMALL_LEVEL && pte_frame(entry) != frames->huge_zero)
		return I5;
	return pte_has(entry, PTE_WRITE) ? I5 : NULL;
}

static const char *audit_frame(struct audit *audit, unsigned level, pte_t entry)
{
	const struct frames *frames = audit->resident->frames;
	const struct page_array *array = frames->array;
	pfn_t frame = pte_frame(entry);
	uint64_t pages = leaf_pages(audit->resident, level);

	if (frame < array->first || frame - array->first >= array->pages)
		return I2;
	const struct page *head = frames_page(frames, frames_head(frames, frame));

	if (!(head->flags & (PAGE_ANONYMOUS | PAGE_CACHED)) || head->count <= 0)
		return I2;
	if (level > SMALL_LEVEL &&
	    (head != frames_page(frames, frame) || head->private != frames->huge_order))
		return I5;
	if (head->flags & PAGE_ANONYMOUS)
		audit->anonymous += pages;
	else if (((const struct file_pages *)head->mapping)->kind == FILE_REGULAR)
		audit->file += pages;
	else
		audit->shared_memory += pages;
	audit->huge += level > SMALL_LEVEL ? pages : 0;
	if (audit->small)
		(level > SMALL_LEVEL ? audit->large : audit->small)[frame - array->first]++;
	return NULL;
}

static bool audit_entry(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	struct audit *audit = context;

	(void)address;
	audit->deposits += level > SMALL_LEVEL;
	if (!pte_is_present(*entry))
		audit->broken = I2;
	else if (frames_is_zero(audit->resident->frames, pte_frame(*entry)))
		audit->broken = audit_zero(audit, level, *entry);
	else
		audit->broken = audit_frame(audit, level, *entry);
	return !audit->broken;
}

static const char *audit_set(struct audit *audit)
{
	const struct resident *resident = audit->resident;
	const char *broken = pagetable_check(&resident->table);

	if (broken)
		return broken;
	pagetable_visit_range(&resident->table, 0, paging_lower_end(resident->table.paging), audit_entry,
			      audit);
	if (audit->broken)
		return audit->broken;
	if (audit->anonymous != resident->anonymous_pages || audit->file != resident->file_pages ||
	    audit->shared_memory != resident->shared_memory_pages)
		return I3;
	return audit->huge == resident->huge_pages && audit->deposits == resident->deposits ? NULL : I4;
}

const char *resident_check(const struct resident *resident)
{
	struct audit audit = {.resident = resident};

	return audit_set(&audit);
}

static const char *compare(const struct frames *frames, const uint32_t *small, const uint32_t *large)
{
	for (uint64_t i = 0; i < frames->array->pages; i++) {
		const struct page *page = &frames->array->page[i];

		if ((uint32_t)page->mapcount != small[i])
			return I6;
		if (page->flags & PAGE_ANONYMOUS ? page->huge_mapcount != large[i] : large[i] != 0)
			return I6;
	}
	return frames_check(frames);
}

const char *resident_check_all(const struct resident *const *residents, size_t count)
{
	uint64_t pages = count > 0 ? residents[0]->frames->array->pages : 0;
	uint32_t *small = calloc(pages + 1, sizeof(*small));
	uint32_t *large = calloc(pages + 1, sizeof(*large));
	const char *broken = small && large ? NULL : "the host has no memory for the check";

	for (size_t i = 0; i < count && !broken; i++) {
		struct audit audit = {.resident = residents[i], .small = small, .large = large};

		broken = audit_set(&audit);
	}
	if (!broken && count > 0)
		broken = compare(residents[0]->frames, small, large);
	free(small);
	free(large);
	return broken;
}
