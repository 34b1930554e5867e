#include "config.h"

#include "engine/base/lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* About as long as a holder on another CPU needs for one refill. */
#define SPINS 100

static void pause_briefly(void)
{
	__builtin_ia32_pause();
}

void lock_wait(struct lock *lock)
{
	int saved = errno;

	for (int i = 0; i < SPINS; i++) {
		uint32_t expected = 0;

		if (atomic_load_explicit(&lock->word, memory_order_relaxed) == 0 &&
		    atomic_compare_exchange_weak_explicit(&lock->word, &expected, 1, memory_order_acquire,
							  memory_order_relaxed))
			return;
		pause_briefly();
	}
	while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0)
		(void)syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
	errno = saved;
}

void lock_wake(struct lock *lock)
{
	int saved = errno;

	(void)syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = saved;
}
