#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/physical/slab_series.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct kmem_cache *create(struct kernel_memory *kernel, const char *name, uint32_t bytes)
{
	const struct kmem_cache_args args = {.name = name, .object_bytes = bytes, .flags = SLAB_NO_MERGE};
	struct kmem_cache *cache;

	assert_int_equal(kmem_cache_create(&kernel->slabs, &args, &cache), STATUS_OK);
	return cache;
}

/* Two caches of a page or two each, in the order of their names, behind one with more; and one without. */
static void test_rows(void **state)
{
	static const struct memory_shape shape = {
	    .size = {.pages = 32768}, .backing = ARENA_NONE, .max_order = 10, .cpus = 1};
	const struct kernel_memory_shape kernel_shape = {.cpus = 1, .seed = 1};
	const struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};
	static struct memory memory;
	static struct kernel_memory kernel;
	uintptr_t object[20];
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	(void)state;
	assert_non_null(file);
	assert_int_equal(memory_create(&memory, &shape), STATUS_OK);
	assert_int_equal(kernel_memory_create(&kernel, &memory, policy_find("linux"), &kernel_shape),
			 STATUS_OK);
	struct kmem_cache *many = create(&kernel, "many", 2048), *b = create(&kernel, "b", 64);
	struct kmem_cache *a = create(&kernel, "a", 64);

	(void)create(&kernel, "none", 64);
	for (unsigned i = 0; i < 20; i++)
		object[i] = kmem_cache_alloc(many, &gfp);
	const uintptr_t of_a = kmem_cache_alloc(a, &gfp), of_b = kmem_cache_alloc(b, &gfp);
	const uintptr_t freed = kmem_cache_alloc(b, &gfp);

	kmem_cache_free(b, 0, freed);
	assert_true(slab_series_write(&kernel, file));
	assert_int_equal(fclose(file), 0);
	assert_non_null(strstr(text, "\nmany\t20\t"));
	assert_non_null(strstr(text, "\na\t1\t64\t64\t1\t0.015625\nb\t1\t64\t64\t1\t0.015625\n"));
	assert_true(strstr(text, "\nmany\t") < strstr(text, "\na\t"));
	assert_null(strstr(text, "none"));
	free(text);
	for (unsigned i = 0; i < 20; i++)
		kmem_cache_free(many, 0, object[i]);
	kmem_cache_free(a, 0, of_a);
	kmem_cache_free(b, 0, of_b);
	kernel_memory_destroy(&kernel);
	memory_destroy(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
