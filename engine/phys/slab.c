#include "config.h"

#include "engine/phys/slab.h"

#include "engine/base/check.h"

#include <string.h>

enum status slab_maps_create(struct slab_maps *maps, struct node *node)
{
	uint64_t bytes = node->arena.pages * SLAB_MAP_WORDS * sizeof(uint64_t);
	enum status status = reservation_create(&maps->memory, bytes, PAGE_BYTES);

	maps->node = node;
	maps->words = maps->memory.memory;
	return status;
}

void slab_maps_destroy(struct slab_maps *maps)
{
	reservation_destroy(&maps->memory);
}

/* --- Geometry ----------------------------------------------------------------------------------------------------- */

/* The smallest order that wastes at most an eighth of the slab, or order_max. */
static uint32_t choose_order(uint32_t object_bytes, uint32_t order_max)
{
	for (uint32_t order = 0; order < order_max; order++) {
		uint64_t bytes = PAGE_BYTES << order;

		if (bytes >= object_bytes && bytes % object_bytes * 8 <= bytes)
			return order;
	}
	return order_max;
}

static bool shape_is_valid(const struct slab_shape *shape)
{
	return shape->object_bytes >= SLAB_OBJECT_MIN && shape->object_bytes <= SLAB_OBJECT_MAX &&
	       (shape->alignment == 0 || is_power_of_two(shape->alignment)) &&
	       shape->alignment <= PAGE_BYTES && shape->order_max <= SLAB_ORDER_MAX &&
	       shape->magazine <= SLAB_MAGAZINE_MAX &&
	       round_up(shape->object_bytes, shape->alignment ? shape->alignment : 8) <=
		   PAGE_BYTES << shape->order_max;
}

enum status slab_cache_create(struct slab_cache *cache, struct slab_maps *maps,
			      const struct slab_shape *shape)
{
	if (!shape_is_valid(shape))
		return STATUS_BAD_ARGUMENT;
	uint32_t alignment = shape->alignment > 8 ? shape->alignment : 8;
	uint32_t object_bytes = (uint32_t)round_up(shape->object_bytes, alignment);
	uint32_t order = choose_order(object_bytes, shape->order_max);
	uint64_t bytes = PAGE_BYTES << order;

	*cache = (struct slab_cache){
	    .name = shape->name,
	    .maps = maps,
	    .object_bytes = object_bytes,
	    .order = order,
	    .objects = (uint32_t)(bytes / object_bytes),
	    .colour_step = alignment,
	    .colours = (uint32_t)(bytes % object_bytes / alignment) + 1,
	    .magazine = shape->cpus > 0 ? shape->magazine : 0,
	    .cpus = shape->cpus,
	    .gfp = shape->gfp,
	    .random = shape->random,
	    .numbers = {.state = shape->seed},
	    .constructor = shape->constructor,
	};
	list_create(&cache->partial);
	enum status status =
	    reservation_create(&cache->memory, shape->cpus * sizeof(*cache->cpu), PAGE_BYTES);

	cache->cpu = cache->memory.memory;
	return status;
}

/* --- One slab ----------------------------------------------------------------------------------------------------- */

static uint64_t *map_of(const struct slab_cache *cache, const struct page *slab)
{
	return &cache->maps->words[pfn_of_page(&cache->maps->node->pages, slab) * SLAB_MAP_WORDS];
}

static uint32_t map_words(const struct slab_cache *cache)
{
	return (cache->objects + 63) / 64;
}

static uintptr_t slab_address(const struct slab_cache *cache, const struct page *slab)
{
	return page_address(cache->maps->node, pfn_of_page(&cache->maps->node->pages, slab)) + slab->offset;
}

static void construct(const struct slab_cache *cache, const struct page *slab)
{
	if (!cache->constructor || cache->maps->node->arena.backing != ARENA_REAL)
		return;
	for (uint32_t i = 0; i < cache->objects; i++)
		cache->constructor((void *)(slab_address(cache, slab) + (uintptr_t)i * cache->object_bytes));
}

static struct page *slab_new(struct slab_cache *cache)
{
	struct gfp gfp = {cache->gfp & ~(unsigned)GFP_HIGHMEM, -1};
	struct page *slab = alloc_pages(cache->maps->node, &gfp, cache->order);

	if (!slab)
		return NULL;
	uint64_t *map = map_of(cache, slab);

	for (uint32_t left = cache->objects, word = 0; left > 0; word++) {
		map[word] = left >= 64 ? UINT64_MAX : ((uint64_t)1 << left) - 1;
		left -= left >= 64 ? 64 : left;
	}
	slab->flags |= PAGE_SLAB;
	slab->mapping = cache;
	slab->index = 0;
	slab->offset = (uint64_t)cache->next_colour * cache->colour_step;
	cache->next_colour = (cache->next_colour + 1) % cache->colours;
	construct(cache, slab);
	list_push(&cache->partial, &slab->lru);
	cache->slabs++;
	cache->empty_slabs++;
	return slab;
}

static void slab_end(struct slab_cache *cache, struct page *slab)
{
	list_remove(&slab->lru);
	memset(map_of(cache, slab), 0, map_words(cache) * sizeof(uint64_t));
	slab->flags &= ~(uint32_t)PAGE_SLAB;
	slab->mapping = NULL;
	cache->slabs--;
	cache->empty_slabs--;
	free_pages_of(cache->maps->node, -1, slab, cache->order);
}

/* A free object of a slab that has one: the lowest, or the first from a random place on. */
static uint32_t choose_object(struct slab_cache *cache, const uint64_t *map)
{
	uint32_t words = map_words(cache);
	uint32_t start = cache->random ? (uint32_t)random_below(&cache->numbers, cache->objects) : 0;
	uint64_t first = map[start / 64] >> (start % 64);

	if (first != 0)
		return start + (uint32_t)__builtin_ctzll(first);
	for (uint32_t i = 1; i <= words; i++) {
		uint32_t word = (start / 64 + i) % words;

		if (map[word] != 0)
			return word * 64 + (uint32_t)__builtin_ctzll(map[word]);
	}
	CHECK(false, "I1: a listed slab has a free object");
}

/* --- Under the lock ----------------------------------------------------------------------------------------------- */

static uintptr_t take_locked(struct slab_cache *cache)
{
	struct page *slab = list_is_empty(&cache->partial)
				? slab_new(cache)
				: list_entry(cache->partial.next, struct page, lru);

	if (!slab)
		return 0;
	uint64_t *map = map_of(cache, slab);
	uint32_t object = choose_object(cache, map);

	map[object / 64] &= ~((uint64_t)1 << (object % 64));
	cache->empty_slabs -= slab->index == 0;
	cache->in_use++;
	if (++slab->index == cache->objects)
		list_remove(&slab->lru);
	return slab_address(cache, slab) + (uintptr_t)object * cache->object_bytes;
}

/* The slab of an object of this cache, and the object's number in it. */
static struct page *slab_of(const struct slab_cache *cache, uintptr_t object, uint32_t *number)
{
	const struct node *node = cache->maps->node;

	CHECK(arena_holds(&node->arena, object), "a freed object lies in the direct map");
	pfn_t pfn = arena_pfn(&node->arena, object) >> cache->order << cache->order;
	struct page *slab = page_of_pfn(&node->pages, pfn);

	CHECK((slab->flags & PAGE_SLAB) && slab->mapping == cache, "a freed object belongs to the cache");
	uintptr_t distance = object - slab_address(cache, slab);

	CHECK(distance % cache->object_bytes == 0 && distance / cache->object_bytes < cache->objects,
	      "a freed address is where an object begins");
	*number = (uint32_t)(distance / cache->object_bytes);
	return slab;
}

static void give_locked(struct slab_cache *cache, uintptr_t object)
{
	uint32_t number;
	struct page *slab = slab_of(cache, object, &number);
	uint64_t *word = &map_of(cache, slab)[number / 64];
	uint64_t bit = (uint64_t)1 << (number % 64);

	CHECK((*word & bit) == 0, "a freed object is not free already (double free)");
	*word |= bit;
	cache->in_use--;
	if (slab->index-- == cache->objects)
		list_push(&cache->partial, &slab->lru);
	if (slab->index != 0)
		return;
	cache->empty_slabs++;
	list_remove(&slab->lru);
	list_append(&cache->partial, &slab->lru);
	if (cache->empty_slabs > SLAB_EMPTY_KEPT)
		slab_end(cache, slab);
}

/* --- Magazines ---------------------------------------------------------------------------------------------------- */

static struct slab_magazine *magazine_of(struct slab_cache *cache, int cpu)
{
	return cache->magazine > 0 && cpu >= 0 && (unsigned)cpu < cache->cpus ? &cache->cpu[cpu] : NULL;
}

static void refill(struct slab_cache *cache, struct slab_magazine *magazine)
{
	uint32_t wanted = (cache->magazine + 1) / 2;
	uintptr_t objects[SLAB_MAGAZINE_MAX];
	uint32_t count = 0;

	counted_lock_acquire(&cache->lock);
	while (count < wanted && (objects[count] = take_locked(cache)) != 0)
		count++;
	cache->refills++;
	counted_lock_release(&cache->lock);
	while (count > 0)
		magazine->object[magazine->count++] = objects[--count];
}

static void flush(struct slab_cache *cache, struct slab_magazine *magazine, uint32_t count)
{
	counted_lock_acquire(&cache->lock);
	for (uint32_t i = 0; i < count; i++)
		give_locked(cache, magazine->object[i]);
	cache->flushes++;
	counted_lock_release(&cache->lock);
	magazine->count -= count;
	memmove(magazine->object, magazine->object + count, magazine->count * sizeof(*magazine->object));
}

uintptr_t slab_cache_allocate(struct slab_cache *cache, int cpu)
{
	struct slab_magazine *magazine = magazine_of(cache, cpu);

	if (!magazine) {
		counted_lock_acquire(&cache->lock);
		uintptr_t object = take_locked(cache);

		counted_lock_release(&cache->lock);
		return object;
	}
	if (magazine->count == 0)
		refill(cache, magazine);
	return magazine->count > 0 ? magazine->object[--magazine->count] : 0;
}

void slab_cache_free(struct slab_cache *cache, int cpu, uintptr_t object)
{
	struct slab_magazine *magazine = magazine_of(cache, cpu);
	uint32_t number;

	if (!magazine) {
		counted_lock_acquire(&cache->lock);
		give_locked(cache, object);
		counted_lock_release(&cache->lock);
		return;
	}
	(void)slab_of(cache, object, &number);
	if (magazine->count == cache->magazine)
		flush(cache, magazine, (cache->magazine + 1) / 2);
	magazine->object[magazine->count++] = object;
}

static void end_empty_slabs(struct slab_cache *cache)
{
	struct list *link = cache->partial.next;

	while (link != &cache->partial) {
		struct page *slab = list_entry(link, struct page, lru);

		link = link->next;
		if (slab->index == 0)
			slab_end(cache, slab);
	}
}

void slab_cache_shrink(struct slab_cache *cache, unsigned cpu)
{
	if (cache->magazine > 0 && cpu < cache->cpus)
		flush(cache, &cache->cpu[cpu], cache->cpu[cpu].count);
	counted_lock_acquire(&cache->lock);
	end_empty_slabs(cache);
	counted_lock_release(&cache->lock);
}

void slab_cache_destroy(struct slab_cache *cache)
{
	for (unsigned cpu = 0; cpu < cache->cpus; cpu++)
		slab_cache_shrink(cache, cpu);
	end_empty_slabs(cache);
	CHECK(cache->in_use == 0 && cache->slabs == 0, "a cache ends when all its objects were freed");
	reservation_destroy(&cache->memory);
}

/* --- Proof -------------------------------------------------------------------------------------------------------- */

static const char I1[] = "I1: partial lists exactly the slabs that have a free object";
static const char I2[] =
    "I2: of every listed slab: objects in use + bits set = objects per slab, and no bit beyond";
static const char I3[] = "I3: in_use = objects in use of all slabs; slabs = listed and full ones";
static const char I4[] =
    "I4: objects in magazines are objects of the cache, in use in their slab, and nowhere twice";

static const char *check_slab(const struct slab_cache *cache, const struct page *slab)
{
	const uint64_t *map = map_of(cache, slab);
	uint64_t free = 0;

	if (!(slab->flags & PAGE_SLAB) || slab->mapping != cache || slab->index >= cache->objects)
		return I1;
	for (uint32_t word = 0; word < map_words(cache); word++)
		free += (unsigned)__builtin_popcountll(map[word]);
	if (slab->index + free != cache->objects ||
	    (cache->objects % 64 != 0 && map[cache->objects / 64] >> (cache->objects % 64) != 0))
		return I2;
	return NULL;
}

static bool is_in_use(const struct slab_cache *cache, uintptr_t object)
{
	const struct node *node = cache->maps->node;

	if (!arena_holds(&node->arena, object))
		return false;
	pfn_t pfn = arena_pfn(&node->arena, object) >> cache->order << cache->order;
	const struct page *slab = page_of_pfn(&node->pages, pfn);

	if (!(slab->flags & PAGE_SLAB) || slab->mapping != cache)
		return false;
	uintptr_t distance = object - slab_address(cache, slab);
	uintptr_t number = distance / cache->object_bytes;

	return distance % cache->object_bytes == 0 && number < cache->objects &&
	       (map_of(cache, slab)[number / 64] >> (number % 64) & 1) == 0;
}

static const char *check_magazine(const struct slab_cache *cache, const struct slab_magazine *magazine)
{
	if (magazine->count > cache->magazine)
		return I4;
	for (uint32_t i = 0; i < magazine->count; i++) {
		if (!is_in_use(cache, magazine->object[i]))
			return I4;
		for (uint32_t j = 0; j < i; j++) {
			if (magazine->object[i] == magazine->object[j])
				return I4;
		}
	}
	return NULL;
}

const char *slab_cache_check(const struct slab_cache *cache)
{
	const char *broken = list_check(&cache->partial, cache->slabs + 1) ? I1 : NULL;
	uint64_t listed = 0;
	uint64_t in_use = 0;

	if (broken)
		return broken;
	for (const struct list *link = cache->partial.next; link != &cache->partial && !broken;
	     link = link->next) {
		const struct page *slab = list_entry_const(link, struct page, lru);

		broken = check_slab(cache, slab);
		listed++;
		in_use += slab->index;
	}
	if (broken)
		return broken;
	if (listed > cache->slabs || in_use + (cache->slabs - listed) * cache->objects != cache->in_use)
		return I3;
	for (unsigned cpu = 0; cpu < cache->cpus && !broken; cpu++)
		broken = check_magazine(cache, &cache->cpu[cpu]);
	return broken;
}
