/* flt_events.h: random events that obey event.h, for the tests of the trace format. */
#ifndef FAULTLINE_TESTS_UNIT_FLT_EVENTS_H
#define FAULTLINE_TESTS_UNIT_FLT_EVENTS_H

#include "traces/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the stream has: each adds its kinds of events. */
struct flt_events_options {
	uint64_t seed;
	unsigned threads;   /* at most 64 */
	unsigned processes; /* at most 16; 1 = no forks */
	unsigned stacks;    /* highest stack number, 0 = none */
	bool time;	    /* sometimes stepping back */
	bool oddities;	    /* failures, foreign objects, NULL, huge sizes, markers */
	bool kernel; /* what the kernel's allocators do, with names up to FLT_EVENTS_NAMES of each table */
};

#define FLT_EVENTS_NAMES 9u

/* Fills `events` with `count` events. */
void flt_events_make(const struct flt_events_options *options, struct event *events, size_t count);

#endif
