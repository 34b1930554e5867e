/* physical_directory.h: the run directory of a kernel recording's replay: run.json, and what is above the rows of its series.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_PHYSICAL_DIRECTORY_H
#define FAULTLINE_BENCH_PHYSICAL_PHYSICAL_DIRECTORY_H

#include "bench/physical/memory_series.h"
#include "bench/whole_directory.h"
#include "traces/flt.h"

#include <jansson.h>

/* What a replay is. */
struct physical_run {
	const struct flt_summary *trace;
	const char *path;   /* of the trace */
	const char *target; /* "recorded", "engine:linux" */
	const char *policy; /* or NULL: the machine's own */
	const char *mode;   /* "forced", "free" */
};

/* run.json with the keys of every run: what such a replay does not have is null. Takes the references of `policy` (NULL: none), `memory`
 * and `physical`, which become its keys policy, model.memory and model.physical. NULL without memory. */
json_t *physical_run_json(const struct physical_run *run, json_t *policy, json_t *memory, json_t *physical);

/* The run directory while it is written; it is there when it ends (whole_directory.h). */
struct physical_directory {
	struct whole_directory whole;
	char *header; /* the lines above each series */
};

/* Nothing is left to be ended or abandoned unless TRACE_OK. TRACE_IO, TRACE_NO_MEMORY, as for all that follows. */
enum trace_status physical_directory_begin(struct physical_directory *directory,
					   const struct physical_run *run, const char *path,
					   struct trace_error *error) TRACE_MUST_USE;

enum trace_status physical_directory_series(const struct physical_directory *directory,
					    const struct memory_series *series,
					    struct trace_error *error) TRACE_MUST_USE;

/* Another series: `write` makes its rows; false: there is no memory for that. */
struct physical_rows {
	const char *name; /* of the file */
	bool (*write)(const void *context, FILE *file);
	const void *context;
};
enum trace_status physical_directory_add(const struct physical_directory *directory,
					 const struct physical_rows *rows,
					 struct trace_error *error) TRACE_MUST_USE;

/* Writes run.json, and puts the directory in its place; without TRACE_OK it is gone. */
enum trace_status physical_directory_end(struct physical_directory *directory, const json_t *json,
					 struct trace_error *error) TRACE_MUST_USE;
void physical_directory_abandon(struct physical_directory *directory);

#endif
