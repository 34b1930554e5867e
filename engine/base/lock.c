#include "config.h"

#include "engine/base/lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* About as long as a holder on another CPU needs for one refill. */
#define SPINS 100

static void pause_briefly(void)
{
	__builtin_ia32_pause();
}

void lock_wait(struct lock *lock)
{
	const struct timespec nap = {0, LOCK_NAP_NS};
	int saved = errno;

	for (int i = 0; i < SPINS; i++) {
		if (atomic_load_explicit(&lock->word, memory_order_relaxed) == 0 && lock_try(lock))
			return;
		pause_briefly();
	}
	atomic_fetch_add_explicit(&lock->sleepers, 1, memory_order_seq_cst);
	while (!lock_try(lock))
		(void)syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, 1, &nap, NULL, 0);
	atomic_fetch_sub_explicit(&lock->sleepers, 1, memory_order_relaxed);
	errno = saved;
}

void lock_wake(struct lock *lock)
{
	int saved = errno;

	(void)syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = saved;
}
