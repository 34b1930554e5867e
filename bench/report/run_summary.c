#include "config.h"

#include "bench/report/run_summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA 1
#define LONGEST_KEY 64

static json_t *find(const json_t *document, const char *path)
{
	json_t *at = NULL;
	char key[LONGEST_KEY];

	while (*path) {
		size_t length = strcspn(path, ".");

		if (length >= sizeof(key))
			return NULL;
		memcpy(key, path, length);
		key[length] = '\0';
		at = json_object_get(at ? at : document, key);
		if (!at)
			return NULL;
		path += length + (path[length] == '.');
	}
	return at;
}

double run_summary_number(const json_t *document, const char *path)
{
	const json_t *found = find(document, path);

	return json_is_number(found) ? json_number_value(found) : NAN;
}

const char *run_summary_string(const json_t *document, const char *path)
{
	const json_t *found = find(document, path);

	return json_is_string(found) ? json_string_value(found) : "";
}

static char *name_of_path(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t length = strlen(name);

	if (length > 4 && strcmp(name + length - 4, ".flt") == 0)
		length -= 4;
	return strndup(name, length);
}

static double interval_bound(const json_t *document, const char *path, size_t which)
{
	const json_t *bound = json_array_get(find(document, path), which);

	return json_is_number(bound) ? json_number_value(bound) : NAN;
}

/* Whether the list `below_resolution` beside a percentile names it: then only the clock's step is known about it. */
static bool below_resolution(const json_t *document, const struct row *row)
{
	const char *key = strrchr(row->path, '.');
	char beside[2 * LONGEST_KEY];
	size_t index;
	json_t *name;

	if (row->unit != UNIT_LATENCY || !key)
		return false;
	(void)snprintf(beside, sizeof(beside), "%.*s.below_resolution", (int)(key - row->path), row->path);
	json_array_foreach(find(document, beside), index, name)
	{
		if (json_is_string(name) && strcmp(json_string_value(name), key + 1) == 0)
			return true;
	}
	return false;
}

static void read_values(struct run_summary *run)
{
	const json_t *document = run->document;

	run->mode = run_summary_string(document, "mode");
	run->pace = run_summary_string(document, "pace");
	run->touch = run_summary_string(document, "touch");
	run->allocator_name = run_summary_string(document, "allocator.name");
	run->allocator_version = run_summary_string(document, "allocator.version");
	run->allocator_library = run_summary_string(document, "allocator.library");
	run->trace_hash = run_summary_string(document, "trace.hash");
	run->events = run_summary_number(document, "trace.events");
	run->threads = run_summary_number(document, "trace.threads");
	run->seed = run_summary_number(document, "seed");
	run->rounds = run_summary_number(document, "host.throughput.rounds");
	run->speed_mode = run_summary_string(document, "host.throughput.mode");
	run->command = run_summary_string(document, "command");
	run->live_peak_bytes = run_summary_number(document, "trace.live_peak_bytes");
	if (isnan(run->live_peak_bytes))
		run->live_peak_bytes = run_summary_number(document, "model.memory.live_peak_bytes");
	run->resolution_ns = run_summary_number(document, "host.latency_ns.resolution_ns");
	run->net_low_ns = interval_bound(document, "host.throughput.ci95_ns", 0);
	run->net_high_ns = interval_bound(document, "host.throughput.ci95_ns", 1);
	run->gross_low_ns = interval_bound(document, "host.throughput.gross_ci95_ns", 0);
	run->gross_high_ns = interval_bound(document, "host.throughput.gross_ci95_ns", 1);
	for (unsigned i = 0; i < ROWS; i++)
		run->value[i] =
		    below_resolution(document, row_at(i)) ? 0 : run_summary_number(document, row_at(i)->path);
}

/* Misses of a part ("l1d"), in all page sizes; 0 where there is no such part. */
static double misses_of(const json_t *mmu, const char *part)
{
	const char *size;
	json_t *counts;
	double sum = 0;

	json_object_foreach(json_object_get(mmu, part), size, counts)
	{
		const json_t *misses = json_object_get(counts, "misses");

		sum += json_is_number(misses) ? json_number_value(misses) : 0;
	}
	return sum;
}

static void read_mmu(struct run_mmu *mmu, const json_t *document)
{
	double references = run_summary_number(document, "accesses");

	if (!(references > 0))
		references = NAN;
	mmu->value[MMU_ROW_LEVEL_1] =
	    1000 * (misses_of(document, "l1d") + misses_of(document, "l1i")) / references;
	mmu->value[MMU_ROW_WALKS] = 1000 * run_summary_number(document, "walks") / references;
	mmu->value[MMU_ROW_WALK_REFERENCES] =
	    1000 * run_summary_number(document, "walk_references") / references;
	mmu->value[MMU_ROW_WALK_CYCLES] = 1000 * run_summary_number(document, "walk_cycles") / references;
}

static bool read_mmus(struct run_summary *run)
{
	json_t *all = find(run->document, "model.tlb"), *document;
	const char *name;

	run->mmu = calloc(json_object_size(all) + 1, sizeof(run->mmu[0]));
	if (!run->mmu)
		return false;
	json_object_foreach(all, name, document)
	{
		run->mmu[run->mmus].name = name;
		read_mmu(&run->mmu[run->mmus++], document);
	}
	return true;
}

enum trace_status run_summary_create(struct run_summary *run, json_t *document, const char *where,
				     struct trace_error *error)
{
	*run = (struct run_summary){.document = document};
	double schema = run_summary_number(document, "schema");

	run->is_online = json_is_null(find(document, "trace.path"));
	run->is_of_pages = json_is_object(find(document, "model.physical"));
	run->trace_path = run->is_online ? "online" : run_summary_string(document, "trace.path");
	run->target = run_summary_string(document, "target");
	if (!(schema == SCHEMA)) {
		run_summary_destroy(run);
		return trace_fail(error, TRACE_UNSUPPORTED,
				  "%s: \"schema\" is not %d; this Faultline reads schema %d", where, SCHEMA,
				  SCHEMA);
	}
	if (!*run->trace_path || !*run->target) {
		run_summary_destroy(run);
		return trace_fail(
		    error, TRACE_BAD_INPUT,
		    "%s: a run names its trace (\"trace\": {\"path\"}) and its \"target\"; this one does not",
		    where);
	}
	read_values(run);
	run->trace_name = name_of_path(run->trace_path);
	if (!run->trace_name || !read_mmus(run)) {
		run_summary_destroy(run);
		return trace_fail(error, TRACE_NO_MEMORY, "%s: out of memory", where);
	}
	return TRACE_OK;
}

void run_summary_destroy(struct run_summary *run)
{
	json_decref(run->document);
	free(run->trace_name);
	free(run->mmu);
	free(run->directory);
	*run = (struct run_summary){0};
}

bool run_summary_is(const struct run_summary *run, const char *family)
{
	size_t length = strlen(family);

	return strncmp(run->target, family, length) == 0 &&
	       (run->target[length] == '\0' || run->target[length] == ':');
}
