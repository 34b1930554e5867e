#include "config.h"

#include "bench/physical/physical_replay.h"

#include "bench/command.h"
#include "bench/physical/forced_pass.h"
#include "bench/physical/recorded_series.h"
#include "bench/run_directory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* run.json with the keys of every run: what such a replay does not have is null. */
static json_t *run_of(const struct forced_pass *pass, const struct flt_summary *trace, const char *path)
{
	return json_pack("{s:i, s:{s:s, s:s, s:I, s:I}, s:s, s:n, s:n, s:n, s:n, s:{}, s:n, s:n, s:{s:n, "
			 "s:n, s:n, s:n, s:o}, s:s}",
			 "schema", 1, "trace", "path", path, "hash", trace->hash, "events",
			 (json_int_t)trace->events, "threads", (json_int_t)trace->threads, "target",
			 "recorded", "mode", "pace", "touch", "seed", "policy", "allocator", "host", "model",
			 "memory", "faults", "page_tables", "tlb", "physical", forced_pass_json(pass),
			 "version", PACKAGE_VERSION);
}

/* The lines above each series. To be freed; NULL without memory. */
static char *series_header(const struct flt_summary *trace, const char *path)
{
	char *header = NULL;
	int length = asprintf(&header,
			      "# faultline %s\n# trace: %s\n# hash: %s\n# target: recorded\n# policy: ?\n"
			      "# seed: ?\n# mode: forced\n",
			      PACKAGE_VERSION, path, trace->hash);

	return length < 0 ? NULL : header;
}

/* The machine's own frames, for pictures of them. */
static bool write_series(struct flt_reader *reader, const char *path, const char *directory,
			 struct trace_error *error)
{
	char *header = series_header(flt_reader_summary(reader), path);
	struct memory_series series;
	bool ok = header && recorded_series_read(&series, reader, error) == TRACE_OK;

	if (!header)
		(void)trace_fail(error, TRACE_NO_MEMORY, "not enough memory for series");
	if (ok) {
		ok = memory_series_write(&series, directory, header, error) == TRACE_OK;
		memory_series_destroy(&series);
	}
	free(header);
	return ok;
}

static bool write_directory(const json_t *run, const char *directory, struct trace_error *error)
{
	char path[4096];

	if (mkdir(directory, 0777) != 0 && errno != EEXIST) {
		(void)trace_fail(error, TRACE_IO, "%s: cannot make the directory: %s", directory,
				 strerror(errno));
		return false;
	}
	if (snprintf(path, sizeof(path), "%s/run.json", directory) >= (int)sizeof(path)) {
		(void)trace_fail(error, TRACE_IO, "%s: the name is too long", directory);
		return false;
	}
	return run_directory_write_json(run, path, error);
}

static bool put_out(const struct forced_pass *pass, const struct replay_options *options, const json_t *run,
		    struct trace_error *error)
{
	if (!run) {
		(void)trace_fail(error, TRACE_NO_MEMORY, "not enough memory for run.json");
		return false;
	}
	if (options->output && !write_directory(run, options->output, error))
		return false;
	if (!options->json)
		forced_pass_print(pass, stdout);
	else if (json_dumpf(run, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) != 0 ||
		 putchar('\n') == EOF)
		clearerr(stdout); /* flushing says it, too */
	if (fflush(stdout) == 0)
		return true;
	(void)trace_fail(error, TRACE_IO, "cannot write to standard output");
	return false;
}

int physical_replay(const struct replay_options *options, const char *path)
{
	struct forced_pass pass = {0};
	struct flt_reader *reader = NULL;
	struct trace_error error;
	bool ok = flt_reader_open(&reader, path, &error) == TRACE_OK;

	if (ok)
		ok = forced_pass_run(&pass, reader, &error) == TRACE_OK;
	if (ok) {
		json_t *run = run_of(&pass, flt_reader_summary(reader), path);

		ok = put_out(&pass, options, run, &error) &&
		     (!options->output || write_series(reader, path, options->output, &error));
		json_decref(run);
	}
	forced_pass_destroy(&pass);
	if (reader)
		flt_reader_close(reader);
	if (ok)
		return EXIT_DONE;
	complain(options->command, "%s", error.message);
	return EXIT_FAILED;
}
