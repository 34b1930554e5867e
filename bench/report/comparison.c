#include "config.h"

#include "bench/report/comparison.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char name_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

char *comparison_directory_name(const char *name)
{
	char *safe = strdup(*name ? name : "_");

	if (!safe)
		return NULL;
	for (char *at = safe; *at; at++) {
		if (!strchr(name_bytes, *at))
			*at = '_';
	}
	if (*safe == '.')
		*safe = '_';
	return safe;
}

static enum trace_status load(const char *path, json_t **document, struct trace_error *error)
{
	struct stat status;
	json_error_t problem;

	if (stat(path, &status) != 0)
		return trace_fail(error, TRACE_IO, "%s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode) || (size_t)status.st_size > COMPARISON_MAX_FILE_BYTES)
		return trace_fail(error, TRACE_BAD_INPUT, "%s: not a file of at most %zu MiB", path,
				  COMPARISON_MAX_FILE_BYTES >> 20);
	*document = json_load_file(path, JSON_REJECT_DUPLICATES, &problem);
	if (!*document)
		return trace_fail(error, TRACE_BAD_INPUT, "%s:%d: not JSON: %s", path, problem.line,
				  problem.text);
	return TRACE_OK;
}

static enum trace_status place_run(struct run_summary *run, struct trace_error *error)
{
	char *trace = comparison_directory_name(run->trace_name);
	char *target = comparison_directory_name(run->target);
	int length = trace && target ? asprintf(&run->directory, "./%s/%s", trace, target) : -1;

	free(trace);
	free(target);
	if (length < 0) {
		run->directory = NULL;
		return trace_fail(error, TRACE_NO_MEMORY, "out of memory");
	}
	return TRACE_OK;
}

static enum trace_status read_runs(struct comparison *comparison, const char *path, struct trace_error *error)
{
	json_t *runs = json_object_get(comparison->document, "runs");
	size_t count = json_array_size(runs);

	if (count == 0 || count > COMPARISON_MAX_RUNS)
		return trace_fail(error, TRACE_BAD_INPUT, "%s: \"runs\" should be a list of 1 to %d runs",
				  path, COMPARISON_MAX_RUNS);
	comparison->run = calloc(count, sizeof(*comparison->run));
	if (!comparison->run)
		return trace_fail(error, TRACE_NO_MEMORY, "%s: out of memory", path);
	for (size_t i = 0; i < count; i++) {
		char *where = NULL;

		if (asprintf(&where, "%s: run %zu", path, i + 1) < 0)
			return trace_fail(error, TRACE_NO_MEMORY, "%s: out of memory", path);
		struct run_summary *run = &comparison->run[i];
		enum trace_status status =
		    run_summary_create(run, json_incref(json_array_get(runs, i)), where, error);

		free(where);
		if (status != TRACE_OK)
			return status;
		comparison->runs++;
		status = place_run(run, error);
		if (status != TRACE_OK)
			return status;
	}
	return TRACE_OK;
}

static enum trace_status read_single(struct comparison *comparison, const char *path,
				     struct trace_error *error)
{
	comparison->run = calloc(1, sizeof(*comparison->run));
	if (!comparison->run)
		return trace_fail(error, TRACE_NO_MEMORY, "%s: out of memory", path);
	enum trace_status status =
	    run_summary_create(comparison->run, json_incref(comparison->document), path, error);

	if (status != TRACE_OK)
		return status;
	comparison->runs = 1;
	comparison->run->directory = strdup(".");
	return comparison->run->directory ? TRACE_OK
					  : trace_fail(error, TRACE_NO_MEMORY, "%s: out of memory", path);
}

/* Brings runs of one trace together, keeping the order otherwise. */
static void sort_runs(struct comparison *comparison)
{
	struct run_summary *run = comparison->run;

	for (size_t first = 0; first < comparison->runs;) {
		size_t end = first + 1;

		for (size_t i = end; i < comparison->runs; i++) {
			if (strcmp(run[i].trace_path, run[first].trace_path) != 0)
				continue;
			struct run_summary moved = run[i];

			memmove(&run[end + 1], &run[end], (i - end) * sizeof(moved));
			run[end++] = moved;
		}
		comparison->group[comparison->groups++] =
		    (struct run_group){.first = first, .runs = end - first};
		first = end;
	}
}

static enum trace_status read_document(struct comparison *comparison, struct trace_error *error)
{
	char *all = NULL, *one = NULL;
	enum trace_status status;

	if (asprintf(&all, "%s/compare.json", comparison->directory) < 0)
		return trace_fail(error, TRACE_NO_MEMORY, "out of memory");
	if (asprintf(&one, "%s/run.json", comparison->directory) < 0) {
		free(all);
		return trace_fail(error, TRACE_NO_MEMORY, "out of memory");
	}
	if (access(all, F_OK) == 0) {
		status = load(all, &comparison->document, error);
		if (status == TRACE_OK)
			status = read_runs(comparison, all, error);
	} else if (access(one, F_OK) == 0) {
		status = load(one, &comparison->document, error);
		if (status == TRACE_OK)
			status = read_single(comparison, one, error);
	} else if (access(comparison->directory, F_OK) != 0) {
		status = trace_fail(error, TRACE_IO, "%s: cannot be opened: %s", comparison->directory,
				    strerror(errno));
	} else {
		status = trace_fail(error, TRACE_IO,
				    "%s holds neither compare.json nor run.json; give a directory that "
				    "`faultline compare -o` or `faultline replay -o` has written",
				    comparison->directory);
	}
	free(all);
	free(one);
	return status;
}

/* The names beyond COMPARISON_MAX_MMUS have no rows. */
static bool collect_mmus(struct comparison *comparison)
{
	comparison->mmu = calloc(COMPARISON_MAX_MMUS, sizeof(comparison->mmu[0]));
	if (!comparison->mmu)
		return false;
	for (size_t i = 0; i < comparison->runs; i++) {
		for (size_t m = 0; m < comparison->run[i].mmus; m++) {
			const char *name = comparison->run[i].mmu[m].name;
			unsigned at = 0;

			while (at < comparison->mmus && strcmp(comparison->mmu[at], name) != 0)
				at++;
			if (at == comparison->mmus && at < COMPARISON_MAX_MMUS)
				comparison->mmu[comparison->mmus++] = name;
		}
	}
	return true;
}

enum trace_status comparison_read(struct comparison **comparison, const char *directory,
				  struct trace_error *error)
{
	struct comparison *made = calloc(1, sizeof(*made));

	if (!made)
		return trace_fail(error, TRACE_NO_MEMORY, "out of memory");
	made->directory = strdup(directory);
	enum trace_status status = made->directory ? read_document(made, error)
						   : trace_fail(error, TRACE_NO_MEMORY, "out of memory");

	if (status == TRACE_OK) {
		made->group = calloc(made->runs ? made->runs : 1, sizeof(*made->group));
		if (!made->group || !collect_mmus(made))
			status = trace_fail(error, TRACE_NO_MEMORY, "out of memory");
	}
	if (status != TRACE_OK) {
		comparison_destroy(made);
		return status;
	}
	sort_runs(made);
	*comparison = made;
	return TRACE_OK;
}

void comparison_destroy(struct comparison *comparison)
{
	if (!comparison)
		return;
	for (size_t i = 0; i < comparison->runs; i++)
		run_summary_destroy(&comparison->run[i]);
	free(comparison->run);
	free(comparison->group);
	free(comparison->mmu);
	json_decref(comparison->document);
	free(comparison->directory);
	free(comparison);
}

size_t comparison_verdicts(const struct comparison *comparison)
{
	return json_array_size(json_object_get(comparison->document, "verdicts"));
}

static const json_t *verdict_at(const struct comparison *comparison, size_t index)
{
	return json_array_get(json_object_get(comparison->document, "verdicts"), index);
}

const char *comparison_verdict(const struct comparison *comparison, size_t index)
{
	const json_t *verdict = verdict_at(comparison, index);

	return json_is_string(verdict) ? json_string_value(verdict) : run_summary_string(verdict, "sentence");
}

const char *comparison_verdict_trace(const struct comparison *comparison, size_t index)
{
	const char *path = run_summary_string(verdict_at(comparison, index), "trace");

	for (size_t i = 0; i < comparison->runs; i++) {
		if (strcmp(comparison->run[i].trace_path, path) == 0)
			return comparison->run[i].trace_name;
	}
	return path;
}
