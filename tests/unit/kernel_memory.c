#include "config.h"

#include "engine/kernel_memory.h"

#include "tests/unit/model.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BLOCKS 300u

static const struct memory_shape frames_shape = {
    .size = {.pages = 32768}, .backing = ARENA_NONE, .max_order = 10, .cpus = 2};
static const struct kernel_memory_shape shape = {.cpus = 2, .seed = 3};

/* --- Every shipped policy serves a kernel ------------------------------------------------------------------------- */

struct world {
	struct memory frames;
	struct kernel_memory memory;
	struct kmem_cache *cache;
	size_t count;
	uintptr_t block[BLOCKS];
	bool is_of_cache[BLOCKS];
};

static const char *step(struct world *world, uint64_t number)
{
	struct kvmalloc memory = kernel_memory_kvmalloc(&world->memory);
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = (int)(number & 1)};

	if (world->count == BLOCKS || (world->count > 0 && number >> 62 == 0)) {
		size_t victim = (number >> 8) % world->count;

		if (world->is_of_cache[victim])
			kmem_cache_free(world->cache, gfp.cpu, world->block[victim]);
		else
			kvfree(&memory, gfp.cpu, world->block[victim]);
		world->block[victim] = world->block[--world->count];
		world->is_of_cache[victim] = world->is_of_cache[world->count];
		return NULL;
	}
	bool is_of_cache = number >> 61 & 1;
	uintptr_t block = is_of_cache
			      ? kmem_cache_alloc(world->cache, &gfp)
			      : kvmalloc(&memory, &gfp, 1 + (number >> 8) % (1u << (number >> 40 & 15)));

	for (size_t i = 0; i < world->count; i++) {
		if (world->block[i] == block)
			return "a block was handed out twice";
	}
	world->is_of_cache[world->count] = is_of_cache;
	world->block[world->count++] = block;
	return block != 0 ? NULL : "there is no memory";
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	struct world *world = calloc(1, sizeof(*world));
	struct kmem_cache_args args = {.name = "objects", .object_bytes = 120};
	const char *wrong = NULL;

	assert_non_null(world);
	assert_int_equal(memory_create(&world->frames, &frames_shape), STATUS_OK);
	assert_int_equal(kernel_memory_create(&world->memory, &world->frames, context, &shape), STATUS_OK);
	assert_int_equal(kmem_cache_create(&world->memory.slabs, &args, &world->cache), STATUS_OK);
	for (size_t i = 0; i < count && !wrong; i++) {
		wrong = step(world, operations[i]);
		if (!wrong && i % 100 == 0)
			wrong = kernel_memory_check(&world->memory);
	}
	while (world->count > 0 && !wrong)
		wrong = step(world, 0);
	if (!wrong) {
		kernel_memory_destroy(&world->memory);
		wrong = memory_check(&world->frames);
		memory_destroy(&world->frames);
	}
	free(world);
	return wrong;
}

static void test_every_policy(void **state)
{
	const struct policy_named *named;

	(void)state;
	for (size_t i = 0; (named = policy_at(i)); i++) {
		struct model model = {named->name, run, &named->policy, 800, 1};

		model_test(&model);
	}
}

/* --- Every key does something ------------------------------------------------------------------------------------- */

static struct slab_policy slabs_of(const char *words)
{
	struct policy policy;

	assert_int_equal(policy_parse(&policy, words), STATUS_OK);
	return kernel_memory_slab_policy(&policy, &shape);
}

static void test_keys_become_slabs(void **state)
{
	(void)state;
	assert_int_equal(slabs_of("linux").geometry, SLAB_GEOMETRY_LINUX);
	assert_true(slabs_of("linux").cpu_slabs);
	assert_int_equal(slabs_of("default").geometry, SLAB_GEOMETRY_EIGHTH);
	assert_int_equal(slabs_of("slab_order=1").order_max, 1);
	assert_int_equal(slabs_of("slab_sheaf=7").sheaf_capacity, 7);
	assert_true(slabs_of("slab_cpu_slabs=on").cpu_slabs);
	assert_false(slabs_of("slab_merge=off").merge);
	assert_true(slabs_of("slab_colour=on").colour);
	assert_true(slabs_of("slab_random=on").random);
	assert_true(slabs_of("slab_hardened=on").hardened);
	assert_int_equal(slabs_of("default").debug, 0);
	assert_int_equal(slabs_of("slab_red_zone=on").debug, SLAB_RED_ZONE | SLAB_CONSISTENCY_CHECKS);
	assert_int_equal(slabs_of("slab_poison=on").debug, SLAB_POISON | SLAB_CONSISTENCY_CHECKS);
	assert_int_equal(slabs_of("slab_store_user=on").debug, SLAB_STORE_USER | SLAB_CONSISTENCY_CHECKS);
	assert_int_equal(slabs_of("i386").cpus, 2);
	assert_int_equal(slabs_of("i386").seed, 3);
}

static void test_other_keys(void **state)
{
	struct kernel_memory *memory = calloc(1, sizeof(*memory));
	struct policy policy;
	struct memory frames;

	(void)state;
	assert_non_null(memory);
	assert_int_equal(policy_parse(&policy, "size_classes=pow2,vmalloc_huge=off"), STATUS_OK);
	assert_int_equal(memory_create(&frames, &frames_shape), STATUS_OK);
	assert_int_equal(kernel_memory_create(memory, &frames, &policy, &shape), STATUS_OK);
	assert_int_equal(memory->caches.classes, 11);
	assert_false(memory->space.huge);
	assert_int_equal(memory->space.lazy_max_pages, 2 * 8192);
	kernel_memory_destroy(memory);
	struct kernel_memory_shape none = {.cpus = 0};

	assert_int_equal(kernel_memory_create(memory, &frames, &policy, &none), STATUS_BAD_ARGUMENT);
	memory_destroy(&frames);
	free(memory);
}

static void test_check_finds_each_broken_part(void **state)
{
	struct kernel_memory *memory = calloc(1, sizeof(*memory));
	struct memory frames;

	(void)state;
	assert_non_null(memory);
	assert_int_equal(memory_create(&frames, &frames_shape), STATUS_OK);
	assert_int_equal(kernel_memory_create(memory, &frames, policy_find("linux"), &shape), STATUS_OK);
	assert_null(kernel_memory_check(memory));
	memory->caches.cache[0][0]->slabs++;
	assert_memory_equal(kernel_memory_check(memory), "I3: in_use", 10);
	memory->caches.cache[0][0]->slabs--;
	memory->caches.class_of[3]++;
	assert_memory_equal(kernel_memory_check(memory), "I1: class_of", 12);
	memory->caches.class_of[3]--;
	memory->space.lazy_pages++;
	assert_memory_equal(kernel_memory_check(memory), "I4: lazy_pages", 14);
	memory->space.lazy_pages--;
	assert_null(kernel_memory_check(memory));
	kernel_memory_destroy(memory);
	memory_destroy(&frames);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_policy),
	    cmocka_unit_test(test_keys_become_slabs),
	    cmocka_unit_test(test_other_keys),
	    cmocka_unit_test(test_check_finds_each_broken_part),
	};

	return cmocka_run_group_tests_name("kernel_memory", tests, NULL, NULL);
}
