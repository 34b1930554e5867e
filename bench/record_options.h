/* record_options.h: what `faultline record` is asked for. */
#ifndef FAULTLINE_BENCH_RECORD_OPTIONS_H
#define FAULTLINE_BENCH_RECORD_OPTIONS_H

#include "bench/record_online.h"
#include "traces/record/machine_session.h"
#include "traces/record/session.h"

#include <stdbool.h>

struct record_options {
	struct session_options session;
	bool quiet;
	bool has_buffer; /* --buffer was given */
	bool no_heap;
	bool is_online;
	bool has_settings;	       /* --set was given */
	struct record_online *online;  /* of --online and --set */
	struct access_output receiver; /* of --online */
	const char *keep;	       /* of --online: its trace, too; NULL: none */
	const char *directory;	       /* of --online: -o; NULL: none */
	bool kernel;		       /* --kernel: a recording of the whole machine, by `machine` */
	struct machine_options machine;
};

#define RECORD_OPTIONS_RUN (-1)

/* Reads the command line into *options, which holds the defaults. RECORD_OPTIONS_RUN, or the exit status of a command that
 * has said what is wrong, or its help. */
int record_options_parse(struct record_options *options, int argc, char **argv);

/* What is said on standard error at the end of a recording; context is the record_options. */
void record_summary_print(void *context, const struct session_result *result);

/* The same of a recording of the whole machine. */
void record_summary_machine(const struct record_options *options, const struct machine_result *result);

#endif
