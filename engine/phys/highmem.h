/* highmem.h: any page by address, whether the direct map has it or not: the kernel's names (include/linux/highmem.h) over the windows
 * of kmap.h.
 *
 *   kmap, kunmap                       for as long as the caller likes; 0 when all windows are in use
 *   kmap_local_page, kunmap_local      for as long as the CPU stays at it, the last one first
 *   clear_highpage, copy_highpage      through windows of the CPU
 *
 * A page with a direct map has its address there, and needs no window.
 */
#ifndef FAULTLINE_ENGINE_PHYS_HIGHMEM_H
#define FAULTLINE_ENGINE_PHYS_HIGHMEM_H

#include "engine/phys/memory.h"

/* Has the page no direct map? */
static inline bool page_is_highmem(const struct memory *memory, const struct page *page)
{
	return kmap_holds(&memory->kmap, pfn_of_page(&memory->pages, page));
}

uintptr_t kmap(struct memory *memory, const struct page *page);
void kunmap(struct memory *memory, const struct page *page);

/* `cpu` as in struct gfp. */
uintptr_t kmap_local_page(struct memory *memory, int cpu, const struct page *page);
void kunmap_local(struct memory *memory, int cpu, uintptr_t address);

/* The page of an address of the direct map or of an open window; NULL for any other number. */
struct page *kmap_to_page(const struct memory *memory, uintptr_t address);

/* Where memory stands behind a page it reads as zero afterwards, or as the other one does. */
void clear_highpage(struct memory *memory, int cpu, const struct page *page);
void copy_highpage(struct memory *memory, int cpu, const struct page *to, const struct page *from);

#endif
