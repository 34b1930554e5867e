/* The work of the heap micro-benchmark, on whatever malloc the process has; bench/micro/heap starts it once
 * per allocator and repetition. Prints one line per run: the case, a tab, nanoseconds per operation.
 *
 *   hot pair 64 B            malloc(64), free
 *   batch 1000 x 64 B        1000 mallocs, then 1000 frees; per pair
 *   churn 100 k live         a random block of 100,000 is freed and replaced, 16 .. 1024 bytes uniform; its first byte is
 *                            written; per pair
 *   ... 2 threads            the same on two threads at once
 *   producer, consumer       one thread mallocs 64 bytes, the other frees them; per block
 */
#include "config.h"

#include "bench/micro/gbench.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH 1000
#define LIVE 100000u
#define RING 4096u

static uint64_t next_random(uint64_t *state)
{
	uint64_t mixed = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */

	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
	return mixed ^ mixed >> 31;
}

/* A block that the compiler cannot do without. */
static void *obtain(size_t bytes)
{
	void *block = malloc(bytes);

	gbench_keep((uintptr_t)block);
	return block;
}

static void hot_pair(struct gbench_state *state, void *context)
{
	(void)context;
	while (gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++)
			free(obtain(64));
	}
}

static void batch(struct gbench_state *state, void *context)
{
	void *block[BATCH];

	(void)context;
	while (gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++)
			block[i] = obtain(64);
		for (int i = 0; i < BATCH; i++)
			free(block[i]);
	}
}

static unsigned char *random_block(uint64_t random)
{
	unsigned char *block = obtain(16 + (size_t)(random & 0xffffffffu) % 1009);

	if (!block)
		abort();
	block[0] = 1;
	return block;
}

static void churn(struct gbench_state *state, void *context)
{
	unsigned char **live = calloc(LIVE, sizeof(*live));
	uint64_t random = (uint64_t)gbench_thread(state) + 1;

	(void)context;
	if (!live)
		abort();
	for (unsigned i = 0; i < LIVE; i++)
		live[i] = random_block(next_random(&random));
	while (gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++) {
			uint64_t number = next_random(&random);
			unsigned char **victim = &live[(number >> 32) % LIVE];

			free(*victim);
			*victim = random_block(number);
		}
	}
	for (unsigned i = 0; i < LIVE; i++)
		free(live[i]);
	free(live);
}

/* A ring with one writer and one reader; a slot is NULL when it is empty. */
static _Atomic(void *) ring[RING];

static void produce(struct gbench_state *state)
{
	unsigned slot = 0;

	while (gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++, slot = (slot + 1) % RING) {
			void *block = obtain(64);

			while (atomic_load_explicit(&ring[slot], memory_order_acquire))
				(void)sched_yield();
			atomic_store_explicit(&ring[slot], block, memory_order_release);
		}
	}
}

static void consume(struct gbench_state *state)
{
	unsigned slot = 0;

	while (gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++, slot = (slot + 1) % RING) {
			void *block;

			while (!(block = atomic_load_explicit(&ring[slot], memory_order_acquire)))
				(void)sched_yield();
			atomic_store_explicit(&ring[slot], NULL, memory_order_release);
			free(block);
		}
	}
}

static void pass_on(struct gbench_state *state, void *context)
{
	(void)context;
	if (gbench_thread(state) == 0)
		produce(state);
	else
		consume(state);
}

static void print_run(const struct gbench_run *run, void *context)
{
	(void)context;
	if (run->failure)
		(void)fprintf(stderr, "%s: %s\n", run->name, run->failure);
	else
		(void)printf("%s\t%.4f\n", run->name, run->ns);
}

static void add(const char *name, gbench_function *function, int threads)
{
	struct gbench *added = gbench_register(name, function, NULL);

	if (threads > 1)
		gbench_set_threads(added, threads);
}

int main(int argc, char **argv)
{
	add("hot pair 64 B", hot_pair, 1);
	add("batch 1000 x 64 B", batch, 1);
	add("churn 100 k live", churn, 1);
	add("hot pair, 2 threads", hot_pair, 2);
	add("churn, 2 threads", churn, 2);
	add("producer, consumer", pass_on, 2);
	return gbench_run_all(&argc, argv, print_run, NULL);
}
