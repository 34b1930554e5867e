/* lock.h: a mutual-exclusion lock in four bytes, for code that lies below malloc.
 *
 * Zero is unlocked, so a lock in zeroed memory is ready. Uncontended, acquire is one compare-and-swap and
 * release one exchange; a waiter spins briefly and then sleeps in the kernel (futex), which matters where
 * there are fewer CPUs than threads and the holder may be descheduled. Not recursive, not fair. Neither
 * changes errno, because free() must not. After fork the child may set the lock it inherited to LOCK_FREE,
 * because the child has one thread.
 *
 * States of the word (Drepper, "Futexes Are Tricky", 2011):  0 free   1 held   2 held, and somebody may sleep
 */
#ifndef FAULTLINE_ENGINE_BASE_LOCK_H
#define FAULTLINE_ENGINE_BASE_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lock {
	_Atomic uint32_t word;
};

#define LOCK_FREE ((struct lock){0})

/* The slow halves: wait until the lock is ours; wake one sleeper. */
void lock_wait(struct lock *lock);
void lock_wake(struct lock *lock);

static inline void lock_acquire(struct lock *lock)
{
	uint32_t expected = 0;

	if (!atomic_compare_exchange_strong_explicit(&lock->word, &expected, 1, memory_order_acquire,
						     memory_order_relaxed))
		lock_wait(lock);
}

/* Takes the lock if it is free. */
static inline bool lock_try(struct lock *lock)
{
	uint32_t expected = 0;

	return atomic_compare_exchange_strong_explicit(&lock->word, &expected, 1, memory_order_acquire,
						       memory_order_relaxed);
}

static inline void lock_release(struct lock *lock)
{
	if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2)
		lock_wake(lock);
}

#endif
