#include "config.h"

#include "engine/phys/kmem_cache_layers.h"

/* --- Below the sheaves -------------------------------------------------------------------------------------------- */

static uintptr_t take_one(struct kmem_cache *cache, struct kmem_cache_cpu *own, const struct gfp *gfp)
{
	if (!cache->has_cpu_slabs || !own)
		return kmem_node_take(cache, gfp);
	if (own->loose->count == 0 && !kmem_cpu_load(cache, own, gfp))
		return 0;
	return slab_sheaf_pop(own->loose);
}

uint32_t kmem_objects_take(struct kmem_cache *cache, struct kmem_cache_cpu *own, const struct gfp *gfp,
			   struct slab_sheaf *sheaf)
{
	uint32_t first = sheaf->count;

	while (sheaf->count < sheaf->capacity) {
		uintptr_t object = take_one(cache, own, gfp);

		if (object == 0)
			break;
		slab_sheaf_push(sheaf, object);
	}
	for (uint32_t low = first + 1, high = sheaf->count; low < high; low++, high--) {
		uintptr_t object = sheaf->object[high];

		sheaf->object[high] = sheaf->object[low];
		sheaf->object[low] = object;
	}
	return sheaf->count - first;
}

static void give_all(struct kmem_cache *cache, struct kmem_cache_cpu *own, struct slab_sheaf *sheaf)
{
	for (uint32_t i = 1; i <= sheaf->count; i++) {
		struct kmem_object object = {.address = sheaf->object[i], .slot = SLAB_NO_SLOT};

		object.slab = slab_of_address(&cache->allocator->maps, object.address);
		if (object.slab && object.slab->mapping == cache)
			object.slot =
			    slab_slot(&cache->allocator->maps, &cache->cut, object.slab, object.address);
		if (object.slot != SLAB_NO_SLOT)
			kmem_object_give(cache, own, &object);
		else
			kmem_misuse_of_address(cache->allocator, cache, object.address);
	}
	sheaf->count = 0;
	cache->sheaf_flushes++;
}

/* --- Sheaves ------------------------------------------------------------------------------------------------------ */

static void swap_hand(struct kmem_cache_cpu *own)
{
	struct slab_sheaf *hand = own->hand;

	own->hand = own->spare;
	own->spare = hand;
}

static void push_sheaf(struct slab_sheaf **list, struct slab_sheaf *sheaf)
{
	sheaf->next = *list;
	*list = sheaf;
}

static struct slab_sheaf *pop_sheaf(struct slab_sheaf **list)
{
	struct slab_sheaf *sheaf = *list;

	*list = sheaf->next;
	return sheaf;
}

bool kmem_sheaf_fill(struct kmem_cache *cache, struct kmem_cache_cpu *own, const struct gfp *gfp)
{
	if (own->spare->count > 0) {
		swap_hand(own);
		return true;
	}
	if (cache->full) {
		push_sheaf(&cache->empty, own->hand);
		own->hand = pop_sheaf(&cache->full);
		cache->full_count--;
		cache->barn_exchanges++;
		return true;
	}
	cache->sheaf_fills++;
	return kmem_objects_take(cache, own, gfp, own->hand) > 0;
}

void kmem_sheaf_make_room(struct kmem_cache *cache, struct kmem_cache_cpu *own)
{
	if (own->spare->count < own->spare->capacity) {
		swap_hand(own);
		return;
	}
	if (cache->full_count < SLAB_BARN_SHEAVES) {
		push_sheaf(&cache->full, own->hand);
		own->hand = pop_sheaf(&cache->empty);
		cache->full_count++;
		cache->barn_exchanges++;
		return;
	}
	give_all(cache, own, own->spare);
	swap_hand(own);
}

void kmem_sheaf_flush(struct kmem_cache *cache, struct kmem_cache_cpu *own)
{
	give_all(cache, own, own->hand);
	give_all(cache, own, own->spare);
}

void kmem_barn_flush(struct kmem_cache *cache)
{
	while (cache->full) {
		struct slab_sheaf *sheaf = pop_sheaf(&cache->full);

		cache->full_count--;
		give_all(cache, NULL, sheaf);
		push_sheaf(&cache->empty, sheaf);
	}
}
