/* kmem_cache.h: named caches of objects of one size, the kernel's own allocator for its structures (Bonwick, USENIX Summer 1994;
 * Bonwick and Adams, USENIX 2001; Linux 6.18, mm/slub.c and mm/slab_common.c).
 *
 *   CPU 0   top o  hand [ o o o . . . ]  spare [ o o . . . . ]    free objects: the last one, and two sheaves, used without a lock
 *                  |  fill ^ flush, a whole sheaf
 *   cache   barn   [full] [full] [empty] ...                sheaves to exchange, under the cache's lock
 *   CPU 0   active slab --> partial slab --> partial slab   the CPU's own slabs
 *                  |                            ^
 *   cache   partial ---> slab ---> slab ---> slab           under the cache's lock
 *                  |  new slab ^ empty slab
 *   node    alloc_pages(order)
 *
 * The object that was freed last is not in the hand, but in a place of its own: so a call that gives and the one that takes it again
 * do not wait for each other's count of objects.
 *
 * Which of these stages a cache has is policy (slab_policy.h): sheaves, the CPU's own slabs, both, or none. Where there is only the
 * CPU's active slab, the hand is the list of its free objects. Caches that look after their objects' bytes (SLAB_DEBUG_FLAGS) have
 * none, so that the slab's map tells the whole truth about every object at every call.
 *
 * A *live* object is the caller's. Objects in sheaves and in the active slab's list are neither live nor free in their slab.
 *
 * Caches of like objects may be one: creating the second gives the first again (SLUB's merging: mm/slab_common.c, find_mergeable).
 *
 * Every free checks that the address is an object of this cache and not the one freed just before on this CPU; that it is not free
 * already is found at once with policy `hardened`, by debug flags, or else when it comes back to its slab (slab_misuse.h).
 *
 * Threads: a CPU's calls come from one thread at a time. Creation, destruction, shrinking and the figures: while nothing else runs.
 *
 * Invariants, proved by kmem_cache_check() while nothing runs:
 *   I1: partial lists exactly the slabs of the cache that have a free slot and no CPU; partial_count is their number
 *   I2: slab_check() of every slab of a list and of every CPU's own
 *   I3: in_use = slots in use of all slabs; objects = slots of all slabs; slabs = listed, the CPUs', and full ones
 *   I4: objects in sheaves, on top of them, and in active lists are objects of the cache, in use in their slab, and nowhere twice
 *   I5: a CPU's partial slabs are in its list, partial_slabs of them; its active slab is marked as such
 *   I6: a CPU's hand has room for the object on top, or for one that may come there
 *   I7: what calls read first is as in the allocator, the cut and the geometry
 */
#ifndef FAULTLINE_ENGINE_PHYS_KMEM_CACHE_H
#define FAULTLINE_ENGINE_PHYS_KMEM_CACHE_H

#include "engine/base/counted_lock.h"
#include "engine/base/list.h"
#include "engine/phys/gfp.h"
#include "engine/phys/slab.h"
#include "engine/phys/slab_misuse.h"
#include "engine/phys/slab_policy.h"

#define KMEM_CACHE_NAME_BYTES 64u
#define KMEM_CACHES_MAX 2048u /* of an allocator */
#define SLAB_BARN_SHEAVES 10u /* full ones that a cache keeps (mm/slub.c 6.18: MAX_FULL_SHEAVES) */

typedef void slab_constructor(void *object);

struct kmem_cache;

/* All caches of a node: what they share. */
struct slab_allocator {
	struct slab_maps maps;
	struct slab_policy policy;
	struct list caches; /* newest first, by kmem_cache.link */
	struct kmem_cache *slots;
	unsigned slots_used;	   /* slots ever used */
	uint64_t merged;	   /* creations that gave an older cache */
	uint64_t destroys_refused; /* because objects were live */
	struct counted_lock
	    misuse_lock; /* the last lock that is taken; guards misuses and the taker's calls */
	uint64_t misuses[SLAB_MISUSE_KINDS];
	slab_misuse_taker *taker; /* or NULL: a misuse dies by CHECK */
	void *taker_context;
	struct slab_caller *caller;	/* [cpu + 1] */
	struct slab_track (*tracks)[2]; /* per slot: allocated, freed; NULL until a cache asks for them */
	_Atomic uint8_t *held; /* per slot: 1 = freed, and not handed out since; NULL without `hardened` */
	struct reservation memory, callers_memory, tracks_memory, held_memory;
};

struct kmem_cache_args {
	const char *name;	       /* shorter than KMEM_CACHE_NAME_BYTES; copied */
	uint32_t object_bytes;	       /* 1 .. SLAB_OBJECT_MAX */
	uint32_t alignment;	       /* a power of two; 0 = 8 bytes */
	unsigned flags;		       /* enum slab_flag, or-ed */
	uint32_t sheaf_capacity;       /* objects; 0 = as the policy says */
	bool has_inner_pointer;	       /* slab_geometry.h */
	slab_constructor *constructor; /* or NULL; not called where there is no memory (backing none) */
};

/* Free objects, from object[1] on: object[count] is the next one handed out. object[0] is 0, which is nobody's, so that the one on
 * top can be looked at without asking whether there is one. */
struct slab_sheaf {
	uint32_t count, capacity;
	struct slab_sheaf *next; /* in the barn */
	uintptr_t object[];
};

struct kmem_cache_cpu {
	_Alignas(64) uintptr_t top; /* the object that was freed last, and is taken first; 0 = it was taken */
	struct slab_sheaf *hand;    /* what calls take from and give to next */
	uint64_t active_entry;	    /* of the active slab (slab.h), or 0 */
	struct page *active;	    /* with cpu_slabs: the CPU's own slab, or NULL */
	struct slab_sheaf *spare;   /* with sheaves */
	struct slab_sheaf
	    *loose; /* with cpu_slabs: the active slab's free objects; the hand where there are no sheaves */
	struct list partial; /* slabs, by page.lru */
	uint32_t partial_slabs;
};

struct kmem_cache {
	/* What every call reads, in the order of a free. */
	_Alignas(64) uintptr_t base; /* of the direct map */
	uint64_t bytes;
	const uint64_t *entry; /* of the frames (slab.h) */
	uint64_t tag;	       /* of entries of this cache's slabs of the usual order */
	uint64_t inverse;      /* of cut */
	uint64_t usual_slots;  /* of a slab of the usual order */
	struct kmem_cache_cpu *cpu;
	unsigned quick_cpus; /* the same as cpus, but 0 where calls have more to do than to use the hand */
	unsigned cpus;	     /* with stages of their own; 0 = every call goes to the node's list */
	uint64_t
	    only_active; /* mask: the hand takes (0) any object of the cache (all ones) the active slab's only */

	struct slab_allocator *allocator;
	bool has_sheaves, has_cpu_slabs, is_hardened, is_debugged;
	struct slab_cut cut;
	struct slab_geometry geometry;
	char name[KMEM_CACHE_NAME_BYTES];
	unsigned flags;
	unsigned users; /* creations that gave this cache; 0 = the slot is free */
	slab_constructor *constructor;
	struct list link;
	uint32_t sheaf_capacity;
	uint32_t colours, next_colour; /* of geometry.alignment bytes each */
	struct random numbers;

	struct counted_lock lock; /* guards what follows, and the maps of all slabs */
	struct list partial;	  /* slabs, by page.lru */
	uint64_t partial_count;
	uint64_t empty_slabs; /* of them: no slot in use */
	uint64_t slabs, objects;
	uint64_t in_use;		 /* slots: callers', in sheaves, in active lists */
	struct slab_sheaf *full, *empty; /* the barn */
	uint32_t full_count;
	uint64_t slabs_created, slabs_given_back,
	    small_slabs; /* small: of order_min, for lack of larger blocks */
	uint64_t sheaf_fills, sheaf_flushes, barn_exchanges;
	struct reservation memory;
};

/* Which slab allocator a node has. STATUS_BAD_ARGUMENT when the policy is out of its bounds, STATUS_NO_MEMORY. */
MUST_USE enum status slab_allocator_create(struct slab_allocator *allocator, struct memory *memory,
					   const struct slab_policy *policy);

/* Ends all caches. Every object must have been freed (SLAB_LIVE_AT_DESTROY). */
void slab_allocator_destroy(struct slab_allocator *allocator);

/* Ends all caches, and leaves their slabs to whoever ends the memory they came from. */
void slab_allocator_abandon(struct slab_allocator *allocator);

/* Misuse is reported to `taker` from now on; NULL: it dies. */
void slab_allocator_report_to(struct slab_allocator *allocator, slab_misuse_taker *taker, void *context);

/* The calls of `cpu` (-1: no CPU) are this caller's from now on. */
void slab_allocator_caller(struct slab_allocator *allocator, int cpu, const struct slab_caller *caller);

/* A cache for these objects: a new one, or with merging an older one whose slots do as well (mm/slab_common.c 6.18:
 * find_mergeable, __kmem_cache_alias): same account and zone flags, neither with constructor, sheaves or flags that forbid it,
 * slots less than a word longer than needed and of its alignment. STATUS_BAD_ARGUMENT for a shape or name out of bounds,
 * STATUS_LIMIT for more than KMEM_CACHES_MAX, STATUS_NO_MEMORY. */
MUST_USE enum status kmem_cache_create(struct slab_allocator *allocator, const struct kmem_cache_args *args,
				       struct kmem_cache **created);

/* Takes back one creation; with the last one the cache ends, and its memory goes back. Returns 0, or how many objects are live:
 * then nothing happens, but that it is counted. */
uint64_t kmem_cache_destroy(struct kmem_cache *cache);

/* Gives back all that nobody uses: objects in sheaves and CPUs' slabs go to their slabs, empty slabs to the node; the others are
 * sorted, fullest first (mm/slub.c 6.18: __kmem_cache_do_shrink). Returns how many slabs went. */
uint64_t kmem_cache_shrink(struct kmem_cache *cache);

/* An object, 0 when there is no page for a new slab. GFP_ZERO clears it, which is not allowed with a constructor. */
uintptr_t kmem_cache_alloc(struct kmem_cache *cache, const struct gfp *gfp);

/* Frees an object. `cpu` as in struct gfp. */
void kmem_cache_free(struct kmem_cache *cache, int cpu, uintptr_t address);

/* `count` objects at once, or none: returns count or 0. */
size_t kmem_cache_alloc_bulk(struct kmem_cache *cache, const struct gfp *gfp, size_t count,
			     uintptr_t *objects);
void kmem_cache_free_bulk(struct kmem_cache *cache, int cpu, size_t count, const uintptr_t *objects);

/* Frees an object of any cache of the allocator (kfree's way). False, and nothing done, when the address lies in no slab. */
bool slab_allocator_free(struct slab_allocator *allocator, int cpu, uintptr_t address);

/* Reports that an address which lies in no slab was to be freed. */
void slab_allocator_foreign(struct slab_allocator *allocator, uintptr_t address);

/* The cache of an object, or NULL when the address is not where an object begins. */
struct kmem_cache *kmem_cache_of(const struct slab_allocator *allocator, uintptr_t object);

/* Callers' objects. */
uint64_t kmem_cache_live_objects(const struct kmem_cache *cache);

/* NULL, or the text of the first invariant that does not hold. */
const char *kmem_cache_check(const struct kmem_cache *cache);

/* The same over all caches. */
const char *slab_allocator_check(const struct slab_allocator *allocator);

#endif
