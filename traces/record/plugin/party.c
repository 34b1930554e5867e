/* The emulated process as a party of the recording: what preload/process.c and real.c are to a native one. */
#include "config.h"

#include "traces/record/plugin/vcpu.h"
#include "traces/record/preload/attach.h"
#include "traces/record/preload/process.h"
#include "traces/record/preload/real.h"
#include "traces/record/preload/recording.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

void real_resolve(void)
{
}

/* The emulator forks where the program does, and goes on as its child. */
static void fork_prepare(void)
{
	struct recording_thread *thread = &recording_thread;

	thread->fork_token = 0;
	if (!recording.follow || !recording_may(thread) || thread->serial != *recording.live_serial)
		return;
	thread->fork_token = atomic_fetch_add(&recording.arena.control->fork_token, 1) + 1;
	recording_write(thread, ARENA_FORK, 0, thread->fork_token);
}

static void fork_parent(void)
{
	/* Whether it failed is not known here: a token that nobody claims is given up by the recorder. */
}

static void fork_child(void)
{
	vcpu_forget_all();
	if (recording.process)
		recording_forked(&recording_thread);
}

void process_watch(void)
{
	(void)pthread_atfork(fork_prepare, fork_parent, fork_child);
}
