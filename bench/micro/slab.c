#include "config.h"

#include "bench/micro/gbench.h"
#include "bench/micro/table.h"
#include "engine/base/check.h"
#include "engine/base/random.h"
#include "engine/kernel_memory.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH 1000
#define LIVE 100000u
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define CALLED __attribute__((noinline))

/* --- Who hands objects out ---------------------------------------------------------------------------------------- */

enum kind {
	OF_MALLOC, /* of this process */
	OF_ARRAY, /* a stack of addresses, which knows neither CPUs nor mistakes: as much as two calls cost */
	OF_CACHE, /* kmem_cache_alloc, kmem_cache_free */
	OF_KMALLOC,
};

struct contender {
	enum kind kind;
	const char *name;
	const char *policy; /* in words; NULL: no kernel is needed */
};

/* jemalloc's own function, when that is preloaded. */
extern int mallctl(const char *, void *, size_t *, void *, size_t) __attribute__((weak));

static struct contender contenders[] = {
    {OF_MALLOC, "glibc", NULL},
    {OF_ARRAY, "array of free objects", NULL},
    {OF_CACHE, "cache, default", "default"},
    {OF_CACHE, "cache, linux", "linux"},
    {OF_CACHE, "cache, hardened", "default,slab_hardened=on"},
    {OF_CACHE, "cache, node's list", "default,slab_sheaf=0"},
    {OF_CACHE, "cache, debugged", "default,slab_red_zone=on,slab_poison=on,slab_store_user=on"},
    {OF_KMALLOC, "kmalloc, default", "default"},
    {OF_KMALLOC, "kmalloc, linux", "linux"},
    {OF_KMALLOC, "kmalloc, hardened", "default,slab_hardened=on"},
    {OF_KMALLOC, "kmalloc, node's list", "default,slab_sheaf=0"},
    {OF_KMALLOC, "kmalloc, debugged", "default,slab_red_zone=on,slab_poison=on,slab_store_user=on"},
};

#define CONTENDERS (sizeof(contenders) / sizeof(contenders[0]))

/* One of them at work; the kernel's is a machine of 1 GiB with one CPU, made anew for every run. */
struct bench {
	struct memory frames;
	struct kernel_memory memory;
	struct kmem_cache *cache;
	struct gfp gfp;
	bool has_kernel;
	size_t free_objects; /* of the array */
	uintptr_t object[BATCH];
};

static bool make_kernel(struct bench *bench, const char *words)
{
	struct memory_shape frames = {
	    .size = {.pages = 1 << 18}, .backing = ARENA_REAL, .max_order = 10, .cpus = 1};
	struct kernel_memory_shape shape = {.cpus = 1, .seed = 1};
	struct policy policy;

	CHECK(policy_parse(&policy, words) == STATUS_OK, "the benchmark's policies exist");
	if (memory_create(&bench->frames, &frames) != STATUS_OK)
		return false;
	if (kernel_memory_create(&bench->memory, &bench->frames, &policy, &shape) == STATUS_OK)
		return true;
	memory_destroy(&bench->frames);
	return false;
}

/* `bytes`: of the cache's objects. */
static struct bench *make(struct gbench_state *state, const struct contender *contender, size_t bytes)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	if (bench && contender->policy)
		bench->has_kernel = make_kernel(bench, contender->policy);
	if (!bench || bench->has_kernel != (contender->policy != NULL)) {
		gbench_fail(state, "the host has no memory");
		free(bench);
		return NULL;
	}
	bench->gfp = (struct gfp){.flags = GFP_KERNEL, .cpu = 0};
	if (bench->has_kernel)
		bench->cache = bench->memory.caches
				   .cache[KMALLOC_NORMAL][bench->memory.caches.class_of[(bytes + 7) / 8]];
	for (; bench->free_objects < BATCH; bench->free_objects++)
		bench->object[bench->free_objects] = (uintptr_t)(bench + 1) + bench->free_objects * bytes;
	return bench;
}

static void drop(struct bench *bench)
{
	if (bench->has_kernel) {
		kernel_memory_destroy(&bench->memory);
		memory_destroy(&bench->frames);
	}
	free(bench);
}

/* --- The same two calls of each ----------------------------------------------------------------------------------- */

ALWAYS_INLINE uintptr_t malloc_take(struct bench *bench, size_t bytes)
{
	(void)bench;
	return (uintptr_t)malloc(bytes);
}

ALWAYS_INLINE void malloc_give(struct bench *bench, uintptr_t object)
{
	(void)bench;
	free((void *)object);
}

CALLED static uintptr_t array_take(struct bench *bench, size_t bytes)
{
	(void)bytes;
	return bench->free_objects > 0 ? bench->object[--bench->free_objects] : 0;
}

CALLED static void array_give(struct bench *bench, uintptr_t object)
{
	if (bench->free_objects < BATCH)
		bench->object[bench->free_objects++] = object;
}

ALWAYS_INLINE uintptr_t cache_take(struct bench *bench, size_t bytes)
{
	(void)bytes;
	return kmem_cache_alloc(bench->cache, &bench->gfp);
}

ALWAYS_INLINE void cache_give(struct bench *bench, uintptr_t object)
{
	kmem_cache_free(bench->cache, 0, object);
}

ALWAYS_INLINE uintptr_t kmalloc_take(struct bench *bench, size_t bytes)
{
	return kmalloc(&bench->memory.caches, &bench->gfp, bytes);
}

ALWAYS_INLINE void kmalloc_give(struct bench *bench, uintptr_t object)
{
	kfree(&bench->memory.caches, 0, object);
}

typedef uintptr_t take_function(struct bench *bench, size_t bytes);
typedef void give_function(struct bench *bench, uintptr_t object);

/* --- What they are asked ------------------------------------------------------------------------------------------ */

struct work {
	struct gbench_state *state;
	size_t bytes;
	uintptr_t *live; /* LIVE */
	struct random random;
};

ALWAYS_INLINE void work_in_pairs(struct bench *bench, struct work *work, take_function *take,
				 give_function *give)
{
	while (gbench_keep_running(work->state, BATCH)) {
		for (int i = 0; i < BATCH; i++) {
			uintptr_t object = take(bench, work->bytes);

			gbench_keep(object);
			give(bench, object);
		}
	}
}

ALWAYS_INLINE void work_in_batches(struct bench *bench, struct work *work, take_function *take,
				   give_function *give)
{
	while (gbench_keep_running(work->state, BATCH)) {
		for (int i = 0; i < BATCH; i++)
			work->live[i] = take(bench, work->bytes);
		for (int i = 0; i < BATCH; i++)
			give(bench, work->live[i]);
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

/* One live object at a time is replaced. */
ALWAYS_INLINE void work_in_churn(struct bench *bench, struct work *work, take_function *take,
				 give_function *give)
{
	for (size_t i = 0; i < LIVE; i++)
		work->live[i] = take(bench, size_of(&work->random));
	while (gbench_keep_running(work->state, BATCH)) {
		for (int i = 0; i < BATCH; i++) {
			size_t victim = victim_of(&work->random);

			give(bench, work->live[victim]);
			work->live[victim] = take(bench, size_of(&work->random));
		}
	}
	for (size_t i = 0; i < LIVE; i++)
		give(bench, work->live[i]);
}

typedef void work_function(struct bench *bench, struct work *work, take_function *take, give_function *give);

/* A case of a contender. */
struct task {
	const struct contender *contender;
	size_t bytes;
};

/* The work is inlined into a function of its own for each kind: its calls are direct ones. */
ALWAYS_INLINE void run(struct gbench_state *state, const struct task *task, work_function *work_in)
{
	struct bench *bench = make(state, task->contender, task->bytes);
	struct work work = {.state = state, .bytes = task->bytes, .random = {.state = 1}};

	if (!bench)
		return;
	work.live = calloc(LIVE, sizeof(*work.live));
	if (!work.live)
		gbench_fail(state, "the host has no memory");
	else if (task->contender->kind == OF_MALLOC)
		work_in(bench, &work, malloc_take, malloc_give);
	else if (task->contender->kind == OF_ARRAY)
		work_in(bench, &work, array_take, array_give);
	else if (task->contender->kind == OF_CACHE)
		work_in(bench, &work, cache_take, cache_give);
	else
		work_in(bench, &work, kmalloc_take, kmalloc_give);
	free(work.live);
	drop(bench);
}

static void bench_pair(struct gbench_state *state, void *context)
{
	run(state, context, work_in_pairs);
}

static void bench_batch(struct gbench_state *state, void *context)
{
	run(state, context, work_in_batches);
}

static void bench_churn(struct gbench_state *state, void *context)
{
	run(state, context, work_in_churn);
}

static void bench_bulk(struct gbench_state *state, void *context)
{
	const struct task *task = context;
	struct bench *bench = make(state, task->contender, task->bytes);

	while (bench && gbench_keep_running(state, BATCH)) {
		size_t count = kmem_cache_alloc_bulk(bench->cache, &bench->gfp, BATCH, bench->object);

		kmem_cache_free_bulk(bench->cache, 0, count, bench->object);
	}
	if (bench)
		drop(bench);
}

/* --- The program -------------------------------------------------------------------------------------------------- */

#define MALLOC (1u << OF_MALLOC)
#define ARRAY (1u << OF_ARRAY)
#define CACHE (1u << OF_CACHE)
#define KMALLOC (1u << OF_KMALLOC)

static const struct {
	const char *name, *suffix; /* of the contender */
	gbench_function *function;
	size_t bytes;	/* of every object; 0: 16 .. 1023 */
	unsigned kinds; /* that take part */
} cases[] = {
    {"pair of 64 bytes", "", bench_pair, 64, MALLOC | ARRAY | CACHE | KMALLOC},
    {"batch of 1000, 64 bytes", "", bench_batch, 64, MALLOC | ARRAY | CACHE | KMALLOC},
    {"batch of 1000, 64 bytes", ", in bulk", bench_bulk, 64, CACHE},
    {"pair of 8 bytes", "", bench_pair, 8, MALLOC | KMALLOC},
    {"pair of 192 bytes", "", bench_pair, 192, MALLOC | KMALLOC},
    {"pair of 1 KiB", "", bench_pair, 1024, MALLOC | KMALLOC},
    {"pair of 8 KiB", "", bench_pair, 8192, MALLOC | KMALLOC},
    {"pair of 16 KiB, of pages", "", bench_pair, 16384, MALLOC | KMALLOC},
    {"churn, 100 k live", "", bench_churn, 0, MALLOC | KMALLOC},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static void add(size_t number, const struct contender *contender, struct task *task)
{
	char name[96];

	*task = (struct task){contender, cases[number].bytes};
	(void)snprintf(name, sizeof(name), "%s:%s%s", cases[number].name, contender->name,
		       cases[number].suffix);
	(void)gbench_register(name, cases[number].function, task);
}

int main(int argc, char **argv)
{
	static struct task tasks[CASES][CONTENDERS];

	if (mallctl)
		contenders[0].name = "jemalloc";
	for (size_t number = 0; number < CASES; number++) {
		for (size_t i = 0; i < CONTENDERS; i++) {
			if (cases[number].kinds >> contenders[i].kind & 1)
				add(number, &contenders[i], &tasks[number][i]);
		}
	}
	return table_main("Slab caches and kmalloc of one CPU beside the process's malloc", argc, argv);
}
