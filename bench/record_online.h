/* record_online.h: `faultline record --online`: what the session brings goes into MMU models (online.h); their figures are printed and,
 * with -o, left as a run directory like that of `faultline replay --mmu` of a file.
 */
#ifndef FAULTLINE_BENCH_RECORD_ONLINE_H
#define FAULTLINE_BENCH_RECORD_ONLINE_H

#include "traces/error.h"
#include "traces/record/access_output.h"

#include <stdbool.h>

#define RECORD_ONLINE_SAMPLES 200u
#define RECORD_ONLINE_DEFAULT "zen4"

struct record_online;

/* Without MMUs, on Linux. NULL: no memory. */
struct record_online *record_online_create(void);
void record_online_destroy(struct record_online *online);

/* Reads --online's argument or --set's. False after a message. */
bool record_online_add(struct record_online *online, const char *text);
bool record_online_set(struct record_online *online, const char *setting);

/* Prepares the models, of RECORD_ONLINE_DEFAULT when no other was added. `*output` is to be the session's receiver. */
enum trace_status record_online_begin(struct record_online *online, bool has_directory,
				      struct access_output *output, struct trace_error *error) TRACE_MUST_USE;

/* What the figures are shown with. */
struct record_online_report {
	const char *directory; /* of the run; NULL: none is left */
	char **command;	       /* the arguments of `faultline` that made it, NULL at their end */
	bool quiet;	       /* print nothing */
};

/* The recording is over: the figures go to standard error and into the directory. False after a message. */
bool record_online_end(struct record_online *online, const struct record_online_report *report);

#endif
