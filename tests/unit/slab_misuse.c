#include "config.h"

#include "engine/phys/slab_misuse.h"

#include "tests/unit/death.h"
#include "tests/unit/slab_rig.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct slab_policy plain = {.order_max = 3, .cpus = 2};
static const struct slab_policy sheaves = {.order_max = 3, .cpus = 2, .sheaf_capacity = 8};
static const struct slab_policy hardened = {
    .geometry = SLAB_GEOMETRY_LINUX, .order_max = 3, .cpus = 2, .cpu_slabs = true, .hardened = true};
static const struct slab_policy debugged = {
    .geometry = SLAB_GEOMETRY_LINUX, .order_max = 3, .cpus = 2, .cpu_slabs = true, .debug = SLAB_DEBUG_FLAGS};

/* A cache of 100-byte objects with two of them allocated, by 0x11 and 0x12. */
struct scene {
	struct slab_rig rig;
	struct kmem_cache *cache, *other;
	uintptr_t object, second, of_other;
	struct gfp gfp;
};

static struct kmem_cache *create(struct slab_rig *rig, const char *name)
{
	struct kmem_cache_args args = {.name = name, .object_bytes = 100, .flags = SLAB_NO_MERGE};
	struct kmem_cache *cache;

	assert_int_equal(kmem_cache_create(&rig->allocator, &args, &cache), STATUS_OK);
	return cache;
}

static void call_by(struct scene *scene, uint64_t site, uint64_t when)
{
	struct slab_caller caller = {.site = site, .when = when, .process = 7};

	slab_allocator_caller(&scene->rig.allocator, 0, &caller);
}

static struct scene *scene_make(const struct slab_policy *policy)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->gfp = (struct gfp){.flags = GFP_KERNEL, .cpu = 0};
	slab_rig_make(&scene->rig, policy, ARENA_REAL);
	scene->cache = create(&scene->rig, "dentry");
	scene->other = create(&scene->rig, "inode");
	call_by(scene, 0x11, 101);
	scene->object = kmem_cache_alloc(scene->cache, &scene->gfp);
	call_by(scene, 0x12, 102);
	scene->second = kmem_cache_alloc(scene->cache, &scene->gfp);
	scene->of_other = kmem_cache_alloc(scene->other, &scene->gfp);
	return scene;
}

/* What was refused changed nothing: all objects can be freed once. */
static void scene_drop(struct scene *scene, unsigned reports)
{
	assert_int_equal(scene->rig.reports, reports);
	if (scene->object != 0)
		kmem_cache_free(scene->cache, 0, scene->object);
	kmem_cache_free(scene->cache, 0, scene->second);
	kmem_cache_free(scene->other, 0, scene->of_other);
	assert_int_equal(scene->rig.reports, reports);
	assert_null(slab_allocator_check(&scene->rig.allocator));
	slab_rig_drop(&scene->rig);
	free(scene);
}

static void expect(struct scene *scene, enum slab_misuse_kind kind, uintptr_t object)
{
	assert_int_equal(scene->rig.last.kind, kind);
	assert_int_equal(scene->rig.last.object, object);
	assert_string_equal(scene->rig.last.cache, "dentry");
	assert_int_equal(scene->rig.allocator.misuses[kind], 1);
}

/* --- Wrong addresses ---------------------------------------------------------------------------------------------- */

static void addresses_with(const struct slab_policy *policy)
{
	struct scene *scene = scene_make(policy);
	uintptr_t page = get_free_pages(&scene->rig.memory, &scene->gfp, 0);

	kmem_cache_free(scene->cache, 0, scene->object + 8);
	expect(scene, SLAB_INTERIOR_POINTER, scene->object);
	assert_int_equal(scene->rig.last.address, scene->object + 8);
	kmem_cache_free(scene->cache, 0, scene->of_other);
	expect(scene, SLAB_WRONG_CACHE, scene->of_other);
	assert_string_equal(scene->rig.last.owner, "inode");
	kmem_cache_free(scene->cache, 0, 64);
	expect(scene, SLAB_FOREIGN_POINTER, 0);
	assert_true(slab_allocator_free(&scene->rig.allocator, 0, scene->object + 1));
	assert_int_equal(scene->rig.last.kind, SLAB_INTERIOR_POINTER);
	assert_false(slab_allocator_free(&scene->rig.allocator, 0, page));
	slab_allocator_foreign(&scene->rig.allocator, page);
	assert_int_equal(scene->rig.last.kind, SLAB_FOREIGN_POINTER);
	assert_string_equal(scene->rig.last.cache, "kfree");
	free_pages(&scene->rig.memory, -1, page, 0);
	scene_drop(scene, 5);
}

static void test_wrong_addresses(void **state)
{
	(void)state;
	addresses_with(&plain);
	addresses_with(&sheaves);
	addresses_with(&hardened);
	addresses_with(&debugged);
}

/* --- Double frees ------------------------------------------------------------------------------------------------- */

static void double_free_with(const struct slab_policy *policy)
{
	struct scene *scene = scene_make(policy);

	kmem_cache_free(scene->cache, 0, scene->object);
	kmem_cache_free(scene->cache, 0, scene->object);
	expect(scene, SLAB_DOUBLE_FREE, scene->object);
	scene->object = 0;
	scene_drop(scene, 1);
}

static void test_double_free_at_once(void **state)
{
	(void)state;
	double_free_with(&plain);
	double_free_with(&sheaves);
	double_free_with(&hardened);
	double_free_with(&debugged);
}

/* Another free lies between, on another CPU. */
static void test_double_free_later(void **state)
{
	struct scene *scene = scene_make(&hardened);
	uintptr_t third = kmem_cache_alloc(scene->cache, &scene->gfp);

	(void)state;
	kmem_cache_free(scene->cache, 0, scene->object);
	kmem_cache_free(scene->cache, 1, third);
	kmem_cache_free(scene->cache, 1, scene->object);
	expect(scene, SLAB_DOUBLE_FREE, scene->object);
	scene->object = kmem_cache_alloc(scene->cache, &scene->gfp);
	scene_drop(scene, 1);
}

/* Without hardening it is found when the objects go back to their slab. */
static void test_double_free_found_by_flush(void **state)
{
	struct scene *scene = scene_make(&sheaves);
	uintptr_t third = kmem_cache_alloc(scene->cache, &scene->gfp);

	(void)state;
	kmem_cache_free(scene->cache, 0, scene->object);
	kmem_cache_free(scene->cache, 0, third);
	kmem_cache_free(scene->cache, 0, scene->object);
	assert_int_equal(scene->rig.reports, 0);
	(void)kmem_cache_shrink(scene->cache);
	expect(scene, SLAB_DOUBLE_FREE, scene->object);
	scene->object = 0;
	scene_drop(scene, 1);
}

/* --- Overwritten bytes -------------------------------------------------------------------------------------------- */

static void overwrite(struct scene *scene, int64_t offset, enum slab_misuse_kind kind)
{
	uint8_t *byte = (uint8_t *)(scene->object + (uint64_t)offset);
	uint8_t before = *byte;

	*byte = 0x42;
	kmem_cache_free(scene->cache, 0, scene->object);
	expect(scene, kind, scene->object);
	assert_int_equal((int64_t)scene->rig.last.offset, offset);
	assert_int_equal(scene->rig.last.found, 0x42);
	assert_int_equal(scene->rig.last.expected, before);
	assert_int_equal(*byte, before);
	assert_int_equal(scene->rig.last.allocated.caller.site, 0x11);
	assert_int_equal(scene->rig.last.freed.set, 0);
	scene_drop(scene, 1);
}

static void test_red_zones(void **state)
{
	(void)state;
	overwrite(scene_make(&debugged), 100, SLAB_WRITE_BEYOND);
	overwrite(scene_make(&debugged), 103, SLAB_WRITE_BEYOND);
	overwrite(scene_make(&debugged), 104, SLAB_WRITE_BEYOND);
	overwrite(scene_make(&debugged), -1, SLAB_WRITE_BEFORE);
	overwrite(scene_make(&debugged), -8, SLAB_WRITE_BEFORE);
}

static void test_inside_is_the_callers(void **state)
{
	struct scene *scene = scene_make(&debugged);

	(void)state;
	memset((void *)scene->object, 0x42, 100);
	scene_drop(scene, 0);
}

static void write_after_free(size_t offset)
{
	struct scene *scene = scene_make(&debugged);

	call_by(scene, 0x13, 103);
	kmem_cache_free(scene->cache, 0, scene->object);
	assert_int_equal(*(const uint8_t *)scene->object, 0x6b);
	assert_int_equal(((const uint8_t *)scene->object)[99], 0xa5);
	((uint8_t *)scene->object)[offset] = 0x42;
	assert_int_equal(kmem_cache_alloc(scene->cache, &scene->gfp), scene->object);
	expect(scene, SLAB_WRITE_AFTER_FREE, scene->object);
	assert_int_equal(scene->rig.last.offset, offset);
	assert_int_equal(scene->rig.last.allocated.caller.when, 101);
	assert_int_equal(scene->rig.last.freed.caller.site, 0x13);
	scene_drop(scene, 1);
}

static void test_write_after_free(void **state)
{
	(void)state;
	write_after_free(0);
	write_after_free(50);
	write_after_free(99);
}

/* --- Words -------------------------------------------------------------------------------------------------------- */

static void test_text_names_everything(void **state)
{
	struct slab_misuse misuse = {
	    .kind = SLAB_DOUBLE_FREE,
	    .cache = "dentry",
	    .object = 0x1000,
	    .allocated = {{0x2a, 101, 7}, 0, 1},
	    .freed = {{0x2b, 140, 9}, -1, 1},
	};
	char text[SLAB_MISUSE_TEXT_BYTES];

	(void)state;
	assert_string_equal(
	    slab_misuse_text(&misuse, text, sizeof(text)),
	    "double free in cache \"dentry\": object 0x1000 is free already; allocated by 0x2a on CPU 0 "
	    "(process 7) at 101; freed by 0x2b (process 9) at 140");
	misuse = (struct slab_misuse){.kind = SLAB_WRITE_BEFORE,
				      .cache = "dentry",
				      .object = 0x1000,
				      .offset = (uint64_t)-1,
				      .found = 1,
				      .expected = 0xcc};
	assert_string_equal(
	    slab_misuse_text(&misuse, text, sizeof(text)),
	    "write before the object in cache \"dentry\": byte -1 of object 0x1000 is 0x01 instead of 0xcc");
	misuse = (struct slab_misuse){.kind = SLAB_LIVE_AT_DESTROY, .cache = "dentry", .count = 3};
	assert_string_equal(slab_misuse_text(&misuse, text, sizeof(text)),
			    "destroy of a cache with live objects in cache \"dentry\": 3 objects live");
	assert_int_equal(strlen(slab_misuse_text(&misuse, text, 10)), 9);
	for (int kind = 0; kind < SLAB_MISUSE_KINDS; kind++)
		assert_true(strlen(slab_misuse_name((enum slab_misuse_kind)kind)) > 0);
}

static void free_twice(void *argument)
{
	struct scene *scene = argument;

	slab_allocator_report_to(&scene->rig.allocator, NULL, NULL);
	kmem_cache_free(scene->cache, 0, scene->object + 8);
}

static void test_without_a_taker_it_dies(void **state)
{
	struct scene *scene = scene_make(&debugged);

	(void)state;
	assert_dies(free_twice, scene, "free of an interior pointer in cache \"dentry\"");
	assert_dies(free_twice, scene, "allocated by 0x11 on CPU 0 (process 7) at 101");
	scene_drop(scene, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wrong_addresses),
	    cmocka_unit_test(test_double_free_at_once),
	    cmocka_unit_test(test_double_free_later),
	    cmocka_unit_test(test_double_free_found_by_flush),
	    cmocka_unit_test(test_red_zones),
	    cmocka_unit_test(test_inside_is_the_callers),
	    cmocka_unit_test(test_write_after_free),
	    cmocka_unit_test(test_text_names_everything),
	    cmocka_unit_test(test_without_a_taker_it_dies),
	};

	return cmocka_run_group_tests_name("slab_misuse", tests, NULL, NULL);
}
