#include "config.h"

#include "engine/phys/kmalloc.h"

#include "engine/phys/kmem_cache_quick.h"

#include <stdio.h>
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

static const char *const prefix_of_type[KMALLOC_TYPES] = {
    [KMALLOC_NORMAL] = "kmalloc-",
    [KMALLOC_RECLAIMABLE] = "kmalloc-rcl-",
    [KMALLOC_DMA] = "dma-kmalloc-",
    [KMALLOC_CGROUP] = "kmalloc-cg-",
};

/* Normal ones are never merged, because caches of charged objects could be taken for them (CONFIG_MEMCG). */
static const unsigned flags_of_type[KMALLOC_TYPES] = {
    [KMALLOC_NORMAL] = SLAB_KMALLOC | SLAB_NO_MERGE,
    [KMALLOC_RECLAIMABLE] = SLAB_KMALLOC | SLAB_RECLAIM_ACCOUNT,
    [KMALLOC_DMA] = SLAB_KMALLOC | SLAB_CACHE_DMA,
    [KMALLOC_CGROUP] = SLAB_KMALLOC | SLAB_ACCOUNT,
};

static enum status create_cache(struct kmalloc_caches *caches, enum kmalloc_type type, unsigned class)
{
	char name[KMEM_CACHE_NAME_BYTES];
	uint32_t bytes = caches->class_bytes[class];
	bool in_kib = bytes >= 1024 && is_power_of_two(bytes);
	struct kmem_cache_args args = {
	    .name = name,
	    .object_bytes = bytes,
	    .alignment = bytes & -bytes,
	    .flags = flags_of_type[type],
	};

	(void)snprintf(name, sizeof(name), "%s%u%s", prefix_of_type[type], in_kib ? bytes / 1024 : bytes,
		       in_kib ? "k" : "");
	return kmem_cache_create(caches->allocator, &args, &caches->cache[type][class]);
}

static enum status create_type(struct kmalloc_caches *caches, enum kmalloc_type type)
{
	enum status status = STATUS_OK;

	for (unsigned powers = 0; powers < 2; powers++) {
		for (unsigned class = 0; class < caches->classes && status == STATUS_OK; class ++) {
			if (is_power_of_two(caches->class_bytes[class]) == (powers == 1))
				status = create_cache(caches, type, class);
		}
	}
	return status;
}

static void fill_classes(struct kmalloc_caches *caches, enum kmalloc_classes classes)
{
	unsigned class = 0;

	for (uint32_t bytes = 0; bytes < KMALLOC_CACHE_MAX;) {
		bytes = next_class(classes, bytes);
		caches->class_bytes[caches->classes++] = bytes;
	}
	for (uint32_t step = 0; step <= KMALLOC_CACHE_MAX / 8; step++) {
		while (caches->class_bytes[class] < step * 8)
			class ++;
		caches->class_of[step] = (uint8_t) class;
	}
}

enum status kmalloc_caches_create(struct kmalloc_caches *caches, struct slab_allocator *allocator,
				  enum kmalloc_classes classes)
{
	enum status status = STATUS_OK;

	*caches = (struct kmalloc_caches){.allocator = allocator};
	if (classes > KMALLOC_EIGHTH_STEPS)
		return STATUS_BAD_ARGUMENT;
	fill_classes(caches, classes);
	for (unsigned type = 0; type < KMALLOC_TYPES && status == STATUS_OK; type++)
		status = create_type(caches, (enum kmalloc_type)type);
	if (status != STATUS_OK)
		kmalloc_caches_destroy(caches);
	return status;
}

void kmalloc_caches_destroy(struct kmalloc_caches *caches)
{
	for (unsigned type = 0; type < KMALLOC_TYPES; type++) {
		for (unsigned class = 0; class < caches->classes; class ++) {
			if (caches->cache[type][class])
				(void)kmem_cache_destroy(caches->cache[type][class]);
		}
	}
	caches->classes = 0;
}

/* --- Blocks ------------------------------------------------------------------------------------------------------- */

enum kmalloc_type kmalloc_type(unsigned gfp_flags)
{
	if ((gfp_flags & (GFP_DMA | GFP_RECLAIMABLE | GFP_ACCOUNT)) == 0)
		return KMALLOC_NORMAL;
	if (gfp_flags & GFP_DMA)
		return KMALLOC_DMA;
	return gfp_flags & GFP_RECLAIMABLE ? KMALLOC_RECLAIMABLE : KMALLOC_CGROUP;
}

static uintptr_t allocate_pages(struct kmalloc_caches *caches, const struct gfp *gfp, size_t bytes)
{
	struct memory *memory = caches->allocator->maps.memory;

	if (bytes > SLAB_OBJECT_MAX)
		return 0;
	uintptr_t address = get_free_pages(memory, gfp, order_of_pages(pages_of_bytes(bytes)));

	if (address != 0)
		virt_to_page(memory, address)->mapping = caches;
	return address;
}

__attribute__((noinline)) static uintptr_t allocate_otherwise(struct kmalloc_caches *caches,
							      const struct gfp *gfp, size_t bytes)
{
	return bytes == 0 ? KMALLOC_ZERO_SIZE : allocate_pages(caches, gfp, bytes);
}

uintptr_t kmalloc(struct kmalloc_caches *caches, const struct gfp *gfp, size_t bytes)
{
	if (__builtin_expect(bytes - 1 >= KMALLOC_CACHE_MAX, 0))
		return allocate_otherwise(caches, gfp, bytes);
	unsigned class = caches->class_of[(bytes + 7) / 8];
	struct kmem_cache *cache = caches->cache[kmalloc_type(gfp->flags)][class];
	uintptr_t object = kmem_quick_take(cache, gfp);

	return __builtin_expect(object != 0, 1) ? object : kmem_cache_alloc(cache, gfp);
}

/* The first page of a block of pages of ours that begins at the address, or NULL. */
static struct page *block_at(const struct kmalloc_caches *caches, uintptr_t address)
{
	struct page *page = virt_to_page(caches->allocator->maps.memory, address);

	return page && address % PAGE_BYTES == 0 && (page->flags & PAGE_HEAD) && page->mapping == caches
		   ? page
		   : NULL;
}

__attribute__((noinline)) static void free_otherwise(struct kmalloc_caches *caches, int cpu,
						     uintptr_t address)
{
	if (address <= KMALLOC_ZERO_SIZE || slab_allocator_free(caches->allocator, cpu, address))
		return;
	struct page *page = block_at(caches, address);

	if (!page) {
		slab_allocator_foreign(caches->allocator, address);
		return;
	}
	page->mapping = NULL;
	free_pages(caches->allocator->maps.memory, cpu, address, (unsigned)page->private);
}

void kfree(struct kmalloc_caches *caches, int cpu, uintptr_t address)
{
	const struct slab_maps *maps = &caches->allocator->maps;
	uint64_t distance = address - maps->base;
	uint64_t entry = distance < maps->bytes ? maps->entry[distance >> PAGE_SHIFT] : 0;

	if (__builtin_expect(entry == 0 ||
				 !kmem_quick_give(&caches->allocator->slots[slab_entry_number(entry) - 1],
						  cpu, distance, entry),
			     0))
		free_otherwise(caches, cpu, address);
}

size_t ksize(const struct kmalloc_caches *caches, uintptr_t address)
{
	if (address <= KMALLOC_ZERO_SIZE)
		return 0;
	const struct kmem_cache *cache = kmem_cache_of(caches->allocator, address);

	if (cache)
		return cache->geometry.object_bytes;
	const struct page *page = block_at(caches, address);

	return page ? PAGE_BYTES << page->private : 0;
}

uintptr_t krealloc(struct kmalloc_caches *caches, const struct gfp *gfp, uintptr_t address, size_t bytes)
{
	size_t usable = ksize(caches, address);

	if (bytes == 0) {
		kfree(caches, gfp->cpu, address);
		return KMALLOC_ZERO_SIZE;
	}
	if (usable >= bytes)
		return address;
	uintptr_t moved = kmalloc(caches, gfp, bytes);

	if (moved == 0)
		return 0;
	if (usable > 0 && caches->allocator->maps.is_real)
		memcpy((void *)moved, (const void *)address, usable);
	kfree(caches, gfp->cpu, address);
	return moved;
}

/* --- Proof -------------------------------------------------------------------------------------------------------- */

static const char I1_ends[] = "I1: class sizes ascend and end with KMALLOC_CACHE_MAX";
static const char I1_maps[] = "I1: class_of maps every size to the smallest class that holds it";
static const char I2[] =
    "I2: the cache of every class and type has room for objects of the class; kmem_cache_check()";

static const char *check_classes(const struct kmalloc_caches *caches)
{
	for (unsigned class = 1; class < caches->classes; class ++) {
		if (caches->class_bytes[class - 1] >= caches->class_bytes[class])
			return I1_ends;
	}
	if (caches->class_bytes[caches->classes - 1] != KMALLOC_CACHE_MAX)
		return I1_ends;
	for (uint32_t step = 0; step <= KMALLOC_CACHE_MAX / 8; step++) {
		unsigned class = caches->class_of[step];

		if (class >= caches->classes || caches->class_bytes[class] < step * 8 ||
		    (class > 0 && caches->class_bytes[class - 1] >= step * 8))
			return I1_maps;
	}
	return NULL;
}

const char *kmalloc_caches_check(const struct kmalloc_caches *caches)
{
	const char *broken = check_classes(caches);

	for (unsigned type = 0; type < KMALLOC_TYPES && !broken; type++) {
		for (unsigned class = 0; class < caches->classes && !broken; class ++) {
			const struct kmem_cache *cache = caches->cache[type][class];

			if (cache->geometry.object_bytes < caches->class_bytes[class] ||
			    kmem_cache_check(cache))
				broken = I2;
		}
	}
	return broken;
}
