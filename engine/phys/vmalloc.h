/* vmalloc.h: memory that lies in a row only in the kernel's virtual addresses, from single frames (Linux 6.18, mm/vmalloc.c).
 *
 *   VMALLOC_START                                                                            VMALLOC_END
 *   | area  |guard| area        |guard|   lazy   |   free   | area |guard|        free ...         |
 *     | | |         | | | |
 *     frames, anywhere          what was freed: unmapped, but the TLBs may still know it
 *
 * An area goes where the lowest free range holds it, with an unmapped page behind it, so that who runs over its end faults. Its
 * frames are mapped one by one, or in blocks of 2 MiB where the caller allows it and the machine does (`huge`).
 *
 * A freed area's frames go back at once, its addresses do not: first no TLB may know them any more, and one flush for many areas
 * costs as much as for one. They wait until more than
 *
 *   lazy_max_pages = (bits of the number of CPUs) * 32 MiB           (mm/vmalloc.c: lazy_max_pages)
 *
 * wait, or until no free range holds a request: then all are *purged*: one flush over all of them, and their ranges are free again.
 * The kernel leaves that to a worker, some time later; here it is at once. It also keeps some purged ranges in pools per CPU for
 * requests of the same size, and takes the array of an area's pages from kmalloc, or above 512 pages from another area: neither is
 * modelled.
 *
 * The page table is the caller's (struct vmap_mapper): engine/virt lies above this room. Which frame lies behind each page is in a
 * table of our own as well, a number per page of the range that costs memory only where something was mapped.
 *
 * Callers' mistakes (a free of what is no area's beginning, or of another kind of area) die by CHECK.
 *
 * Not thread-safe: the caller's lock guards a vmap_space.
 *
 * Invariants, proved by vmap_space_check():
 *   I1: vmap_tree_check() of free, busy and lazy areas; their bytes are those of the range
 *   I2: no busy or lazy area overlaps another area
 *   I3: of a busy area the first `pages` pages have a frame, and nothing else has one
 *   I4: lazy_pages = pages of lazy areas, at most lazy_max_pages
 *   I5: allocated_pages = pages of all areas with VM_ALLOC
 */
#ifndef FAULTLINE_ENGINE_PHYS_VMALLOC_H
#define FAULTLINE_ENGINE_PHYS_VMALLOC_H

#include "engine/phys/gfp.h"
#include "engine/phys/vmap_area.h"

/* x86-64 with four levels of page tables, without randomisation (Documentation/arch/x86/x86_64/mm.rst). */
#define VMALLOC_START 0xffffc90000000000u
#define VMALLOC_BYTES ((uint64_t)32 << 40)

/* The kernel's names (include/linux/vmalloc.h). */
enum vm_flag {
	VM_IOREMAP = 1 << 0,	     /* memory of a device */
	VM_ALLOC = 1 << 1,	     /* vmalloc */
	VM_MAP = 1 << 2,	     /* vmap: pages of the caller's */
	VM_NO_GUARD = 1 << 3,	     /* no page behind it */
	VM_ALLOW_HUGE_VMAP = 1 << 4, /* blocks of 2 MiB will do */
	VM_USERMAP = 1 << 5,	     /* a process may map it, too */
	VM_DMA_COHERENT = 1 << 6,    /* a device reads and writes it */
	VM_SPARSE = 1 << 7,	     /* mapped here and there, as its owner needs it */
};

/* A page table, and the TLBs, as far as they are needed here: every function gets the context. */
struct vmap_mapper {
	/* Maps 2^order frames at the address; false: no memory for a table. */
	bool (*map)(void *context, uint64_t address, pfn_t pfn, unsigned order);
	/* Unmaps what is mapped in the range. */
	void (*unmap)(void *context, uint64_t address, uint64_t bytes);
	/* No TLB may know these addresses any more. */
	void (*flush)(void *context, uint64_t start, uint64_t end);
	void *context;
};

struct vmap_shape {
	uint64_t start, bytes; /* multiples of 2 MiB; bytes 0: VMALLOC_START, VMALLOC_BYTES */
	unsigned cpus;	       /* at least 1 */
	bool huge;
	const struct vmap_mapper *mapper; /* or NULL */
};

struct vmap_space {
	struct memory *memory;
	uint64_t start, end;
	bool huge;
	struct vmap_mapper mapper; /* functions are NULL without one */
	struct vmap_store store;
	struct vmap_tree free, busy;
	struct list lazy; /* areas, by link */
	uint64_t lazy_pages, lazy_max_pages;
	uint64_t allocated_pages; /* VmallocUsed of /proc/meminfo */
	uint64_t allocations, frees, refusals;
	uint64_t purges, purged_areas;
	uint64_t huge_blocks; /* ever mapped */
	struct reservation frames_memory;
	uint32_t *frame; /* [page of the range]: frame number + 1; 0 = nothing is mapped */
};

/* What is asked for. */
struct vmalloc_request {
	uint64_t bytes;	    /* at least 1 */
	uint64_t alignment; /* a power of two; 0 = a page */
	unsigned flags;	    /* enum vm_flag, or-ed; the kind is the function's, but for get_vm_area */
	uint64_t caller;    /* any number that means something to the owner */
};

/* STATUS_BAD_ARGUMENT for a range out of bounds, STATUS_NO_MEMORY. */
MUST_USE enum status vmap_space_create(struct vmap_space *space, struct memory *memory,
				       const struct vmap_shape *shape);

/* Gives the frames of all areas back, and ends. */
void vmap_space_destroy(struct vmap_space *space);

/* Pages for `bytes` in a row of addresses. 0 when there are no frames, no range, or no memory for tables: counted. */
uintptr_t vmalloc_range(struct vmap_space *space, const struct gfp *gfp,
			const struct vmalloc_request *request);

static inline uintptr_t vmalloc(struct vmap_space *space, const struct gfp *gfp, uint64_t bytes)
{
	struct vmalloc_request request = {.bytes = bytes};

	return vmalloc_range(space, gfp, &request);
}

/* The same, but that the caller can do with huge pages. */
static inline uintptr_t vmalloc_huge(struct vmap_space *space, const struct gfp *gfp, uint64_t bytes)
{
	struct vmalloc_request request = {.bytes = bytes, .flags = VM_ALLOW_HUGE_VMAP};

	return vmalloc_range(space, gfp, &request);
}

/* Frees an area of vmalloc; 0 does nothing. `cpu` as in struct gfp. */
void vfree(struct vmap_space *space, int cpu, uintptr_t address);

/* Maps pages of the caller's in a row; vunmap leaves them to the caller. 0 as above. */
uintptr_t vmap(struct vmap_space *space, size_t count, struct page *const *pages,
	       const struct vmalloc_request *request);
void vunmap(struct vmap_space *space, uintptr_t address);

/* Maps a device's memory, which has no struct page, aligned to its size up to 2 MiB; iounmap ends it. */
uintptr_t ioremap(struct vmap_space *space, uint64_t physical, const struct vmalloc_request *request);
void iounmap(struct vmap_space *space, uintptr_t address);

/* A range for the owner's own mappings, with nothing mapped in it (get_vm_area; per-CPU chunks, executable memory ...):
 * request->flags say what it is, `physical` what it maps, or 0. 0 as above. */
uintptr_t get_vm_area(struct vmap_space *space, const struct vmalloc_request *request, uint64_t physical);

/* Ends the area of any kind that begins at the address, with the frames that it has (free_vm_area). `cpu` as in struct gfp. */
void free_vm_area(struct vmap_space *space, int cpu, uintptr_t address);

/* Purges at once what waits (vm_unmap_aliases). Returns how many areas went. */
uint64_t vmap_space_purge(struct vmap_space *space);

static inline bool is_vmalloc_addr(const struct vmap_space *space, uintptr_t address)
{
	return address >= space->start && address < space->end;
}

/* The frame behind an address, or PFN_NONE. Any number may be asked. */
static inline pfn_t vmalloc_to_pfn(const struct vmap_space *space, uintptr_t address)
{
	uint32_t frame =
	    is_vmalloc_addr(space, address) ? space->frame[(address - space->start) >> PAGE_SHIFT] : 0;

	return frame != 0 ? (pfn_t)frame - 1 : PFN_NONE;
}

/* NULL, or the text of the first invariant that does not hold. */
const char *vmap_space_check(const struct vmap_space *space);

#endif
