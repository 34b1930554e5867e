#include "config.h"

#include "bench/story.h"

#include "engine/phys/gfp.h"
#include "engine/virt/fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_PAGES ((uint64_t)16384) /* 64 MiB */
#define DIRECT_MAP 0xffff888000000000u /* where x86-64 Linux begins it */
#define MALLOC_BYTES 200000u	       /* above the size from which malloc asks for a mapping of its own */
#define VMAS 64u

struct story {
	struct memory memory;
	struct policy policy;
	struct paging paging;
	struct table_store store;
	struct frames frames;
	struct pagetable kernel;
	struct vma_store vmas;
	struct mm_promise promise;
	struct cpu_set processors;
	struct fault_space space;
	struct mm mm;
	uint64_t block; /* what malloc returned */
	unsigned step;
	uint64_t free_at_start;
};

static uint64_t free_pages_now(const struct story *story)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < story->memory.zones; i++)
		pages += zone_free_pages(&story->memory.zone[i]);
	return pages;
}

/* --- Building ------------------------------------------------------------------------------------------------------- */

static bool boot(struct story *story)
{
	struct memory_shape shape = {.size = {.pages = MEMORY_PAGES},
				     .backing = ARENA_NONE,
				     .placement = BUDDY_ORDER_FIRST,
				     .max_order = BUDDY_KERNEL_ORDER};

	story->policy = *policy_find("linux");
	story->paging = *paging_find("x86-64");
	return memory_create(&story->memory, &shape) == STATUS_OK;
}

static bool build_kernel(struct story *story)
{
	struct page_source source = page_source_of_memory(&story->memory);
	struct tlb_geometry geometry;
	struct tlb_geometry_error error;
	struct cpu_options options = {
	    .processors = 1, .kernel = &story->kernel, .geometries = &geometry, .models = 1};

	return table_store_create(&story->store, &story->paging) == STATUS_OK &&
	       pagetable_create(&story->kernel, &story->store, source) == PAGETABLE_DONE &&
	       pagetable_map_direct(&story->kernel, DIRECT_MAP, 0, MEMORY_PAGES) == PAGETABLE_DONE &&
	       frames_create(&story->frames, source, &story->memory.pages, HUGE_ORDER) == STATUS_OK &&
	       vma_store_create(&story->vmas, VMAS) == STATUS_OK &&
	       tlb_geometry_find(&geometry, "zen4", &error) == STATUS_OK &&
	       cpu_set_create(&story->processors, &options) == STATUS_OK;
}

static bool build_process(struct story *story)
{
	struct fault_space_options options = {
	    .resident = {.store = &story->store, .frames = &story->frames, .policy = &story->policy},
	    .processors = &story->processors};
	struct mm_options space = {.store = &story->vmas,
				   .promise = &story->promise,
				   .pages = &fault_pages,
				   .pages_owner = &story->space,
				   .limits = {.address_space_bytes = MM_UNLIMITED,
					      .data_bytes = MM_UNLIMITED,
					      .stack_bytes = 8u << 20,
					      .maps = MM_MAPS_MAX_LINUX,
					      .lowest_address = 65536},
				   .layout = {.task_bytes = 0x7ffffffff000,
					      .mmap_base = 0x7ffff7fff000,
					      .mmap_legacy_base = 0x2aaaaaaab000,
					      .start_brk = 0x555555559000},
				   .huge_bytes = 2u << 20};

	story->promise = (struct mm_promise){.mode = MM_OVERCOMMIT_GUESS, .memory_pages = MEMORY_PAGES};
	if (fault_space_create(&story->space, &options) != STATUS_OK ||
	    mm_create(&story->mm, &space) != STATUS_OK)
		return false;
	pagetable_borrow(&story->space.resident.table, &story->kernel, DIRECT_MAP);
	cpu_switch(&story->processors, 0, &story->space.cpu_space);
	return true;
}

static void take_down(struct story *story)
{
	(void)mm_leave(&story->mm);
	fault_space_destroy(&story->space);
	cpu_set_destroy(&story->processors);
	vma_store_destroy(&story->vmas);
	frames_destroy(&story->frames);
	pagetable_destroy(&story->kernel);
	table_store_destroy(&story->store);
	memory_destroy(&story->memory);
}

/* --- Words ---------------------------------------------------------------------------------------------------------- */

static void headline(struct story *story, const char *text)
{
	(void)printf("\n%u. %s\n\n", ++story->step, text);
}

static void show_free_lists(const struct story *story)
{
	for (unsigned i = 0; i < story->memory.zones; i++) {
		const struct zone *zone = &story->memory.zone[i];

		struct free_blocks free;

		if (zone->managed_pages == 0)
			continue;
		zone_free_blocks(zone, &free);
		(void)printf("   zone %-7s free blocks of order 0 to %u:", zone->name, zone_max_order(zone));
		for (unsigned order = 0; order <= zone_max_order(zone); order++)
			(void)printf(" %" PRIu64, free.blocks[order]);
		(void)printf("  = %" PRIu64 " frames\n", zone_free_pages(zone));
	}
}

static void show_vmas(const struct story *story)
{
	if (!story->mm.tree.first)
		(void)puts("   VMAs: none");
	for (const struct vma *vma = story->mm.tree.first; vma; vma = vma->next)
		(void)printf("   VMA 0x%" PRIx64 " to 0x%" PRIx64 ", %c%c%c, %" PRIu64 " pages, %s\n",
			     vma->area.start, vma->area.end, vma->area.flags & AREA_READ ? 'r' : '-',
			     vma->area.flags & AREA_WRITE ? 'w' : '-',
			     vma->area.flags & AREA_EXECUTE ? 'x' : '-', vma_pages(vma),
			     area_is_private(&vma->area) ? "private" : "shared");
}

static void show_process(const struct story *story)
{
	const struct resident *resident = &story->space.resident;

	(void)printf("   resident: %" PRIu64 " pages; page tables: %" PRIu64
		     " besides the root; free frames: %" PRIu64 "\n",
		     resident_pages(resident), resident_table_pages(resident), free_pages_now(story));
}

/* The entries on the way to the address, and where the way ends. */
static void show_walk(const struct story *story, const struct pagetable *table, uint64_t address)
{
	uint32_t slot = table->root;

	for (unsigned level = table->paging->levels; level > 0; level--) {
		const struct table_level *tables = &story->store.level[level];
		unsigned index = paging_index(table->paging, level, address);
		size_t at = table_place(tables, slot & ~TABLE_BORROWED, index);
		char text[PTE_TEXT_BYTES];

		pte_text(tables->entry[at], text);
		(void)printf(
		    "   level %u: entry %3u of the table in frame 0x%05" PRIx64 " = 0x%016" PRIx64 "  %s\n",
		    level, index, tables->table[slot & ~TABLE_BORROWED].frame, tables->entry[at], text);
		slot = level > 1 ? tables->child[at] : TABLE_NONE;
		if (slot == TABLE_NONE)
			return;
	}
}

static const char *fault_words(uint32_t kinds)
{
	if (kinds & FAULT_FROM_ZERO)
		return "the zero page gives way to a frame of the program's own";
	if (kinds & FAULT_ANONYMOUS)
		return "a frame is taken, filled with zeros and mapped";
	if (kinds & FAULT_ZERO_PAGE)
		return "nothing was ever written here: the shared zero page is mapped, read-only";
	return "the entry is changed";
}

/* --- The chapters ---------------------------------------------------------------------------------------------------- */

static void tell_boot(struct story *story)
{
	headline(story, "Boot: what memory there is");
	(void)printf("   Physical memory: %" PRIu64 " frames of 4 KiB = %" PRIu64
		     " MiB. Reserved at boot: %" PRIu64 " frames (the firmware's first MiB).\n",
		     MEMORY_PAGES, MEMORY_PAGES >> 8, memblock_pages(&story->memory.memblock.reserved));
	(void)printf("   The page array: one struct page of %zu bytes for each frame, %" PRIu64 " KiB.\n",
		     sizeof(struct page), MEMORY_PAGES * sizeof(struct page) >> 10);
	(void)puts("   What is left goes to the zones' free lists, in the largest blocks that fit:");
	show_free_lists(story);
}

static void tell_direct_map(struct story *story)
{
	headline(story, "The kernel maps all of memory");
	(void)printf("   From 0x%" PRIx64 " on, virtual = physical + 0x%" PRIx64 ": the direct map.\n",
		     (uint64_t)DIRECT_MAP, (uint64_t)DIRECT_MAP);
	(void)printf("   It has %" PRIu64 " pages of 2 MiB and %" PRIu64 " of 4 KiB in %" PRIu64
		     " tables, which took their "
		     "frames off the free lists:\n",
		     story->kernel.leaves[2], story->kernel.leaves[1], story->kernel.table_pages);
	show_free_lists(story);
}

static bool tell_get_free_pages(struct story *story)
{
	headline(story, "The kernel asks for two pages: get_free_pages, order 1");
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = -1};
	uintptr_t address = get_free_pages(&story->memory, &gfp, 1);

	if (address == 0)
		return false;
	pfn_t frame = pfn_of_page(&story->memory.pages, virt_to_page(&story->memory, address));

	(void)printf("   Frames 0x%" PRIx64 " and 0x%" PRIx64
		     ". No table changes: their address is arithmetic, 0x%" PRIx64
		     " * 4096 + base = 0x%" PRIx64 ".\n",
		     frame, frame + 1, frame, (uint64_t)address);
	show_walk(story, &story->kernel, address);
	(void)puts("   A block that was too large has been split; its halves stay in the lists:");
	show_free_lists(story);
	free_pages(&story->memory, -1, address, 1);
	(void)puts("   free_pages: the halves find their buddies again:");
	show_free_lists(story);
	return true;
}

static bool tell_malloc(struct story *story)
{
	struct mm_mapping mapping = {.length = MALLOC_BYTES + 16,
				     .protection = MM_PROT_READ | MM_PROT_WRITE,
				     .flags = MM_MAP_PRIVATE | MM_MAP_ANONYMOUS};

	headline(story, "A program calls malloc(200000)");
	(void)puts(
	    "   A process: an address space without mappings, whose root table borrows the kernel's half.");
	show_process(story);
	struct mm_result result = fault_map(&story->mm, &mapping);

	if (result.error != 0)
		return false;
	story->block = result.value + 16;
	(void)printf("   malloc takes large blocks from mmap: %zu bytes and 16 of its own, in whole pages. "
		     "It returns 0x%" PRIx64 ".\n",
		     (size_t)MALLOC_BYTES, story->block);
	show_vmas(story);
	(void)puts("   A promise, no memory: no frame, no table.");
	show_process(story);
	return true;
}

static bool tell_access(struct story *story, uint64_t address, unsigned access)
{
	const struct resident *resident = &story->space.resident;
	bool is_write = access & WALK_WRITE;
	uint8_t accesses[] = {(uint8_t)(access | WALK_USER)};
	struct mmu_stream stream = {&address, accesses, 1};
	const struct fault_counts before = resident->counts;
	struct fault fault;

	(void)printf("   The processor walks from cr3 = 0x%" PRIx64 ":\n",
		     pagetable_root_frame(&resident->table) << PAGE_SHIFT);
	show_walk(story, &resident->table, address);
	uint64_t tables = resident_table_pages(resident);

	if (fault_run(&story->mm, &stream, &fault) != 1)
		return false;
	if (resident->counts.minor == before.minor) {
		(void)puts("   The entry allows it: no fault.");
		return true;
	}
	(void)printf("   Page fault at 0x%" PRIx64 ", a %s%s. The VMA is found and allows it: %s.\n", address,
		     is_write ? "write" : "read",
		     pte_is_present(fault.before) ? " that the entry forbids" : "", fault_words(fault.kinds));
	if (resident_table_pages(resident) > tables)
		(void)printf("   On the way %" PRIu64 " tables were taken from the free lists, too.\n",
			     resident_table_pages(resident) - tables);
	(void)puts("   The access is restarted and walks again:");
	show_walk(story, &resident->table, address);
	show_process(story);
	return true;
}

static void show_two_entries(const struct story *story)
{
	unsigned level;
	const pte_t *entry = pagetable_find(&story->space.resident.table, story->block, &level);
	pfn_t frame = pte_frame(*entry);
	const struct page *page = page_of_pfn(&story->memory.pages, frame);

	(void)printf("   Physical address = frame 0x%" PRIx64 " * 4096 + 0x%" PRIx64 " = 0x%" PRIx64 ".\n",
		     frame, story->block & (PAGE_BYTES - 1),
		     frame << PAGE_SHIFT | (story->block & (PAGE_BYTES - 1)));
	(void)printf("   One frame, two entries: the kernel reaches it at 0x%" PRIx64
		     " as well. Its struct page says count %d, "
		     "mapcount %d: the direct map does not count.\n",
		     DIRECT_MAP + (frame << PAGE_SHIFT), page->count, page->mapcount);
}

static bool tell_accesses(struct story *story)
{
	headline(story, "The first write to the block");
	if (!tell_access(story, story->block, WALK_WRITE))
		return false;
	show_two_entries(story);
	headline(story, "A write to the next page");
	if (!tell_access(story, story->block + PAGE_BYTES, WALK_WRITE))
		return false;
	headline(story, "A read of a page that nobody has written to, then a write to it");
	return tell_access(story, story->block + 2 * PAGE_BYTES, WALK_READ) &&
	       tell_access(story, story->block + 2 * PAGE_BYTES, WALK_WRITE);
}

static bool tell_free(struct story *story)
{
	uint64_t address = story->block & ~(PAGE_BYTES - 1);
	uint64_t flushes = story->processors.changes[FLUSH_UNMAP];

	headline(story, "The program calls free");
	if (mm_unmap(&story->mm, address, MALLOC_BYTES + 16).error != 0)
		return false;
	(void)puts("   munmap: the entries are cleared, the frames go back; no mapping is near, so the "
		   "tables go, too:");
	show_walk(story, &story->space.resident.table, story->block);
	show_vmas(story);
	show_process(story);
	(void)printf("   The TLB may remember the old entries: %" PRIu64 " flush.\n",
		     story->processors.changes[FLUSH_UNMAP] - flushes);
	show_free_lists(story);
	(void)printf("   %" PRIu64 " frames are free, as many as before the malloc (%" PRIu64 ").\n",
		     free_pages_now(story), story->free_at_start);
	return true;
}

static bool tell(struct story *story)
{
	if (!boot(story))
		return false;
	tell_boot(story);
	if (!build_kernel(story))
		return false;
	tell_direct_map(story);
	if (!tell_get_free_pages(story) || !build_process(story))
		return false;
	story->free_at_start = free_pages_now(story);
	bool is_told = tell_malloc(story) && tell_accesses(story) && tell_free(story);

	take_down(story);
	return is_told;
}

bool story_tell(void)
{
	struct story *story = calloc(1, sizeof(*story));

	if (!story)
		return false;
	(void)puts("A machine of the model, from its boot to a free. Every number is read from its state.");
	bool is_told = tell(story);

	free(story);
	return is_told;
}
