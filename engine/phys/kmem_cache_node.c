#include "config.h"

#include "engine/phys/kmem_cache_layers.h"

#include "engine/base/check.h"

/* mm/slub.c 6.18: SHRINK_PROMOTE_MAX. */
#define SHRINK_PROMOTE_MAX 32u

/* --- Slabs -------------------------------------------------------------------------------------------------------- */

static void construct(const struct kmem_cache *cache, struct page *slab)
{
	const struct slab_maps *maps = &cache->allocator->maps;

	if (cache->is_debugged)
		kmem_debug_begin(cache, slab);
	if (!cache->constructor || !maps->is_real)
		return;
	for (uint32_t slot = 0; slot < slab->slab.slots; slot++)
		cache->constructor((void *)slab_object(maps, &cache->cut, slab, slot));
}

/* What of a caller's flags says how, and not what, is allocated (mm/internal.h: GFP_RECLAIM_MASK, GFP_CONSTRAINT_MASK). */
#define CALLERS_FLAGS                                                                                        \
	((unsigned)(GFP_RECLAIM | GFP_HIGH | GFP_IO | GFP_FS | GFP_NOWARN | GFP_RETRY_MAYFAIL | GFP_NOFAIL | \
		    GFP_NORETRY | GFP_MEMALLOC | GFP_NOMEMALLOC | GFP_HARDWALL | GFP_THISNODE))

static struct gfp gfp_of_slab(const struct kmem_cache *cache, const struct gfp *gfp)
{
	struct gfp own = *gfp;

	own.flags &= CALLERS_FLAGS;
	if (cache->flags & SLAB_CACHE_DMA)
		own.flags |= GFP_DMA;
	if (cache->flags & SLAB_CACHE_DMA32)
		own.flags |= GFP_DMA32;
	if (cache->flags & SLAB_RECLAIM_ACCOUNT)
		own.flags |= GFP_RECLAIMABLE;
	return own;
}

/* A block of the order that wastes least, if it is at hand: for it nothing is reclaimed, and no reserve touched (allocate_slab). */
static struct page *try_large(const struct kmem_cache *cache, const struct gfp *own)
{
	struct gfp mild = *own;

	mild.flags = (mild.flags | GFP_NOWARN | GFP_NORETRY) & ~(unsigned)GFP_NOFAIL;
	if ((mild.flags & GFP_DIRECT_RECLAIM) && cache->geometry.order > cache->geometry.order_min)
		mild.flags = (mild.flags | GFP_NOMEMALLOC) & ~(unsigned)GFP_RECLAIM;
	return alloc_pages(cache->allocator->maps.memory, &mild, cache->geometry.order);
}

struct page *kmem_node_grow(struct kmem_cache *cache, const struct gfp *gfp)
{
	const struct slab_geometry *geometry = &cache->geometry;
	struct gfp own = gfp_of_slab(cache, gfp);
	struct page *slab = try_large(cache, &own);

	if (!slab) {
		slab = alloc_pages(cache->allocator->maps.memory, &own, geometry->order_min);
		cache->small_slabs += slab && geometry->order_min < geometry->order;
	}
	if (!slab)
		return NULL;
	slab->mapping = cache;
	slab_begin(&cache->allocator->maps, slab, &cache->cut,
		   slab->private == geometry->order ? cache->next_colour * geometry->alignment : 0);
	cache->next_colour = (cache->next_colour + 1) % cache->colours;
	construct(cache, slab);
	cache->slabs++;
	cache->slabs_created++;
	cache->objects += slab->slab.slots;
	return slab;
}

static void give_back(struct kmem_cache *cache, struct page *slab)
{
	cache->slabs--;
	cache->slabs_given_back++;
	cache->objects -= slab->slab.slots;
	slab_end(&cache->allocator->maps, slab);
	free_pages_of(cache->allocator->maps.memory, -1, slab, (unsigned)slab->private);
}

/* --- The list ----------------------------------------------------------------------------------------------------- */

static void list_slab(struct kmem_cache *cache, struct page *slab, bool to_tail)
{
	slab->slab.state = SLAB_NODE_PARTIAL;
	if (to_tail)
		list_append(&cache->partial, &slab->lru);
	else
		list_push(&cache->partial, &slab->lru);
	cache->partial_count++;
	cache->empty_slabs += slab->index == 0;
}

static void unlist_slab(struct kmem_cache *cache, struct page *slab)
{
	list_remove(&slab->lru);
	slab->slab.state = SLAB_FULL;
	cache->partial_count--;
	cache->empty_slabs -= slab->index == 0;
}

struct page *kmem_node_pop(struct kmem_cache *cache)
{
	if (list_is_empty(&cache->partial))
		return NULL;
	struct page *slab = list_entry(cache->partial.next, struct page, lru);

	unlist_slab(cache, slab);
	return slab;
}

/* Are there enough slabs without this one? SLUB keeps as many partial ones, whatever is in them; without slabs of the CPUs the
 * empty ones count, so that a cache which is used by turns does not lose them each time. */
static bool has_enough(const struct kmem_cache *cache)
{
	uint64_t kept = cache->has_cpu_slabs ? cache->partial_count : cache->empty_slabs;

	return kept >= cache->geometry.partial_min;
}

void kmem_node_put(struct kmem_cache *cache, struct page *slab, bool to_tail)
{
	slab->slab.state = SLAB_FULL;
	if (slab->index == 0 && has_enough(cache))
		give_back(cache, slab);
	else if (slab_free_slots(slab) > 0)
		list_slab(cache, slab, to_tail);
}

uintptr_t kmem_node_take(struct kmem_cache *cache, const struct gfp *gfp)
{
	if (list_is_empty(&cache->partial)) {
		struct page *grown = kmem_node_grow(cache, gfp);

		if (!grown)
			return 0;
		list_slab(cache, grown, true);
	}
	struct page *slab = list_entry(cache->partial.next, struct page, lru);

	cache->empty_slabs -= slab->index == 0;
	uint32_t slot = slab_take(&cache->allocator->maps, slab,
				  cache->allocator->policy.random ? &cache->numbers : NULL);

	cache->in_use++;
	if (slab_free_slots(slab) == 0)
		unlist_slab(cache, slab);
	return slab_object(&cache->allocator->maps, &cache->cut, slab, slot);
}

/* An empty slab of the list goes to its end, or back to the node. */
static void settle_empty(struct kmem_cache *cache, struct page *slab)
{
	cache->empty_slabs++;
	if (!cache->has_cpu_slabs) {
		list_remove(&slab->lru);
		list_append(&cache->partial, &slab->lru);
	}
	if (cache->has_cpu_slabs ? !has_enough(cache) : cache->empty_slabs <= cache->geometry.partial_min)
		return;
	unlist_slab(cache, slab);
	give_back(cache, slab);
}

void kmem_object_give(struct kmem_cache *cache, struct kmem_cache_cpu *own, const struct kmem_object *object)
{
	struct page *slab = object->slab;

	if (own && own->active == slab) {
		slab_sheaf_push(own->loose, object->address);
		return;
	}
	if (slab_slot_is_free(&cache->allocator->maps, slab, object->slot)) {
		kmem_misuse_double_free(cache, object);
		return;
	}
	slab_give(&cache->allocator->maps, slab, object->slot);
	cache->in_use--;
	if (slab->slab.state == SLAB_NODE_PARTIAL && slab->index == 0)
		settle_empty(cache, slab);
	else if (slab->slab.state == SLAB_FULL && own && cache->has_cpu_slabs)
		kmem_cpu_keep(cache, own, slab);
	else if (slab->slab.state == SLAB_FULL)
		kmem_node_put(cache, slab, cache->has_cpu_slabs);
}

/* --- Shrinking ---------------------------------------------------------------------------------------------------- */

static uint64_t sort_out(struct kmem_cache *cache, struct list *promoted)
{
	uint64_t before = cache->slabs;

	for (struct list *link = cache->partial.next; link != &cache->partial;) {
		struct page *slab = list_entry(link, struct page, lru);
		uint32_t free = slab_free_slots(slab);

		link = link->next;
		if (slab->index == 0) {
			unlist_slab(cache, slab);
			give_back(cache, slab);
		} else if (free <= SHRINK_PROMOTE_MAX) {
			list_remove(&slab->lru);
			list_push(&promoted[free - 1], &slab->lru);
		}
	}
	return before - cache->slabs;
}

uint64_t kmem_node_shrink(struct kmem_cache *cache)
{
	struct list promoted[SHRINK_PROMOTE_MAX];

	for (uint32_t i = 0; i < SHRINK_PROMOTE_MAX; i++)
		list_create(&promoted[i]);
	uint64_t gone = sort_out(cache, promoted);

	for (uint32_t i = SHRINK_PROMOTE_MAX; i-- > 0;) {
		while (!list_is_empty(&promoted[i])) {
			struct list *link = promoted[i].previous;

			list_remove(link);
			list_push(&cache->partial, link);
		}
	}
	return gone;
}
