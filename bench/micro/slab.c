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
	struct slab_allocator allocator;
	struct kmalloc_caches caches;
};

static struct kernel *make(struct gbench_state *state, const struct slab_policy *policy)
{
	struct node_shape shape = {.pages = 1 << 18, .backing = ARENA_REAL, .max_order = 10, .cpus = 1};
	struct kernel *kernel = calloc(1, sizeof(*kernel));

	if (!kernel || node_create(&kernel->node, &shape) != STATUS_OK ||
	    slab_allocator_create(&kernel->allocator, &kernel->node, policy) != STATUS_OK ||
	    kmalloc_caches_create(&kernel->caches, &kernel->allocator, KMALLOC_LINUX) != STATUS_OK) {
		gbench_fail(state, "the host has no memory");
		free(kernel);
		return NULL;
	}
	return kernel;
}

static void drop(struct kernel *kernel)
{
	kmalloc_caches_destroy(&kernel->caches);
	slab_allocator_destroy(&kernel->allocator);
	node_destroy(&kernel->node);
	free(kernel);
}

static void bench_pair(struct gbench_state *state, void *context)
{
	struct kernel *kernel = make(state, context);
	struct gfp gfp = {GFP_KERNEL, 0};

	if (!kernel)
		return;
	while (gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++)
			kfree(&kernel->caches, 0, kmalloc(&kernel->caches, &gfp, 64));
	}
	drop(kernel);
}

static void bench_cache_pair(struct gbench_state *state, void *context)
{
	struct kernel *kernel = make(state, context);
	struct gfp gfp = {GFP_KERNEL, 0};

	if (!kernel)
		return;
	struct kmem_cache *cache = kernel->caches.cache[KMALLOC_NORMAL][kernel->caches.class_of[64 / 8]];

	while (gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++)
			kmem_cache_free(cache, 0, kmem_cache_alloc(cache, &gfp));
	}
	drop(kernel);
}

/* The C library's allocator, or the one that is preloaded. */
static void bench_malloc_pair(struct gbench_state *state, void *context)
{
	(void)context;
	while (gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++) {
			void *volatile block = malloc(64);

			free(block);
		}
	}
}

static size_t size_of(struct random *random)
{
	return 16 + (random_next(random) & 1007);
}

static size_t victim_of(struct random *random)
{
	return (random_next(random) >> 32) * LIVE >> 32;
}

/* 100,000 live objects of 16 .. 1024 bytes, one of them replaced at a time. */
static void bench_churn(struct gbench_state *state, void *context)
{
	struct kernel *kernel = make(state, context);
	uintptr_t *live = calloc(LIVE, sizeof(*live));
	struct random random = {.state = 1};
	struct gfp gfp = {GFP_KERNEL, 0};

	for (size_t i = 0; kernel && live && i < LIVE; i++)
		live[i] = kmalloc(&kernel->caches, &gfp, size_of(&random));
	while (kernel && live && gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++) {
			size_t victim = victim_of(&random);

			kfree(&kernel->caches, 0, live[victim]);
			live[victim] = kmalloc(&kernel->caches, &gfp, size_of(&random));
		}
	}
	for (size_t i = 0; kernel && live && i < LIVE; i++)
		kfree(&kernel->caches, 0, live[i]);
	free(live);
	if (kernel)
		drop(kernel);
}

static void bench_malloc_churn(struct gbench_state *state, void *context)
{
	void **live = calloc(LIVE, sizeof(*live));
	struct random random = {.state = 1};

	(void)context;
	for (size_t i = 0; live && i < LIVE; i++)
		live[i] = malloc(size_of(&random));
	while (live && gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++) {
			size_t victim = victim_of(&random);

			free(live[victim]);
			live[victim] = malloc(size_of(&random));
		}
	}
	for (size_t i = 0; live && i < LIVE; i++)
		free(live[i]);
	free(live);
}

#define LINUX .geometry = SLAB_GEOMETRY_LINUX, .order_max = 3, .cpus = 1, .merge = true

int main(int argc, char **argv)
{
	static struct slab_policy sheaves = {LINUX, .sheaf_capacity = 64};
	static struct slab_policy cpu_slabs = {LINUX, .cpu_slabs = true};
	static struct slab_policy hardened = {LINUX, .cpu_slabs = true, .random = true, .hardened = true};
	static struct slab_policy none = {LINUX};
	static struct slab_policy debugged = {LINUX, .debug = SLAB_DEBUG_FLAGS};

	(void)gbench_register("64-byte pair:malloc", bench_malloc_pair, NULL);
	(void)gbench_register("64-byte pair:cache, sheaves of 64", bench_cache_pair, &sheaves);
	(void)gbench_register("64-byte pair:cache, CPU slabs", bench_cache_pair, &cpu_slabs);
	(void)gbench_register("64-byte pair:cache, hardened", bench_cache_pair, &hardened);
	(void)gbench_register("64-byte pair:cache, node's list", bench_cache_pair, &none);
	(void)gbench_register("64-byte pair:kmalloc, sheaves of 64", bench_pair, &sheaves);
	(void)gbench_register("64-byte pair:kmalloc, CPU slabs", bench_pair, &cpu_slabs);
	(void)gbench_register("churn, 100 k live:malloc", bench_malloc_churn, NULL);
	(void)gbench_register("churn, 100 k live:sheaves of 64", bench_churn, &sheaves);
	(void)gbench_register("churn, 100 k live:CPU slabs", bench_churn, &cpu_slabs);
	(void)gbench_register("churn, 100 k live:hardened", bench_churn, &hardened);
	(void)gbench_register("churn, 100 k live:node's list", bench_churn, &none);
	(void)gbench_register("churn, 100 k live:all debug features", bench_churn, &debugged);
	return table_main(
	    "Slab caches and kmalloc of one CPU beside malloc, the C library's or a preloaded one", argc,
	    argv);
}
