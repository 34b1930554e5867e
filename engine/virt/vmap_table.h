/* vmap_table.h: the kernel's page table under vmalloc (engine/phys/vmalloc.h), and what its changes cost the TLBs.
 *
 *   vmalloc ──▶ vmap_mapper ──▶ vmap_table ──▶ pagetable    leaves of 4 KiB, and of 2 MiB for huge blocks
 *                                          ──▶ flush        by the rule of flush_tlb_kernel_range
 *
 * A mapping is the kernel's own: writable, global, not executable, and accessed and dirty from the start (Linux x86-64:
 * PAGE_KERNEL). Linux keeps the tables of this range when they become empty, because every process's root may point to them: the
 * page table is to be created with keeps_tables. Only one that is in the way of a huge page goes.
 *
 * A flush of more than 33 pages makes every processor forget everything, a smaller one page by page (arch/x86/mm/tlb.c 6.18:
 * flush_tlb_kernel_range); both interrupt every other processor.
 */
#ifndef FAULTLINE_ENGINE_VIRT_VMAP_TABLE_H
#define FAULTLINE_ENGINE_VIRT_VMAP_TABLE_H

#include "engine/phys/vmalloc.h"
#include "engine/virt/flush.h"

#define VMAP_TABLE_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_GLOBAL | PTE_NO_EXECUTE | PTE_ACCESSED | PTE_DIRTY)

struct vmap_table {
	struct pagetable *table;
	uint64_t whole_flushes;
	uint64_t flushed_pages; /* by all other flushes */
	uint64_t refused;	/* maps for which there was no table */
};

/* What vmap_space_create wants. The table must live as long as the space. */
struct vmap_mapper vmap_table_mapper(struct vmap_table *table);

#endif
