#include "config.h"

#include "bench/limit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 256

static const struct {
	const char *alias, *path;
} aliases[] = {
    {"net", "host.throughput.net_ns_per_event"},
    {"gross", "host.throughput.gross_ns_per_event"},
    {"rate", "host.throughput.events_per_s"},
    {"footprint", "host.memory.footprint_peak_bytes"},
    {"footprint_end", "host.memory.footprint_end_bytes"},
    {"footprint_over_live", "host.memory.footprint_over_live"},
    {"frames", "model.memory.frames_peak_bytes"},
    {"fragmentation", "model.memory.internal_fragmentation"},
};

static bool is_percentile(const char *text)
{
	static const char *const names[] = {"p50", "p90", "p99", "p999", "p9999", "max", "mean_batched"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], text) == 0)
			return true;
	}
	return false;
}

static void full_path(const char *metric, char *path)
{
	static const char *const operations[] = {"malloc.", "calloc.", "realloc.", "memalign.", "free."};

	(void)snprintf(path, PATH_BYTES, "%.200s", metric);
	if (is_percentile(metric))
		(void)snprintf(path, PATH_BYTES, "host.latency_ns.malloc.%.100s", metric);
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (strncmp(metric, operations[i], strlen(operations[i])) == 0)
			(void)snprintf(path, PATH_BYTES, "host.latency_ns.%.100s", metric);
	}
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		if (strcmp(aliases[i].alias, metric) == 0)
			(void)snprintf(path, PATH_BYTES, "%s", aliases[i].path);
	}
}

static const json_t *step(const json_t *at, const char *key)
{
	char *end;

	if (json_is_array(at)) {
		unsigned long index = strtoul(key, &end, 10);

		return *end || end == key ? NULL : json_array_get(at, index);
	}
	return json_object_get(at, key);
}

static double value_at(const json_t *run, const char *path)
{
	char copy[PATH_BYTES], *rest = NULL;
	const json_t *at = run;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	for (char *key = strtok_r(copy, ".", &rest); key && at; key = strtok_r(NULL, ".", &rest))
		at = step(at, key);
	return json_is_number(at) ? json_number_value(at) : NAN;
}

double limit_figure(const json_t *run, const char *metric)
{
	char path[PATH_BYTES];

	full_path(metric, path);
	return value_at(run, path);
}

bool limit_parse(struct limit *limit, const char *text)
{
	size_t length = strcspn(text, "<>");
	char *end;

	if (length == 0 || text[length] == '\0' || length >= sizeof(limit->metric))
		return false;
	memcpy(limit->metric, text, length);
	limit->metric[length] = '\0';
	limit->above = text[length] == '>';
	errno = 0;
	limit->limit = strtod(text + length + 1, &end);
	if (end == text + length + 1 || errno || !isfinite(limit->limit) || limit->limit < 0)
		return false;
	limit->relative = *end == '%';
	return end[limit->relative] == '\0';
}

enum limit_result limit_judge(const struct limit *limit, double before, double after)
{
	double change = limit->above ? after - before : before - after;

	if (isnan(before) || isnan(after))
		return LIMIT_UNKNOWN;
	if (change <= 0)
		return LIMIT_WITHIN;
	if (limit->relative && before == 0)
		return LIMIT_UNKNOWN;
	if (limit->relative)
		change = change / fabs(before) * 100;
	return change > limit->limit ? LIMIT_EXCEEDED : LIMIT_WITHIN;
}

/* --- All of them -------------------------------------------------------------------------------------------------------- */

struct walk {
	void (*visit)(void *context, const char *path, double before, double after);
	void *context;
	char path[PATH_BYTES];
};

static void walk(struct walk *walking, json_t *before, json_t *after);

static void descend(struct walk *walking, const char *key, json_t *before, json_t *after)
{
	size_t length = strlen(walking->path);

	(void)snprintf(walking->path + length, sizeof(walking->path) - length, "%s%s", length ? "." : "",
		       key);
	walk(walking, before, after);
	walking->path[length] = '\0';
}

/* Recursion as deep as run.json, whose reader bounds it. */
static void walk(struct walk *walking, json_t *before, json_t *after) /* NOLINT(misc-no-recursion) */
{
	json_t *shape = json_is_null(before) || !before ? after : before;
	char number[32];

	if (json_is_object(shape)) {
		for (void *at = json_object_iter(shape); at; at = json_object_iter_next(shape, at)) {
			const char *key = json_object_iter_key(at);

			descend(walking, key, json_object_get(before, key), json_object_get(after, key));
		}
	} else if (json_is_array(shape)) {
		for (size_t i = 0; i < json_array_size(shape); i++) {
			(void)snprintf(number, sizeof(number), "%zu", i);
			descend(walking, number, json_array_get(before, i), json_array_get(after, i));
		}
	} else if (json_is_number(before) || json_is_number(after)) {
		walking->visit(walking->context, walking->path,
			       json_is_number(before) ? json_number_value(before) : NAN,
			       json_is_number(after) ? json_number_value(after) : NAN);
	}
}

void limit_each_figure(json_t *before, json_t *after,
		       void (*visit)(void *context, const char *path, double before, double after),
		       void *context)
{
	struct walk walking = {.visit = visit, .context = context};

	walk(&walking, before, after);
}
