#include "config.h"

#include "engine/phys/kmem_cache_layers.h"

/* The CPU takes all free slots of its active slab: others may free into the slab meanwhile. */
static void load_slab(struct kmem_cache *cache, struct kmem_cache_cpu *own)
{
	struct slab_allocator *allocator = cache->allocator;
	uint16_t slots[SLAB_OBJECTS_MAX];
	uint32_t count = slab_take_all(&allocator->maps, own->active,
				       allocator->policy.random ? &cache->numbers : NULL, slots);

	for (uint32_t i = 0; i < count; i++)
		slab_sheaf_push(own->loose,
				slab_object(&allocator->maps, &cache->cut, own->active, slots[i]));
	cache->in_use += count;
}

static void activate(struct kmem_cache *cache, struct kmem_cache_cpu *own, struct page *slab)
{
	slab->slab.state = SLAB_CPU_ACTIVE;
	own->active = slab;
	own->active_entry = cache->entry[slab_frame(&cache->allocator->maps, slab)];
	load_slab(cache, own);
}

static struct page *pop_partial(struct kmem_cache_cpu *own)
{
	if (list_is_empty(&own->partial))
		return NULL;
	struct page *slab = list_entry(own->partial.next, struct page, lru);

	list_remove(&slab->lru);
	own->partial_slabs--;
	return slab;
}

static void push_partial(struct kmem_cache_cpu *own, struct page *slab)
{
	slab->slab.state = SLAB_CPU_PARTIAL;
	list_push(&own->partial, &slab->lru);
	own->partial_slabs++;
}

static void drain_partial(struct kmem_cache *cache, struct kmem_cache_cpu *own)
{
	for (struct page *slab = pop_partial(own); slab; slab = pop_partial(own))
		kmem_node_put(cache, slab, true);
}

void kmem_cpu_keep(struct kmem_cache *cache, struct kmem_cache_cpu *own, struct page *slab)
{
	if (own->partial_slabs >= cache->geometry.cpu_partial_slabs)
		drain_partial(cache, own);
	push_partial(own, slab);
}

/* One slab from the node's list to use, and some more to keep: half of what the CPU may have (mm/slub.c: get_partial_node). */
static struct page *pop_several(struct kmem_cache *cache, struct kmem_cache_cpu *own)
{
	struct page *first = kmem_node_pop(cache);
	uint32_t kept = 0;

	while (first && kept <= cache->geometry.cpu_partial_slabs / 2) {
		struct page *slab = kmem_node_pop(cache);

		if (!slab)
			break;
		push_partial(own, slab);
		kept++;
	}
	return first;
}

bool kmem_cpu_load(struct kmem_cache *cache, struct kmem_cache_cpu *own, const struct gfp *gfp)
{
	struct page *slab = own->active;

	if (slab && slab_free_slots(slab) > 0) {
		load_slab(cache, own);
		return true;
	}
	if (slab) {
		slab->slab.state = SLAB_FULL;
		own->active = NULL;
		own->active_entry = 0;
	}
	slab = pop_partial(own);
	if (!slab)
		slab = pop_several(cache, own);
	if (!slab)
		slab = kmem_node_grow(cache, gfp);
	if (!slab)
		return false;
	activate(cache, own, slab);
	return true;
}

void kmem_cpu_flush(struct kmem_cache *cache, struct kmem_cache_cpu *own)
{
	struct page *slab = own->active;

	own->active = NULL;
	own->active_entry = 0;
	if (slab) {
		bool others_freed = slab_free_slots(slab) > 0;

		slab->slab.state = SLAB_CPU_ACTIVE;
		while (own->loose->count > 0) {
			uintptr_t address = slab_sheaf_pop(own->loose);
			struct kmem_object object = {
			    address, slab, slab_slot(&cache->allocator->maps, &cache->cut, slab, address)};

			kmem_object_give(cache, NULL, &object);
		}
		kmem_node_put(cache, slab, others_freed);
	}
	drain_partial(cache, own);
}
