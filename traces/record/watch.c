#include "config.h"

#include "traces/record/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void watch_start(struct watch *watch)
{
	memset(watch, 0, sizeof(*watch));
}

void watch_end(struct watch *watch)
{
	for (uint32_t i = 0; i < ARENA_PROCESSES; i++) {
		if (watch->slot[i].serial != 0 && watch->slot[i].pidfd >= 0)
			(void)close(watch->slot[i].pidfd);
	}
	watch_start(watch);
}

/* An exec leaves the old program's slot behind under the same process id: of two, the one registered first. */
static void replace_older(struct watch *watch, struct watched *found)
{
	for (uint32_t i = 0; i < ARENA_PROCESSES; i++) {
		struct watched *other = &watch->slot[i];
		struct watched *older = other->serial < found->serial ? other : found;
		if (other == found || other->serial == 0 || other->process_id != found->process_id)
			continue;
		watch->living -= !older->ended;
		older->ended = older->replaced = true;
	}
}

static void begin(struct watch *watch, struct watched *watched, const struct arena_process *process)
{
	watched->serial = process->serial;
	watched->process_id = process->process_id;
	watched->ended = watched->replaced = false;
	watched->pidfd = -1;
	watch->living++;
	if (watched->process_id <= 1 || watched->process_id > INT32_MAX)
		return;
	watched->pidfd = (int)syscall(SYS_pidfd_open, watched->process_id, 0);
	replace_older(watch, watched);
}

static bool has_ended(const struct watched *watched)
{
	struct pollfd ready = {.fd = watched->pidfd, .events = POLLIN};

	if (watched->process_id <= 1 || watched->process_id > INT32_MAX)
		return true;
	if (watched->pidfd < 0)
		return kill((pid_t)watched->process_id, 0) != 0 && errno == ESRCH;
	return poll(&ready, 1, 0) == 1;
}

void watch_poll(struct watch *watch, const struct arena *arena)
{
	for (uint32_t i = 0; i < ARENA_PROCESSES; i++) {
		const struct arena_process *process = &arena->processes[i];
		struct watched *watched = &watch->slot[i];
		if (watched->serial == 0) {
			if (atomic_load_explicit(&process->state, memory_order_acquire) !=
				ARENA_PROCESS_LIVE ||
			    process->serial == 0)
				continue;
			begin(watch, watched, process);
		}
		if (!watched->ended && has_ended(watched)) {
			watched->ended = true;
			watch->living--;
		}
	}
}

void watch_release(struct watch *watch, const struct arena *arena, uint32_t slot)
{
	struct watched *watched = &watch->slot[slot];

	if (watched->pidfd >= 0)
		(void)close(watched->pidfd);
	*watched = (struct watched){0};
	atomic_store_explicit(&arena->processes[slot].state, ARENA_PROCESS_FREE, memory_order_release);
}

bool watch_thread_lives(uint32_t process_id, uint32_t thread_id)
{
	return syscall(SYS_tgkill, process_id, thread_id, 0) == 0 || errno != ESRCH;
}
