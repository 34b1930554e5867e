#include "config.h"

#include "engine/phys/vmalloc.h"

#include "engine/base/check.h"

#include <string.h>

/* Areas that there may be at once, of all kinds: CONFIG-independent, our own limit. */
#define AREAS_MAX ((uint64_t)1 << 24)
#define HUGE_BYTES (PAGE_BYTES << HUGE_ORDER)
/* Single pages that are asked for at once (vm_area_alloc_pages). */
#define BULK_PAGES 100u
/* Of a frame number in the table of frames; devices may lie higher, their frames are not kept. */
#define FRAME_MAX ((pfn_t)UINT32_MAX - 1)

/* --- The range ---------------------------------------------------------------------------------------------------- */

static bool shape_is_valid(const struct vmap_shape *shape)
{
	return shape->start % HUGE_BYTES == 0 && shape->bytes % HUGE_BYTES == 0 && shape->cpus >= 1 &&
	       shape->bytes <= VMALLOC_BYTES && (shape->bytes == 0 || shape->start != 0) &&
	       shape->start + shape->bytes >= shape->start;
}

static enum status create_parts(struct vmap_space *space)
{
	uint64_t pages = (space->end - space->start) >> PAGE_SHIFT;
	enum status status = vmap_store_create(&space->store, AREAS_MAX);

	if (status == STATUS_OK)
		status = reservation_create(&space->frames_memory, pages * sizeof(uint32_t), PAGE_BYTES);
	space->frame = space->frames_memory.memory;
	return status;
}

enum status vmap_space_create(struct vmap_space *space, struct memory *memory, const struct vmap_shape *shape)
{
	uint64_t bits = shape->cpus > 0 ? 64 - (uint64_t)__builtin_clzll(shape->cpus) : 0;

	*space = (struct vmap_space){.memory = memory, .huge = shape->huge};
	list_create(&space->lazy);
	if (!shape_is_valid(shape))
		return STATUS_BAD_ARGUMENT;
	space->start = shape->bytes > 0 ? shape->start : VMALLOC_START;
	space->end = space->start + (shape->bytes > 0 ? shape->bytes : VMALLOC_BYTES);
	space->lazy_max_pages = bits * (((uint64_t)32 << 20) / PAGE_BYTES);
	if (shape->mapper)
		space->mapper = *shape->mapper;
	enum status status = create_parts(space);

	if (status != STATUS_OK) {
		vmap_store_destroy(&space->store);
		reservation_destroy(&space->frames_memory);
		return status;
	}
	vmap_tree_insert(&space->free, vmap_store_take(&space->store, space->start, space->end));
	return STATUS_OK;
}

void vmap_space_destroy(struct vmap_space *space)
{
	while (space->busy.by_address.root) {
		struct vmap_area *area = avl_entry(space->busy.by_address.root, struct vmap_area, node);

		free_vm_area(space, -1, area->start);
	}
	vmap_store_destroy(&space->store);
	reservation_destroy(&space->frames_memory);
}

/* --- Areas -------------------------------------------------------------------------------------------------------- */

uint64_t vmap_space_purge(struct vmap_space *space)
{
	uint64_t start = UINT64_MAX, end = 0, count = 0;

	for (const struct list *link = space->lazy.next; link != &space->lazy; link = link->next) {
		const struct vmap_area *area = list_entry_const(link, struct vmap_area, link);

		start = area->start < start ? area->start : start;
		end = area->end > end ? area->end : end;
	}
	if (end == 0)
		return 0;
	if (space->mapper.flush)
		space->mapper.flush(space->mapper.context, start, end);
	while (!list_is_empty(&space->lazy)) {
		struct vmap_area *area = list_entry(space->lazy.next, struct vmap_area, link);

		list_remove(&area->link);
		vmap_tree_free(&space->free, &space->store, area);
		count++;
	}
	space->lazy_pages = 0;
	space->purges++;
	space->purged_areas += count;
	return count;
}

/* Takes the lowest free range, or NULL. */
static struct vmap_area *take_range(struct vmap_space *space, const struct vmap_request *request)
{
	struct vmap_area *free;
	uint64_t start = vmap_tree_lowest_fit(&space->free, request, &free);
	struct vmap_request piece = {.low = start, .high = start + request->bytes};

	if (start == 0)
		return NULL;
	struct vmap_area *area = vmap_store_take(&space->store, start, piece.high);

	if (!area)
		return NULL;
	if (!vmap_tree_cut(&space->free, &space->store, free, &piece)) {
		vmap_store_give(&space->store, area);
		return NULL;
	}
	return area;
}

/* A busy area for these bytes and, unless it wants none, a guard page; NULL, and counted, when there is no range for it. */
static struct vmap_area *open_area(struct vmap_space *space, const struct vmalloc_request *request,
				   unsigned flags, uint64_t alignment)
{
	struct vmap_request range = {
	    .bytes = round_up(request->bytes, PAGE_BYTES) + (flags & VM_NO_GUARD ? 0 : PAGE_BYTES),
	    .alignment = alignment,
	    .low = space->start,
	    .high = space->end,
	};
	struct vmap_area *area = take_range(space, &range);

	if (!area && vmap_space_purge(space) > 0)
		area = take_range(space, &range);
	if (!area)
		return NULL;
	area->flags = flags;
	area->caller = request->caller;
	vmap_tree_insert(&space->busy, area);
	return area;
}

static uint32_t *frames_at(const struct vmap_space *space, uint64_t address)
{
	return &space->frame[(address - space->start) >> PAGE_SHIFT];
}

static void unmap(struct vmap_space *space, const struct vmap_area *area)
{
	if (area->pages == 0)
		return;
	if (space->mapper.unmap)
		space->mapper.unmap(space->mapper.context, area->start, area->pages << PAGE_SHIFT);
	memset(frames_at(space, area->start), 0, area->pages * sizeof(uint32_t));
}

/* The area is unmapped; its addresses wait for a purge. */
static void close_area(struct vmap_space *space, struct vmap_area *area)
{
	unmap(space, area);
	vmap_tree_remove(&space->busy, area);
	list_append(&space->lazy, &area->link);
	space->lazy_pages += (area->end - area->start) >> PAGE_SHIFT;
	if (space->lazy_pages > space->lazy_max_pages)
		(void)vmap_space_purge(space);
}

static bool map_block(struct vmap_space *space, struct vmap_area *area, pfn_t pfn, unsigned order)
{
	uint64_t address = area->start + (area->pages << PAGE_SHIFT);
	uint32_t *frame = frames_at(space, address);

	if (space->mapper.map && !space->mapper.map(space->mapper.context, address, pfn, order))
		return false;
	for (uint64_t i = 0; i < (uint64_t)1 << order; i++)
		frame[i] = (uint32_t)(pfn + i + 1);
	area->pages += (uint64_t)1 << order;
	return true;
}

/* The area that begins at the address and is of that kind. */
static struct vmap_area *area_at(const struct vmap_space *space, uintptr_t address, unsigned kind)
{
	struct vmap_area *area = vmap_tree_find(&space->busy, address);

	CHECK(area && area->start == address,
	      "a freed address begins an area of vmalloc's (foreign, interior, or freed)");
	CHECK(area->flags & kind, "vfree, vunmap and iounmap each end their own kind of area");
	return area;
}

/* --- vmalloc ------------------------------------------------------------------------------------------------------ */

/* The frames of an area go back, in the blocks they came in. */
static void free_frames(struct vmap_space *space, int cpu, const struct vmap_area *area)
{
	for (uint64_t page = 0; page < area->pages; page += (uint64_t)1 << area->order) {
		pfn_t pfn = vmalloc_to_pfn(space, area->start + (page << PAGE_SHIFT));

		free_pages_of(space->memory, cpu, page_of_pfn(&space->memory->pages, pfn), area->order);
	}
	space->allocated_pages -= area->pages;
}

struct page_batch {
	size_t count;
	struct page *page[BULK_PAGES];
};

static void end_allocation(struct vmap_space *space, int cpu, struct vmap_area *area)
{
	free_frames(space, cpu, area);
	close_area(space, area);
}

/* Maps pages at the area's end; those that find no place go back. */
static bool map_pages(struct vmap_space *space, int cpu, struct vmap_area *area,
		      const struct page_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct page *page = batch->page[i];

		if (map_block(space, area, pfn_of_page(&space->memory->pages, page), area->order)) {
			space->allocated_pages += (uint64_t)1 << area->order;
			continue;
		}
		for (size_t left = i; left < batch->count; left++)
			free_pages_of(space->memory, cpu, batch->page[left], area->order);
		return false;
	}
	return true;
}

static struct page_batch take_pages(struct vmap_space *space, const struct gfp *gfp, unsigned order,
				    uint64_t wanted)
{
	struct page_batch batch = {0};

	if (order > 0) {
		batch.page[0] = alloc_pages(space->memory, gfp, order);
		batch.count = batch.page[0] != NULL;
	} else {
		batch.count = alloc_pages_bulk(space->memory, gfp, wanted < BULK_PAGES ? wanted : BULK_PAGES,
					       batch.page);
	}
	return batch;
}

/* What a bulk could not give completely is asked for again, until there is nothing at all (vm_area_alloc_pages). */
static bool fill_area(struct vmap_space *space, const struct gfp *gfp, struct vmap_area *area, uint64_t pages)
{
	struct gfp own = *gfp;

	if (!(own.flags & (GFP_DMA | GFP_DMA32)))
		own.flags |= GFP_HIGHMEM;
	while (area->pages < pages) {
		struct page_batch batch = take_pages(space, &own, area->order, pages - area->pages);

		if (batch.count == 0 || !map_pages(space, own.cpu, area, &batch))
			return false;
	}
	return true;
}

static uintptr_t allocate(struct vmap_space *space, const struct gfp *gfp,
			  const struct vmalloc_request *request, unsigned order)
{
	struct vmalloc_request whole = *request;
	uint64_t alignment =
	    request->alignment > PAGE_BYTES << order ? request->alignment : PAGE_BYTES << order;

	whole.bytes = round_up(request->bytes, PAGE_BYTES << order);
	struct vmap_area *area =
	    open_area(space, &whole, (request->flags & VM_NO_GUARD) | VM_ALLOC, alignment);

	if (!area)
		return 0;
	area->order = order;
	if (!fill_area(space, gfp, area, whole.bytes >> PAGE_SHIFT)) {
		end_allocation(space, gfp->cpu, area);
		return 0;
	}
	space->huge_blocks += order > 0 ? area->pages >> order : 0;
	return area->start;
}

static bool request_is_valid(const struct vmap_space *space, const struct vmalloc_request *request)
{
	return request->bytes >= 1 && request->bytes <= space->end - space->start &&
	       (request->alignment == 0 || is_power_of_two(request->alignment));
}

uintptr_t vmalloc_range(struct vmap_space *space, const struct gfp *gfp,
			const struct vmalloc_request *request)
{
	uint64_t pages_there = space->memory->pages.pages;
	uintptr_t address = 0;

	/* More than the machine has: the kernel does not even try. */
	if (request_is_valid(space, request) && pages_of_bytes(request->bytes) <= pages_there) {
		if (space->huge && (request->flags & VM_ALLOW_HUGE_VMAP) && request->bytes >= HUGE_BYTES)
			address = allocate(space, gfp, request, HUGE_ORDER);
		if (address == 0)
			address = allocate(space, gfp, request, 0);
	}
	space->allocations += address != 0;
	space->refusals += address == 0;
	return address;
}

void vfree(struct vmap_space *space, int cpu, uintptr_t address)
{
	if (address == 0)
		return;
	end_allocation(space, cpu, area_at(space, address, VM_ALLOC));
	space->frees++;
}

/* --- What belongs to others --------------------------------------------------------------------------------------- */

uintptr_t vmap(struct vmap_space *space, size_t count, struct page *const *pages,
	       const struct vmalloc_request *request)
{
	struct vmalloc_request whole = {.bytes = count * PAGE_BYTES, .caller = request->caller};
	struct vmap_area *area =
	    count > 0 && count <= space->memory->pages.pages
		? open_area(space, &whole, (request->flags & VM_NO_GUARD) | VM_MAP, PAGE_BYTES)
		: NULL;

	for (size_t i = 0; area && i < count; i++) {
		if (!map_block(space, area, pfn_of_page(&space->memory->pages, pages[i]), 0)) {
			close_area(space, area);
			area = NULL;
		}
	}
	space->refusals += !area;
	return area ? area->start : 0;
}

void vunmap(struct vmap_space *space, uintptr_t address)
{
	if (address != 0)
		close_area(space, area_at(space, address, VM_MAP));
}

/* As many bytes as the request, rounded up to a power of two, but no more than a huge page. */
static uint64_t device_alignment(uint64_t bytes)
{
	uint64_t alignment = PAGE_BYTES << order_of_pages(pages_of_bytes(bytes));

	return alignment < HUGE_BYTES ? alignment : HUGE_BYTES;
}

uintptr_t ioremap(struct vmap_space *space, uint64_t physical, const struct vmalloc_request *request)
{
	uint64_t offset = physical % PAGE_BYTES;
	struct vmalloc_request whole = {.bytes = request->bytes + offset, .caller = request->caller};
	pfn_t pfn = physical >> PAGE_SHIFT;
	bool is_valid = request_is_valid(space, request) && pfn + pages_of_bytes(whole.bytes) <= FRAME_MAX;
	struct vmap_area *area = is_valid
				     ? open_area(space, &whole, (request->flags & VM_NO_GUARD) | VM_IOREMAP,
						 device_alignment(whole.bytes))
				     : NULL;

	for (uint64_t i = 0; area && i < pages_of_bytes(whole.bytes); i++) {
		if (!map_block(space, area, pfn + i, 0)) {
			close_area(space, area);
			area = NULL;
		}
	}
	space->refusals += !area;
	if (!area)
		return 0;
	area->physical = physical - offset;
	return area->start + offset;
}

void iounmap(struct vmap_space *space, uintptr_t address)
{
	close_area(space, area_at(space, address / PAGE_BYTES * PAGE_BYTES, VM_IOREMAP));
}

#define KINDS ((unsigned)(VM_IOREMAP | VM_ALLOC | VM_MAP | VM_USERMAP | VM_DMA_COHERENT | VM_SPARSE))

uintptr_t get_vm_area(struct vmap_space *space, const struct vmalloc_request *request, uint64_t physical)
{
	uint64_t alignment = request->alignment > PAGE_BYTES ? request->alignment : PAGE_BYTES;
	struct vmap_area *area =
	    request_is_valid(space, request) && (request->flags & KINDS)
		? open_area(space, request, request->flags & (KINDS | VM_NO_GUARD), alignment)
		: NULL;

	space->refusals += !area;
	if (!area)
		return 0;
	area->physical = physical;
	return area->start;
}

void free_vm_area(struct vmap_space *space, int cpu, uintptr_t address)
{
	struct vmap_area *area = area_at(space, address, KINDS);

	if (area->flags & VM_ALLOC)
		end_allocation(space, cpu, area);
	else
		close_area(space, area);
}

/* --- Proof -------------------------------------------------------------------------------------------------------- */

static const char I1[] =
    "I1: vmap_tree_check() of free, busy and lazy areas; their bytes are those of the range";
static const char I2[] = "I2: no busy or lazy area overlaps another area";
static const char I3[] = "I3: of a busy area the first `pages` pages have a frame, and nothing else has one";
static const char I4[] = "I4: lazy_pages = pages of lazy areas, at most lazy_max_pages";
static const char I5[] = "I5: allocated_pages = pages of all areas with VM_ALLOC";

static bool overlaps(const struct vmap_tree *tree, const struct vmap_area *area)
{
	const struct vmap_area *found = vmap_tree_find(tree, area->start);

	return found && found->start < area->end;
}

static bool has_its_frames(const struct vmap_space *space, const struct vmap_area *area)
{
	const uint32_t *frame = frames_at(space, area->start);
	uint64_t pages = (area->end - area->start) >> PAGE_SHIFT;

	for (uint64_t page = 0; page < pages; page++) {
		if ((frame[page] != 0) != (page < area->pages))
			return false;
	}
	return true;
}

static const char *check_lazy(const struct vmap_space *space, uint64_t *bytes)
{
	*bytes = 0;
	for (const struct list *link = space->lazy.next; link != &space->lazy; link = link->next) {
		const struct vmap_area *area = list_entry_const(link, struct vmap_area, link);
		struct vmap_area unmapped = *area;

		*bytes += area->end - area->start;
		unmapped.pages = 0;
		if (overlaps(&space->free, area) || overlaps(&space->busy, area))
			return I2;
		if (!has_its_frames(space, &unmapped))
			return I3;
	}
	return *bytes >> PAGE_SHIFT == space->lazy_pages && space->lazy_pages <= space->lazy_max_pages ? NULL
												       : I4;
}

const char *vmap_space_check(const struct vmap_space *space)
{
	uint64_t lazy_bytes;
	uint64_t allocated = 0;

	if (vmap_tree_check(&space->free, false) || vmap_tree_check(&space->busy, true) ||
	    list_check(&space->lazy, AREAS_MAX))
		return I1;
	const char *broken = check_lazy(space, &lazy_bytes);

	if (broken)
		return broken;
	for (const struct vmap_area *area = vmap_tree_find(&space->busy, 0); area;
	     area = vmap_tree_find(&space->busy, area->end)) {
		if (overlaps(&space->free, area))
			return I2;
		if (!has_its_frames(space, area))
			return I3;
		allocated += area->flags & VM_ALLOC ? area->pages : 0;
	}
	if (space->free.bytes + space->busy.bytes + lazy_bytes != space->end - space->start)
		return I1;
	return allocated == space->allocated_pages ? NULL : I5;
}
