/* counted_lock.h: a lock (lock.h) that counts how often it was taken, and how often its taker had to wait.
 *
 * Both counters are written by the holder only; they are exact and cost no atomic operation.
 */
#ifndef FAULTLINE_ENGINE_BASE_COUNTED_LOCK_H
#define FAULTLINE_ENGINE_BASE_COUNTED_LOCK_H

#include "engine/base/lock.h"

struct counted_lock {
	struct lock lock;
	uint64_t taken;
	uint64_t contended; /* of them: it was held by another */
};

static inline void counted_lock_acquire(struct counted_lock *counted)
{
	bool waited = !lock_try(&counted->lock);

	if (waited)
		lock_acquire(&counted->lock);
	counted->taken++;
	counted->contended += waited;
}

static inline void counted_lock_release(struct counted_lock *counted)
{
	lock_release(&counted->lock);
}

#endif
