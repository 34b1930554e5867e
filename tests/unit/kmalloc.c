#include "config.h"

#include "engine/phys/kmalloc.h"

#include "engine/phys/slabinfo.h"
#include "tests/unit/model.h"
#include "tests/unit/slab_rig.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BLOCKS 400u

/* --- Model: a block holds what was written, whatever is done to others -------------------------------------------- */

struct block {
	uintptr_t address;
	size_t bytes;
	uint8_t fill;
};

struct world {
	struct slab_rig rig;
	struct kmalloc_caches caches;
	enum arena_backing backing;
	size_t count;
	struct block block[BLOCKS];
};

struct subject {
	const struct slab_policy *policy;
	enum kmalloc_classes classes;
	enum arena_backing backing;
};

static size_t size_of(uint64_t number)
{
	unsigned bits = (unsigned)(number % 17);

	return (size_t)(number >> 8 & (((uint64_t)1 << bits) - 1));
}

static void fill(const struct world *world, struct block *block, uint64_t number)
{
	block->fill = (uint8_t)number;
	if (world->backing == ARENA_REAL && block->bytes > 0)
		memset((void *)block->address, block->fill, block->bytes);
}

static bool holds(const struct world *world, const struct block *block, size_t bytes)
{
	const uint8_t *byte = (const uint8_t *)block->address;

	for (size_t i = 0; world->backing == ARENA_REAL && i < bytes; i++) {
		if (byte[i] != block->fill)
			return false;
	}
	return true;
}

static const char *take(struct world *world, uint64_t number)
{
	static const unsigned flags[] = {0, 0, GFP_RECLAIMABLE, GFP_ACCOUNT, GFP_DMA, GFP_ZERO};
	struct gfp gfp = {.flags = flags[number >> 32 & 3], .cpu = (int)(number >> 40 & 1)};
	struct block block = {.bytes = size_of(number)};

	block.address = kmalloc(&world->caches, &gfp, block.bytes);
	if (block.address == 0)
		return "no memory";
	if ((block.bytes == 0) != (block.address == KMALLOC_ZERO_SIZE))
		return "only no bytes have the address of no bytes";
	if (block.bytes > 0 && ksize(&world->caches, block.address) < block.bytes)
		return "a block is smaller than asked for";
	fill(world, &block, number >> 20);
	world->block[world->count++] = block;
	return NULL;
}

static const char *give(struct world *world, size_t victim, int cpu)
{
	struct block block = world->block[victim];

	if (!holds(world, &block, block.bytes))
		return "a block was written by another";
	world->block[victim] = world->block[--world->count];
	kfree(&world->caches, cpu, block.address);
	return NULL;
}

static const char *resize(struct world *world, uint64_t number)
{
	struct block *block = &world->block[(number >> 44) % world->count];
	struct gfp gfp = {.flags = 0, .cpu = 0};
	size_t bytes = size_of(number);
	uintptr_t address = krealloc(&world->caches, &gfp, block->address, bytes);

	if (address == 0)
		return "no memory to resize";
	block->address = address;
	if (!holds(world, block, block->bytes < bytes ? block->bytes : bytes))
		return "a resized block lost its contents";
	block->bytes = bytes;
	fill(world, block, number >> 20);
	return NULL;
}

static const char *step(struct world *world, uint64_t number)
{
	unsigned kind = number >> 61;

	if (world->count == 0 || (kind < 3 && world->count < BLOCKS))
		return take(world, number);
	return kind < 5 ? resize(world, number)
			: give(world, (number >> 44) % world->count, (int)(number & 1));
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	const struct subject *subject = context;
	struct world *world = calloc(1, sizeof(*world));
	const char *wrong = NULL;

	assert_non_null(world);
	world->backing = subject->backing;
	slab_rig_make(&world->rig, subject->policy, subject->backing);
	assert_int_equal(kmalloc_caches_create(&world->caches, &world->rig.allocator, subject->classes),
			 STATUS_OK);
	for (size_t i = 0; i < count && !wrong; i++) {
		wrong = step(world, operations[i]);
		if (!wrong && i % 200 == 0)
			wrong = kmalloc_caches_check(&world->caches);
	}
	while (world->count > 0 && !wrong)
		wrong = give(world, world->count - 1, 1);
	if (!wrong && world->rig.reports > 0)
		wrong = "a sound call was reported as misuse";
	if (!wrong) {
		kmalloc_caches_destroy(&world->caches);
		slab_rig_drop(&world->rig);
	}
	free(world);
	return wrong;
}

static void test_model(void **state)
{
	const struct slab_rig_policy *named;

	(void)state;
	for (unsigned i = 0; (named = slab_rig_policy_at(i)); i++) {
		struct subject subject = {&named->policy, (enum kmalloc_classes)(i % 4),
					  i % 3 == 2 ? ARENA_NONE : ARENA_REAL};
		struct model model = {named->name, run, &subject, 1200, 1};

		model_test(&model);
	}
}

/* --- By hand ------------------------------------------------------------------------------------------------------ */

struct scene {
	struct slab_rig rig;
	struct kmalloc_caches caches;
};

static const struct slab_policy like_linux = {
    .geometry = SLAB_GEOMETRY_LINUX, .order_max = 3, .cpus = 2, .cpu_slabs = true, .merge = true};

static struct scene *scene_make(const struct slab_policy *policy, enum arena_backing backing)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	slab_rig_make(&scene->rig, policy, backing);
	assert_int_equal(kmalloc_caches_create(&scene->caches, &scene->rig.allocator, KMALLOC_LINUX),
			 STATUS_OK);
	return scene;
}

static void scene_drop(struct scene *scene)
{
	kmalloc_caches_destroy(&scene->caches);
	slab_rig_drop(&scene->rig);
	free(scene);
}

static void test_types(void **state)
{
	(void)state;
	assert_int_equal(kmalloc_type(GFP_KERNEL | GFP_ZERO), KMALLOC_NORMAL);
	assert_int_equal(kmalloc_type(GFP_RECLAIMABLE), KMALLOC_RECLAIMABLE);
	assert_int_equal(kmalloc_type(GFP_ACCOUNT), KMALLOC_CGROUP);
	assert_int_equal(kmalloc_type(GFP_ACCOUNT | GFP_RECLAIMABLE), KMALLOC_RECLAIMABLE);
	assert_int_equal(kmalloc_type(GFP_ACCOUNT | GFP_DMA), KMALLOC_DMA);
}

/* The recorded /proc/slabinfo ends with these 52 caches, newest first, before the two of the allocator itself. Their figures
 * of geometry are ours; the others depend on what the machine did. */
static void test_caches_are_linuxs(void **state)
{
	struct scene *scene = scene_make(&like_linux, ARENA_NONE);
	const struct list *link = scene->rig.allocator.caches.next;
	char path[4096], line[512];
	const char *top = getenv("top_srcdir");
	unsigned compared = 0;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/tests/unit/slabinfo_6_18.txt", top ? top : ".");
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char ours[SLABINFO_LINE_BYTES];
		struct slabinfo info;

		if (compared == 0 && strncmp(line, "kmalloc-cg-8k ", 14) != 0)
			continue;
		if (link == &scene->rig.allocator.caches)
			break;
		slabinfo_of(list_entry_const(link, struct kmem_cache, link), &info);
		char *rest = line + strlen(info.name);

		assert_memory_equal(line, info.name, strlen(info.name));
		info.active_objs = strtoull(rest, &rest, 10);
		info.num_objs = strtoull(rest, &rest, 10);
		rest = strstr(rest, "slabdata") + strlen("slabdata");
		info.active_slabs = strtoull(rest, &rest, 10);
		info.num_slabs = strtoull(rest, &rest, 10);
		(void)slabinfo_line(&info, ours);
		assert_string_equal(ours, line);
		link = link->next;
		compared++;
	}
	(void)fclose(file);
	assert_int_equal(compared, 52);
	scene_drop(scene);
}

static void test_large_blocks_are_pages(void **state)
{
	struct scene *scene = scene_make(&like_linux, ARENA_REAL);
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};
	uintptr_t block = kmalloc(&scene->caches, &gfp, 8193);

	(void)state;
	assert_int_equal(ksize(&scene->caches, block), 16384);
	assert_int_equal(krealloc(&scene->caches, &gfp, block, 16384), block);
	assert_int_equal(kmalloc(&scene->caches, &gfp, (4 << 20) + 1), 0);
	assert_int_equal(kmalloc(&scene->caches, &gfp, SIZE_MAX), 0);
	kfree(&scene->caches, 0, block + 4096);
	assert_int_equal(scene->rig.last.kind, SLAB_FOREIGN_POINTER);
	kfree(&scene->caches, 0, block);
	kfree(&scene->caches, 0, block);
	assert_int_equal(scene->rig.reports, 2);
	kfree(&scene->caches, 0, 0);
	kfree(&scene->caches, 0, KMALLOC_ZERO_SIZE);
	assert_int_equal(scene->rig.reports, 2);
	scene_drop(scene);
}

static void test_resize_of_nothing_and_to_nothing(void **state)
{
	struct scene *scene = scene_make(&like_linux, ARENA_REAL);
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};
	uintptr_t block = krealloc(&scene->caches, &gfp, 0, 10);

	(void)state;
	assert_int_equal(ksize(&scene->caches, block), 16);
	assert_int_equal(krealloc(&scene->caches, &gfp, block, 0), KMALLOC_ZERO_SIZE);
	assert_int_equal(krealloc(&scene->caches, &gfp, KMALLOC_ZERO_SIZE, 0), KMALLOC_ZERO_SIZE);
	assert_int_equal(ksize(&scene->caches, KMALLOC_ZERO_SIZE), 0);
	scene_drop(scene);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct scene *scene = scene_make(&like_linux, ARENA_NONE);
	struct kmalloc_caches *caches = &scene->caches;
	struct kmem_cache *cache = caches->cache[0][3];

	(void)state;
	assert_null(kmalloc_caches_check(caches));
	caches->class_bytes[2] = 8;
	assert_string_equal(kmalloc_caches_check(caches),
			    "I1: class sizes ascend and end with KMALLOC_CACHE_MAX");
	caches->class_bytes[2] = 32;
	caches->class_of[100]++;
	assert_string_equal(kmalloc_caches_check(caches),
			    "I1: class_of maps every size to the smallest class that holds it");
	caches->class_of[100]--;
	caches->cache[0][3] = caches->cache[0][2];
	assert_memory_equal(kmalloc_caches_check(caches), "I2:", 3);
	caches->cache[0][3] = cache;
	cache->slabs++;
	assert_memory_equal(kmalloc_caches_check(caches), "I2:", 3);
	cache->slabs--;
	assert_null(kmalloc_caches_check(caches));
	scene_drop(scene);
}

/* --- Figures ------------------------------------------------------------------------------------------------------ */

/* 64 of 64 bytes in a slab. The CPU's own slab counts as active; only what is in the node's list does not. */
static void test_active_objects(void **state)
{
	struct scene *scene = scene_make(&like_linux, ARENA_NONE);
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};
	struct kmem_cache *cache = scene->caches.cache[KMALLOC_NORMAL][scene->caches.class_of[8]];
	uintptr_t block[200];
	struct slabinfo info;

	(void)state;
	for (size_t i = 0; i < 200; i++)
		block[i] = kmalloc(&scene->caches, &gfp, 64);
	slabinfo_of(cache, &info);
	assert_int_equal(info.num_slabs, 4);
	assert_int_equal(info.num_objs, 256);
	assert_int_equal(info.active_objs, 256);
	assert_int_equal(slabinfo_pages(cache), 4);
	(void)kmem_cache_shrink(cache);
	slabinfo_of(cache, &info);
	assert_int_equal(info.active_objs, 200);
	for (size_t i = 0; i < 200; i++)
		kfree(&scene->caches, 0, block[i]);
	scene_drop(scene);
}

#define LONG_LIST ((size_t)10002)

/* Of 10,002 slabs in the list the two in the middle are not looked at: they hold 1 and 3 free objects, the others 2 each. */
static void test_long_lists_are_estimated(void **state)
{
	struct slab_policy policy = {.geometry = SLAB_GEOMETRY_LINUX, .order_max = 0, .cpus = 1};
	struct scene *scene = scene_make(&policy, ARENA_NONE);
	struct kmem_cache *cache = scene->caches.cache[KMALLOC_NORMAL][scene->caches.class_of[1024 / 8]];
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = -1};
	uintptr_t(*block)[4] = calloc(LONG_LIST, sizeof(*block));
	struct slabinfo info;

	(void)state;
	assert_non_null(block);
	for (size_t i = 0; i < LONG_LIST * 4; i++)
		block[i / 4][i % 4] = kmem_cache_alloc(cache, &gfp);
	assert_int_equal(cache->slabs, LONG_LIST);
	for (size_t i = 0; i < LONG_LIST; i++) {
		size_t count = i == 5000 ? 1 : i == 5001 ? 3 : 2;

		kmem_cache_free_bulk(cache, -1, count, block[i]);
		memset(block[i], 0, count * sizeof(uintptr_t));
	}
	slabinfo_of(cache, &info);
	assert_int_equal(info.num_objs - info.active_objs, 20004);
	kfree(&scene->caches, -1, block[5000][1]);
	block[5000][1] = 0;
	slabinfo_of(cache, &info);
	assert_int_equal(info.num_objs - info.active_objs, 20004);
	for (size_t i = 0; i < LONG_LIST * 4; i++)
		kfree(&scene->caches, -1, block[i / 4][i % 4]);
	free(block);
	scene_drop(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_types),
	    cmocka_unit_test(test_caches_are_linuxs),
	    cmocka_unit_test(test_large_blocks_are_pages),
	    cmocka_unit_test(test_resize_of_nothing_and_to_nothing),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	    cmocka_unit_test(test_active_objects),
	    cmocka_unit_test(test_long_lists_are_estimated),
	};

	return cmocka_run_group_tests_name("kmalloc", tests, NULL, NULL);
}
