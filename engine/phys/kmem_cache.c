#include "config.h"

#include "engine/phys/kmem_cache_layers.h"
#include "engine/phys/kmem_cache_quick.h"

#include "engine/base/check.h"

#include <stdatomic.h>
#include <string.h>

static struct kmem_cache_cpu *cpu_of(const struct kmem_cache *cache, int cpu)
{
	return (unsigned)cpu < cache->cpus ? &cache->cpu[cpu] : NULL;
}

/* --- Policy `hardened` -------------------------------------------------------------------------------------------- */

static _Atomic uint8_t *held_of(const struct kmem_cache *cache, const struct kmem_object *object)
{
	const struct slab_allocator *allocator = cache->allocator;

	return &allocator->held[slab_slot_number(&allocator->maps, object->slab, object->slot)];
}

static void note_taken(const struct kmem_cache *cache, const struct kmem_object *object)
{
	atomic_store_explicit(held_of(cache, object), 0, memory_order_relaxed);
}

/* Is it the first free since the object was handed out? Of two threads that free it at once, one is told so. */
static bool note_freed(const struct kmem_cache *cache, const struct kmem_object *object)
{
	return atomic_exchange_explicit(held_of(cache, object), 1, memory_order_relaxed) == 0;
}

/* --- Allocation --------------------------------------------------------------------------------------------------- */

/* False when no object of the cache begins at the address. */
static bool find_object(const struct kmem_cache *cache, uintptr_t address, struct kmem_object *object)
{
	const struct slab_maps *maps = &cache->allocator->maps;
	struct page *slab = slab_of_address(maps, address);

	if (!slab || slab->mapping != cache)
		return false;
	*object = (struct kmem_object){address, slab, slab_slot(maps, &cache->cut, slab, address)};
	return object->slot != SLAB_NO_SLOT;
}

/* An object that the cache itself holds. */
static struct kmem_object object_at(const struct kmem_cache *cache, uintptr_t address)
{
	struct kmem_object object;
	bool found = find_object(cache, address, &object);

	CHECK(found, "I4: what a cache hands out is its object");
	return object;
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

static uintptr_t take(struct kmem_cache *cache, struct kmem_cache_cpu *own, const struct gfp *gfp)
{
	if (!own)
		return refill(cache, NULL, gfp);
	uintptr_t top = own->top;

	own->top = 0;
	if (top == 0)
		top = own->hand->count > 0 ? slab_sheaf_pop(own->hand) : refill(cache, own, gfp);
	return top;
}

__attribute__((noinline)) static uintptr_t alloc_slow(struct kmem_cache *cache, const struct gfp *gfp)
{
	uintptr_t address = take(cache, cpu_of(cache, gfp->cpu), gfp);

	if (address != 0 && cache->is_hardened) {
		struct kmem_object object = object_at(cache, address);

		note_taken(cache, &object);
	}
	return address != 0 && (gfp->flags & GFP_ZERO) ? clear(cache, address) : address;
}

uintptr_t kmem_cache_alloc(struct kmem_cache *cache, const struct gfp *gfp)
{
	uintptr_t object = kmem_quick_take(cache, gfp);

	return __builtin_expect(object != 0, 1) ? object : alloc_slow(cache, gfp);
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

/* In the long way the top lies in the hand with the others. */
static void settle(struct kmem_cache_cpu *own)
{
	if (own->top != 0)
		slab_sheaf_push(own->hand, own->top);
	own->top = 0;
}

/* Afterwards it lies on top again, and the hand has room. */
static void lift(struct kmem_cache_cpu *own)
{
	if (own->hand->count > 0)
		own->top = slab_sheaf_pop(own->hand);
}

static bool hand_takes(const struct kmem_cache *cache, struct kmem_cache_cpu *own,
		       const struct kmem_object *object)
{
	if ((!cache->has_sheaves && own->active != object->slab) || own->hand->count == own->hand->capacity)
		return false;
	slab_sheaf_push(own->hand, object->address);
	return true;
}

static void give_to_cpu(struct kmem_cache *cache, struct kmem_cache_cpu *own,
			const struct kmem_object *object)
{
	if (hand_takes(cache, own, object))
		return;
	counted_lock_acquire(&cache->lock);
	if (cache->has_sheaves) {
		kmem_sheaf_make_room(cache, own);
		slab_sheaf_push(own->hand, object->address);
	} else {
		kmem_object_give(cache, own, object);
	}
	counted_lock_release(&cache->lock);
}

static void give_to_node(struct kmem_cache *cache, int cpu, const struct kmem_object *object)
{
	counted_lock_acquire(&cache->lock);
	if (!cache->is_debugged || kmem_debug_give(cache, cpu, object))
		kmem_object_give(cache, NULL, object);
	counted_lock_release(&cache->lock);
}

static bool is_freed_again(struct kmem_cache *cache, const struct kmem_cache_cpu *own,
			   const struct kmem_object *object)
{
	return (cache->is_hardened && !note_freed(cache, object)) ||
	       (own && own->hand->object[own->hand->count] == object->address);
}

static void free_object(struct kmem_cache *cache, int cpu, const struct kmem_object *object)
{
	struct kmem_cache_cpu *own = cpu_of(cache, cpu);

	if (own)
		settle(own);
	if (is_freed_again(cache, own, object))
		kmem_misuse_double_free(cache, object);
	else if (own)
		give_to_cpu(cache, own, object);
	else
		give_to_node(cache, cpu, object);
	if (own)
		lift(own);
}

__attribute__((noinline)) static void free_slow(struct kmem_cache *cache, int cpu, uintptr_t address)
{
	struct kmem_object object;

	if (find_object(cache, address, &object))
		free_object(cache, cpu, &object);
	else
		kmem_misuse_of_address(cache->allocator, cache, address);
}

void kmem_cache_free(struct kmem_cache *cache, int cpu, uintptr_t address)
{
	uint64_t distance = address - cache->base;

	if (__builtin_expect(distance >= cache->bytes ||
				 !kmem_quick_give(cache, cpu, distance, cache->entry[distance >> PAGE_SHIFT]),
			     0))
		free_slow(cache, cpu, address);
}

bool slab_allocator_free(struct slab_allocator *allocator, int cpu, uintptr_t address)
{
	const struct page *slab = slab_of_address(&allocator->maps, address);
	struct kmem_object object;

	if (!slab)
		return false;
	if (find_object(slab->mapping, address, &object))
		free_object(slab->mapping, cpu, &object);
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

		waiting += (own->top != 0) + own->hand->count + (own->spare ? own->spare->count : 0);
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
		settle(&cache->cpu[cpu]);
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
