/* kmalloc.h: memory of any size for a kernel: a slab cache per size class, whole pages above.
 *
 *   request  <= 8192 bytes   the cache of the smallest class that holds it
 *            >  8192 bytes   a block of 2^order pages, up to the zones' largest order
 *
 * Size classes by policy:
 *   pow2            8, 16, 32, 64, ... 8192
 *   kmalloc         the same and 96 and 192: Linux's (mm/slab_common.c, kmalloc_info)
 *   quarter-steps   8, 16, 24, 32, then four per doubling: 40, 48, 56, 64, 80, 96, ... 8192
 *   eighth-steps    multiples of 8 up to 64, then eight per doubling
 *
 * A size class is aligned as its size allows: to the largest power of two that divides it, at most a page.
 *
 * Invariants, proved by kmalloc_check() while nothing runs:
 *   I1: class sizes ascend and end with KMALLOC_CACHE_MAX; class_of maps every size to the smallest class that holds it
 *   I2: slab_cache_check() of every class
 */
#ifndef FAULTLINE_ENGINE_PHYS_KMALLOC_H
#define FAULTLINE_ENGINE_PHYS_KMALLOC_H

#include "engine/phys/slab.h"

#define KMALLOC_CACHE_MAX 8192u
#define KMALLOC_CLASSES_MAX 72u

enum kmalloc_classes {
	KMALLOC_POW2,
	KMALLOC_LINUX,
	KMALLOC_QUARTER_STEPS,
	KMALLOC_EIGHTH_STEPS,
};

struct kmalloc_shape {
	enum kmalloc_classes classes;
	uint32_t slab_order;
	uint32_t magazine;
	unsigned cpus;
	bool random;
	uint64_t seed;
};

struct kmalloc {
	struct slab_maps maps;
	unsigned classes;
	uint32_t class_bytes[KMALLOC_CLASSES_MAX];
	uint8_t class_of[KMALLOC_CACHE_MAX / 8 + 1]; /* [bytes / 8, rounded up] */
	struct slab_cache cache[KMALLOC_CLASSES_MAX];
};

/* Makes the caches over the node's memory. STATUS_NO_MEMORY, STATUS_BAD_ARGUMENT. */
MUST_USE enum status kmalloc_create(struct kmalloc *kmalloc, struct node *node,
				    const struct kmalloc_shape *shape);

/* Every block must have been freed. */
void kmalloc_destroy(struct kmalloc *kmalloc);

/* At least `bytes` (0 counts as 1), or 0 when there is no memory or the request is larger than the largest block. GFP_ZERO
 * clears it. */
uintptr_t kmalloc_allocate(struct kmalloc *kmalloc, const struct gfp *gfp, size_t bytes);

/* Frees a block; `address` 0 does nothing. `cpu` as in struct gfp. */
void kmalloc_free(struct kmalloc *kmalloc, int cpu, uintptr_t address);

/* Bytes that may be used of a block. */
size_t kmalloc_usable_bytes(const struct kmalloc *kmalloc, uintptr_t address);

/* NULL, or the text of the first invariant that does not hold. */
const char *kmalloc_check(const struct kmalloc *kmalloc);

#endif
