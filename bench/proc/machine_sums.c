#include "config.h"

#include "bench/proc/machine_sums.h"

#include "engine/base/check.h"
#include "engine/phys/slabinfo.h"
#include "engine/virt/file_pages.h"

#include <string.h>

static void add(struct machine_sums *sums, const char *name, uint64_t value)
{
	for (size_t i = 0; i < sums->count; i++) {
		if (strcmp(sums->sum[i].name, name) == 0) {
			sums->sum[i].value += value;
			return;
		}
	}
	CHECK(sums->count < MACHINE_SUMS, "there are more sums than the list has room for");
	sums->sum[sums->count++] = (struct machine_sum){name, value};
}

/* --- Zones ------------------------------------------------------------------------------------------------------------ */

/* NR_FREE_PAGES_BLOCKS: of the free pages, those in blocks of at least a pageblock. */
static uint64_t pages_in_large_blocks(const struct zone *zone)
{
	struct free_blocks free;
	uint64_t pages = 0;

	if (zone->lists)
		return zone->lists->free_huge_pages;
	zone_free_blocks(zone, &free);
	for (unsigned order = PAGEBLOCK_ORDER; order < FRAGMENTATION_ORDERS; order++)
		pages += free.blocks[order] << order;
	return pages;
}

static void add_zone(const struct zone *zone, struct machine_sums *sums)
{
	add(sums, "nr_free_pages", zone_seen_free_pages(zone));
	add(sums, "nr_free_pages_blocks", pages_in_large_blocks(zone));
	add(sums, "nr_free_cma", zone->lists ? zone->lists->free_cma_pages : 0);
}

void machine_sums_of_zone(const struct zone *zone, struct machine_sums *sums)
{
	sums->count = 0;
	add_zone(zone, sums);
}

/* --- Processes -------------------------------------------------------------------------------------------------------- */

struct page_counts {
	uint64_t mapped_files, shared_memory, huge;
};

static void count_page(const struct page *page, struct page_counts *counts)
{
	if (page->flags & PAGE_CACHED) {
		const struct file_pages *file = page->mapping;

		counts->mapped_files += page->mapcount > 0;
		counts->shared_memory += file && file->kind == FILE_SHARED_MEMORY;
	} else if (page->flags & PAGE_ANONYMOUS && page->huge_mapcount > 0) {
		counts->huge++;
	}
}

static void add_users(const struct proc_users *users, struct machine_sums *sums)
{
	const struct frames *frames = users->frames;
	const struct page_array *array = frames->array;
	struct page_counts counts = {0};

	for (uint64_t i = 0; i < array->pages; i++)
		count_page(&array->page[i], &counts);
	add(sums, "nr_anon_pages", frames->anonymous_frames);
	add(sums, "nr_mapped", counts.mapped_files);
	add(sums, "nr_file_pages", frames->cached_frames);
	add(sums, "nr_shmem", counts.shared_memory);
	add(sums, "nr_anon_transparent_hugepages", counts.huge);
	add(sums, "nr_page_table_pages", users->table_pages);
	add(sums, "nr_mlock", users->locked_pages);
	add(sums, "pgfault", users->minor + users->major);
	add(sums, "pgmajfault", users->major);
	add(sums, "pgreuse", users->cow_reuse);
	add(sums, "thp_fault_alloc", users->thp);
	add(sums, "thp_fault_fallback", users->thp_fallback);
	add(sums, "thp_collapse_alloc", users->thp_promoted);
	add(sums, "thp_split_pmd", users->thp_split);
	add(sums, "thp_zero_page_alloc", frames->huge_zero != PFN_NONE);
}

/* --- The kernel ------------------------------------------------------------------------------------------------------- */

static void add_slabs(const struct kernel_memory *kernel, struct machine_sums *sums)
{
	const struct list *caches = &kernel->slabs.caches;

	add(sums, "nr_slab_reclaimable", 0);
	add(sums, "nr_slab_unreclaimable", 0);
	for (const struct list *link = caches->next; link != caches; link = link->next) {
		const struct kmem_cache *cache = list_entry_const(link, struct kmem_cache, link);

		add(sums,
		    cache->flags & SLAB_RECLAIM_ACCOUNT ? "nr_slab_reclaimable" : "nr_slab_unreclaimable",
		    slabinfo_pages(cache));
	}
}

void machine_sums_of(const struct proc_machine *machine, struct machine_sums *sums)
{
	sums->count = 0;
	for (unsigned i = 0; i < machine->memory->zones; i++)
		add_zone(&machine->memory->zone[i], sums);
	if (machine->users)
		add_users(machine->users, sums);
	if (machine->kernel)
		add_slabs(machine->kernel, sums);
}

bool machine_sums_find(const struct machine_sums *sums, const char *name, size_t length, uint64_t *value)
{
	for (size_t i = 0; i < sums->count; i++) {
		if (strlen(sums->sum[i].name) == length && memcmp(sums->sum[i].name, name, length) == 0) {
			*value = sums->sum[i].value;
			return true;
		}
	}
	return false;
}

uint64_t machine_sums_get(const struct machine_sums *sums, const char *name, uint64_t otherwise)
{
	uint64_t value = otherwise;

	(void)machine_sums_find(sums, name, strlen(name), &value);
	return value;
}
