#include "config.h"

#include "bench/micro/gbench.h"
#include "bench/micro/table.h"
#include "engine/base/check.h"
#include "engine/base/random.h"
#include "engine/kernel_memory.h"

#include <stdlib.h>

#define BATCH 1000
#define LIVE 100000u

/* A machine of 1 GiB with a kernel's allocators, made anew for every run. */
struct kernel {
	struct memory frames;
	struct kernel_memory memory;
};

/* `context` is the policy in words. */
static struct kernel *make(struct gbench_state *state, const char *words)
{
	struct memory_shape frames = {
	    .size = {.pages = 1 << 18}, .backing = ARENA_REAL, .max_order = 10, .cpus = 1};
	struct kernel_memory_shape shape = {.cpus = 1, .seed = 1};
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	struct policy policy;

	CHECK(policy_parse(&policy, words) == STATUS_OK, "the benchmark's policies exist");
	if (!kernel || memory_create(&kernel->frames, &frames) != STATUS_OK ||
	    kernel_memory_create(&kernel->memory, &kernel->frames, &policy, &shape) != STATUS_OK) {
		gbench_fail(state, "the host has no memory");
		free(kernel);
		return NULL;
	}
	return kernel;
}

static void drop(struct kernel *kernel)
{
	kernel_memory_destroy(&kernel->memory);
	memory_destroy(&kernel->frames);
	free(kernel);
}

static void bench_pair(struct gbench_state *state, void *context)
{
	struct kernel *kernel = make(state, context);
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};

	if (!kernel)
		return;
	while (gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++)
			kfree(&kernel->memory.caches, 0, kmalloc(&kernel->memory.caches, &gfp, 64));
	}
	drop(kernel);
}

static void bench_cache_pair(struct gbench_state *state, void *context)
{
	struct kernel *kernel = make(state, context);
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};

	if (!kernel)
		return;
	struct kmem_cache *cache =
	    kernel->memory.caches.cache[KMALLOC_NORMAL][kernel->memory.caches.class_of[64 / 8]];

	while (gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++)
			kmem_cache_free(cache, 0, kmem_cache_alloc(cache, &gfp));
	}
	drop(kernel);
}

/* jemalloc's own function, when that is preloaded. */
extern int mallctl(const char *, void *, size_t *, void *, size_t) __attribute__((weak));

/* The malloc of this process: the C library's, or jemalloc's. */
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
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};

	for (size_t i = 0; kernel && live && i < LIVE; i++)
		live[i] = kmalloc(&kernel->memory.caches, &gfp, size_of(&random));
	while (kernel && live && gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++) {
			size_t victim = victim_of(&random);

			kfree(&kernel->memory.caches, 0, live[victim]);
			live[victim] = kmalloc(&kernel->memory.caches, &gfp, size_of(&random));
		}
	}
	for (size_t i = 0; kernel && live && i < LIVE; i++)
		kfree(&kernel->memory.caches, 0, live[i]);
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

int main(int argc, char **argv)
{
	static char ours[] = "default";
	static char like_linux[] = "linux";
	static char hardened[] = "default,slab_hardened=on";
	static char none[] = "default,slab_sheaf=0";
	static char debugged[] = "default,slab_red_zone=on,slab_poison=on,slab_store_user=on";

	const char *pair = mallctl ? "64-byte pair:jemalloc" : "64-byte pair:glibc";
	const char *churn = mallctl ? "churn, 100 k live:jemalloc" : "churn, 100 k live:glibc";

	(void)gbench_register(pair, bench_malloc_pair, NULL);
	(void)gbench_register("64-byte pair:cache, default", bench_cache_pair, ours);
	(void)gbench_register("64-byte pair:cache, linux", bench_cache_pair, like_linux);
	(void)gbench_register("64-byte pair:cache, hardened", bench_cache_pair, hardened);
	(void)gbench_register("64-byte pair:cache, node's list", bench_cache_pair, none);
	(void)gbench_register("64-byte pair:kmalloc, default", bench_pair, ours);
	(void)gbench_register("64-byte pair:kmalloc, linux", bench_pair, like_linux);
	(void)gbench_register(churn, bench_malloc_churn, NULL);
	(void)gbench_register("churn, 100 k live:kmalloc, default", bench_churn, ours);
	(void)gbench_register("churn, 100 k live:kmalloc, linux", bench_churn, like_linux);
	(void)gbench_register("churn, 100 k live:kmalloc, hardened", bench_churn, hardened);
	(void)gbench_register("churn, 100 k live:kmalloc, node's list", bench_churn, none);
	(void)gbench_register("churn, 100 k live:kmalloc, debugged", bench_churn, debugged);
	return table_main("Slab caches and kmalloc of one CPU beside the process's malloc", argc, argv);
}
