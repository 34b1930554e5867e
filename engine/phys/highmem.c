#include "config.h"

#include "engine/phys/highmem.h"

#include "engine/base/check.h"

#include <string.h>

uintptr_t kmap(struct memory *memory, const struct page *page)
{
	pfn_t pfn = pfn_of_page(&memory->pages, page);

	return kmap_holds(&memory->kmap, pfn) ? kmap_open(&memory->kmap, pfn) : page_address(memory, pfn);
}

void kunmap(struct memory *memory, const struct page *page)
{
	if (page_is_highmem(memory, page))
		kmap_close(&memory->kmap, pfn_of_page(&memory->pages, page));
}

uintptr_t kmap_local_page(struct memory *memory, int cpu, const struct page *page)
{
	pfn_t pfn = pfn_of_page(&memory->pages, page);

	return kmap_holds(&memory->kmap, pfn) ? kmap_local_open(&memory->kmap, cpu, pfn)
					      : page_address(memory, pfn);
}

void kunmap_local(struct memory *memory, int cpu, uintptr_t address)
{
	if (!arena_holds(&memory->arena, address))
		kmap_local_close(&memory->kmap, cpu, address);
}

struct page *kmap_to_page(const struct memory *memory, uintptr_t address)
{
	pfn_t pfn = kmap_frame(&memory->kmap, address);

	return pfn != PFN_NONE ? page_of_pfn(&memory->pages, pfn) : virt_to_page(memory, address);
}

/* Memory stands behind the direct map of a real machine, and behind nothing else. */
static bool can_be_touched(const struct memory *memory, const struct page *page)
{
	return memory->arena.backing == ARENA_REAL && !page_is_highmem(memory, page);
}

void clear_highpage(struct memory *memory, int cpu, const struct page *page)
{
	uintptr_t address = kmap_local_page(memory, cpu, page);

	CHECK(address != 0, "a CPU that clears a page has a window for it");
	if (can_be_touched(memory, page))
		memset((void *)address, 0, PAGE_BYTES);
	kunmap_local(memory, cpu, address);
}

void copy_highpage(struct memory *memory, int cpu, const struct page *to, const struct page *from)
{
	uintptr_t source = kmap_local_page(memory, cpu, from);
	uintptr_t target = kmap_local_page(memory, cpu, to);

	CHECK(source != 0 && target != 0, "a CPU that copies a page has windows for both");
	if (can_be_touched(memory, from) && can_be_touched(memory, to))
		memcpy((void *)target, (const void *)source, PAGE_BYTES);
	kunmap_local(memory, cpu, target);
	kunmap_local(memory, cpu, source);
}
