#include "config.h"

/* record_loop EVENTS: a malloc and free of 64 bytes after the other, and what one of them takes: wall time, processor
 * time of the thread, in nanoseconds per event. bench/micro/record-cost runs it under recorders. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) != 0)
		abort();
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	long events = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	double wall, processor;

	if (events <= 1)
		return 2;
	wall = seconds(CLOCK_MONOTONIC);
	processor = seconds(CLOCK_THREAD_CPUTIME_ID);
	for (long i = 0; i < events / 2; i++) {
		void *volatile block = malloc(64);
		free(block);
	}
	wall = seconds(CLOCK_MONOTONIC) - wall;
	processor = seconds(CLOCK_THREAD_CPUTIME_ID) - processor;
	(void)printf("%.1f %.1f\n", wall * 1e9 / (double)events, processor * 1e9 / (double)events);
	return 0;
}
