/* generated.h: plays a workload into the books of a trace and keeps what its tests look at. */
#ifndef FAULTLINE_TESTS_GENERATED_H
#define FAULTLINE_TESTS_GENERATED_H

#include "traces/census.h"
#include "traces/event.h"

#include <stddef.h>
#include <stdint.h>

struct generated {
	struct event_sink sink;
	struct census census;
	uint64_t hash; /* over every field of every event, in order */
	void (*each)(void *context, const struct event *event); /* may be NULL */
	void *context;
	char note[256];
};

/* Plays `workload` with the settings KEY=VALUE ..., NULL behind the last, and a seed. Fails the running test
 * when an event breaks the rules of event.h or the workload fails. `each` and `context` are set before. */
void generated_play(struct generated *generated, const char *workload, const char *const *sets,
		    uint64_t seed);
void generated_drop(struct generated *generated);

#endif
