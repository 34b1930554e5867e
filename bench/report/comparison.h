/* comparison.h: the directory that a report is made from.
 *
 *   compare -o DIR leaves                         replay -o DIR leaves
 *     DIR/compare.json                              DIR/run.json
 *     DIR/TRACE/TARGET/run.json and series         the series beside it (NAME.tsv)
 *
 * TRACE is the trace's file name without `.flt`; in TRACE and TARGET each byte outside [A-Za-z0-9._-] is
 * written `_`. The runs are sorted into groups, one per trace, each in the order in which the document names
 * it.
 *
 *   I1  runs of one trace lie side by side: run[group[g].first .. group[g].first + group[g].runs)
 *   I2  every run lies in exactly one group
 *   I3  mmu[0 .. mmus) are the names of all MMUs of the runs, each once, as they appear
 */
#ifndef FAULTLINE_BENCH_REPORT_COMPARISON_H
#define FAULTLINE_BENCH_REPORT_COMPARISON_H

#include "bench/report/run_summary.h"
#include "traces/error.h"

#include <jansson.h>
#include <stddef.h>

#define COMPARISON_MAX_RUNS 4096
#define COMPARISON_MAX_MMUS 16u
#define COMPARISON_MAX_FILE_BYTES ((size_t)256 << 20)

struct run_group {
	size_t first;
	size_t runs;
};

struct comparison {
	char *directory;  /* as it was given */
	json_t *document; /* compare.json or run.json */
	struct run_summary *run;
	size_t runs;
	struct run_group *group;
	size_t groups;
	const char **mmu; /* the names are the runs' */
	unsigned mmus;
};

/* Reads DIR. TRACE_IO when neither file is there or one cannot be read; TRACE_BAD_INPUT, with file and line,
 * when the document is no JSON or says nothing about runs. */
enum trace_status comparison_read(struct comparison **comparison, const char *directory,
				  struct trace_error *error) TRACE_MUST_USE;

void comparison_destroy(struct comparison *comparison);

/* The number of sentences that `compare` drew from these runs, and the sentence of that number. */
size_t comparison_verdicts(const struct comparison *comparison);
const char *comparison_verdict(const struct comparison *comparison, size_t index);

/* The trace that the sentence is about; "" when it does not say. */
const char *comparison_verdict_trace(const struct comparison *comparison, size_t index);

/* The name that compare gives a directory: `name` with every other byte than [A-Za-z0-9._-], and a dot at the beginning,
 * replaced by `_`; "_" for no name. NULL when memory is out; else the caller frees it. */
char *comparison_directory_name(const char *name);

#endif
