/* small_trace.h: traces written event by event for the tests of what reads them. */
#ifndef FAULTLINE_TESTS_SMALL_TRACE_H
#define FAULTLINE_TESTS_SMALL_TRACE_H

#include "traces/event.h"

#include <stddef.h>

/* Writes the events to a new file in the scratch directory and returns its path, to be freed after unlink(); fails the test
 * otherwise. Times are the event numbers in microseconds. */
char *small_trace_write(const struct event *events, size_t count);

#endif
