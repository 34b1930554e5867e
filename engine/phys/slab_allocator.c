#include "config.h"

#include "engine/phys/kmem_cache_layers.h"

#include "engine/base/check.h"

#include <string.h>

/* Flags of a cache that is never shared (mm/slab_common.c 6.18: SLAB_NEVER_MERGE), and those that must be equal. */
#define NEVER_MERGE (SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | SLAB_TYPESAFE_BY_RCU | SLAB_NO_MERGE)
#define MERGE_SAME (SLAB_RECLAIM_ACCOUNT | SLAB_CACHE_DMA | SLAB_CACHE_DMA32 | SLAB_ACCOUNT)

#define CACHE_LINE_BYTES 64u

_Static_assert(KMEM_CACHES_MAX <= SLAB_NUMBER_MAX, "an entry names every cache");

/* --- The allocator ------------------------------------------------------------------------------------------------ */

static bool policy_is_valid(const struct slab_policy *policy)
{
	return policy->geometry <= SLAB_GEOMETRY_LINUX && policy->order_max <= SLAB_ORDER_MAX &&
	       policy->cpus >= 1 && policy->cpus <= SLAB_CPUS_MAX &&
	       policy->sheaf_capacity <= SLAB_SHEAF_MAX && (policy->debug & ~(unsigned)SLAB_DEBUG_FLAGS) == 0;
}

static uint64_t slots_of_node(const struct slab_allocator *allocator)
{
	return allocator->maps.frames * SLAB_OBJECTS_MAX;
}

static enum status reserve_parts(struct slab_allocator *allocator)
{
	uint64_t callers = (allocator->policy.cpus + 1) * sizeof(*allocator->caller);
	enum status status =
	    reservation_create(&allocator->memory, KMEM_CACHES_MAX * sizeof(struct kmem_cache), PAGE_BYTES);

	if (status == STATUS_OK)
		status = reservation_create(&allocator->callers_memory, callers, PAGE_BYTES);
	if (status == STATUS_OK && allocator->policy.hardened)
		status = reservation_create(&allocator->held_memory, slots_of_node(allocator), PAGE_BYTES);
	allocator->slots = allocator->memory.memory;
	allocator->caller = allocator->callers_memory.memory;
	allocator->held = allocator->held_memory.memory;
	return status;
}

enum status slab_allocator_create(struct slab_allocator *allocator, struct memory *memory,
				  const struct slab_policy *policy)
{
	*allocator = (struct slab_allocator){.policy = *policy};
	list_create(&allocator->caches);
	if (!policy_is_valid(policy))
		return STATUS_BAD_ARGUMENT;
	enum status status = slab_maps_create(&allocator->maps, memory);

	if (status == STATUS_OK)
		status = reserve_parts(allocator);
	if (status != STATUS_OK)
		slab_allocator_destroy(allocator);
	return status;
}

static void release_parts(struct slab_allocator *allocator)
{
	slab_maps_destroy(&allocator->maps);
	reservation_destroy(&allocator->memory);
	reservation_destroy(&allocator->callers_memory);
	reservation_destroy(&allocator->tracks_memory);
	reservation_destroy(&allocator->held_memory);
}

void slab_allocator_abandon(struct slab_allocator *allocator)
{
	for (unsigned i = 0; i < allocator->slots_used; i++) {
		if (allocator->slots[i].users > 0)
			reservation_destroy(&allocator->slots[i].memory);
	}
	list_create(&allocator->caches);
	release_parts(allocator);
}

void slab_allocator_destroy(struct slab_allocator *allocator)
{
	while (!list_is_empty(&allocator->caches)) {
		struct kmem_cache *cache = list_entry(allocator->caches.next, struct kmem_cache, link);

		cache->users = 1;
		uint64_t live = kmem_cache_destroy(cache);

		CHECK(live == 0, "an allocator ends when all objects of its caches were freed");
	}
	release_parts(allocator);
}

void slab_allocator_report_to(struct slab_allocator *allocator, slab_misuse_taker *taker, void *context)
{
	allocator->taker = taker;
	allocator->taker_context = context;
}

void slab_allocator_caller(struct slab_allocator *allocator, int cpu, const struct slab_caller *caller)
{
	CHECK(cpu >= -1 && cpu < (int)allocator->policy.cpus,
	      "a caller is on a CPU of the machine, or on none");
	allocator->caller[cpu + 1] = *caller;
}

/* --- Creating a cache --------------------------------------------------------------------------------------------- */

static enum status compute_geometry(const struct slab_allocator *allocator,
				    const struct kmem_cache_args *args, struct slab_geometry *geometry)
{
	struct slab_geometry_request request = {
	    .object_bytes = args->object_bytes,
	    .alignment = args->alignment,
	    .flags = args->flags | allocator->policy.debug,
	    .has_constructor = args->constructor != NULL,
	    .has_inner_pointer = args->has_inner_pointer,
	    .rule = allocator->policy.geometry,
	    .order_max = allocator->policy.order_max,
	    .cpus = allocator->policy.cpus,
	};

	return slab_geometry_compute(geometry, &request);
}

static bool may_merge(const struct slab_allocator *allocator, const struct kmem_cache_args *args)
{
	return allocator->policy.merge && !args->constructor && args->sheaf_capacity == 0 &&
	       ((args->flags | allocator->policy.debug) & NEVER_MERGE) == 0;
}

static bool does_as_well(const struct kmem_cache *cache, const struct kmem_cache_args *args,
			 const struct slab_geometry *geometry)
{
	uint32_t slot = cache->geometry.slot_bytes;

	return !cache->constructor && (cache->flags & NEVER_MERGE) == 0 &&
	       cache->sheaf_capacity == cache->allocator->policy.sheaf_capacity &&
	       (cache->flags & MERGE_SAME) == (args->flags & MERGE_SAME) && slot >= geometry->slot_bytes &&
	       slot - geometry->slot_bytes < sizeof(void *) && slot % geometry->alignment == 0;
}

/* The oldest cache that does: the list is searched from its end. */
static struct kmem_cache *find_mergeable(const struct slab_allocator *allocator,
					 const struct kmem_cache_args *args,
					 const struct slab_geometry *geometry)
{
	for (struct list *link = allocator->caches.previous; link != &allocator->caches;
	     link = link->previous) {
		struct kmem_cache *cache = list_entry(link, struct kmem_cache, link);

		if (does_as_well(cache, args, geometry))
			return cache;
	}
	return NULL;
}

static struct kmem_cache *take_slot(struct slab_allocator *allocator)
{
	for (unsigned i = 0; i < allocator->slots_used; i++) {
		if (allocator->slots[i].users == 0)
			return &allocator->slots[i];
	}
	return allocator->slots_used < KMEM_CACHES_MAX ? &allocator->slots[allocator->slots_used++] : NULL;
}

static size_t sheaf_bytes(uint32_t capacity)
{
	return round_up(sizeof(struct slab_sheaf) + (capacity + 1) * sizeof(uintptr_t), CACHE_LINE_BYTES);
}

static struct slab_sheaf *cut_sheaf(char **memory, uint32_t capacity)
{
	struct slab_sheaf *sheaf = (struct slab_sheaf *)(void *)*memory;

	sheaf->capacity = capacity;
	*memory += sheaf_bytes(capacity);
	return sheaf;
}

static void create_cpu(struct kmem_cache *cache, unsigned number, char **memory)
{
	struct kmem_cache_cpu *own = &cache->cpu[number];

	list_create(&own->partial);
	if (cache->has_cpu_slabs)
		own->hand = own->loose = cut_sheaf(memory, SLAB_OBJECTS_MAX);
	if (cache->has_sheaves) {
		own->hand = cut_sheaf(memory, cache->sheaf_capacity);
		own->spare = cut_sheaf(memory, cache->sheaf_capacity);
	}
}

/* The memory of the CPUs' stages: their structures, then all sheaves. */
static enum status create_stages(struct kmem_cache *cache, unsigned cpus)
{
	size_t structures = round_up(cpus * sizeof(struct kmem_cache_cpu), CACHE_LINE_BYTES);
	size_t bytes = structures;

	if (!cache->has_sheaves && !cache->has_cpu_slabs)
		return STATUS_OK;
	if (cache->has_sheaves)
		bytes += (2 * (size_t)cpus + SLAB_BARN_SHEAVES) * sheaf_bytes(cache->sheaf_capacity);
	if (cache->has_cpu_slabs)
		bytes += cpus * sheaf_bytes(SLAB_OBJECTS_MAX);
	enum status status = reservation_create(&cache->memory, bytes, PAGE_BYTES);

	if (status != STATUS_OK)
		return status;
	char *memory = (char *)cache->memory.memory + structures;

	cache->cpu = cache->memory.memory;
	cache->cpus = cpus;
	cache->quick_cpus = cache->is_hardened ? 0 : cpus;
	for (unsigned cpu = 0; cpu < cpus; cpu++)
		create_cpu(cache, cpu, &memory);
	for (unsigned i = 0; cache->has_sheaves && i < SLAB_BARN_SHEAVES; i++) {
		struct slab_sheaf *sheaf = cut_sheaf(&memory, cache->sheaf_capacity);

		sheaf->next = cache->empty;
		cache->empty = sheaf;
	}
	return STATUS_OK;
}

static enum status reserve_tracks(struct slab_allocator *allocator)
{
	if (allocator->tracks)
		return STATUS_OK;
	enum status status = reservation_create(
	    &allocator->tracks_memory, slots_of_node(allocator) * sizeof(*allocator->tracks), PAGE_BYTES);

	allocator->tracks = allocator->tracks_memory.memory;
	return status;
}

static uint32_t colours_of(const struct slab_policy *policy, const struct slab_geometry *geometry)
{
	uint32_t rest = (uint32_t)(PAGE_BYTES << geometry->order) - geometry->objects * geometry->slot_bytes;

	return policy->colour ? rest / geometry->alignment + 1 : 1;
}

static void describe(struct kmem_cache *cache, const struct kmem_cache_args *args)
{
	const struct slab_policy *policy = &cache->allocator->policy;

	memcpy(cache->name, args->name, strlen(args->name) + 1);
	cache->flags = args->flags | policy->debug;
	cache->users = 1;
	cache->constructor = args->constructor;
	cache->is_debugged = (cache->flags & SLAB_DEBUG_FLAGS) != 0;
	cache->is_hardened = policy->hardened && !cache->is_debugged;
	cache->sheaf_capacity = args->sheaf_capacity != 0 ? args->sheaf_capacity : policy->sheaf_capacity;
	cache->has_sheaves = cache->sheaf_capacity > 0 && !cache->is_debugged;
	cache->has_cpu_slabs = policy->cpu_slabs && !cache->is_debugged;
	cache->cut = slab_cut_of(&cache->geometry, (uint16_t)(cache - cache->allocator->slots + 1));
	cache->colours = colours_of(policy, &cache->geometry);
	cache->numbers.state = policy->seed ^ (uintptr_t)(cache - cache->allocator->slots);
	list_create(&cache->partial);
}

static void prepare_quick_calls(struct kmem_cache *cache)
{
	const struct slab_maps *maps = &cache->allocator->maps;

	cache->base = maps->base;
	cache->bytes = maps->bytes;
	cache->entry = maps->entry;
	cache->tag = slab_tag(cache->cut.number, cache->geometry.order);
	cache->inverse = cache->cut.inverse;
	cache->usual_slots = cache->geometry.objects;
	cache->only_active = cache->has_sheaves ? 0 : UINT64_MAX;
}

static enum status create_new(struct slab_allocator *allocator, const struct kmem_cache_args *args,
			      const struct slab_geometry *geometry, struct kmem_cache **created)
{
	struct kmem_cache *cache = take_slot(allocator);

	if (!cache)
		return STATUS_LIMIT;
	*cache = (struct kmem_cache){.allocator = allocator, .geometry = *geometry};
	describe(cache, args);
	prepare_quick_calls(cache);
	enum status status = create_stages(cache, allocator->policy.cpus);

	if (status == STATUS_OK && (cache->flags & SLAB_STORE_USER))
		status = reserve_tracks(allocator);
	if (status != STATUS_OK) {
		cache->users = 0;
		reservation_destroy(&cache->memory);
		return status;
	}
	list_push(&allocator->caches, &cache->link);
	*created = cache;
	return STATUS_OK;
}

enum status kmem_cache_create(struct slab_allocator *allocator, const struct kmem_cache_args *args,
			      struct kmem_cache **created)
{
	struct slab_geometry geometry;
	enum status status = compute_geometry(allocator, args, &geometry);

	*created = NULL;
	if (status != STATUS_OK)
		return status;
	if (args->name[0] == '\0' || strlen(args->name) >= KMEM_CACHE_NAME_BYTES ||
	    args->sheaf_capacity > SLAB_SHEAF_MAX)
		return STATUS_BAD_ARGUMENT;
	struct kmem_cache *older =
	    may_merge(allocator, args) ? find_mergeable(allocator, args, &geometry) : NULL;

	if (!older)
		return create_new(allocator, args, &geometry, created);
	if (older->geometry.object_bytes < args->object_bytes)
		older->geometry.object_bytes = args->object_bytes;
	older->users++;
	allocator->merged++;
	*created = older;
	return STATUS_OK;
}

/* --- Ending one --------------------------------------------------------------------------------------------------- */

uint64_t kmem_cache_destroy(struct kmem_cache *cache)
{
	CHECK(cache->users > 0, "a cache is destroyed as often as it was created");
	if (cache->users > 1) {
		cache->users--;
		return 0;
	}
	uint64_t live = kmem_cache_live_objects(cache);

	if (live > 0) {
		cache->allocator->destroys_refused++;
		kmem_misuse_live(cache, live);
		return live;
	}
	(void)kmem_cache_shrink(cache);
	CHECK(cache->in_use == 0 && cache->slabs == 0,
	      "a cache without live objects has no slab once it is shrunk");
	list_remove(&cache->link);
	reservation_destroy(&cache->memory);
	cache->users = 0;
	return 0;
}
