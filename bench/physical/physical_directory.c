#include "config.h"

#include "bench/physical/physical_directory.h"

#include "bench/run_directory.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

json_t *physical_run_json(const struct physical_run *run, json_t *policy, json_t *memory, json_t *physical)
{
	return json_pack("{s:i, s:{s:s, s:s, s:I, s:I}, s:s, s:n, s:n, s:n, s:n, s:o, s:n, s:n, s:{s:o, "
			 "s:n, s:n, s:n, s:o}, s:s}",
			 "schema", 1, "trace", "path", run->path, "hash", run->trace->hash, "events",
			 (json_int_t)run->trace->events, "threads", (json_int_t)run->trace->threads, "target",
			 run->target, "mode", "pace", "touch", "seed", "policy",
			 policy ? policy : json_object(), "allocator", "host", "model", "memory",
			 memory ? memory : json_null(), "faults", "page_tables", "tlb", "physical", physical,
			 "version", PACKAGE_VERSION);
}

/* The lines above each series. To be freed; NULL without memory. */
static char *header_of(const struct physical_run *run)
{
	char *header = NULL;
	int length = asprintf(&header,
			      "# faultline %s\n# trace: %s\n# hash: %s\n# target: %s\n# policy: %s\n"
			      "# seed: ?\n# mode: %s\n",
			      PACKAGE_VERSION, run->path, run->trace->hash, run->target,
			      run->policy ? run->policy : "?", run->mode);

	return length < 0 ? NULL : header;
}

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the series of a run");
}

static enum trace_status path_in(const char *directory, const char *name, char path[PATH_MAX],
				 struct trace_error *error)
{
	if (snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX)
		return TRACE_OK;
	return trace_fail(error, TRACE_IO, "%s: the name is too long", directory);
}

enum trace_status physical_directory_write(const struct physical_run *run, const char *directory,
					   const json_t *json, const struct memory_series *series,
					   struct trace_error *error)
{
	char path[PATH_MAX], *header = NULL;

	if (mkdir(directory, 0777) != 0 && errno != EEXIST)
		return trace_fail(error, TRACE_IO, "%s: cannot make the directory: %s", directory,
				  strerror(errno));
	enum trace_status status = path_in(directory, "run.json", path, error);

	if (status == TRACE_OK && !run_directory_write_json(json, path, error))
		status = TRACE_IO;
	if (status == TRACE_OK && !(header = header_of(run)))
		status = no_memory(error);
	if (status == TRACE_OK)
		status = memory_series_write(series, directory, header, error);
	free(header);
	return status;
}

static enum trace_status write_rows(const struct physical_rows *rows, const char *header, const char *path,
				    struct trace_error *error)
{
	FILE *file = fopen(path, "we");
	bool ok = file != NULL;

	if (ok) {
		(void)fputs(header, file);
		ok = rows->write(rows->context, file) && ferror(file) == 0;
		ok = fclose(file) == 0 && ok;
	}
	return ok ? TRACE_OK : trace_fail(error, TRACE_IO, "cannot write %s: %s", path, strerror(errno));
}

enum trace_status physical_directory_add(const struct physical_run *run, const char *directory,
					 const struct physical_rows *rows, struct trace_error *error)
{
	char path[PATH_MAX], *header = header_of(run);
	enum trace_status status = header ? path_in(directory, rows->name, path, error) : no_memory(error);

	if (status == TRACE_OK)
		status = write_rows(rows, header, path, error);
	free(header);
	return status;
}
