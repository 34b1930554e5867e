/* census_sink.h: a sink that keeps the books of what it is given, as a trace's writer does (traces/census.h), and aborts
 * at the first event, thread or process that breaks event.h's rules: whoever makes events must never do that, whatever bytes
 * it makes them of. */
#ifndef FAULTLINE_TESTS_CENSUS_SINK_H
#define FAULTLINE_TESTS_CENSUS_SINK_H

#include "traces/census.h"
#include "traces/event.h"

struct census_sink {
	struct event_sink sink; /* put, thread and process are set; the rest is NULL, and a test's to set */
	struct census census;
};

void census_sink_start(struct census_sink *judge);

/* Aborts when the books' invariants do not hold. */
void census_sink_end(struct census_sink *judge);

#endif
