#include "config.h"

#include "bench/trace_summary.h"

#include "bench/kernel_summary.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

static uint64_t class_low(unsigned class)
{
	return class ? UINT64_C(1) << (class - 1) : 0;
}

static uint64_t class_high(unsigned class)
{
	return class ? class_low(class) + (class_low(class) - 1) : 0;
}

static uint64_t created(const struct flt_summary *summary)
{
	uint64_t objects = 0;

	for (unsigned class = 0; class < FLT_SIZE_CLASSES; class ++)
		objects += summary->sizes[class];
	return objects;
}

uint64_t trace_summary_size_quantile(const struct flt_summary *summary, unsigned permille)
{
	const double wanted = (double)created(summary) * permille / 1000;
	uint64_t seen = 0;

	for (unsigned class = 0; class < FLT_SIZE_CLASSES; class ++) {
		seen += summary->sizes[class];
		if (seen && (double)seen >= wanted)
			return class_high(class);
	}
	return 0;
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

/* JSON's integers end at 2^63 - 1; what lies above is told as null. */
static json_t *number(uint64_t value)
{
	return value <= INT64_MAX ? json_integer((json_int_t)value) : json_null();
}

static json_t *text(const char *value)
{
	if (!value || !*value)
		return json_null();
	json_t *string = json_string(value);

	return string ? string : json_string("(not UTF-8)");
}

static json_t *kinds_json(const struct flt_summary *summary)
{
	json_t *kinds = json_object();

	for (unsigned kind = 1; kind < EVENT_KINDS; kind++) {
		if (event_kind_is_known(kind))
			(void)json_object_set_new(kinds, event_kind_name(kind), number(summary->kinds[kind]));
	}
	return kinds;
}

static json_t *sizes_json(const struct flt_summary *summary)
{
	json_t *sizes = json_array();

	for (unsigned class = 0; class < FLT_SIZE_CLASSES; class ++) {
		if (summary->sizes[class])
			(void)json_array_append_new(sizes, json_pack("{s:o,s:o,s:o,s:o}", "low_bytes",
								     number(class_low(class)), "high_bytes",
								     number(class_high(class)), "objects",
								     number(summary->sizes[class]), "bytes",
								     number(summary->sizes_bytes[class])));
	}
	return sizes;
}

static json_t *warnings_json(const struct flt_summary *summary)
{
	json_t *warnings = json_object();

	for (uint32_t i = 0; i < summary->warnings; i++)
		(void)json_object_set_new(warnings, summary->warning[i].what,
					  number(summary->warning[i].count));
	return warnings;
}

/* References by what they did, "load" or "kernel load", and by where they went. */
static json_t *access_kinds_json(const struct flt_summary *summary)
{
	json_t *kinds = json_object();

	for (unsigned kind = 0; kind < 2 * ACCESS_KINDS; kind++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "%s%s", kind & ACCESS_KERNEL ? "kernel_" : "",
			       access_kind_name(kind));
		(void)json_object_set_new(kinds, name, number(summary->access_kinds[kind]));
	}
	return kinds;
}

static json_t *access_places_json(const struct flt_summary *summary)
{
	json_t *places = json_object();

	for (unsigned place = 0; place < ACCESS_PLACES; place++)
		(void)json_object_set_new(places, access_place_name(place),
					  number(summary->access_places[place]));
	return places;
}

static json_t *quantile(const struct flt_summary *summary, unsigned permille)
{
	return created(summary) ? number(trace_summary_size_quantile(summary, permille)) : json_null();
}

static bool set_numbers(json_t *object, const struct flt_summary *summary)
{
	bool set = true;

	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
	    {"objects", summary->objects},
	    {"live_peak_bytes", summary->live_peak_bytes},
	    {"live_peak_objects", summary->live_peak_objects},
	    {"live_end_bytes", summary->live_end_bytes},
	    {"live_end_objects", summary->live_end_objects},
	    {"left_at_exit_bytes", summary->left_at_exit_bytes},
	    {"left_at_exit_objects", summary->left_at_exit_objects},
	    {"requested_bytes", summary->requested_bytes},
	    {"cross_thread_frees", summary->cross_thread_frees},
	    {"cross_thread_reallocs", summary->cross_thread_reallocs},
	    {"null_frees", summary->null_frees},
	    {"failed", summary->failed},
	    {"foreign", summary->foreign},
	    {"files", summary->files},
	    {"regions", summary->regions},
	    {"accesses", summary->accesses},
	    {"accesses_skipped", summary->accesses_skipped},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		set &= json_object_set_new(object, numbers[i].name, number(numbers[i].value)) == 0;
	return set;
}

static bool set_origin(json_t *object, const char *path, const struct flt_description *description)
{
	return json_object_set_new(object, "path", text(path)) == 0 &&
	       json_object_set_new(object, "source", text(description->source)) == 0 &&
	       json_object_set_new(object, "command", text(description->command)) == 0 &&
	       json_object_set_new(object, "host", text(description->host)) == 0;
}

static bool set_time(json_t *object, const struct flt_summary *summary)
{
	const bool has_time = summary->description.has_time;

	return json_object_set_new(object, "has_time", json_boolean(has_time)) == 0 &&
	       json_object_set_new(object, "has_stacks", json_boolean(summary->description.has_stacks)) ==
		   0 &&
	       json_object_set_new(object, "duration_ns",
				   has_time ? number(summary->duration_ns) : json_null()) == 0;
}

static bool set_sizes(json_t *object, const struct flt_summary *summary)
{
	return json_object_set_new(object, "sizes", sizes_json(summary)) == 0 &&
	       json_object_set_new(object, "size_p50_bytes", quantile(summary, 500)) == 0 &&
	       json_object_set_new(object, "size_p90_bytes", quantile(summary, 900)) == 0 &&
	       json_object_set_new(object, "size_p99_bytes", quantile(summary, 990)) == 0;
}

static bool set_file(json_t *object, const struct flt_summary *summary)
{
	const double bytes = (double)summary->file_bytes, events = (double)summary->events;

	return json_object_set_new(object, "file_bytes", number(summary->file_bytes)) == 0 &&
	       json_object_set_new(object, "bytes_per_event",
				   summary->events ? json_real(bytes / events) : json_null()) == 0 &&
	       json_object_set_new(object, "truncated", json_boolean(summary->truncated)) == 0 &&
	       json_object_set_new(object, "warnings", warnings_json(summary)) == 0 &&
	       json_object_set_new(object, "hash", json_string(summary->hash)) == 0;
}

json_t *trace_summary_json(const char *path, const struct flt_summary *summary)
{
	json_t *object = json_object();

	if (set_origin(object, path, &summary->description) &&
	    json_object_set_new(object, "events", number(summary->events)) == 0 &&
	    json_object_set_new(object, "threads", number(summary->threads)) == 0 &&
	    json_object_set_new(object, "processes", number(summary->processes)) == 0 &&
	    json_object_set_new(object, "kinds", kinds_json(summary)) == 0 && set_numbers(object, summary) &&
	    json_object_set_new(object, "access_kinds", access_kinds_json(summary)) == 0 &&
	    json_object_set_new(object, "access_places", access_places_json(summary)) == 0 &&
	    json_object_set_new(object, "kernel", kernel_summary_json(summary)) == 0 &&
	    set_time(object, summary) && set_sizes(object, summary) && set_file(object, summary))
		return object;
	json_decref(object);
	return NULL;
}

/* --- Text ------------------------------------------------------------------------------------------------------- */

/* 1234567 as 1,234,567. */
static const char *grouped(uint64_t value, char buffer[32])
{
	char *out = buffer + 31;
	unsigned digits = 0;

	*out = 0;
	do {
		if (digits && digits % 3 == 0)
			*--out = ',';
		*--out = (char)('0' + value % 10);
		value /= 10;
		digits++;
	} while (value);
	return out;
}

/* Labels are padded to one width, numbers to the right of theirs. */
static void print_count(FILE *out, const char *label, uint64_t value)
{
	char buffer[32];

	(void)fprintf(out, "%-22s %18s\n", label, grouped(value, buffer));
}

static void print_pair(FILE *out, const char *label, uint64_t bytes, uint64_t objects)
{
	char first[32], second[32];

	(void)fprintf(out, "%-22s %18s bytes in %s objects\n", label, grouped(bytes, first),
		      grouped(objects, second));
}

/* Foreign text: control characters, which could play with a terminal, are shown as '?'. */
static void print_text(FILE *out, const char *label, const char *value)
{
	if (!value || !*value)
		return;
	(void)fprintf(out, "%-22s ", label);
	for (; *value; value++)
		(void)fputc((unsigned char)*value < ' ' || *value == 127 ? '?' : *value, out);
	(void)fputc('\n', out);
}

static void print_kinds(FILE *out, const struct flt_summary *summary)
{
	for (unsigned kind = 1; kind < EVENT_KINDS; kind++) {
		char label[40];

		if (!summary->kinds[kind])
			continue;
		(void)snprintf(label, sizeof(label), "  %s", event_kind_name(kind));
		print_count(out, label, summary->kinds[kind]);
	}
}

static void print_accesses(FILE *out, const struct flt_summary *summary)
{
	if (summary->accesses || summary->accesses_skipped)
		print_count(out, "references", summary->accesses);
	for (unsigned kind = 0; kind < 2 * ACCESS_KINDS; kind++) {
		char label[40];

		(void)snprintf(label, sizeof(label), "  %s%s", kind & ACCESS_KERNEL ? "kernel " : "",
			       access_kind_name(kind));
		if (summary->access_kinds[kind])
			print_count(out, label, summary->access_kinds[kind]);
	}
	for (unsigned place = 0; place < ACCESS_PLACES; place++) {
		char label[40];

		(void)snprintf(label, sizeof(label), "  to %s", access_place_name(place));
		if (summary->access_places[place])
			print_count(out, label, summary->access_places[place]);
	}
	if (summary->accesses_skipped)
		print_count(out, "references left out", summary->accesses_skipped);
	if (summary->files)
		print_count(out, "files", summary->files);
	if (summary->regions)
		print_count(out, "regions", summary->regions);
}

static void print_heap(FILE *out, const struct flt_summary *summary)
{
	char buffer[32];

	print_pair(out, "live at the peak", summary->live_peak_bytes, summary->live_peak_objects);
	print_pair(out, "live at the end", summary->live_end_bytes, summary->live_end_objects);
	if (summary->left_at_exit_objects)
		print_pair(out, "held at exit or exec", summary->left_at_exit_bytes,
			   summary->left_at_exit_objects);
	print_pair(out, "requested in all", summary->requested_bytes, created(summary));
	if (created(summary))
		(void)fprintf(
		    out, "%-22s %18s bytes (90 %%: %" PRIu64 ", 99 %%: %" PRIu64 ")\n",
		    "half of the sizes up to", grouped(trace_summary_size_quantile(summary, 500), buffer),
		    trace_summary_size_quantile(summary, 900), trace_summary_size_quantile(summary, 990));
	print_count(out, "cross-thread frees", summary->cross_thread_frees);
	if (summary->cross_thread_reallocs)
		print_count(out, "cross-thread reallocs", summary->cross_thread_reallocs);
	print_count(out, "frees of NULL", summary->null_frees);
	if (summary->failed)
		print_count(out, "failed calls", summary->failed);
	if (summary->foreign)
		print_count(out, "foreign objects", summary->foreign);
}

static void print_warnings(FILE *out, const struct flt_summary *summary)
{
	for (uint32_t i = 0; i < summary->warnings; i++) {
		char buffer[32];

		(void)fprintf(out, "%-22s %18s x ", "warning", grouped(summary->warning[i].count, buffer));
		print_text(out, "", summary->warning[i].what);
	}
}

void trace_summary_print(FILE *out, const char *path, const struct flt_summary *summary)
{
	const struct flt_description *description = &summary->description;
	char buffer[32];

	print_text(out, "trace", path);
	print_text(out, "source", description->source);
	print_text(out, "command", description->command);
	print_text(out, "host", description->host);
	print_count(out, "events", summary->events);
	print_kinds(out, summary);
	print_accesses(out, summary);
	print_count(out, "threads", summary->threads);
	print_count(out, "processes", summary->processes);
	if (description->has_time)
		(void)fprintf(out, "%-22s %18.3f s\n", "duration", (double)summary->duration_ns / 1e9);
	print_heap(out, summary);
	kernel_summary_print(out, summary);
	(void)fprintf(out, "%-22s %18s bytes", "file", grouped(summary->file_bytes, buffer));
	if (summary->accesses)
		(void)fprintf(out, ", %.2f per reference",
			      (double)summary->file_bytes / (double)summary->accesses);
	else if (summary->events)
		(void)fprintf(out, ", %.2f per event", (double)summary->file_bytes / (double)summary->events);
	(void)fputc('\n', out);
	if (summary->truncated)
		(void)fputs(
		    "truncated              the footer is missing or damaged; this is what is readable\n",
		    out);
	print_warnings(out, summary);
	(void)fprintf(out, "%-22s %s\n", "hash", summary->hash);
}
