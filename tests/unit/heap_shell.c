#include "config.h"

#include "bench/preload/heap_shell.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void sizes_and_alignments(void **state)
{
	(void)state;
	for (size_t bytes = 0; bytes < 100000; bytes = bytes * 9 / 8 + 1) {
		unsigned char *block = faultline_heap_malloc(bytes);

		assert_non_null(block);
		assert_int_equal((uintptr_t)block % 16, 0);
		assert_true(faultline_heap_malloc_usable_size(block) >= bytes);
		memset(block, 0xa5, bytes);
		faultline_heap_free(block);
	}
	faultline_heap_free(NULL);
	assert_int_equal(faultline_heap_malloc_usable_size(NULL), 0);
}

static void memory_from_calloc_is_zero(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (size_t bytes = 1; bytes < 3000000; bytes = bytes * 3 + 1) {
			unsigned char *block = faultline_heap_calloc(bytes, 1);

			for (size_t i = 0; i < bytes; i++)
				assert_int_equal(block[i], 0);
			memset(block, 0xff, bytes);
			faultline_heap_free(block);
		}
	}
}

static void information_is_this_heaps(void **state)
{
	char text[1024] = "";
	FILE *stream = fmemopen(text, sizeof(text) - 1, "w");
	struct mallinfo2 before = faultline_heap_mallinfo2(), after;
	void *block = faultline_heap_malloc(1000000);

	(void)state;
	after = faultline_heap_mallinfo2();
	assert_in_range(after.uordblks - before.uordblks, 1000000, 1100000);
	assert_true(after.arena >= after.uordblks && after.arena - after.uordblks == after.fordblks);
	assert_int_equal(faultline_heap_mallinfo().uordblks, (int)after.uordblks);
	assert_int_equal(faultline_heap_malloc_info(0, stream), 0);
	assert_int_equal(fclose(stream), 0);
	assert_non_null(strstr(text, "<allocated size=\""));
	assert_int_equal(strtoull(strstr(text, "size=\"") + 6, NULL, 10), after.uordblks);
	errno = 0;
	assert_int_equal(faultline_heap_malloc_info(1, stderr), -1);
	assert_int_equal(errno, EINVAL);
	faultline_heap_free(block);
	assert_true(faultline_heap_mallinfo2().uordblks < after.uordblks);
}

static void too_much_is_refused_with_errno(void **state)
{
	void *kept = faultline_heap_malloc(100);
	void *block = &state;

	(void)state;
	errno = 0;
	assert_null(faultline_heap_malloc(SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(faultline_heap_calloc(SIZE_MAX / 2, 3));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(faultline_heap_reallocarray(kept, SIZE_MAX / 2, 3));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(faultline_heap_realloc(kept, PTRDIFF_MAX));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(faultline_heap_pvalloc(SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(faultline_heap_aligned_alloc(48, 100));
	assert_int_equal(errno, EINVAL);
	errno = EDOM;
	assert_int_equal(faultline_heap_posix_memalign(&block, 4, 100), EINVAL);
	assert_int_equal(faultline_heap_posix_memalign(&block, 24, 100), EINVAL);
	assert_int_equal(faultline_heap_posix_memalign(&block, 64, SIZE_MAX), ENOMEM);
	assert_ptr_equal(block, &state);
	faultline_heap_free(kept);
	assert_int_equal(errno, EDOM);
}

static void blocks_are_aligned_as_asked(void **state)
{
	void *block;

	(void)state;
	for (size_t alignment = 8; alignment <= (size_t)1 << 24; alignment *= 2) {
		for (size_t bytes = 1; bytes < 100000; bytes = bytes * 7 + 3) {
			assert_int_equal(faultline_heap_posix_memalign(&block, alignment, bytes), 0);
			assert_int_equal((uintptr_t)block % alignment, 0);
			assert_true(faultline_heap_malloc_usable_size(block) >= bytes);
			memset(block, 1, bytes);
			faultline_heap_free(block);
		}
	}
	block = faultline_heap_memalign(48, 10); /* rounded up to 64, as the C library does */
	assert_int_equal((uintptr_t)block % 64, 0);
	faultline_heap_free(block);
	block = faultline_heap_valloc(10);
	assert_int_equal((uintptr_t)block % 4096, 0);
	faultline_heap_free(block);
	block = faultline_heap_pvalloc(4097);
	assert_int_equal((uintptr_t)block % 4096, 0);
	assert_true(faultline_heap_malloc_usable_size(block) >= 8192);
	faultline_heap_free(block);
}

/* Grows through every class, page runs and moved page tables, and shrinks again. */
static void realloc_keeps_the_contents(void **state)
{
	size_t bytes = 16;
	uint32_t *block = faultline_heap_realloc(NULL, bytes);
	void *obstacle[64];
	unsigned obstacles = 0;

	(void)state;
	for (size_t i = 0; i < bytes / 4; i++)
		block[i] = (uint32_t)i;
	while (bytes < (size_t)8 << 20) {
		size_t grown = bytes + bytes / 3 + 4;

		obstacle[obstacles++] = faultline_heap_malloc(grown);
		block = faultline_heap_realloc(block, grown);
		for (size_t i = 0; i < bytes / 4; i++)
			assert_int_equal(block[i], i);
		for (size_t i = bytes / 4; i < grown / 4; i++)
			block[i] = (uint32_t)i;
		bytes = grown;
	}
	for (; bytes > 16; bytes = bytes * 2 / 3) {
		block = faultline_heap_realloc(block, bytes);
		for (size_t i = 0; i < bytes / 4; i++)
			assert_int_equal(block[i], i);
	}
	while (obstacles > 0)
		faultline_heap_free(obstacle[--obstacles]);
	assert_null(faultline_heap_realloc(block, 0));
	assert_null(faultline_heap_check());
}

/* --- Threads ------------------------------------------------------------------------------------------------------ */

static pthread_key_t late_key;

/* Runs when the thread's handle may be gone already. */
static void free_late(void *block)
{
	for (unsigned i = 0; i < 200; i++)
		faultline_heap_free(faultline_heap_malloc((size_t)i * 10));
	faultline_heap_free(block);
}

static void *work(void *argument)
{
	void *blocks[100];

	assert_int_equal(pthread_setspecific(late_key, faultline_heap_malloc(50)), 0);
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 100; i++)
			blocks[i] = faultline_heap_malloc(i * 37 % 2000);
		for (unsigned i = 0; i < 100; i++)
			faultline_heap_free(blocks[i]);
	}
	return argument;
}

static void threads_come_and_go(void **state)
{
	pthread_t threads[8];

	(void)state;
	assert_int_equal(pthread_key_create(&late_key, free_late), 0);
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < 8; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
		for (unsigned i = 0; i < 8; i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
	}
	assert_null(faultline_heap_check());
}

static _Atomic bool stop;

static void *work_on(void *argument)
{
	while (!stop)
		(void)work(argument);
	return NULL;
}

/* Children of a process whose other threads are in the middle of anything. */
static void a_child_can_allocate(void **state)
{
	pthread_t threads[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work_on, NULL), 0);
	for (unsigned i = 0; i < 20; i++) {
		int status;
		pid_t child = fork();

		if (child == 0) {
			for (size_t bytes = 1; bytes < 100000; bytes += 97)
				faultline_heap_free(faultline_heap_malloc(bytes));
			_exit(0);
		}
		assert_true(child > 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	stop = true;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void the_figures_add_up(void **state)
{
	struct faultline_heap_statistics before, after;
	void *block;

	(void)state;
	faultline_heap_statistics(&before);
	block = faultline_heap_malloc(1000000);
	faultline_heap_statistics(&after);
	assert_true(after.allocated_bytes >= before.allocated_bytes + 1000000);
	assert_true(after.active_bytes == after.allocated_bytes + after.cached_bytes + after.free_bytes);
	assert_true(after.resident_bytes >= after.active_bytes);
	faultline_heap_free(block);
	assert_int_equal(faultline_heap_malloc_trim(0), 1);
	faultline_heap_statistics(&after);
	assert_int_equal(after.retained_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sizes_and_alignments),	   cmocka_unit_test(memory_from_calloc_is_zero),
	    cmocka_unit_test(information_is_this_heaps),   cmocka_unit_test(too_much_is_refused_with_errno),
	    cmocka_unit_test(blocks_are_aligned_as_asked), cmocka_unit_test(realloc_keeps_the_contents),
	    cmocka_unit_test(threads_come_and_go),	   cmocka_unit_test(a_child_can_allocate),
	    cmocka_unit_test(the_figures_add_up),
	};

	return cmocka_run_group_tests_name("heap_shell", tests, NULL, NULL);
}
