#include "config.h"

#include "engine/heap/heap.h"
#include "tests/unit/heap_rig.h"

#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 4u
#define SHELF 512u
#define ROUNDS 30000u

static struct heap_rig rig;
/* Blocks on their way from one thread to another. */
static _Atomic uintptr_t shelf[SHELF];
static _Atomic unsigned mistakes;

static uint64_t *words(uintptr_t block)
{
	return (uint64_t *)block;
}

/* Every block says in its first two words how long it is and, at its end, the same again. */
static uintptr_t make(struct heap_thread *thread, uint64_t random)
{
	size_t bytes = 24 + (size_t)(random >> 16 & ((random & 63) == 0 ? 0xffff : 0x1ff));
	uintptr_t block = heap_allocate(thread, bytes);

	if (block == 0)
		return 0;
	words(block)[0] = bytes;
	words(block)[1] = ~(uint64_t)bytes;
	memset((char *)block + bytes - 8, (int)(bytes & 0xff), 8);
	return block;
}

static void use_up(struct heap_thread *thread, uintptr_t block)
{
	size_t bytes = (size_t)words(block)[0];

	if (words(block)[1] != ~(uint64_t)bytes || ((unsigned char *)block)[bytes - 1] != (bytes & 0xff))
		atomic_fetch_add(&mistakes, 1);
	heap_release(thread, block);
}

/* Puts blocks on the shelf and frees what others put there; its handle comes and goes. */
static void *work(void *number)
{
	struct random random = {.state = (uintptr_t)number};
	struct heap_thread *thread = heap_thread_create(&rig.heap);

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t next = random_next(&random);
		uintptr_t block = atomic_exchange(&shelf[next % SHELF], make(thread, next >> 10));

		if (block != 0)
			use_up(thread, block);
		if (i % 5000 == 4999) {
			heap_thread_destroy(thread);
			thread = heap_thread_create(&rig.heap);
		}
	}
	heap_thread_destroy(thread);
	return NULL;
}

static void *read_on(void *stop)
{
	struct heap_statistics own;

	while (!atomic_load((_Atomic bool *)stop))
		heap_read_statistics(&rig.heap, &own);
	return NULL;
}

static void blocks_pass_between_threads(void **state)
{
	pthread_t threads[THREADS], reader;
	_Atomic bool stop = false;
	struct heap_thread *last;

	(void)state;
	heap_rig_make(&rig, "default", 1u << 16, ARENA_REAL);
	assert_int_equal(pthread_create(&reader, NULL, read_on, &stop), 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)(i + 1)), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	atomic_store(&stop, true);
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_int_equal(atomic_load(&mistakes), 0);
	assert_null(heap_check(&rig.heap));
	last = heap_thread_create(&rig.heap);
	for (unsigned i = 0; i < SHELF; i++) {
		uintptr_t block = atomic_exchange(&shelf[i], 0);

		if (block != 0)
			use_up(last, block);
	}
	heap_thread_destroy(last);
	assert_int_equal(rig.heap.pages.used_pages, 0);
	assert_null(heap_check(&rig.heap));
	heap_rig_drop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_pass_between_threads)};

	return cmocka_run_group_tests_name("heap_threads", tests, NULL, NULL);
}
