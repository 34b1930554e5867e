#include "config.h"

#include "traces/record/preload/stacks.h"

bool stacks_write(struct recording_thread *thread)
{
	(void)thread;
	return false;
}

void stacks_thread_end(struct recording_thread *thread)
{
	(void)thread;
}
