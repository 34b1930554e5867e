#include "config.h"

#include "engine/phys/slab_policy.h"

#include "tests/unit/slab_rig.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OBJECTS 600u

static struct kmem_cache *create(struct slab_rig *rig, const struct kmem_cache_args *args)
{
	struct kmem_cache *cache;

	assert_int_equal(kmem_cache_create(&rig->allocator, args, &cache), STATUS_OK);
	return cache;
}

static void take_all(struct kmem_cache *cache, int cpu, size_t count, uintptr_t *object)
{
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = cpu};

	for (size_t i = 0; i < count; i++) {
		object[i] = kmem_cache_alloc(cache, &gfp);
		assert_int_not_equal(object[i], 0);
	}
}

static void give_all(struct kmem_cache *cache, int cpu, size_t count, const uintptr_t *object)
{
	for (size_t i = 0; i < count; i++)
		kmem_cache_free(cache, cpu, object[i]);
}

/* --- Of every policy ---------------------------------------------------------------------------------------------- */

/* Objects begin at multiples of what was asked for, red zones and colours or not; the slot is as long. */
static void test_alignment(void **state)
{
	static const uint32_t alignments[] = {8, 16, 64, 256, 2048, 4096};
	const struct slab_rig_policy *named;
	uintptr_t object[40];
	struct slab_rig rig;

	(void)state;
	for (unsigned i = 0; (named = slab_rig_policy_at(i)); i++) {
		slab_rig_make(&rig, &named->policy, ARENA_REAL);
		for (size_t j = 0; j < sizeof(alignments) / sizeof(alignments[0]); j++) {
			struct kmem_cache_args args = {
			    .name = "aligned", .object_bytes = 40, .alignment = alignments[j]};
			struct kmem_cache *cache = create(&rig, &args);

			take_all(cache, 0, 40, object);
			for (size_t k = 0; k < 40; k++)
				assert_int_equal(object[k] % alignments[j], 0);
			assert_int_equal(cache->geometry.slot_bytes % alignments[j], 0);
			assert_null(kmem_cache_check(cache));
			give_all(cache, 0, 40, object);
		}
		assert_int_equal(rig.reports, 0);
		slab_rig_drop(&rig);
	}
}

static unsigned constructed;

static void construct(void *object)
{
	constructed++;
	memset(object, 0x77, 48);
}

/* A constructor runs once for every slot of a slab, however often its object is handed out. */
static void test_constructor_runs_once(void **state)
{
	const struct kmem_cache_args args = {
	    .name = "constructed", .object_bytes = 48, .constructor = construct};
	const struct slab_rig_policy *named;
	uintptr_t object[OBJECTS];
	struct slab_rig rig;

	(void)state;
	for (unsigned i = 0; (named = slab_rig_policy_at(i)); i++) {
		slab_rig_make(&rig, &named->policy, ARENA_REAL);
		struct kmem_cache *cache = create(&rig, &args);

		constructed = 0;
		for (unsigned round = 0; round < 4; round++) {
			take_all(cache, (int)round % 2, OBJECTS, object);
			for (size_t k = 0; k < OBJECTS; k++)
				assert_int_equal(*(const unsigned char *)(object[k] + 47), 0x77);
			give_all(cache, 0, OBJECTS, object);
		}
		assert_int_equal(constructed, cache->slabs_created * cache->geometry.objects);
		slab_rig_drop(&rig);
	}
}

/* What was freed last is taken first, without a policy that says otherwise. */
static void test_last_in_first_out(void **state)
{
	const struct kmem_cache_args args = {.name = "stack", .object_bytes = 64};
	const struct slab_policy policies[] = {
	    {.order_max = 3, .cpus = 2, .sheaf_capacity = 5},
	    {.geometry = SLAB_GEOMETRY_LINUX, .order_max = 3, .cpus = 2, .cpu_slabs = true},
	    {.order_max = 3, .cpus = 2, .cpu_slabs = true, .sheaf_capacity = 5},
	};
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 1};
	uintptr_t object[4];
	struct slab_rig rig;

	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		slab_rig_make(&rig, &policies[i], ARENA_NONE);
		struct kmem_cache *cache = create(&rig, &args);

		take_all(cache, 1, 4, object);
		give_all(cache, 1, 4, object);
		assert_int_equal(cache->cpu[1].top, object[3]);
		assert_int_equal(kmem_cache_live_objects(cache), 0);
		for (size_t k = 4; k-- > 0;)
			assert_int_equal(kmem_cache_alloc(cache, &gfp), object[k]);
		assert_int_equal(kmem_cache_live_objects(cache), 4);
		assert_null(kmem_cache_check(cache));
		give_all(cache, -1, 4, object);
		slab_rig_drop(&rig);
	}
}

/* Many objects at once, or none: where memory ends in the middle, all of them go back. */
static void test_bulk_is_all_or_nothing(void **state)
{
	const struct kmem_cache_args args = {.name = "bulk", .object_bytes = 4096};
	const struct slab_rig_policy *named;
	const size_t too_many = 20000; /* of 16384 pages */
	uintptr_t *object = calloc(too_many, sizeof(*object));
	struct gfp gfp = {.flags = GFP_NOWAIT, .cpu = 0};
	struct slab_rig rig;

	(void)state;
	assert_non_null(object);
	for (unsigned i = 0; (named = slab_rig_policy_at(i)); i++) {
		slab_rig_make(&rig, &named->policy, ARENA_NONE);
		struct kmem_cache *cache = create(&rig, &args);

		assert_int_equal(kmem_cache_alloc_bulk(cache, &gfp, too_many, object), 0);
		assert_int_equal(kmem_cache_live_objects(cache), 0);
		assert_null(kmem_cache_check(cache));
		assert_int_equal(kmem_cache_alloc_bulk(cache, &gfp, 100, object), 100);
		assert_int_equal(kmem_cache_live_objects(cache), 100);
		kmem_cache_free_bulk(cache, 0, 100, object);
		assert_int_equal(kmem_cache_live_objects(cache), 0);
		slab_rig_drop(&rig);
	}
	free(object);
}

/* --- Keys --------------------------------------------------------------------------------------------------------- */

/* Of empty slabs the node keeps partial_min; the others go back at once. */
static void test_partial_min_slabs_are_kept(void **state)
{
	const struct slab_policy policy = {.geometry = SLAB_GEOMETRY_LINUX, .order_max = 3, .cpus = 2};
	const struct kmem_cache_args args = {.name = "kept", .object_bytes = 512};
	uintptr_t object[OBJECTS];
	struct slab_rig rig;

	(void)state;
	slab_rig_make(&rig, &policy, ARENA_NONE);
	struct kmem_cache *cache = create(&rig, &args);

	assert_int_equal(cache->geometry.partial_min, 5);
	take_all(cache, -1, OBJECTS, object);
	give_all(cache, -1, OBJECTS, object);
	assert_int_equal(cache->empty_slabs, 5);
	assert_int_equal(cache->slabs, 5);
	assert_int_equal(cache->slabs_given_back, cache->slabs_created - 5);
	assert_int_equal(kmem_cache_shrink(cache), 5);
	assert_int_equal(cache->slabs, 0);
	slab_rig_drop(&rig);
}

/* A CPU with a full hand and a full spare leaves a whole sheaf in the barn; another CPU takes it from there. */
static void test_sheaves_are_exchanged(void **state)
{
	const struct slab_policy policy = {.order_max = 3, .cpus = 2, .sheaf_capacity = 10};
	const struct kmem_cache_args args = {.name = "sheaves", .object_bytes = 64};
	uintptr_t object[OBJECTS];
	struct slab_rig rig;

	(void)state;
	slab_rig_make(&rig, &policy, ARENA_NONE);
	struct kmem_cache *cache = create(&rig, &args);

	take_all(cache, -1, 41, object);
	give_all(cache, 0, 20, object);
	assert_int_equal(cache->full_count, 0);
	give_all(cache, 0, 11, object + 20);
	assert_int_equal(cache->full_count, 2);
	assert_int_equal(cache->barn_exchanges, 2);
	assert_null(kmem_cache_check(cache));
	take_all(cache, 1, 10, object);
	assert_int_equal(cache->full_count, 1);
	assert_int_equal(cache->barn_exchanges, 3);
	assert_int_equal(kmem_cache_live_objects(cache), 20);
	give_all(cache, -1, 10, object);
	give_all(cache, -1, 10, object + 31);
	assert_null(kmem_cache_check(cache));
	slab_rig_drop(&rig);
}

/* Free slots in random order: another seed, other addresses; the same seed, the same ones. */
static void test_random_order_is_the_seeds(void **state)
{
	const struct kmem_cache_args args = {.name = "random", .object_bytes = 64};
	struct slab_policy policy = {.order_max = 3, .cpus = 2, .random = true, .seed = 1};
	uintptr_t object[3][64];
	struct slab_rig rig;
	uintptr_t base;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		policy.seed = i == 2 ? 2 : 1;
		slab_rig_make(&rig, &policy, ARENA_NONE);
		struct kmem_cache *cache = create(&rig, &args);

		base = rig.memory.arena.base;
		take_all(cache, -1, 64, object[i]);
		give_all(cache, -1, 64, object[i]);
		for (size_t k = 0; k < 64; k++)
			object[i][k] -= base;
		slab_rig_drop(&rig);
	}
	assert_memory_equal(object[0], object[1], sizeof(object[0]));
	assert_memory_not_equal(object[0], object[2], sizeof(object[0]));
}

/* --- What pages are asked for ------------------------------------------------------------------------------------- */

static void boot_with_types(struct slab_rig *rig, uint64_t pages)
{
	const struct slab_policy policy = {
	    .geometry = SLAB_GEOMETRY_LINUX, .order_max = 3, .cpus = SLAB_RIG_CPUS, .cpu_slabs = true};
	struct memory_shape shape = {.size = {.layout = MEMORY_X86_64, .pages = pages},
				     .max_order = 10,
				     .keeper = ZONE_LISTS,
				     .cpus = SLAB_RIG_CPUS};

	assert_int_equal(memory_create(&rig->memory, &shape), STATUS_OK);
	assert_int_equal(slab_allocator_create(&rig->allocator, &rig->memory, &policy), STATUS_OK);
}

static enum migrate_type type_of(struct slab_rig *rig, uintptr_t object)
{
	pfn_t pfn = arena_pfn(&rig->memory.arena, object);

	return zone_type_of(memory_zone_of(&rig->memory, pfn), pfn);
}

/* Slabs of caches whose objects can be reclaimed lie in Reclaimable pageblocks, all others in Unmovable ones, whatever the
 * caller's flags say of mobility. */
static void test_pageblocks_of_reclaimable_caches(void **state)
{
	const struct kmem_cache_args reclaimable = {
	    .name = "dentry", .object_bytes = 192, .flags = SLAB_RECLAIM_ACCOUNT};
	const struct kmem_cache_args plain = {.name = "vm_area_struct", .object_bytes = 192};
	struct gfp gfp = {.flags = GFP_KERNEL | GFP_RECLAIMABLE, .cpu = 0};
	struct slab_rig rig;

	(void)state;
	boot_with_types(&rig, 65536);
	struct kmem_cache *dentries = create(&rig, &reclaimable), *areas = create(&rig, &plain);
	uintptr_t dentry = kmem_cache_alloc(dentries, &gfp), area = kmem_cache_alloc(areas, &gfp);

	assert_int_equal(type_of(&rig, dentry), MIGRATE_RECLAIMABLE);
	assert_int_equal(type_of(&rig, area), MIGRATE_UNMOVABLE);
	kmem_cache_free(dentries, 0, dentry);
	kmem_cache_free(areas, 0, area);
	slab_rig_drop(&rig);
}

/* SLAB_CACHE_DMA, SLAB_CACHE_DMA32: below 16 MiB, below 4 GiB. */
static void test_zones_of_caches(void **state)
{
	const struct kmem_cache_args args[] = {
	    {.name = "any", .object_bytes = 64},
	    {.name = "dma32", .object_bytes = 64, .flags = SLAB_CACHE_DMA32},
	    {.name = "dma", .object_bytes = 64, .flags = SLAB_CACHE_DMA},
	};
	const enum zone_kind zones[] = {ZONE_NORMAL, ZONE_DMA32, ZONE_DMA};
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};
	struct slab_rig rig;

	(void)state;
	boot_with_types(&rig, UINT64_C(5) << 18);
	for (size_t i = 0; i < 3; i++) {
		struct kmem_cache *cache = create(&rig, &args[i]);
		uintptr_t object = kmem_cache_alloc(cache, &gfp);
		pfn_t pfn = arena_pfn(&rig.memory.arena, object);

		assert_int_equal(memory_zone_of(&rig.memory, pfn)->kind, zones[i]);
		kmem_cache_free(cache, 0, object);
	}
	slab_rig_drop(&rig);
}

static uint64_t refuse_to_reclaim(void *owner, const struct zone_request *request, unsigned flags)
{
	(void)request;
	(void)flags;
	(*(unsigned *)owner)++;
	return 0;
}

/* For the order that wastes least nothing is reclaimed as long as a smaller one holds an object; then it is. */
static void test_large_slabs_are_not_reclaimed_for(void **state)
{
	const struct kmem_cache_args args = {.name = "large", .object_bytes = 1024};
	struct gfp gfp = {.flags = GFP_KERNEL | GFP_HIGH, .cpu = -1};
	struct page **pages = calloc(16384, sizeof(struct page *));
	struct slab_policy policy = {.geometry = SLAB_GEOMETRY_LINUX, .order_max = 3, .cpus = 2};
	unsigned reclaims = 0;
	size_t count = 0;
	struct slab_rig rig;

	(void)state;
	assert_non_null(pages);
	slab_rig_make(&rig, &policy, ARENA_NONE);
	struct kmem_cache *cache = create(&rig, &args);

	while ((pages[count] = alloc_page(&rig.memory, &gfp)))
		count++;
	rig.memory.hook.reclaim = refuse_to_reclaim;
	rig.memory.hook.owner = &reclaims;
	free_page_of(&rig.memory, -1, pages[--count]);
	uintptr_t object = kmem_cache_alloc(cache, &gfp);

	assert_int_not_equal(object, 0);
	assert_int_equal(cache->small_slabs, 1);
	assert_int_equal(reclaims, 0);
	/* Of such a slab, too, wrong addresses are told: this cache's usual slabs have four times as many slots. */
	kmem_cache_free(cache, -1, object + 512);
	assert_int_equal(rig.last.kind, SLAB_INTERIOR_POINTER);
	kmem_cache_free(cache, -1, object);
	assert_int_equal(rig.reports, 1);
	while (count > 0)
		free_page_of(&rig.memory, -1, pages[--count]);
	slab_rig_drop(&rig);
	free(pages);
}

/* --- Threads ------------------------------------------------------------------------------------------------------ */

#define SHELF 256u
#define ROUNDS 20000u

/* Objects on their way from one CPU to another. */
struct exchange {
	struct kmem_cache *cache;
	_Atomic uintptr_t shelf[SHELF];
	_Atomic unsigned mistakes;
};

struct worker {
	struct exchange *exchange;
	int cpu;
	pthread_t thread;
};

static void *work(void *context)
{
	const struct worker *worker = context;
	struct exchange *exchange = worker->exchange;
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = worker->cpu};
	struct random random = {.state = (uint64_t)worker->cpu + 1};

	for (unsigned i = 0; i < ROUNDS; i++) {
		uintptr_t object = kmem_cache_alloc(exchange->cache, &gfp);

		if (object != 0)
			*(uintptr_t *)object = object;
		object = atomic_exchange(&exchange->shelf[random_next(&random) % SHELF], object);
		if (object == 0)
			continue;
		if (*(const uintptr_t *)object != object)
			atomic_fetch_add(&exchange->mistakes, 1);
		kmem_cache_free(exchange->cache, worker->cpu, object);
	}
	return NULL;
}

static void test_two_processors(void **state)
{
	const struct kmem_cache_args args = {.name = "shared", .object_bytes = 200};
	const struct slab_rig_policy *named;

	(void)state;
	for (unsigned i = 0; (named = slab_rig_policy_at(i)); i++) {
		struct exchange *exchange = calloc(1, sizeof(*exchange));
		struct slab_rig rig;

		assert_non_null(exchange);
		slab_rig_make(&rig, &named->policy, ARENA_REAL);
		exchange->cache = create(&rig, &args);
		struct worker worker[SLAB_RIG_CPUS];

		for (int cpu = 0; cpu < (int)SLAB_RIG_CPUS; cpu++) {
			worker[cpu] = (struct worker){.exchange = exchange, .cpu = cpu};
			assert_int_equal(pthread_create(&worker[cpu].thread, NULL, work, &worker[cpu]), 0);
		}
		for (unsigned cpu = 0; cpu < SLAB_RIG_CPUS; cpu++)
			assert_int_equal(pthread_join(worker[cpu].thread, NULL), 0);
		assert_null(kmem_cache_check(exchange->cache));
		for (unsigned k = 0; k < SHELF; k++) {
			if (exchange->shelf[k] != 0)
				kmem_cache_free(exchange->cache, 0, exchange->shelf[k]);
		}
		assert_int_equal(exchange->mistakes, 0);
		assert_int_equal(kmem_cache_live_objects(exchange->cache), 0);
		assert_int_equal(rig.reports, 0);
		slab_rig_drop(&rig);
		free(exchange);
	}
}

static void *free_it(void *context)
{
	const struct worker *worker = context;

	for (unsigned k = 0; k < SHELF; k++)
		kmem_cache_free(worker->exchange->cache, worker->cpu, worker->exchange->shelf[k]);
	return NULL;
}

/* Two processors free the same objects: with `hardened` one of both is told, for every object, and its taker one at a time. */
static void test_frees_at_once_are_told(void **state)
{
	const struct slab_policy policy = {
	    .order_max = 3, .cpus = SLAB_RIG_CPUS, .sheaf_capacity = 16, .hardened = true};
	const struct kmem_cache_args args = {.name = "twice", .object_bytes = 64};
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};
	struct worker worker[2];
	struct slab_rig rig;

	(void)state;
	assert_non_null(exchange);
	slab_rig_make(&rig, &policy, ARENA_NONE);
	exchange->cache = create(&rig, &args);
	for (unsigned k = 0; k < SHELF; k++)
		exchange->shelf[k] = kmem_cache_alloc(exchange->cache, &gfp);
	for (int cpu = 0; cpu < 2; cpu++) {
		worker[cpu] = (struct worker){.exchange = exchange, .cpu = cpu};
		assert_int_equal(pthread_create(&worker[cpu].thread, NULL, free_it, &worker[cpu]), 0);
	}
	for (unsigned cpu = 0; cpu < 2; cpu++)
		assert_int_equal(pthread_join(worker[cpu].thread, NULL), 0);
	assert_int_equal(rig.reports, SHELF);
	assert_int_equal(rig.allocator.misuses[SLAB_DOUBLE_FREE], SHELF);
	assert_int_equal(kmem_cache_live_objects(exchange->cache), 0);
	assert_null(kmem_cache_check(exchange->cache));
	slab_rig_drop(&rig);
	free(exchange);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_alignment),
	    cmocka_unit_test(test_constructor_runs_once),
	    cmocka_unit_test(test_last_in_first_out),
	    cmocka_unit_test(test_bulk_is_all_or_nothing),
	    cmocka_unit_test(test_partial_min_slabs_are_kept),
	    cmocka_unit_test(test_sheaves_are_exchanged),
	    cmocka_unit_test(test_random_order_is_the_seeds),
	    cmocka_unit_test(test_pageblocks_of_reclaimable_caches),
	    cmocka_unit_test(test_zones_of_caches),
	    cmocka_unit_test(test_large_slabs_are_not_reclaimed_for),
	    cmocka_unit_test(test_two_processors),
	    cmocka_unit_test(test_frees_at_once_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
