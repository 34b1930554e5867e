/* kmalloc.h: memory of any size for a kernel: a cache per size class and type, whole pages above.
 *
 *   request  0               KMALLOC_ZERO_SIZE: an address that must not be used
 *            <= 8192 bytes   the cache of the smallest class that holds it
 *            >  8192 bytes   a block of 2^order pages, up to the zones' largest order
 *
 * Size classes by policy:
 *   pow2            8, 16, 32, 64, ... 8192
 *   kmalloc         the same and 96 and 192: Linux's (mm/slab_common.c, kmalloc_info)
 *   quarter-steps   8, 16, 24, 32, then four per doubling: 40, 48, 56, 64, 80, 96, ... 8192
 *   eighth-steps    multiples of 8 up to 64, then eight per doubling
 *
 * A size class is aligned as its size allows: to the largest power of two that divides it. What a request says about its pages and
 * its owner chooses the type, and with it the cache (include/linux/slab.h 6.18, kmalloc_type; random copies are off):
 *
 *   normal "kmalloc-64"   dma "dma-kmalloc-64"   reclaimable "kmalloc-rcl-64"   cgroup "kmalloc-cg-64"
 *
 * The caches are made in Linux's order: of each type first 96 and 192, then the powers of two.
 *
 * Invariants, proved by kmalloc_caches_check() while nothing runs:
 *   I1: class sizes ascend and end with KMALLOC_CACHE_MAX; class_of maps every size to the smallest class that holds it
 *   I2: the cache of every class and type has room for objects of the class; kmem_cache_check()
 */
#ifndef FAULTLINE_ENGINE_PHYS_KMALLOC_H
#define FAULTLINE_ENGINE_PHYS_KMALLOC_H

#include "engine/phys/kmem_cache.h"

#define KMALLOC_CACHE_MAX 8192u
#define KMALLOC_CLASSES_MAX 72u
#define KMALLOC_ZERO_SIZE ((uintptr_t)16)

enum kmalloc_classes {
	KMALLOC_POW2,
	KMALLOC_LINUX,
	KMALLOC_QUARTER_STEPS,
	KMALLOC_EIGHTH_STEPS,
};

/* The order in which Linux makes them. */
enum kmalloc_type {
	KMALLOC_NORMAL,
	KMALLOC_RECLAIMABLE,
	KMALLOC_DMA,
	KMALLOC_CGROUP,
	KMALLOC_TYPES,
};

struct kmalloc_caches {
	struct slab_allocator *allocator;
	unsigned classes;
	uint32_t class_bytes[KMALLOC_CLASSES_MAX];
	uint8_t class_of[KMALLOC_CACHE_MAX / 8 + 1]; /* [bytes / 8, rounded up] */
	struct kmem_cache *cache[KMALLOC_TYPES][KMALLOC_CLASSES_MAX];
};

/* Makes the caches. STATUS_NO_MEMORY, STATUS_LIMIT, STATUS_BAD_ARGUMENT. */
MUST_USE enum status kmalloc_caches_create(struct kmalloc_caches *caches, struct slab_allocator *allocator,
					   enum kmalloc_classes classes);

/* Ends the caches. Every block must have been freed. */
void kmalloc_caches_destroy(struct kmalloc_caches *caches);

/* The type that the flags (enum gfp_flag) ask for. */
enum kmalloc_type kmalloc_type(unsigned gfp_flags);

/* At least `bytes`, or 0 when there is no memory or the request is larger than the largest block. GFP_ZERO clears it. */
uintptr_t kmalloc(struct kmalloc_caches *caches, const struct gfp *gfp, size_t bytes);

/* Frees a block; 0 and KMALLOC_ZERO_SIZE do nothing. `cpu` as in struct gfp. What is not a block is a misuse (slab_misuse.h). */
void kfree(struct kmalloc_caches *caches, int cpu, uintptr_t address);

/* The block, or a new one with its contents, of at least `bytes`; 0, and nothing changed, when there is no memory. `address` 0 is an
 * allocation, `bytes` 0 a free. GFP_ZERO clears what is new. */
uintptr_t krealloc(struct kmalloc_caches *caches, const struct gfp *gfp, uintptr_t address, size_t bytes);

/* Bytes that may be used of a block; 0 for 0 and KMALLOC_ZERO_SIZE, and for what is no block. */
size_t ksize(const struct kmalloc_caches *caches, uintptr_t address);

/* NULL, or the text of the first invariant that does not hold. */
const char *kmalloc_caches_check(const struct kmalloc_caches *caches);

#endif
