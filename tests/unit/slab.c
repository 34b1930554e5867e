#include "config.h"

#include "engine/phys/slab.h"

#include "engine/phys/kmalloc.h"
#include "tests/unit/death.h"
#include "tests/unit/model.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OBJECTS 3000u
#define CPUS 2

struct rig {
	struct node node;
	struct slab_maps maps;
	struct slab_cache cache;
	size_t count;
	uintptr_t object[OBJECTS];
};

static void stamp(void *object)
{
	*(uint32_t *)object = 0xC0FFEE;
}

static void rig_make(struct rig *rig, const struct slab_shape *shape)
{
	struct node_shape node = {.pages = 16384,
				  .backing = ARENA_REAL,
				  .placement = BUDDY_ORDER_FIRST,
				  .max_order = 10,
				  .cpus = CPUS};

	assert_int_equal(node_create(&rig->node, &node), STATUS_OK);
	assert_int_equal(slab_maps_create(&rig->maps, &rig->node), STATUS_OK);
	assert_int_equal(slab_cache_create(&rig->cache, &rig->maps, shape), STATUS_OK);
	rig->count = 0;
}

static void rig_drop(struct rig *rig)
{
	slab_cache_destroy(&rig->cache);
	assert_null(node_check(&rig->node));
	slab_maps_destroy(&rig->maps);
	node_destroy(&rig->node);
}

/* Constructed, aligned, and the caller's alone: the object's fill says whose it is. */
static const char *take(struct rig *rig, int cpu)
{
	uintptr_t object = slab_cache_allocate(&rig->cache, cpu);

	if (object == 0)
		return "a slab could not be had";
	if (object % rig->cache.colour_step != 0)
		return "an object is not aligned";
	if (*(uint32_t *)object != 0xC0FFEE)
		return "an object is not constructed, or is in use";
	*(uint32_t *)object = 1;
	rig->object[rig->count++] = object;
	return NULL;
}

static void give(struct rig *rig, size_t victim, int cpu)
{
	uintptr_t object = rig->object[victim];

	rig->object[victim] = rig->object[--rig->count];
	stamp((void *)object);
	slab_cache_free(&rig->cache, cpu, object);
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	const char *wrong = NULL;

	assert_non_null(rig);
	rig_make(rig, context);
	for (size_t i = 0; i < count && !wrong; i++) {
		int cpu = (int)(operations[i] % 3) - 1;
		unsigned kind = operations[i] >> 60 & 15;

		if (kind == 0)
			slab_cache_shrink(&rig->cache, operations[i] % CPUS);
		else if (kind < (i / 500 % 2 ? 11u : 6u) && rig->count > 0)
			give(rig, (operations[i] >> 8) % rig->count, cpu);
		else if (rig->count < OBJECTS)
			wrong = take(rig, cpu);
		if (!wrong && i % 16 == 0)
			wrong = slab_cache_check(&rig->cache);
	}
	while (rig->count > 0)
		give(rig, 0, 0);
	if (!wrong)
		wrong = slab_cache_check(&rig->cache);
	rig_drop(rig);
	free(rig);
	return wrong;
}

static void test_model(void **state)
{
	static const uint32_t sizes[] = {8, 24, 64, 200, 700, 1000, 3000, 5000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (unsigned random = 0; random < 2; random++) {
			struct slab_shape shape = {.name = "test",
						   .object_bytes = sizes[i],
						   .order_max = 3,
						   .magazine = random ? 0 : 33,
						   .cpus = CPUS,
						   .random = random,
						   .seed = 5,
						   .constructor = stamp};
			struct model model = {"slab", run, &shape, 3000, 1};

			model_test(&model);
		}
	}
}

/* 700-byte objects in 4 KiB: five and 596 bytes rest = 74 steps of 8; 3000 bytes: order 1 wastes 2192, order 2 wastes 1384. */
static void test_geometry(void **state)
{
	struct slab_shape shape = {.name = "g", .object_bytes = 700, .order_max = 0};
	struct rig *rig = calloc(1, sizeof(*rig));

	(void)state;
	assert_non_null(rig);
	rig_make(rig, &shape);
	assert_int_equal(rig->cache.object_bytes, 704);
	assert_int_equal(rig->cache.objects, 5);
	assert_int_equal(rig->cache.colours, (4096 - 5 * 704) / 8 + 1);
	rig_drop(rig);
	shape = (struct slab_shape){.name = "g", .object_bytes = 3000, .order_max = 3};
	rig_make(rig, &shape);
	assert_int_equal(rig->cache.order, 2);
	assert_int_equal(rig->cache.objects, 5);
	rig_drop(rig);
	free(rig);
}

static void test_colours_shift_slabs(void **state)
{
	struct slab_shape shape = {.name = "c", .object_bytes = 1000, .order_max = 0};
	struct rig *rig = calloc(1, sizeof(*rig));
	uintptr_t object[12];

	(void)state;
	assert_non_null(rig);
	rig_make(rig, &shape);
	for (size_t i = 0; i < 12; i++)
		object[i] = slab_cache_allocate(&rig->cache, -1);
	assert_int_equal(object[0] % 4096, 0);
	assert_int_equal(object[4] % 4096, 8);
	assert_int_equal(object[8] % 4096, 16);
	for (size_t i = 0; i < 12; i++)
		slab_cache_free(&rig->cache, -1, object[i]);
	rig_drop(rig);
	free(rig);
}

static void test_shapes_out_of_bounds(void **state)
{
	static const struct slab_shape bad[] = {
	    {.object_bytes = 7},
	    {.object_bytes = 32769, .order_max = 5},
	    {.object_bytes = 64, .alignment = 48},
	    {.object_bytes = 64, .order_max = 6},
	    {.object_bytes = 64, .magazine = 257},
	    {.object_bytes = 5000, .order_max = 0},
	};
	struct slab_cache cache;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(slab_cache_create(&cache, NULL, &bad[i]), STATUS_BAD_ARGUMENT);
}

struct mistake {
	struct rig *rig;
	uintptr_t address;
};

static void commit(void *argument)
{
	struct mistake *mistake = argument;

	slab_cache_free(&mistake->rig->cache, -1, mistake->address);
}

static void test_mistakes_die(void **state)
{
	struct slab_shape shape = {.name = "m", .object_bytes = 64, .order_max = 0};
	struct rig *rig = calloc(1, sizeof(*rig));

	(void)state;
	assert_non_null(rig);
	rig_make(rig, &shape);
	uintptr_t object = slab_cache_allocate(&rig->cache, -1);
	struct mistake inside = {rig, object + 8};
	struct mistake foreign = {rig, rig->node.arena.base};
	struct mistake outside = {rig, 64};
	struct mistake twice = {rig, object};

	assert_dies(commit, &inside, "where an object begins");
	assert_dies(commit, &foreign, "belongs to the cache");
	assert_dies(commit, &outside, "direct map");
	slab_cache_free(&rig->cache, -1, object);
	assert_dies(commit, &twice, "double free");
	rig_drop(rig);
	free(rig);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct slab_shape shape = {
	    .name = "b", .object_bytes = 100, .order_max = 0, .magazine = 8, .cpus = 1};
	struct rig *rig = calloc(1, sizeof(*rig));

	(void)state;
	assert_non_null(rig);
	rig_make(rig, &shape);
	uintptr_t object = slab_cache_allocate(&rig->cache, 0);
	struct page *slab = virt_to_page(&rig->node, object);
	uint64_t *map = &rig->maps.words[pfn_of_page(&rig->node.pages, slab) * SLAB_MAP_WORDS];

	assert_null(slab_cache_check(&rig->cache));
	slab->mapping = NULL;
	assert_memory_equal(slab_cache_check(&rig->cache), "I1", 2);
	slab->mapping = &rig->cache;
	*map ^= (uint64_t)1 << 20;
	assert_memory_equal(slab_cache_check(&rig->cache), "I2", 2);
	*map ^= (uint64_t)1 << 20;
	*map |= (uint64_t)1 << 60;
	assert_memory_equal(slab_cache_check(&rig->cache), "I2", 2);
	*map &= ~((uint64_t)1 << 60);
	rig->cache.in_use++;
	assert_memory_equal(slab_cache_check(&rig->cache), "I3", 2);
	rig->cache.in_use--;
	rig->cache.cpu[0].object[0] += 8;
	assert_memory_equal(slab_cache_check(&rig->cache), "I4", 2);
	rig->cache.cpu[0].object[0] -= 8;
	assert_null(slab_cache_check(&rig->cache));
	slab_cache_free(&rig->cache, 0, object);
	rig_drop(rig);
	free(rig);
}

/* --- kmalloc ------------------------------------------------------------------------------------------------------ */

static void kmalloc_with(enum kmalloc_classes classes, enum arena_backing backing)
{
	struct node_shape shape = {.pages = 16384, .backing = backing, .max_order = 10, .cpus = CPUS};
	struct kmalloc_shape options = {classes, 3, 32, CPUS, false, 1};
	struct kmalloc *kmalloc = calloc(1, sizeof(*kmalloc));
	struct gfp gfp = {GFP_KERNEL | GFP_ZERO, 0};
	struct node node;
	uintptr_t block[200];
	size_t count = 0;

	assert_non_null(kmalloc);
	assert_int_equal(node_create(&node, &shape), STATUS_OK);
	assert_int_equal(kmalloc_create(kmalloc, &node, &options), STATUS_OK);
	for (size_t bytes = 0; bytes < 200000 && count < 200; bytes += 1 + bytes / 9, count++) {
		block[count] = kmalloc_allocate(kmalloc, &gfp, bytes);
		assert_int_not_equal(block[count], 0);
		assert_int_equal(block[count] % 8, 0);
		assert_true(kmalloc_usable_bytes(kmalloc, block[count]) >= bytes);
		if (backing == ARENA_REAL)
			memset((void *)block[count], (int)count, bytes);
	}
	assert_null(kmalloc_check(kmalloc));
	for (size_t i = 0, bytes = 0; i < count; i++, bytes += 1 + bytes / 9) {
		for (size_t byte = 0; backing == ARENA_REAL && byte < bytes; byte++)
			assert_int_equal(((unsigned char *)block[i])[byte], i & 0xff);
		kmalloc_free(kmalloc, (int)(i % CPUS), block[i]);
	}
	kmalloc_free(kmalloc, 0, 0);
	assert_int_equal(kmalloc_allocate(kmalloc, &gfp, (4 << 20) + 1), 0);
	assert_null(kmalloc_check(kmalloc));
	kmalloc_destroy(kmalloc);
	assert_null(node_check(&node));
	node_destroy(&node);
	free(kmalloc);
}

static void test_kmalloc(void **state)
{
	(void)state;
	for (int classes = KMALLOC_POW2; classes <= KMALLOC_EIGHTH_STEPS; classes++) {
		kmalloc_with((enum kmalloc_classes)classes, ARENA_REAL);
		kmalloc_with((enum kmalloc_classes)classes, ARENA_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_geometry),
	    cmocka_unit_test(test_colours_shift_slabs),
	    cmocka_unit_test(test_shapes_out_of_bounds),
	    cmocka_unit_test(test_mistakes_die),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	    cmocka_unit_test(test_kmalloc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
