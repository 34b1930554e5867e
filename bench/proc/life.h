/* life.h: from which to which event of a trace a process is there. */
#ifndef FAULTLINE_BENCH_PROC_LIFE_H
#define FAULTLINE_BENCH_PROC_LIFE_H

#include "traces/flt.h"

/* The process is there when event `first` is about to happen, and still when event `last` is. */
struct proc_life {
	uint64_t first, last;
	bool exists; /* else no event is of it */
	bool ends;   /* `last` is its exit; else the number of events */
};

/* Reads the events up to its exit. The process is one of the trace. */
enum trace_status proc_life_find(struct flt_reader *reader, uint32_t process, struct proc_life *life,
				 struct trace_error *error) TRACE_MUST_USE;

#endif
