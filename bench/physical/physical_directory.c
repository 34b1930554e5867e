#include "config.h"

#include "bench/physical/physical_directory.h"

#include "bench/run_directory.h"

#include <stdlib.h>

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

enum trace_status physical_directory_begin(struct physical_directory *directory,
					   const struct physical_run *run, const char *path,
					   struct trace_error *error)
{
	if (!whole_directory_begin(&directory->whole, path, error))
		return TRACE_IO;
	directory->header = header_of(run);
	if (directory->header)
		return TRACE_OK;
	whole_directory_abandon(&directory->whole);
	return no_memory(error);
}

enum trace_status physical_directory_series(const struct physical_directory *directory,
					    const struct memory_series *series, struct trace_error *error)
{
	return memory_series_write(series, directory->whole.beside, directory->header, error);
}

enum trace_status physical_directory_add(const struct physical_directory *directory,
					 const struct physical_rows *rows, struct trace_error *error)
{
	FILE *file = whole_directory_file(&directory->whole, rows->name, error);

	if (!file)
		return TRACE_IO;
	(void)fputs(directory->header, file);
	const bool is_made = rows->write(rows->context, file);
	const bool is_written = whole_directory_close(file, rows->name, error);

	if (!is_made)
		return no_memory(error);
	return is_written ? TRACE_OK : TRACE_IO;
}

enum trace_status physical_directory_end(struct physical_directory *directory, const json_t *json,
					 struct trace_error *error)
{
	const bool is_written = run_directory_put_json(&directory->whole, json, error);

	if (!is_written)
		whole_directory_abandon(&directory->whole);
	free(directory->header);
	directory->header = NULL;
	return is_written && whole_directory_end(&directory->whole, error) ? TRACE_OK : TRACE_IO;
}

void physical_directory_abandon(struct physical_directory *directory)
{
	whole_directory_abandon(&directory->whole);
	free(directory->header);
	directory->header = NULL;
}
