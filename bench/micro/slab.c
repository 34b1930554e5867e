#include "config.h"

#include "bench/micro/gbench.h"
#include "bench/micro/table.h"
#include "engine/base/random.h"
#include "engine/phys/kmalloc.h"

#include <stdlib.h>

#define BATCH 1000
#define LIVE 100000u

/* A machine of 1 GiB with its kmalloc, made anew for every run. */
struct kernel {
	struct node node;
	struct kmalloc kmalloc;
};

static struct kernel *make(struct gbench_state *state, uint32_t magazine)
{
	struct node_shape shape = {.pages = 1 << 18, .backing = ARENA_REAL, .max_order = 10, .cpus = 1};
	struct kmalloc_shape options = {KMALLOC_LINUX, 3, magazine, 1, false, 1};
	struct kernel *kernel = calloc(1, sizeof(*kernel));

	if (!kernel || node_create(&kernel->node, &shape) != STATUS_OK ||
	    kmalloc_create(&kernel->kmalloc, &kernel->node, &options) != STATUS_OK) {
		gbench_fail(state, "the host has no memory");
		free(kernel);
		return NULL;
	}
	return kernel;
}

static void drop(struct kernel *kernel)
{
	kmalloc_destroy(&kernel->kmalloc);
	node_destroy(&kernel->node);
	free(kernel);
}

static void bench_pair(struct gbench_state *state, void *context)
{
	struct kernel *kernel = make(state, *(const uint32_t *)context);
	struct gfp gfp = {GFP_KERNEL, 0};

	if (!kernel)
		return;
	while (gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++)
			kmalloc_free(&kernel->kmalloc, 0, kmalloc_allocate(&kernel->kmalloc, &gfp, 64));
	}
	drop(kernel);
}

static void bench_cache_pair(struct gbench_state *state, void *context)
{
	struct kernel *kernel = make(state, *(const uint32_t *)context);

	if (!kernel)
		return;
	struct slab_cache *cache = &kernel->kmalloc.cache[kernel->kmalloc.class_of[64 / 8]];

	while (gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++)
			slab_cache_free(cache, 0, slab_cache_allocate(cache, 0));
	}
	drop(kernel);
}

/* 100,000 live objects of 16 .. 1024 bytes, one of them replaced at a time. */
static void bench_churn(struct gbench_state *state, void *context)
{
	struct kernel *kernel = make(state, *(const uint32_t *)context);
	uintptr_t *live = calloc(LIVE, sizeof(*live));
	struct random random = {.state = 1};
	struct gfp gfp = {GFP_KERNEL, 0};

	for (size_t i = 0; kernel && live && i < LIVE; i++)
		live[i] = kmalloc_allocate(&kernel->kmalloc, &gfp, 16 + random_below(&random, 1009));
	while (kernel && live && gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++) {
			size_t victim = random_next(&random) >> 32;

			victim = victim * LIVE >> 32;
			kmalloc_free(&kernel->kmalloc, 0, live[victim]);
			live[victim] =
			    kmalloc_allocate(&kernel->kmalloc, &gfp, 16 + (random_next(&random) & 1007));
		}
	}
	for (size_t i = 0; kernel && live && i < LIVE; i++)
		kmalloc_free(&kernel->kmalloc, 0, live[i]);
	free(live);
	if (kernel)
		drop(kernel);
}

int main(int argc, char **argv)
{
	static uint32_t with = 64;
	static uint32_t without = 0;

	(void)gbench_register("64-byte pair, cache:magazine of 64", bench_cache_pair, &with);
	(void)gbench_register("64-byte pair, cache:no magazine", bench_cache_pair, &without);
	(void)gbench_register("64-byte pair, kmalloc:magazine of 64", bench_pair, &with);
	(void)gbench_register("64-byte pair, kmalloc:no magazine", bench_pair, &without);
	(void)gbench_register("churn, 100 k live:magazine of 64", bench_churn, &with);
	(void)gbench_register("churn, 100 k live:no magazine", bench_churn, &without);
	return table_main("Slab caches and kmalloc: one CPU, with and without its magazine", argc, argv);
}
