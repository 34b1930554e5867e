#include "config.h"

#include "engine/phys/kmem_cache_layers.h"

#include "engine/base/check.h"

#include <string.h>

static struct kmem_cache_cpu *cpu_of(const struct kmem_cache *cache, int cpu)
{
	return (unsigned)cpu < cache->cpus ? &cache->cpu[cpu] : NULL;
}

static uint8_t *held_of(const struct kmem_cache *cache, const struct page *slab, uint32_t slot)
{
	return &cache->allocator->held[slab_slot_number(&cache->allocator->maps, slab, slot)];
}

/* --- Allocation --------------------------------------------------------------------------------------------------- */

static struct kmem_object object_at(const struct kmem_cache *cache, uintptr_t address)
{
	struct page *slab = slab_of_address(&cache->allocator->maps, address);

	return (struct kmem_object){address, slab,
				    slab_slot(&cache->allocator->maps, &cache->cut, slab, address)};
}

static uintptr_t refill(struct kmem_cache *cache, struct kmem_cache_cpu *own, const struct gfp *gfp)
{
	uintptr_t object = 0;

	counted_lock_acquire(&cache->lock);
	if (!own) {
		object = kmem_node_take(cache, gfp);
		if (object != 0 && cache->is_debugged) {
			struct kmem_object taken = object_at(cache, object);

			kmem_debug_take(cache, gfp->cpu, &taken);
		}
	} else if (cache->has_sheaves ? kmem_sheaf_fill(cache, own, gfp) : kmem_cpu_load(cache, own, gfp)) {
		object = slab_sheaf_pop(own->hand);
	}
	counted_lock_release(&cache->lock);
	return object;
}

static uintptr_t clear(const struct kmem_cache *cache, uintptr_t object)
{
	if (cache->allocator->maps.is_real)
		memset((void *)object, 0, cache->geometry.object_bytes);
	return object;
}

__attribute__((noinline)) static uintptr_t alloc_slow(struct kmem_cache *cache, const struct gfp *gfp)
{
	struct kmem_cache_cpu *own = cpu_of(cache, gfp->cpu);
	uintptr_t address = own && own->hand->count > 0 ? slab_sheaf_pop(own->hand) : refill(cache, own, gfp);

	if (address != 0 && cache->is_hardened) {
		struct kmem_object object = object_at(cache, address);

		*held_of(cache, object.slab, object.slot) = 0;
	}
	return address != 0 && (gfp->flags & GFP_ZERO) ? clear(cache, address) : address;
}

uintptr_t kmem_cache_alloc(struct kmem_cache *cache, const struct gfp *gfp)
{
	if (__builtin_expect((unsigned)gfp->cpu < cache->quick_cpus, 1)) {
		struct slab_sheaf *hand = cache->cpu[gfp->cpu].hand;
		uint32_t count = hand->count;

		if (__builtin_expect(count > 0 && !(gfp->flags & GFP_ZERO), 1)) {
			hand->count = count - 1;
			return hand->object[count];
		}
	}
	return alloc_slow(cache, gfp);
}

size_t kmem_cache_alloc_bulk(struct kmem_cache *cache, const struct gfp *gfp, size_t count,
			     uintptr_t *objects)
{
	for (size_t i = 0; i < count; i++) {
		objects[i] = kmem_cache_alloc(cache, gfp);
		if (objects[i] == 0) {
			kmem_cache_free_bulk(cache, gfp->cpu, i, objects);
			return 0;
		}
	}
	return count;
}

/* --- Freeing ------------------------------------------------------------------------------------------------------ */

/* Is it the first free since the object was handed out? */
static bool note_free(struct kmem_cache *cache, const struct kmem_object *object)
{
	uint8_t *held = held_of(cache, object->slab, object->slot);
	bool is_first = !*held;

	*held = 1;
	return is_first;
}

/* True when the hand took the object; false when there is more to do. */
static inline bool hand_takes(const struct kmem_cache_cpu *own, const struct page *slab, uintptr_t address)
{
	struct slab_sheaf *hand = own->hand;
	uint32_t count = hand->count;

	if (__builtin_expect((((uintptr_t)slab ^ (uintptr_t)own->active) & own->only_active) != 0 ||
				 hand->object[count] == address || count == hand->capacity,
			     0))
		return false;
	hand->object[count + 1] = address;
	hand->count = count + 1;
	return true;
}

__attribute__((noinline)) static void free_slow(struct kmem_cache *cache, int cpu, uintptr_t address)
{
	struct kmem_cache_cpu *own = cpu_of(cache, cpu);
	struct kmem_object object = object_at(cache, address);

	if ((cache->is_hardened && !note_free(cache, &object)) ||
	    (own && own->hand->object[own->hand->count] == address)) {
		kmem_misuse_double_free(cache, &object);
		return;
	}
	if (own && hand_takes(own, object.slab, address))
		return;
	counted_lock_acquire(&cache->lock);
	if (own && cache->has_sheaves) {
		kmem_sheaf_make_room(cache, own);
		slab_sheaf_push(own->hand, address);
	} else if (!cache->is_debugged || kmem_debug_give(cache, cpu, &object)) {
		kmem_object_give(cache, own, &object);
	}
	counted_lock_release(&cache->lock);
}

/* Frees the object that begins at the address, in that slab of the cache. */
static inline void free_object(struct kmem_cache *cache, int cpu, const struct page *slab, uintptr_t address)
{
	if (__builtin_expect(
		(unsigned)cpu >= cache->quick_cpus || !hand_takes(&cache->cpu[cpu], slab, address), 0))
		free_slow(cache, cpu, address);
}

void kmem_cache_free(struct kmem_cache *cache, int cpu, uintptr_t address)
{
	const struct slab_maps *maps = &cache->allocator->maps;
	struct page *slab;

	if (__builtin_expect(slab_page_of(maps, address, &slab) && slab->mapping == cache &&
				 slab_slot(maps, &cache->cut, slab, address) != SLAB_NO_SLOT,
			     1))
		free_object(cache, cpu, slab, address);
	else
		kmem_misuse_of_address(cache->allocator, cache, address);
}

bool slab_allocator_free(struct slab_allocator *allocator, int cpu, uintptr_t address)
{
	const struct page *slab = slab_of_address(&allocator->maps, address);

	if (__builtin_expect(!slab, 0))
		return false;
	struct kmem_cache *cache = slab->mapping;

	if (__builtin_expect(slab_slot(&allocator->maps, &cache->cut, slab, address) != SLAB_NO_SLOT, 1))
		free_object(cache, cpu, slab, address);
	else
		kmem_misuse_of_address(allocator, NULL, address);
	return true;
}

void slab_allocator_foreign(struct slab_allocator *allocator, uintptr_t address)
{
	kmem_misuse_of_address(allocator, NULL, address);
}

void kmem_cache_free_bulk(struct kmem_cache *cache, int cpu, size_t count, const uintptr_t *objects)
{
	for (size_t i = 0; i < count; i++)
		kmem_cache_free(cache, cpu, objects[i]);
}

struct kmem_cache *kmem_cache_of(const struct slab_allocator *allocator, uintptr_t object)
{
	const struct page *slab = slab_of_address(&allocator->maps, object);
	struct kmem_cache *cache = slab ? slab->mapping : NULL;

	return cache && slab_slot(&allocator->maps, &cache->cut, slab, object) != SLAB_NO_SLOT ? cache : NULL;
}

/* --- Figures ------------------------------------------------------------------------------------------------------ */

uint64_t kmem_cache_live_objects(const struct kmem_cache *cache)
{
	uint64_t waiting = (uint64_t)cache->full_count * cache->sheaf_capacity;

	for (unsigned cpu = 0; cpu < cache->cpus; cpu++) {
		const struct kmem_cache_cpu *own = &cache->cpu[cpu];

		waiting += own->hand->count + (own->spare ? own->spare->count : 0);
		if (own->loose && own->loose != own->hand)
			waiting += own->loose->count;
	}
	return cache->in_use - waiting;
}

/* --- Shrinking ---------------------------------------------------------------------------------------------------- */

uint64_t kmem_cache_shrink(struct kmem_cache *cache)
{
	counted_lock_acquire(&cache->lock);
	uint64_t before = cache->slabs_given_back;

	for (unsigned cpu = 0; cpu < cache->cpus; cpu++) {
		if (cache->has_sheaves)
			kmem_sheaf_flush(cache, &cache->cpu[cpu]);
	}
	kmem_barn_flush(cache);
	for (unsigned cpu = 0; cpu < cache->cpus; cpu++) {
		if (cache->has_cpu_slabs)
			kmem_cpu_flush(cache, &cache->cpu[cpu]);
	}
	(void)kmem_node_shrink(cache);
	uint64_t gone = cache->slabs_given_back - before;

	counted_lock_release(&cache->lock);
	return gone;
}
