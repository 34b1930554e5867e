/* kmem_cache_layers.h: the stages of a cache (kmem_cache.h) as its files see each other. Everything here is called under the
 * cache's lock.
 *
 *   node      kmem_cache_node.c    partial slabs, new and empty ones
 *   CPU       kmem_cache_cpu.c     a CPU's active and partial slabs
 *   sheaves   kmem_cache_sheaf.c   arrays of objects
 *   bytes     kmem_cache_debug.c   red zones, poison, tracks; and the reports of misuse
 */
#ifndef FAULTLINE_ENGINE_PHYS_KMEM_CACHE_LAYERS_H
#define FAULTLINE_ENGINE_PHYS_KMEM_CACHE_LAYERS_H

#include "engine/phys/kmem_cache.h"

/* An object and where it lies. */
struct kmem_object {
	uintptr_t address;
	struct page *slab;
	uint32_t slot;
};

static inline void slab_sheaf_push(struct slab_sheaf *sheaf, uintptr_t object)
{
	sheaf->object[++sheaf->count] = object;
}

/* The sheaf holds one. */
static inline uintptr_t slab_sheaf_pop(struct slab_sheaf *sheaf)
{
	return sheaf->object[sheaf->count--];
}

/* --- Node --------------------------------------------------------------------------------------------------------- */

/* A new slab, in no list; NULL when there is no block for it. */
struct page *kmem_node_grow(struct kmem_cache *cache, const struct gfp *gfp);

/* The first partial slab, taken out of the list; NULL when there is none. */
struct page *kmem_node_pop(struct kmem_cache *cache);

/* Puts a slab without list where it belongs: partial, full, or, when it is empty and enough others are there, back to the node. */
void kmem_node_put(struct kmem_cache *cache, struct page *slab, bool to_tail);

/* One object from the first partial slab or a new one; 0 when there is none. */
uintptr_t kmem_node_take(struct kmem_cache *cache, const struct gfp *gfp);

/* Gives empty slabs back, sorts the others. Returns how many went. */
uint64_t kmem_node_shrink(struct kmem_cache *cache);

/* --- CPU ---------------------------------------------------------------------------------------------------------- */

/* Fills the CPU's empty list of loose objects from its active slab, its partial ones, the node's, or a new one. False when there
 * is no memory. */
bool kmem_cpu_load(struct kmem_cache *cache, struct kmem_cache_cpu *own, const struct gfp *gfp);

/* A slab in no list becomes the CPU's; when there are too many, the others go to the node's list first. */
void kmem_cpu_keep(struct kmem_cache *cache, struct kmem_cache_cpu *own, struct page *slab);

/* The CPU's slabs go to the node's list. */
void kmem_cpu_flush(struct kmem_cache *cache, struct kmem_cache_cpu *own);

/* --- Below the sheaves -------------------------------------------------------------------------------------------- */

/* Up to `wanted` objects; returns how many. `own` is NULL when no CPU is named. */
uint32_t kmem_objects_take(struct kmem_cache *cache, struct kmem_cache_cpu *own, const struct gfp *gfp,
			   struct slab_sheaf *sheaf);

/* Gives an object back to its slab, or to the CPU's loose ones. */
void kmem_object_give(struct kmem_cache *cache, struct kmem_cache_cpu *own, const struct kmem_object *object);

/* --- Sheaves ------------------------------------------------------------------------------------------------------ */

/* Makes the hand hold an object. False when there is no memory. */
bool kmem_sheaf_fill(struct kmem_cache *cache, struct kmem_cache_cpu *own, const struct gfp *gfp);

/* Makes the hand hold room. */
void kmem_sheaf_make_room(struct kmem_cache *cache, struct kmem_cache_cpu *own);

/* All objects of the CPU's sheaves, or of the barn's, go back. */
void kmem_sheaf_flush(struct kmem_cache *cache, struct kmem_cache_cpu *own);
void kmem_barn_flush(struct kmem_cache *cache);

/* --- Bytes -------------------------------------------------------------------------------------------------------- */

/* Fills the slots of a new slab. */
void kmem_debug_begin(const struct kmem_cache *cache, struct page *slab);

/* Looks at a free object that is to be handed out, and makes it a caller's. */
void kmem_debug_take(struct kmem_cache *cache, int cpu, const struct kmem_object *object);

/* Looks at an object that is to be freed, and makes it free. False, after a report, when it is damaged. */
bool kmem_debug_give(struct kmem_cache *cache, int cpu, const struct kmem_object *object);

/* --- Misuse (no lock is needed) ----------------------------------------------------------------------------------- */

/* Reports what is wrong with freeing this address into the cache; NULL: into whichever it belongs to. */
void kmem_misuse_of_address(struct slab_allocator *allocator, const struct kmem_cache *cache,
			    uintptr_t address);
void kmem_misuse_double_free(struct kmem_cache *cache, const struct kmem_object *object);
void kmem_misuse_live(struct kmem_cache *cache, uint64_t live);

#endif
