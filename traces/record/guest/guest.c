#include "config.h"

#include "traces/record/guest/guest.h"

#include "traces/record/guest/restart.h"
#include "traces/record/preload/interpose.h"
#include "traces/record/preload/real.h"

#include <errno.h>

__thread struct recording_thread recording_thread;
_Atomic unsigned guest_state;

/* Where the linker says that this library's code begins and ends. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char etext[] __attribute__((visibility("hidden")));

void interpose_count_usable(void)
{
}

static void attach(void)
{
	volatile uint32_t answer = 0;
	const uint64_t argument[4] = {(uintptr_t)__ehdr_start, (uintptr_t)etext, (uintptr_t)&answer, 0};

	real_resolve();
	guest_call(GUEST_ATTACH, argument);
	atomic_store(&guest_state, answer != 0 ? GUEST_RECORDED : GUEST_NATIVE);
}

bool recording_may_after_all(struct recording_thread *thread, uintptr_t frame)
{
	unsigned state = GUEST_UNKNOWN;
	int saved_errno = errno;

	if (thread->inside != 0 && frame < thread->inside)
		return false;
	if (atomic_compare_exchange_strong(&guest_state, &state, GUEST_STARTING)) {
		thread->inside = frame;
		attach();
		state = atomic_load(&guest_state);
	}
	thread->inside = 0;
	errno = saved_errno;
	return state == GUEST_RECORDED;
}

__attribute__((constructor)) static void start(int count, char **arguments, char **environment)
{
	(void)recording_may(&recording_thread);
	if (count > 0 && atomic_load(&guest_state) == GUEST_NATIVE)
		restart_in_emulator(arguments, environment);
}
