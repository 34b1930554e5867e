#include "config.h"

#include "engine/phys/kmem_cache.h"

static const char I1[] = "I1: partial lists exactly the slabs of the cache that have a free slot and no CPU; "
			 "partial_count is their number";
static const char I2[] = "I2: slab_check() of every slab of a list and of every CPU's own";
static const char I3[] = "I3: in_use = slots in use of all slabs; objects = slots of all slabs; slabs = "
			 "listed, the CPUs', and full ones";
static const char I4[] = "I4: objects in sheaves, on top of them, and in active lists are objects of the "
			 "cache, in use in their slab, and nowhere twice";
static const char I5[] =
    "I5: a CPU's partial slabs are in its list, partial_slabs of them; its active slab is marked as such";
static const char I6[] = "I6: a CPU's hand has room for the object on top, or for one that may come there";
static const char I7[] = "I7: what calls read first is as in the allocator, the cut and the geometry";

/* What was seen of a cache. */
struct sum {
	uint64_t slabs, slots, in_use, empty;
};

/* One slab that must be in this state; `place` is what is broken when it is not. */
static const char *visit(const struct kmem_cache *cache, const struct page *slab, enum slab_state state,
			 const char *place, struct sum *sum)
{
	if (slab->mapping != cache || !(slab->flags & PAGE_SLAB) || slab->slab.state != state)
		return place;
	if (slab_check(&cache->allocator->maps, slab))
		return I2;
	sum->slabs++;
	sum->slots += slab->slab.slots;
	sum->in_use += slab->index;
	sum->empty += slab->index == 0;
	return NULL;
}

static const char *check_node_list(const struct kmem_cache *cache, struct sum *sum)
{
	if (list_check(&cache->partial, cache->slabs + 1))
		return I1;
	for (const struct list *link = cache->partial.next; link != &cache->partial; link = link->next) {
		const struct page *slab = list_entry_const(link, struct page, lru);
		const char *broken = visit(cache, slab, SLAB_NODE_PARTIAL, I1, sum);

		if (broken)
			return broken;
		if (slab_free_slots(slab) == 0)
			return I1;
	}
	return sum->slabs == cache->partial_count && sum->empty == cache->empty_slabs ? NULL : I1;
}

static const char *check_cpu(const struct kmem_cache *cache, const struct kmem_cache_cpu *own,
			     struct sum *sum)
{
	uint64_t before = sum->slabs;

	if (list_check(&own->partial, cache->slabs + 1))
		return I5;
	for (const struct list *link = own->partial.next; link != &own->partial; link = link->next) {
		const char *broken =
		    visit(cache, list_entry_const(link, struct page, lru), SLAB_CPU_PARTIAL, I5, sum);

		if (broken)
			return broken;
	}
	if (sum->slabs - before != own->partial_slabs)
		return I5;
	if (own->hand->count >= own->hand->capacity)
		return I6;
	if (!own->active)
		return own->active_entry == 0 ? NULL : I5;
	if (own->active_entry != cache->entry[slab_frame(&cache->allocator->maps, own->active)])
		return I5;
	return visit(cache, own->active, SLAB_CPU_ACTIVE, I5, sum);
}

/* --- Objects in waiting ------------------------------------------------------------------------------------------- */

/* Turns the bit of a waiting object, as if it had come back to its slab; `from` is what the bit must be. */
static bool turn(const struct kmem_cache *cache, uintptr_t object, bool from)
{
	const struct slab_maps *maps = &cache->allocator->maps;
	const struct page *slab = slab_of_address(maps, object);

	if (!slab || slab->mapping != cache)
		return false;
	uint32_t slot = slab_slot(maps, &cache->cut, slab, object);

	if (slot == SLAB_NO_SLOT || slab_slot_is_free(maps, slab, slot) != from)
		return false;
	slab_map(maps, slab)[slot / 64] ^= (uint64_t)1 << (slot % 64);
	return true;
}

/* The sheaves of a cache, one after the other, in any order: the n-th, or NULL past the last. */
static const struct slab_sheaf *sheaf_at(const struct kmem_cache *cache, unsigned n)
{
	const struct slab_sheaf *full = cache->full;

	if (n < 3 * cache->cpus) {
		static const struct slab_sheaf none = {0};
		const struct kmem_cache_cpu *own = &cache->cpu[n / 3];
		const struct slab_sheaf *of_cpu[] = {own->hand, own->spare,
						     own->loose != own->hand ? own->loose : NULL};

		return of_cpu[n % 3] ? of_cpu[n % 3] : &none;
	}
	for (n -= 3 * cache->cpus; n > 0 && full; n--)
		full = full->next;
	return full;
}

/* Turns the bits of the objects on top, up to `limit` of them; how many were turned. */
static uint64_t turn_tops(const struct kmem_cache *cache, bool from, uint64_t limit, bool *failed)
{
	uint64_t turned = 0;

	for (unsigned cpu = 0; cpu < cache->cpus && turned < limit && !*failed; cpu++) {
		if (cache->cpu[cpu].top == 0)
			continue;
		*failed = !turn(cache, cache->cpu[cpu].top, from);
		turned += !*failed;
	}
	return turned;
}

/* Bits are turned as if all objects had come back, so that one that comes twice is found; then turned again. */
static const char *check_waiting(const struct kmem_cache *cache)
{
	const struct slab_sheaf *sheaf;
	bool failed = false, ignored = false;
	uint64_t tops = turn_tops(cache, false, UINT64_MAX, &failed), turned = 0;

	for (unsigned n = 0; !failed && (sheaf = sheaf_at(cache, n)); n++) {
		failed = sheaf->count > sheaf->capacity || (sheaf->capacity > 0 && sheaf->object[0] != 0);
		for (uint32_t i = 1; i <= sheaf->count && !failed; i++) {
			failed = !turn(cache, sheaf->object[i], false);
			turned += !failed;
		}
	}
	(void)turn_tops(cache, true, tops, &ignored);
	for (unsigned n = 0; turned > 0 && (sheaf = sheaf_at(cache, n)); n++) {
		for (uint32_t i = 1; i <= sheaf->count && turned > 0; i++, turned--)
			(void)turn(cache, sheaf->object[i], true);
	}
	return failed ? I4 : NULL;
}

static bool reads_what_is_so(const struct kmem_cache *cache)
{
	const struct slab_maps *maps = &cache->allocator->maps;

	return cache->base == maps->base && cache->bytes == maps->bytes && cache->entry == maps->entry &&
	       cache->tag == slab_tag(cache->cut.number, cache->geometry.order) &&
	       cache->inverse == cache->cut.inverse && cache->usual_slots == cache->geometry.objects &&
	       cache->only_active == (cache->has_sheaves ? 0 : UINT64_MAX);
}

const char *kmem_cache_check(const struct kmem_cache *cache)
{
	struct sum sum = {0};
	const char *broken = reads_what_is_so(cache) ? check_node_list(cache, &sum) : I7;

	for (unsigned cpu = 0; cpu < cache->cpus && !broken; cpu++)
		broken = check_cpu(cache, &cache->cpu[cpu], &sum);
	if (broken)
		return broken;
	/* The others are full: all their slots are in use. */
	if (sum.slabs > cache->slabs || sum.slots > cache->objects || cache->in_use < sum.in_use ||
	    cache->in_use - sum.in_use != cache->objects - sum.slots ||
	    (sum.slabs == cache->slabs) != (sum.slots == cache->objects))
		return I3;
	return check_waiting(cache);
}

const char *slab_allocator_check(const struct slab_allocator *allocator)
{
	for (const struct list *link = allocator->caches.next; link != &allocator->caches;
	     link = link->next) {
		const char *broken = kmem_cache_check(list_entry_const(link, struct kmem_cache, link));

		if (broken)
			return broken;
	}
	return NULL;
}
