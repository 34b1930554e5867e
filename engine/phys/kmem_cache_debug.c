#include "config.h"

#include "engine/phys/kmem_cache_layers.h"

#include "engine/base/check.h"

#include <string.h>

/* include/linux/poison.h. */
#define POISON_FREE 0x6b
#define POISON_END 0xa5
#define POISON_PADDING 0x5a
#define RED_INACTIVE 0xbb
#define RED_ACTIVE 0xcc

/* --- Reports ------------------------------------------------------------------------------------------------------ */

static void report(struct slab_allocator *allocator, const struct slab_misuse *misuse)
{
	char text[SLAB_MISUSE_TEXT_BYTES];

	counted_lock_acquire(&allocator->misuse_lock);
	allocator->misuses[misuse->kind]++;
	if (allocator->taker)
		allocator->taker(allocator->taker_context, misuse);
	else
		check_failed(__FILE__, __LINE__, slab_misuse_name(misuse->kind),
			     slab_misuse_text(misuse, text, sizeof(text)));
	counted_lock_release(&allocator->misuse_lock);
}

static struct slab_track *tracks_of(const struct kmem_cache *cache, const struct kmem_object *object)
{
	const struct slab_allocator *allocator = cache->allocator;

	return allocator->tracks[slab_slot_number(&allocator->maps, object->slab, object->slot)];
}

static void add_tracks(struct slab_misuse *misuse, const struct kmem_cache *cache,
		       const struct kmem_object *object)
{
	if (!(cache->flags & SLAB_STORE_USER))
		return;
	misuse->allocated = tracks_of(cache, object)[0];
	misuse->freed = tracks_of(cache, object)[1];
}

/* What lies at an address of a slab: its object begins there, or it is inside one, or in none. */
static void describe_address(struct slab_misuse *misuse, const struct kmem_cache *owner, struct page *slab)
{
	const struct slab_maps *maps = &owner->allocator->maps;
	uintptr_t first = slab_first_object(maps, slab) - owner->cut.left_bytes;
	uint64_t distance = misuse->address - first;
	struct kmem_object object = {
	    .address = misuse->address, .slab = slab, .slot = (uint32_t)(distance / owner->cut.slot_bytes)};

	if (misuse->address < first || object.slot >= slab->slab.slots)
		return;
	object.address = slab_object(maps, &owner->cut, slab, object.slot);
	if (misuse->address - object.address >= owner->geometry.object_bytes)
		return;
	misuse->object = object.address;
	add_tracks(misuse, owner, &object);
}

void kmem_misuse_of_address(struct slab_allocator *allocator, const struct kmem_cache *cache,
			    uintptr_t address)
{
	struct page *slab = slab_of_address(&allocator->maps, address);
	struct slab_misuse misuse = {
	    .kind = SLAB_FOREIGN_POINTER, .cache = cache ? cache->name : "kfree", .address = address};

	if (slab) {
		const struct kmem_cache *owner = slab->mapping;

		misuse.owner = owner->name;
		describe_address(&misuse, owner, slab);
		misuse.kind =
		    misuse.object == address && owner != cache ? SLAB_WRONG_CACHE : SLAB_INTERIOR_POINTER;
		if (!cache)
			misuse.cache = owner->name;
	}
	report(allocator, &misuse);
}

void kmem_misuse_double_free(struct kmem_cache *cache, const struct kmem_object *object)
{
	struct slab_misuse misuse = {.kind = SLAB_DOUBLE_FREE,
				     .cache = cache->name,
				     .address = object->address,
				     .object = object->address};

	add_tracks(&misuse, cache, object);
	report(cache->allocator, &misuse);
}

void kmem_misuse_live(struct kmem_cache *cache, uint64_t live)
{
	struct slab_misuse misuse = {.kind = SLAB_LIVE_AT_DESTROY, .cache = cache->name, .count = live};

	report(cache->allocator, &misuse);
}

/* --- Bytes -------------------------------------------------------------------------------------------------------- */

/* Bytes that should all be alike, and what it means when one is not. */
struct stretch {
	uintptr_t first;
	size_t bytes;
	uint8_t expected;
	enum slab_misuse_kind kind;
};

/* Reports the first byte that is not as expected, and puts all right. */
static bool check_stretch(struct kmem_cache *cache, const struct kmem_object *object,
			  const struct stretch *stretch)
{
	uint8_t *byte = (uint8_t *)stretch->first;
	size_t i = 0;

	while (i < stretch->bytes && byte[i] == stretch->expected)
		i++;
	if (i == stretch->bytes)
		return true;
	struct slab_misuse misuse = {.kind = stretch->kind,
				     .cache = cache->name,
				     .address = object->address,
				     .object = object->address,
				     .offset = (uint64_t)(stretch->first + i) - object->address,
				     .found = byte[i],
				     .expected = stretch->expected};

	memset(byte, stretch->expected, stretch->bytes);
	add_tracks(&misuse, cache, object);
	report(cache->allocator, &misuse);
	return false;
}

/* Does the cache fill its free objects? Not where a constructor's work, or readers, must find them as they were. */
static bool is_poisoned(const struct kmem_cache *cache)
{
	return (cache->flags & SLAB_POISON) && !cache->constructor && !(cache->flags & SLAB_TYPESAFE_BY_RCU);
}

static void fill_red_zones(const struct kmem_cache *cache, uintptr_t object, int value)
{
	const struct slab_geometry *geometry = &cache->geometry;

	if (!(cache->flags & SLAB_RED_ZONE))
		return;
	memset((void *)(object - geometry->left_bytes), value, geometry->left_bytes);
	memset((void *)(object + geometry->object_bytes), value,
	       geometry->in_use_bytes - geometry->object_bytes);
}

static void poison(const struct kmem_cache *cache, uintptr_t object)
{
	uint8_t *bytes = (uint8_t *)object;

	if (!is_poisoned(cache))
		return;
	memset(bytes, POISON_FREE, cache->geometry.object_bytes - 1);
	bytes[cache->geometry.object_bytes - 1] = POISON_END;
}

static bool check_red_zones(struct kmem_cache *cache, const struct kmem_object *object, uint8_t expected)
{
	const struct slab_geometry *geometry = &cache->geometry;
	struct stretch left = {object->address - geometry->left_bytes, geometry->left_bytes, expected,
			       SLAB_WRITE_BEFORE};
	struct stretch right = {object->address + geometry->object_bytes,
				geometry->in_use_bytes - geometry->object_bytes, expected, SLAB_WRITE_BEYOND};

	if (!(cache->flags & SLAB_RED_ZONE))
		return true;
	bool left_is_whole = check_stretch(cache, object, &left);

	return check_stretch(cache, object, &right) && left_is_whole;
}

/* What lies behind the object's own bytes and zones: nobody's. */
static bool check_padding(struct kmem_cache *cache, const struct kmem_object *object)
{
	const struct slab_geometry *geometry = &cache->geometry;
	struct stretch padding = {object->address + geometry->in_use_bytes,
				  geometry->slot_bytes - geometry->left_bytes - geometry->in_use_bytes,
				  POISON_PADDING, SLAB_WRITE_BEYOND};

	return !(cache->flags & SLAB_POISON) || check_stretch(cache, object, &padding);
}

static void check_poison(struct kmem_cache *cache, const struct kmem_object *object)
{
	uint32_t bytes = cache->geometry.object_bytes;
	struct stretch body = {object->address, bytes - 1, POISON_FREE, SLAB_WRITE_AFTER_FREE};
	struct stretch last = {object->address + bytes - 1, 1, POISON_END, SLAB_WRITE_AFTER_FREE};

	if (is_poisoned(cache) && check_stretch(cache, object, &body))
		(void)check_stretch(cache, object, &last);
}

static void track(struct kmem_cache *cache, int cpu, const struct kmem_object *object, unsigned which)
{
	if (!(cache->flags & SLAB_STORE_USER))
		return;
	int known = cpu >= -1 && cpu < (int)cache->allocator->policy.cpus ? cpu : -1;

	tracks_of(cache, object)[which] =
	    (struct slab_track){.caller = cache->allocator->caller[known + 1], .cpu = cpu, .set = 1};
}

void kmem_debug_begin(const struct kmem_cache *cache, struct page *slab)
{
	const struct slab_geometry *geometry = &cache->geometry;

	for (uint32_t slot = 0; slot < slab->slab.slots; slot++) {
		uintptr_t object = slab_object(&cache->allocator->maps, &cache->cut, slab, slot);
		struct kmem_object place = {object, slab, slot};

		if (cache->flags & SLAB_STORE_USER)
			memset(tracks_of(cache, &place), 0, 2 * sizeof(struct slab_track));
		if (!cache->allocator->maps.is_real)
			continue;
		fill_red_zones(cache, object, RED_INACTIVE);
		poison(cache, object);
		if (cache->flags & SLAB_POISON)
			memset((void *)(object + geometry->in_use_bytes), POISON_PADDING,
			       geometry->slot_bytes - geometry->left_bytes - geometry->in_use_bytes);
	}
}

void kmem_debug_take(struct kmem_cache *cache, int cpu, const struct kmem_object *object)
{
	if (cache->allocator->maps.is_real) {
		(void)check_red_zones(cache, object, RED_INACTIVE);
		(void)check_padding(cache, object);
		check_poison(cache, object);
		fill_red_zones(cache, object->address, RED_ACTIVE);
	}
	track(cache, cpu, object, 0);
}

bool kmem_debug_give(struct kmem_cache *cache, int cpu, const struct kmem_object *object)
{
	if (slab_slot_is_free(&cache->allocator->maps, object->slab, object->slot)) {
		kmem_misuse_double_free(cache, object);
		return false;
	}
	if (cache->allocator->maps.is_real) {
		bool zones = check_red_zones(cache, object, RED_ACTIVE);

		if (!check_padding(cache, object) || !zones)
			return false;
		fill_red_zones(cache, object->address, RED_INACTIVE);
		poison(cache, object->address);
	}
	track(cache, cpu, object, 1);
	return true;
}
