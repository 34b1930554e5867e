#include "config.h"

#include "engine/heap/heap.h"
#include "tests/unit/death.h"
#include "tests/unit/heap_rig.h"
#include "tests/unit/model.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGES 8192u
#define THREADS 3u
#define BLOCKS 600u

static struct heap_rig rig;

/* --- The oracle: blocks filled with their number ------------------------------------------------------------------ */

struct oracle {
	struct heap_thread *thread[THREADS];
	struct {
		unsigned char *address;
		size_t bytes;
	} block[BLOCKS];
};

static size_t size_of(uint64_t operation)
{
	size_t random = (size_t)(operation >> 24 & 0xffffff);

	switch (operation >> 48 & 15) {
	case 0:
		return random % 200000;
	case 1:
	case 2:
		return random % 20000;
	case 3:
		return 0;
	default:
		return random % 700;
	}
}

static const char *fill(struct oracle *oracle, unsigned block, uintptr_t address, size_t bytes)
{
	if (address % 16 != 0)
		return "a block is not aligned to 16";
	if (heap_usable_bytes(&rig.heap, address) < bytes)
		return "a block is smaller than asked for";
	oracle->block[block].address = (unsigned char *)address;
	oracle->block[block].bytes = bytes;
	memset((unsigned char *)address, (int)(block % 251), bytes);
	return NULL;
}

static const char *verify(const struct oracle *oracle, unsigned block, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (oracle->block[block].address[i] != block % 251)
			return "a block was overwritten by another";
	}
	return NULL;
}

static const char *do_allocate(struct oracle *oracle, unsigned block, uint64_t operation)
{
	struct heap_thread *thread = oracle->thread[operation % THREADS];
	size_t bytes = size_of(operation);
	uintptr_t address;
	bool zero = false;

	if ((operation >> 4 & 15) == 0) {
		size_t alignment = (size_t)1 << (operation >> 56 & 15);

		address = heap_allocate_aligned(thread, alignment, bytes);
		if (address % alignment != 0)
			return "a block is not aligned as asked";
	} else if ((operation >> 4 & 15) == 1) {
		address = heap_allocate_zero(thread, bytes, &zero);
		for (size_t i = 0; zero && address != 0 && i < bytes; i++) {
			if (((unsigned char *)address)[i] != 0)
				return "a block that was said to be zero is not";
		}
	} else {
		address = heap_allocate(thread, bytes);
	}
	return address == 0 ? NULL : fill(oracle, block, address, bytes);
}

static const char *do_release(struct oracle *oracle, unsigned block, uint64_t operation)
{
	const char *broken = verify(oracle, block, oracle->block[block].bytes);

	heap_release(oracle->thread[operation % THREADS], (uintptr_t)oracle->block[block].address);
	oracle->block[block].address = NULL;
	return broken;
}

static const char *do_resize(struct oracle *oracle, unsigned block, uint64_t operation)
{
	size_t bytes = size_of(operation);
	size_t kept = bytes < oracle->block[block].bytes ? bytes : oracle->block[block].bytes;
	const char *broken;

	if (!heap_resize(&rig.heap, (uintptr_t)oracle->block[block].address, bytes))
		return NULL;
	broken = verify(oracle, block, kept);
	return broken ? broken : fill(oracle, block, (uintptr_t)oracle->block[block].address, bytes);
}

static void do_thread(struct oracle *oracle, uint64_t operation)
{
	struct heap_thread **thread = &oracle->thread[operation >> 8 & 1];

	if (operation >> 9 & 1) {
		heap_thread_flush(*thread);
		return;
	}
	heap_thread_destroy(*thread);
	*thread = heap_thread_create(&rig.heap);
	assert_non_null(*thread);
}

static const char *check_statistics(void)
{
	struct heap_statistics own;

	heap_read_statistics(&rig.heap, &own);
	if (own.allocated_bytes + own.magazine_bytes + own.free_bytes != own.span_bytes)
		return "allocated, magazine and free bytes are not the spans' bytes";
	return own.threads == THREADS ? NULL : "the statistics do not count the handles";
}

static const char *finish(struct oracle *oracle)
{
	const char *broken = NULL;

	for (unsigned block = 0; block < BLOCKS && !broken; block++) {
		if (oracle->block[block].address)
			broken = do_release(oracle, block, block);
	}
	for (unsigned thread = 0; thread < THREADS; thread++)
		heap_thread_destroy(oracle->thread[thread]);
	if (!broken)
		broken = heap_check(&rig.heap);
	if (!broken && rig.heap.pages.used_pages != 0)
		broken = "pages are in use although nothing is live";
	return broken;
}

static const char *run_operations(const void *policy, const uint64_t *operations, size_t count)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));
	const char *broken = NULL;

	assert_non_null(oracle);
	heap_rig_make(&rig, policy, PAGES, ARENA_REAL);
	for (unsigned thread = 0; thread < THREADS; thread++)
		oracle->thread[thread] = heap_thread_create(&rig.heap);
	for (size_t i = 0; i < count && !broken; i++) {
		unsigned block = (unsigned)(operations[i] >> 12 & 0xfff) % BLOCKS;

		if (i % 500 == 499)
			broken = heap_check(&rig.heap);
		if (!broken && i % 100 == 99)
			broken = check_statistics();
		if (broken)
			break;
		if ((operations[i] & 0xff) == 0)
			do_thread(oracle, operations[i]);
		else if (!oracle->block[block].address)
			broken = do_allocate(oracle, block, operations[i]);
		else if ((operations[i] & 3) == 0)
			broken = do_resize(oracle, block, operations[i]);
		else
			broken = do_release(oracle, block, operations[i]);
	}
	if (!broken)
		broken = finish(oracle);
	heap_rig_drop(&rig);
	free(oracle);
	return broken;
}

static void it_does_what_the_oracle_says(void **state)
{
	static const char *const policies[] = {
	    "default",
	    "linux",
	    "lowest-address",
	    "fullest-block",
	    "freelist_order=random",
	    "magazine_blocks=0",
	    "i386",
	    "size_classes=quarter-steps,magazine_bytes=100",
	    "slab_order=0,small_bytes=1024,purge_delay=0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		model_test(&(struct model){.name = policies[i],
					   .run = run_operations,
					   .context = policies[i],
					   .operations = 6000,
					   .rounds = 2});
}

/* --- Determinism ------------------------------------------------------------------------------------------------- */

/* A sum over the offsets of what a fixed program gets. */
static uint64_t trace_of(const char *policy, enum arena_backing backing)
{
	uintptr_t live[64] = {0};
	struct random random = {.state = 7};
	uint64_t sum = 0;
	struct heap_thread *thread;

	heap_rig_make(&rig, policy, PAGES, backing);
	thread = heap_thread_create(&rig.heap);
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t number = random_next(&random);
		unsigned block = (unsigned)(number % 64);

		if (live[block] != 0)
			heap_release(thread, live[block]);
		live[block] = heap_allocate(thread, size_of(number));
		sum = sum * 31 + (live[block] - rig.arena.base);
	}
	assert_null(heap_check(&rig.heap));
	heap_rig_drop(&rig);
	return sum;
}

static void offsets_are_the_same_each_time(void **state)
{
	uint64_t sum = trace_of("default", ARENA_NONE);

	(void)state;
	assert_int_equal(trace_of("default", ARENA_NONE), sum);
	assert_int_equal(trace_of("default", ARENA_REAL), sum);
	sum = trace_of("freelist_order=random", ARENA_NONE);
	assert_int_equal(trace_of("freelist_order=random", ARENA_REAL), sum);
}

/* --- Single behaviours ------------------------------------------------------------------------------------------- */

static struct heap_thread *thread;

static int set_up(void **state)
{
	(void)state;
	heap_rig_make(&rig, "default", PAGES, ARENA_NONE);
	thread = heap_thread_create(&rig.heap);
	return thread ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	heap_rig_drop(&rig);
	return 0;
}

static void a_freed_block_comes_again(void **state)
{
	uintptr_t block;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		(void)heap_allocate(thread, 64);
	block = heap_allocate(thread, 64);
	heap_release(thread, block);
	assert_int_equal(heap_allocate(thread, 50), block);
	assert_null(heap_check(&rig.heap));
}

static void a_thread_that_frees_keeps_the_block(void **state)
{
	struct heap_thread *other = heap_thread_create(&rig.heap);
	uintptr_t blocks[200];

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		blocks[i] = heap_allocate(thread, 32);
	for (unsigned i = 0; i < 200; i++)
		heap_release(other, blocks[i]);
	assert_int_equal(heap_allocate(other, 32), blocks[199]);
	assert_null(heap_check(&rig.heap));
}

static void what_cannot_be_served_is_refused(void **state)
{
	unsigned count = 0;

	(void)state;
	assert_int_equal(heap_allocate(thread, SIZE_MAX), 0);
	assert_int_equal(heap_allocate(thread, HEAP_REQUEST_MAX), 0);
	assert_int_equal(heap_allocate(thread, (size_t)PAGES * PAGE_BYTES + 1), 0);
	assert_int_equal(heap_allocate_aligned(thread, HEAP_ALIGNMENT_MAX * 2, 1), 0);
	while (heap_allocate(thread, 4000) != 0)
		count++;
	assert_true(count > PAGES * 99 / 100);
	assert_int_equal(heap_allocate(thread, 4000), 0);
	assert_null(heap_check(&rig.heap));
}

static void a_large_block_grows_in_place(void **state)
{
	uintptr_t block = heap_allocate(thread, 100000);

	(void)state;
	assert_int_equal(block % PAGE_BYTES, 0);
	assert_int_equal(heap_usable_bytes(&rig.heap, block), 102400);
	assert_true(heap_resize(&rig.heap, block, 120000));
	assert_int_equal(heap_usable_bytes(&rig.heap, block), 122880);
	assert_true(heap_resize(&rig.heap, block, 30000));
	assert_int_equal(heap_usable_bytes(&rig.heap, block), 32768);
	assert_false(heap_resize(&rig.heap, block, 100));
	assert_false(heap_resize(&rig.heap, block, SIZE_MAX));
	assert_true(heap_is_large(&rig.heap, block));
	assert_false(heap_is_large(&rig.heap, block + PAGE_BYTES));
	heap_release_vacant(&rig.heap, block);
	assert_int_equal(rig.source.retained_pages + rig.heap.pages.large_blocks, 30 - 8);
	assert_null(heap_check(&rig.heap));
}

static void a_small_block_shrinks_only_when_little_is_wasted(void **state)
{
	uintptr_t block = heap_allocate(thread, 256);

	(void)state;
	assert_true(heap_resize(&rig.heap, block, 192));
	assert_false(heap_resize(&rig.heap, block, 191));
	assert_false(heap_resize(&rig.heap, block, 257));
}

static void purged_pages_are_gone(void **state)
{
	struct heap_statistics own;

	(void)state;
	heap_release(thread, heap_allocate(thread, 1000000));
	heap_read_statistics(&rig.heap, &own);
	assert_true(own.retained_bytes >= 1000000);
	heap_purge(&rig.heap);
	heap_read_statistics(&rig.heap, &own);
	assert_int_equal(own.retained_bytes, 0);
	assert_true(own.purged_bytes >= 1000000);
}

static void locks_are_free_after_a_fork(void **state)
{
	(void)state;
	heap_fork_prepare(&rig.heap);
	heap_fork_parent(&rig.heap);
	assert_int_not_equal(heap_allocate(thread, 40), 0);
	heap_fork_prepare(&rig.heap);
	heap_fork_child(&rig.heap);
	assert_int_not_equal(heap_allocate(thread, 400), 0);
}

/* --- Mistakes of the caller --------------------------------------------------------------------------------------- */

static void release_address(void *address)
{
	heap_release(thread, *(const uintptr_t *)address);
	heap_thread_flush(thread);
}

static void release_twice(void *address)
{
	heap_release(thread, *(const uintptr_t *)address);
	heap_release(thread, *(const uintptr_t *)address);
	heap_thread_flush(thread);
}

static void wrong_frees_are_found(void **state)
{
	uintptr_t small = heap_allocate(thread, 48);
	uintptr_t large = heap_allocate(thread, 50000);
	uintptr_t wrong[] = {16, small + 16, large + PAGE_BYTES, large + 16,
			     rig.arena.base + (PAGES - 1) * PAGE_BYTES};
	static const char *const text[] = {
	    "free(): no block of this heap is there: freed twice, or never allocated",
	    "free(): the pointer is not the start of a block",
	    "free(): no block of this heap is there: freed twice, or never allocated",
	    "free(): the pointer is not the start of a block",
	    "free(): no block of this heap is there: freed twice, or never allocated",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_dies(release_address, &wrong[i], text[i]);
	assert_dies(release_twice, &small, "free(): the block was freed twice");
	assert_dies(release_twice, &large,
		    "free(): no block of this heap is there: freed twice, or never allocated");
}

static void broken_invariants_are_named(void **state)
{
	unsigned class = size_class_of(&rig.heap.classes, 64);
	struct magazine *magazine = &thread->magazines[class - 1];
	uintptr_t *top;
	uintptr_t kept;

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		(void)heap_allocate(thread, 64);
	assert_true(heap_thread_blocks(thread, class) >= 2);
	top = thread->tops[class];
	assert_null(heap_check(&rig.heap));

	thread->tops[class] = magazine->slots + magazine->capacity + 3;
	assert_string_equal(heap_check(&rig.heap), "I1: the top of a magazine is not between its ends");
	thread->tops[class] = top;
	magazine->slots[0] = 5;
	assert_string_equal(heap_check(&rig.heap), "I1: an end of a magazine is not marked");
	magazine->slots[0] = 0;
	rig.heap.classes.of[class].magazine_limit = 1;
	assert_string_equal(heap_check(&rig.heap), "I1: a magazine is larger than its class allows");
	rig.heap.classes.of[class].magazine_limit = 128;
	kept = top[-1];
	top[-1] = top[-2];
	assert_string_equal(heap_check(&rig.heap),
			    "I2: a block in a magazine is free in its span or lies in another magazine");
	top[-1] = heap_allocate(thread, 100000);
	assert_string_equal(heap_check(&rig.heap), "I2: a block in a magazine is not of its class");
	top[-1] = kept;
	assert_null(heap_check(&rig.heap));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_does_what_the_oracle_says),
	    cmocka_unit_test(offsets_are_the_same_each_time),
	    cmocka_unit_test_setup_teardown(a_freed_block_comes_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_thread_that_frees_keeps_the_block, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_cannot_be_served_is_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_large_block_grows_in_place, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_small_block_shrinks_only_when_little_is_wasted, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(purged_pages_are_gone, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(locks_are_free_after_a_fork, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(wrong_frees_are_found, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(broken_invariants_are_named, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
