#include "config.h"

#include "engine/base/lock.h"

#include <errno.h>
#include <pthread.h>

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 4
#define ROUNDS 20000

struct shared {
	struct lock lock;
	uint64_t count; /* not atomic: the lock is what makes the sum right */
};

static void *add(void *argument)
{
	struct shared *shared = argument;

	for (unsigned i = 0; i < ROUNDS; i++) {
		lock_acquire(&shared->lock);
		shared->count++;
		lock_release(&shared->lock);
	}
	return NULL;
}

static void one_at_a_time(void **state)
{
	struct shared shared = {.lock = LOCK_FREE};
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add, &shared), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(shared.count, (uint64_t)THREADS * ROUNDS);
	assert_int_equal(atomic_load(&shared.lock.word), 0);
	assert_int_equal(atomic_load(&shared.lock.sleepers), 0);
}

static void *wait_for_it(void *argument)
{
	struct lock *lock = argument;

	errno = EDOM;
	lock_acquire(lock);
	lock_release(lock);
	return errno == EDOM ? lock : NULL;
}

/* The holder keeps it until the other thread has announced that it sleeps. */
static void a_sleeper_is_woken_and_errno_stays(void **state)
{
	struct lock lock = LOCK_FREE;
	pthread_t thread;
	void *result;

	(void)state;
	lock_acquire(&lock);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_it, &lock), 0);
	while (atomic_load(&lock.sleepers) == 0)
		(void)sched_yield();
	lock_release(&lock);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, &lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_at_a_time),
	    cmocka_unit_test(a_sleeper_is_woken_and_errno_stays),
	};

	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
