#include "config.h"

#include "engine/phys/kmem_cache.h"

#include "tests/unit/death.h"
#include "tests/unit/model.h"
#include "tests/unit/slab_rig.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OBJECTS 3000u
#define STAMP 0xC0FFEEu

/* --- Model: every object is the caller's alone -------------------------------------------------------------------- */

struct world {
	struct slab_rig rig;
	struct kmem_cache *cache;
	const struct kmem_cache_args *args;
	size_t count;
	uintptr_t object[OBJECTS];
	uint32_t fill[OBJECTS]; /* what the caller wrote into it */
	uint32_t fills;
};

struct subject {
	const struct slab_policy *policy;
	const struct kmem_cache_args *args;
};

static void stamp(void *object)
{
	*(uint32_t *)object = STAMP;
}

static const char *adopt(struct world *world, uintptr_t object)
{
	if (object == 0)
		return "a slab could not be had";
	if (object % world->cache->geometry.alignment != 0)
		return "an object is not aligned";
	if (world->args->constructor && *(uint32_t *)object != STAMP)
		return "an object is not constructed, or is in use";
	world->fill[world->count] = ++world->fills;
	memcpy((void *)object, &world->fills, sizeof(uint32_t));
	world->object[world->count++] = object;
	return NULL;
}

static const char *take(struct world *world, int cpu)
{
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = cpu};

	return adopt(world, kmem_cache_alloc(world->cache, &gfp));
}

/* The object still holds what its owner wrote; then it is as the constructor left it. */
static const char *leave(struct world *world, size_t victim, uintptr_t *object)
{
	uint32_t found;

	*object = world->object[victim];
	memcpy(&found, (const void *)*object, sizeof(found));
	if (found != world->fill[victim])
		return "an object was written by another";
	world->object[victim] = world->object[--world->count];
	world->fill[victim] = world->fill[world->count];
	if (world->args->constructor)
		stamp((void *)*object);
	return NULL;
}

static const char *give(struct world *world, size_t victim, int cpu)
{
	uintptr_t object;
	const char *wrong = leave(world, victim, &object);

	if (!wrong)
		kmem_cache_free(world->cache, cpu, object);
	return wrong;
}

static const char *take_bulk(struct world *world, int cpu)
{
	uintptr_t object[20];
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = cpu};
	const char *wrong = NULL;

	if (world->count + 20 > OBJECTS)
		return NULL;
	if (kmem_cache_alloc_bulk(world->cache, &gfp, 20, object) != 20)
		return "20 objects could not be had";
	for (size_t i = 0; i < 20 && !wrong; i++)
		wrong = adopt(world, object[i]);
	return wrong;
}

static const char *give_bulk(struct world *world, int cpu)
{
	uintptr_t object[15];
	const char *wrong = NULL;

	if (world->count < 15)
		return NULL;
	for (size_t i = 0; i < 15 && !wrong; i++)
		wrong = leave(world, world->count / 2, &object[i]);
	if (!wrong)
		kmem_cache_free_bulk(world->cache, cpu, 15, object);
	return wrong;
}

static const char *check(const struct world *world)
{
	const char *wrong = kmem_cache_check(world->cache);

	if (!wrong && world->rig.reports > 0)
		wrong = "a sound call was reported as misuse";
	if (!wrong && kmem_cache_live_objects(world->cache) != world->count)
		wrong = "live objects are not the caller's";
	return wrong;
}

static const char *step(struct world *world, uint64_t number, bool grows)
{
	int cpu = (int)(number % 3) - 1;
	unsigned kind = number >> 59 & 31;

	if (kind == 0) {
		(void)kmem_cache_shrink(world->cache);
		return NULL;
	}
	if (kind == 1)
		return take_bulk(world, cpu);
	if (kind == 2)
		return give_bulk(world, cpu);
	if (kind < (grows ? 13u : 22u) && world->count > 0)
		return give(world, (number >> 8) % world->count, cpu);
	return world->count < OBJECTS ? take(world, cpu) : NULL;
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	const struct subject *subject = context;
	struct world *world = calloc(1, sizeof(*world));
	const char *wrong = NULL;

	assert_non_null(world);
	world->args = subject->args;
	slab_rig_make(&world->rig, subject->policy, ARENA_REAL);
	assert_int_equal(kmem_cache_create(&world->rig.allocator, subject->args, &world->cache), STATUS_OK);
	for (size_t i = 0; i < count && !wrong; i++) {
		wrong = step(world, operations[i], i / 500 % 2 == 0);
		if (!wrong && i % 32 == 0)
			wrong = check(world);
	}
	while (world->count > 0 && !wrong)
		wrong = give(world, 0, 0);
	if (!wrong)
		wrong = check(world);
	if (!wrong)
		slab_rig_drop(&world->rig);
	free(world);
	return wrong;
}

static void test_model(void **state)
{
	static const uint32_t sizes[] = {8, 24, 200, 700, 3000, 9000};
	const struct slab_rig_policy *named;

	(void)state;
	for (unsigned i = 0; (named = slab_rig_policy_at(i)); i++) {
		for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			struct kmem_cache_args args = {.name = "test",
						       .object_bytes = sizes[j],
						       .constructor = (i + j) % 2 ? stamp : NULL};
			struct subject subject = {&named->policy, &args};
			struct model model = {named->name, run, &subject, sizes[j] > 1000 ? 400 : 1500, 1};

			model_test(&model);
		}
	}
}

/* --- By hand ------------------------------------------------------------------------------------------------------ */

static struct kmem_cache *create(struct slab_rig *rig, const char *name, uint32_t bytes, unsigned flags)
{
	struct kmem_cache_args args = {.name = name, .object_bytes = bytes, .flags = flags};
	struct kmem_cache *cache;

	assert_int_equal(kmem_cache_create(&rig->allocator, &args, &cache), STATUS_OK);
	return cache;
}

static const struct slab_policy *policy_named(const char *name)
{
	const struct slab_rig_policy *named;

	for (unsigned i = 0; (named = slab_rig_policy_at(i)); i++) {
		if (strcmp(named->name, name) == 0)
			return &named->policy;
	}
	fail_msg("no policy %s", name);
	return NULL;
}

/* 1000-byte objects in 4 KiB leave 96 bytes: 13 colours of 8. */
static void test_colours_shift_slabs(void **state)
{
	struct slab_policy policy = {.cpus = 1, .colour = true};
	struct slab_rig rig;
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = -1};
	uintptr_t object[12];

	(void)state;
	slab_rig_make(&rig, &policy, ARENA_REAL);
	struct kmem_cache *cache = create(&rig, "c", 1000, 0);

	assert_int_equal(cache->colours, 13);
	for (size_t i = 0; i < 12; i++)
		object[i] = kmem_cache_alloc(cache, &gfp);
	assert_int_equal(object[0] % 4096, 0);
	assert_int_equal(object[4] % 4096, 8);
	assert_int_equal(object[8] % 4096, 16);
	kmem_cache_free_bulk(cache, -1, 12, object);
	slab_rig_drop(&rig);
}

/* Equal up to a word, in slot and alignment, in account and zone flags. */
static void test_merging(void **state)
{
	struct slab_rig rig;

	(void)state;
	slab_rig_make(&rig, policy_named("CPU slabs"), ARENA_REAL);
	struct kmem_cache *first = create(&rig, "first", 61, 0);

	assert_ptr_equal(create(&rig, "same slot", 64, 0), first);
	assert_int_equal(first->geometry.object_bytes, 64);
	assert_int_equal(first->users, 2);
	assert_ptr_equal(create(&rig, "aligned", 50, SLAB_HWCACHE_ALIGN), first);
	assert_ptr_not_equal(create(&rig, "a word less", 56, 0), first);
	assert_ptr_not_equal(create(&rig, "charged", 64, SLAB_ACCOUNT), first);
	assert_ptr_not_equal(create(&rig, "its own", 64, SLAB_NO_MERGE), first);
	assert_ptr_not_equal(create(&rig, "RCU", 56, SLAB_TYPESAFE_BY_RCU), first);
	assert_int_equal(rig.allocator.merged, 2);
	assert_int_equal(kmem_cache_destroy(first), 0);
	assert_int_equal(kmem_cache_destroy(first), 0);
	assert_int_equal(first->users, 1);
	slab_rig_drop(&rig);
	slab_rig_make(&rig, policy_named("sheaves"), ARENA_REAL);
	first = create(&rig, "first", 64, 0);
	assert_ptr_not_equal(create(&rig, "second", 64, 0), first);
	slab_rig_drop(&rig);
}

static void test_destroy_with_live_objects_is_refused(void **state)
{
	struct slab_rig rig;
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};

	(void)state;
	slab_rig_make(&rig, policy_named("sheaves"), ARENA_REAL);
	struct kmem_cache *cache = create(&rig, "lives", 64, 0);
	uintptr_t one = kmem_cache_alloc(cache, &gfp);
	uintptr_t two = kmem_cache_alloc(cache, &gfp);

	kmem_cache_free(cache, 0, one);
	assert_int_equal(kmem_cache_destroy(cache), 1);
	assert_int_equal(rig.allocator.destroys_refused, 1);
	assert_int_equal(rig.last.kind, SLAB_LIVE_AT_DESTROY);
	assert_int_equal(rig.last.count, 1);
	kmem_cache_free(cache, 0, two);
	assert_int_equal(kmem_cache_destroy(cache), 0);
	assert_int_equal(rig.reports, 1);
	slab_rig_drop(&rig);
}

#define PER_SLAB 21u
#define SLABS 40u

/* SLUB gives an empty slab back once partial_min others are partly used, and the CPU keeps cpu_partial_slabs itself. */
static void test_cpu_slabs_are_kept_and_drained(void **state)
{
	struct slab_rig rig;
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};
	uintptr_t object[PER_SLAB * SLABS];

	(void)state;
	slab_rig_make(&rig, policy_named("CPU slabs"), ARENA_REAL);
	struct kmem_cache *cache = create(&rig, "dentry", 192, 0);

	assert_int_equal(cache->geometry.objects, 21);
	assert_int_equal(cache->geometry.cpu_partial_slabs, 12);
	for (size_t i = 0; i < (size_t)PER_SLAB * SLABS; i++)
		object[i] = kmem_cache_alloc(cache, &gfp);
	assert_int_equal(cache->slabs, 40);
	for (size_t i = 0; i < 12; i++)
		kmem_cache_free(cache, 0, object[i * PER_SLAB]);
	assert_int_equal(cache->cpu[0].partial_slabs, 12);
	assert_int_equal(cache->partial_count, 0);
	kmem_cache_free(cache, 0, object[12 * (size_t)PER_SLAB]);
	assert_int_equal(cache->cpu[0].partial_slabs, 1);
	assert_int_equal(cache->partial_count, 12);
	for (size_t i = 1; i < 21; i++)
		kmem_cache_free(cache, 0, object[i]);
	assert_int_equal(cache->partial_count, 11);
	assert_int_equal(cache->slabs, 39);
	assert_null(kmem_cache_check(cache));
	for (size_t i = 21; i < (size_t)PER_SLAB * SLABS; i++) {
		if (i % 21 != 0 || i / 21 > 12)
			kmem_cache_free(cache, 0, object[i]);
	}
	assert_int_equal(kmem_cache_live_objects(cache), 0);
	assert_true(kmem_cache_shrink(cache) > 0);
	assert_int_equal(cache->slabs, 0);
	slab_rig_drop(&rig);
}

/* Shrinking puts the fullest slab first. */
static void test_shrink_sorts(void **state)
{
	struct slab_policy policy = {.geometry = SLAB_GEOMETRY_LINUX, .order_max = 3, .cpus = 2};
	struct slab_rig rig;
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = -1};
	uintptr_t object[64];

	(void)state;
	slab_rig_make(&rig, &policy, ARENA_REAL);
	struct kmem_cache *cache = create(&rig, "sorted", 256, 0);

	for (size_t i = 0; i < 64; i++)
		object[i] = kmem_cache_alloc(cache, &gfp);
	for (size_t slab = 0; slab < 4; slab++)
		kmem_cache_free_bulk(cache, -1, slab == 3 ? 16 : 5 - slab, object + slab * 16);
	assert_int_equal(kmem_cache_shrink(cache), 1);
	uint64_t before = UINT64_MAX;

	for (const struct list *link = cache->partial.next; link != &cache->partial; link = link->next) {
		const struct page *slab = list_entry_const(link, struct page, lru);

		assert_true(slab->index < before);
		before = slab->index;
	}
	assert_int_equal(before, 11);
	for (size_t slab = 0; slab < 3; slab++)
		kmem_cache_free_bulk(cache, -1, 11 + slab, object + slab * 16 + 5 - slab);
	slab_rig_drop(&rig);
}

/* Where no block of the slab's order is left, one that holds an object does. */
static void test_small_slabs_when_memory_is_short(void **state)
{
	struct slab_policy policy = {.geometry = SLAB_GEOMETRY_LINUX, .order_max = 3, .cpus = 2};
	struct slab_rig rig;
	struct gfp gfp = {.flags = GFP_KERNEL | GFP_HIGH, .cpu = -1};
	struct page **pages = calloc(16384, sizeof(struct page *));
	size_t count = 0;

	(void)state;
	assert_non_null(pages);
	slab_rig_make(&rig, &policy, ARENA_REAL);
	struct kmem_cache *cache = create(&rig, "short", 1024, 0);

	assert_int_equal(cache->geometry.order, 2);
	while ((pages[count] = alloc_pages(&rig.memory, &gfp, 0)))
		count++;
	assert_int_equal(kmem_cache_alloc(cache, &gfp), 0);
	free_pages_of(&rig.memory, -1, pages[--count], 0);
	uintptr_t object = kmem_cache_alloc(cache, &gfp);

	assert_int_not_equal(object, 0);
	assert_int_equal(cache->small_slabs, 1);
	assert_int_equal(cache->objects, 4);
	assert_null(kmem_cache_check(cache));
	kmem_cache_free(cache, -1, object);
	while (count > 0)
		free_pages_of(&rig.memory, -1, pages[--count], 0);
	slab_rig_drop(&rig);
	free(pages);
}

static void test_zeroed_objects(void **state)
{
	struct slab_rig rig;
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};

	(void)state;
	slab_rig_make(&rig, policy_named("CPU slabs, random, hardened"), ARENA_REAL);
	struct kmem_cache *cache = create(&rig, "zero", 100, 0);
	uintptr_t object = kmem_cache_alloc(cache, &gfp);

	memset((void *)object, 1, 100);
	kmem_cache_free(cache, 0, object);
	gfp.flags |= GFP_ZERO;
	assert_int_equal(kmem_cache_alloc(cache, &gfp), object);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(((const unsigned char *)object)[i], 0);
	kmem_cache_free(cache, 0, object);
	slab_rig_drop(&rig);
}

static void test_out_of_bounds(void **state)
{
	char long_name[KMEM_CACHE_NAME_BYTES + 1];
	const struct kmem_cache_args bad[] = {
	    {.name = "", .object_bytes = 8},
	    {.name = long_name, .object_bytes = 8},
	    {.name = "no bytes"},
	    {.name = "alignment", .object_bytes = 8, .alignment = 24},
	    {.name = "sheaf", .object_bytes = 8, .sheaf_capacity = SLAB_SHEAF_MAX + 1},
	};
	struct slab_policy policy = {.cpus = 0};
	struct kmem_cache *cache;
	struct slab_rig rig;

	(void)state;
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	slab_rig_make(&rig, policy_named("sheaves"), ARENA_NONE);
	assert_int_equal(slab_allocator_create(&rig.allocator, &rig.memory, &policy), STATUS_BAD_ARGUMENT);
	slab_rig_drop(&rig);
	slab_rig_make(&rig, policy_named("sheaves"), ARENA_NONE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(kmem_cache_create(&rig.allocator, &bad[i], &cache), STATUS_BAD_ARGUMENT);
		assert_null(cache);
	}
	for (size_t i = 0; i < KMEM_CACHES_MAX; i++)
		(void)create(&rig, "one of many", 8, SLAB_NO_MERGE);
	struct kmem_cache_args args = {.name = "one too many", .object_bytes = 8};

	assert_int_equal(kmem_cache_create(&rig.allocator, &args, &cache), STATUS_LIMIT);
	slab_rig_drop(&rig);
}

/* --- Corruption --------------------------------------------------------------------------------------------------- */

static void expect(const struct kmem_cache *cache, const char *invariant)
{
	const char *found = kmem_cache_check(cache);

	assert_non_null(found);
	assert_memory_equal(found, invariant, 3);
}

static void test_check_finds_broken_lists(void **state)
{
	struct slab_rig rig;
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = -1};

	(void)state;
	slab_rig_make(&rig, policy_named("node lists only"), ARENA_REAL);
	struct kmem_cache *cache = create(&rig, "broken", 100, 0);
	uintptr_t object = kmem_cache_alloc(cache, &gfp);
	struct page *slab = virt_to_page(&rig.memory, object);
	uint64_t *map = slab_map(&rig.allocator.maps, slab);

	assert_null(kmem_cache_check(cache));
	slab->mapping = NULL;
	expect(cache, "I1:");
	slab->mapping = cache;
	slab->slab.state = SLAB_FULL;
	expect(cache, "I1:");
	slab->slab.state = SLAB_NODE_PARTIAL;
	cache->partial_count++;
	expect(cache, "I1:");
	cache->partial_count--;
	cache->empty_slabs++;
	expect(cache, "I1:");
	cache->empty_slabs--;
	*map ^= (uint64_t)1 << 20;
	expect(cache, "I2:");
	*map ^= (uint64_t)1 << 20;
	*map |= (uint64_t)1 << 60;
	expect(cache, "I2:");
	*map &= ~((uint64_t)1 << 60);
	rig.allocator.maps.entry[pfn_of_page(&rig.memory.pages, slab)]++;
	expect(cache, "I2:");
	rig.allocator.maps.entry[pfn_of_page(&rig.memory.pages, slab)]--;
	cache->in_use++;
	expect(cache, "I3:");
	cache->in_use--;
	cache->objects++;
	expect(cache, "I3:");
	cache->objects--;
	cache->slabs++;
	expect(cache, "I3:");
	cache->slabs--;
	assert_null(kmem_cache_check(cache));
	kmem_cache_free(cache, -1, object);
	slab_rig_drop(&rig);
}

static void test_check_finds_broken_stages(void **state)
{
	struct slab_rig rig;
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};

	(void)state;
	slab_rig_make(&rig, policy_named("sheaves over CPU slabs, hardened"), ARENA_REAL);
	struct kmem_cache *cache = create(&rig, "broken", 100, 0);
	struct kmem_cache_cpu *own = &cache->cpu[0];
	uintptr_t object = kmem_cache_alloc(cache, &gfp);
	uintptr_t first = own->hand->object[1];

	assert_null(kmem_cache_check(cache));
	own->hand->object[0] = first;
	expect(cache, "I4:");
	own->hand->object[0] = 0;
	own->hand->object[1] += 8;
	expect(cache, "I4:");
	own->hand->object[1] = own->hand->object[2];
	expect(cache, "I4:");
	own->hand->object[1] = own->loose->object[1];
	expect(cache, "I4:");
	own->hand->object[1] = first;
	own->top = first;
	expect(cache, "I4:");
	own->top = object + 1;
	expect(cache, "I4:");
	own->top = 0;
	own->active->slab.state = SLAB_FULL;
	expect(cache, "I5:");
	own->active->slab.state = SLAB_CPU_ACTIVE;
	own->partial_slabs++;
	expect(cache, "I5:");
	own->partial_slabs--;
	own->active_entry++;
	expect(cache, "I5:");
	own->active_entry--;
	own->hand->capacity = own->hand->count;
	expect(cache, "I6:");
	own->hand->capacity = cache->sheaf_capacity;
	cache->usual_slots++;
	expect(cache, "I7:");
	cache->usual_slots--;
	cache->tag ^= 1;
	expect(cache, "I7:");
	cache->tag ^= 1;
	assert_null(kmem_cache_check(cache));
	assert_null(slab_allocator_check(&rig.allocator));
	kmem_cache_free(cache, 0, object);
	slab_rig_drop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_colours_shift_slabs),
	    cmocka_unit_test(test_merging),
	    cmocka_unit_test(test_destroy_with_live_objects_is_refused),
	    cmocka_unit_test(test_cpu_slabs_are_kept_and_drained),
	    cmocka_unit_test(test_shrink_sorts),
	    cmocka_unit_test(test_small_slabs_when_memory_is_short),
	    cmocka_unit_test(test_zeroed_objects),
	    cmocka_unit_test(test_out_of_bounds),
	    cmocka_unit_test(test_check_finds_broken_lists),
	    cmocka_unit_test(test_check_finds_broken_stages),
	};

	return cmocka_run_group_tests_name("kmem_cache", tests, NULL, NULL);
}
