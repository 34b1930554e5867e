/* slab.h: named caches of objects of one size, cut from slabs: blocks of pages (Bonwick, USENIX Summer 1994; Bonwick and
 * Adams, USENIX 2001).
 *
 *   CPU 0  [ o o o o . . . . ]   a magazine of free objects, used without a lock
 *   CPU 1  [ o o . . . . . . ]        |  refill ^ flush, half a magazine at a time
 *   cache                        partial ──▶ slab ──▶ slab ──▶ slab        under the cache's lock
 *                                                |  new slab ^ empty slab
 *   node                         alloc_pages(order)
 *
 *   slab   |colour| object | object | ... | object | rest |       2^order pages, aligned to their size
 *
 * Nothing is kept in the objects: which objects of a slab are free is a bitmap in memory of its own (struct slab_maps: 64 bytes
 * per frame, backed where a slab is), and the rest is in the slab's struct page. So a constructor's work survives a free, and
 * a cache works the same where memory does not exist (backing none; constructors are not called then).
 *
 * The *colour* shifts the first object of each new slab by one alignment more, as far as the rest allows, so that the same
 * fields of different slabs do not compete for one cache set. With random freelists a refill takes the free objects of a slab
 * in random order, else the lowest first.
 *
 * A free checks that the address is an object of this cache, and a flush that it is not free already.
 *
 * Invariants, proved by slab_cache_check() while nothing runs:
 *   I1: partial lists exactly the slabs that have a free object
 *   I2: of every listed slab: objects in use + bits set = objects per slab, and no bit beyond
 *   I3: in_use = objects in use of all slabs; slabs = listed and full ones
 *   I4: objects in magazines are objects of the cache, in use in their slab, and nowhere twice
 */
#ifndef FAULTLINE_ENGINE_PHYS_SLAB_H
#define FAULTLINE_ENGINE_PHYS_SLAB_H

#include "engine/base/counted_lock.h"
#include "engine/base/list.h"
#include "engine/base/random.h"
#include "engine/phys/gfp.h"

#define SLAB_OBJECT_MIN 8u     /* bytes */
#define SLAB_OBJECT_MAX 32768u /* bytes */
#define SLAB_ORDER_MAX 5u
#define SLAB_MAGAZINE_MAX 256u /* objects */
#define SLAB_MAP_WORDS 8u      /* per frame: a bit per 8 bytes */
#define SLAB_EMPTY_KEPT 5u     /* empty slabs that a cache keeps, as Linux's MIN_PARTIAL */

/* The bitmaps of all slabs of a node. */
struct slab_maps {
	struct node *node;
	struct reservation memory;
	uint64_t *
	    words; /* SLAB_MAP_WORDS per frame; a slab's are those of its first frames. Bit set: the object is free */
};

struct slab_magazine {
	uint32_t count;
	uintptr_t object[SLAB_MAGAZINE_MAX];
};

typedef void slab_constructor(void *object);

struct slab_shape {
	const char *name;      /* static text */
	uint32_t object_bytes; /* SLAB_OBJECT_MIN .. SLAB_OBJECT_MAX */
	uint32_t alignment;    /* a power of two; 0 = 8 bytes */
	uint32_t order_max;    /* of a slab; the smallest order that wastes at most an eighth is taken */
	uint32_t magazine;     /* objects per CPU; 0 = none */
	unsigned cpus;
	bool random; /* random freelists */
	uint64_t seed;
	slab_constructor *constructor; /* or NULL */
	unsigned gfp;		       /* enum gfp_flag of the slabs' pages */
};

struct slab_cache {
	const char *name;
	struct slab_maps *maps;
	struct counted_lock lock;
	uint32_t object_bytes;	 /* rounded up to the alignment */
	uint32_t order, objects; /* of a slab */
	uint32_t colour_step, colours, next_colour;
	uint32_t magazine;
	unsigned cpus, gfp;
	bool random;
	struct random numbers;
	slab_constructor *constructor;
	struct list partial;	     /* slabs with a free object, by struct page.lru */
	uint64_t slabs, empty_slabs; /* empty ones are in `partial` too */
	uint64_t in_use;	     /* objects out of their slab: a caller's, or in a magazine */
	uint64_t refills, flushes;
	struct reservation memory;
	struct slab_magazine *cpu; /* one per CPU */
};

/* STATUS_NO_MEMORY when there is no address space for the maps. */
MUST_USE enum status slab_maps_create(struct slab_maps *maps, struct node *node);
void slab_maps_destroy(struct slab_maps *maps);

/* An empty cache. STATUS_BAD_ARGUMENT when the shape is out of its bounds, STATUS_NO_MEMORY. */
MUST_USE enum status slab_cache_create(struct slab_cache *cache, struct slab_maps *maps,
				       const struct slab_shape *shape);

/* Gives all memory back. Every object must have been freed. */
void slab_cache_destroy(struct slab_cache *cache);

/* An object, 0 when there is no page for a new slab. `cpu` is the calling CPU, or -1. */
uintptr_t slab_cache_allocate(struct slab_cache *cache, int cpu);
void slab_cache_free(struct slab_cache *cache, int cpu, uintptr_t object);

/* Gives the objects of a CPU's magazine back to their slabs, and all empty slabs back to the node. */
void slab_cache_shrink(struct slab_cache *cache, unsigned cpu);

/* NULL, or the text of the first invariant that does not hold. */
const char *slab_cache_check(const struct slab_cache *cache);

#endif
