#include "config.h"

#include "engine/phys/kmalloc.h"

#include "engine/base/check.h"

#include <string.h>

/* The class after `bytes`. */
static uint32_t next_class(enum kmalloc_classes classes, uint32_t bytes)
{
	uint32_t power = bytes == 0 ? 0 : (uint32_t)1 << (31 - (uint32_t)__builtin_clz(bytes));

	if (bytes == 0)
		return 8;
	switch (classes) {
	case KMALLOC_LINUX:
		if (bytes == 64 || bytes == 128)
			return bytes + bytes / 2;
		break;
	case KMALLOC_QUARTER_STEPS:
		return bytes + (power / 4 > 8 ? power / 4 : 8);
	case KMALLOC_EIGHTH_STEPS:
		return bytes + (power / 8 > 8 ? power / 8 : 8);
	case KMALLOC_POW2:
		break;
	}
	return power * 2;
}

static uint32_t alignment_of(uint32_t bytes)
{
	uint32_t alignment = bytes & -bytes;

	return alignment < PAGE_BYTES ? alignment : (uint32_t)PAGE_BYTES;
}

static enum status create_class(struct kmalloc *kmalloc, const struct kmalloc_shape *shape, uint32_t bytes)
{
	struct slab_shape cache = {
	    .name = "kmalloc",
	    .object_bytes = bytes,
	    .alignment = alignment_of(bytes),
	    .order_max = shape->slab_order,
	    .magazine = shape->magazine,
	    .cpus = shape->cpus,
	    .random = shape->random,
	    .seed = shape->seed ^ bytes,
	};

	while (PAGE_BYTES << cache.order_max < bytes)
		cache.order_max++;
	enum status status = slab_cache_create(&kmalloc->cache[kmalloc->classes], &kmalloc->maps, &cache);

	if (status == STATUS_OK)
		kmalloc->class_bytes[kmalloc->classes++] = bytes;
	return status;
}

static void fill_class_of(struct kmalloc *kmalloc)
{
	unsigned class = 0;

	for (uint32_t step = 0; step <= KMALLOC_CACHE_MAX / 8; step++) {
		while (kmalloc->class_bytes[class] < step * 8)
			class ++;
		kmalloc->class_of[step] = (uint8_t) class;
	}
}

enum status kmalloc_create(struct kmalloc *kmalloc, struct node *node, const struct kmalloc_shape *shape)
{
	kmalloc->classes = 0;
	if (shape->classes > KMALLOC_EIGHTH_STEPS)
		return STATUS_BAD_ARGUMENT;
	enum status status = slab_maps_create(&kmalloc->maps, node);

	for (uint32_t bytes = 0; bytes < KMALLOC_CACHE_MAX && status == STATUS_OK;) {
		bytes = next_class(shape->classes, bytes);
		status = create_class(kmalloc, shape, bytes);
	}
	if (status != STATUS_OK) {
		kmalloc_destroy(kmalloc);
		return status;
	}
	fill_class_of(kmalloc);
	return STATUS_OK;
}

void kmalloc_destroy(struct kmalloc *kmalloc)
{
	for (unsigned class = 0; class < kmalloc->classes; class ++)
		slab_cache_destroy(&kmalloc->cache[class]);
	kmalloc->classes = 0;
	slab_maps_destroy(&kmalloc->maps);
}

static uintptr_t allocate_object(struct kmalloc *kmalloc, const struct gfp *gfp, size_t bytes)
{
	struct slab_cache *cache = &kmalloc->cache[kmalloc->class_of[(bytes + 7) / 8]];
	uintptr_t object = slab_cache_allocate(cache, gfp->cpu);

	if (object != 0 && (gfp->flags & GFP_ZERO) && kmalloc->maps.node->arena.backing == ARENA_REAL)
		memset((void *)object, 0, cache->object_bytes);
	return object;
}

uintptr_t kmalloc_allocate(struct kmalloc *kmalloc, const struct gfp *gfp, size_t bytes)
{
	struct node *node = kmalloc->maps.node;

	if (bytes <= KMALLOC_CACHE_MAX)
		return allocate_object(kmalloc, gfp, bytes > 0 ? bytes : 1);
	if (bytes > PAGE_BYTES << node->zone[0].buddy.max_order)
		return 0;
	return get_free_pages(node, gfp, order_of_pages(pages_of_bytes(bytes)));
}

/* The first page of the block or slab at the address. */
static struct page *block_of(const struct kmalloc *kmalloc, uintptr_t address)
{
	const struct node *node = kmalloc->maps.node;

	CHECK(arena_holds(&node->arena, address), "a freed block lies in the direct map");
	struct page *page = page_head(node, arena_pfn(&node->arena, address));

	CHECK(page, "a freed block is allocated (double free, or foreign)");
	return page;
}

void kmalloc_free(struct kmalloc *kmalloc, int cpu, uintptr_t address)
{
	if (address == 0)
		return;
	struct page *page = block_of(kmalloc, address);

	if (page->flags & PAGE_SLAB)
		slab_cache_free(page->mapping, cpu, address);
	else
		free_pages(kmalloc->maps.node, cpu, address, (unsigned)page->private);
}

size_t kmalloc_usable_bytes(const struct kmalloc *kmalloc, uintptr_t address)
{
	const struct page *page = block_of(kmalloc, address);

	return page->flags & PAGE_SLAB ? ((const struct slab_cache *)page->mapping)->object_bytes
				       : PAGE_BYTES << page->private;
}

const char *kmalloc_check(const struct kmalloc *kmalloc)
{
	for (unsigned class = 1; class < kmalloc->classes; class ++) {
		if (kmalloc->class_bytes[class - 1] >= kmalloc->class_bytes[class])
			return "I1: class sizes ascend and end with KMALLOC_CACHE_MAX";
	}
	if (kmalloc->class_bytes[kmalloc->classes - 1] != KMALLOC_CACHE_MAX)
		return "I1: class sizes ascend and end with KMALLOC_CACHE_MAX";
	for (uint32_t step = 0; step <= KMALLOC_CACHE_MAX / 8; step++) {
		unsigned class = kmalloc->class_of[step];

		if (class >= kmalloc->classes || kmalloc->class_bytes[class] < step * 8 ||
		    (class > 0 && kmalloc->class_bytes[class - 1] >= step * 8))
			return "I1: class_of maps every size to the smallest class that holds it";
	}
	for (unsigned class = 0; class < kmalloc->classes; class ++) {
		if (slab_cache_check(&kmalloc->cache[class]))
			return "I2: slab_cache_check() of every class";
	}
	return NULL;
}
