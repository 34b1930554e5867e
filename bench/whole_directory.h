/* whole_directory.h: the directory of a run, which appears under its name only when it is whole.
 *
 *   DIR.a1B2c3/   run.json timeline.tsv ...   ── whole_directory_end() ──▶   DIR/
 *
 * An older run of that name, which is a directory with run.json in it, is replaced, unless it holds other files than those of a run:
 * run.json, *.tsv and *.bin. An empty directory is replaced, too.
 */
#ifndef FAULTLINE_BENCH_WHOLE_DIRECTORY_H
#define FAULTLINE_BENCH_WHOLE_DIRECTORY_H

#include "traces/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

struct whole_directory {
	char path[PATH_MAX], beside[PATH_MAX];
	int descriptor; /* of the one beside */
};

/* Makes the directory beside `path`, whose parent must exist. False, with a message, when that cannot be done, or when what is at `path`
 * could not be replaced; then nothing is left behind. */
bool whole_directory_begin(struct whole_directory *whole, const char *path, struct trace_error *error);

/* Would whole_directory_begin() make it now? False with its message. For whoever has long work to do before there is something to write. */
bool whole_directory_is_possible(const char *path, struct trace_error *error);

/* A new file in it, to be closed by whole_directory_close(). NULL with a message. */
FILE *whole_directory_file(const struct whole_directory *whole, const char *name, struct trace_error *error);

/* False, with a message, unless all that was written to the file is there. */
bool whole_directory_close(FILE *file, const char *name, struct trace_error *error);

/* Either puts it in its place or, with a message, drops it. */
bool whole_directory_end(struct whole_directory *whole, struct trace_error *error);

/* Drops it, with its files. */
void whole_directory_abandon(struct whole_directory *whole);

#endif
