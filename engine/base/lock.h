/* lock.h: a mutual-exclusion lock in eight bytes, for code that lies below malloc.
 *
 *   word       0 free, 1 held
 *   sleepers   threads that sleep until it is released, or are about to
 *
 * Zero is unlocked, so a lock in zeroed memory is ready. Uncontended, acquire is one compare-and-swap and release a plain
 * store. A waiter spins briefly and then sleeps in the kernel (futex), which matters where there are fewer CPUs than threads
 * and the holder may be descheduled. Not recursive, not fair. Neither changes errno, because free() must not. After fork the
 * child may set the lock it inherited to LOCK_FREE, because the child has one thread.
 *
 * A release looks for sleepers after its store, and nothing keeps a CPU from doing the two in the other order: a thread that
 * goes to sleep in between is not woken by it. So no thread sleeps for longer than LOCK_NAP_NS at a time. A fence instead,
 * or an exchange, would make every release four times as long.
 */
#ifndef FAULTLINE_ENGINE_BASE_LOCK_H
#define FAULTLINE_ENGINE_BASE_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LOCK_NAP_NS 1000000

struct lock {
	_Atomic uint32_t word, sleepers;
};

#define LOCK_FREE ((struct lock){0, 0})

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
	atomic_store_explicit(&lock->word, 0, memory_order_release);
	if (atomic_load_explicit(&lock->sleepers, memory_order_relaxed) != 0)
		lock_wake(lock);
}

#endif
