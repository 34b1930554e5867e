/* importer.h: one import: a foreign file on one side, an event sink on the other.
 *
 *   input ──▶ format (aosp, malloclab, ...) ──▶ roster + ledger ──▶ sink
 *                      └──▶ warnings
 *
 * First importer_create opens the file and settles its format, then the caller makes the sink (a trace must
 * know at its start whether it has time), then importer_run reads the whole file. A format is one file of
 * this folder that fills one struct import_format; formats.h lists them.
 */
#ifndef FAULTLINE_TRACES_IMPORT_IMPORTER_H
#define FAULTLINE_TRACES_IMPORT_IMPORTER_H

#include "traces/error.h"
#include "traces/event.h"
#include "traces/import/input.h"
#include "traces/import/ledger.h"
#include "traces/import/roster.h"
#include "traces/import/scan.h"
#include "traces/import/warnings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct importer;

/* One foreign format. */
struct import_format {
	const char *name;    /* for --from */
	const char *summary; /* one line for --list */
	const char *sample;  /* what a good line looks like, for messages */
	/* How many lines among the file's first bytes are of this format; 0 = certainly another. Reads only
	 * `length` bytes. */
	size_t (*detect)(const char *bytes, size_t length);
	/* Whether the file has time stamps, judged by its first bytes. */
	bool (*has_time)(const char *bytes, size_t length);
	/* Reads all lines; TRACE_OK at the end of the file. */
	enum trace_status (*run)(struct importer *importer);
};

struct importer_options {
	const char *format;		  /* a name of formats.h, or "auto" */
	bool strict;			  /* the first warning ends the import */
	struct import_listener *listener; /* may be NULL */
};

struct importer {
	struct input *input;
	const struct import_format *format;
	bool has_time;
	struct warnings warnings;
	struct input_line line; /* the line being read */
	/* While running: */
	struct roster roster;
	struct ledger ledger;
	struct trace_error *error;
};

/* Takes `input` over, whatever the result, and settles the format. TRACE_BAD_INPUT when the format is not
 * recognised, TRACE_UNSUPPORTED when there is no format of that name or the file is of a kind that cannot be
 * imported. */
enum trace_status importer_create(struct importer **created, struct input *input,
				  const struct importer_options *options,
				  struct trace_error *error) TRACE_MUST_USE;

/* Reads the file to its end and pushes its events. On failure the sink has got the events before it. */
enum trace_status importer_run(struct importer *importer, struct event_sink *sink,
			       struct trace_error *error) TRACE_MUST_USE;

void importer_destroy(struct importer *importer);

/* --- For formats --- */

/* The next line, in importer->line; lines that are too long are counted and skipped. TRACE_END after the
 * last. */
enum trace_status importer_next(struct importer *importer) TRACE_MUST_USE;

/* The next record of a format of fixed-size records, as input_read; *got < `bytes` when the file ends within it. */
enum trace_status importer_read(struct importer *importer, void *record, size_t bytes,
				size_t *got) TRACE_MUST_USE;

/* Counts the current line as not understood. */
enum trace_status importer_not_understood(struct importer *importer) TRACE_MUST_USE;

/* Counts one line of the kind `what`, whose sentence is "EXCERPT: SENTENCE". */
enum trace_status importer_warn(struct importer *importer, const char *what,
				const char *sentence) TRACE_MUST_USE;

/* Numbers the thread and books the call. */
enum trace_status importer_place(struct importer *importer, uint64_t process_id, uint64_t thread_id,
				 struct roster_place *place) TRACE_MUST_USE;
enum trace_status importer_book(struct importer *importer, const struct heap_call *call) TRACE_MUST_USE;

/* A process that another one made, by the flags of clone (CLONE_VM, CLONE_VFORK: clone or vfork; else fork). */
struct importer_birth {
	uint64_t process_id, thread_id; /* the parent, and which of its threads */
	uint64_t child_id;
	uint64_t flags;
	uint64_t time_ns;
};

/* Puts the event. A child that is known already is none: *is_new is false, and nothing happens. */
enum trace_status importer_birth(struct importer *importer, const struct importer_birth *birth,
				 bool *is_new) TRACE_MUST_USE;

/* Hands an event of another kind than the heap's to the sink. */
enum trace_status importer_put(struct importer *importer, const struct event *event) TRACE_MUST_USE;

/* The number of a file, 0 where the sink takes none. */
enum trace_status importer_file(struct importer *importer, struct scan path, uint32_t *number) TRACE_MUST_USE;

/* Counts the whole lines among the first bytes that `recognise` knows; the building stone of detect
 * functions. */
size_t importer_count_lines(const char *bytes, size_t length, bool (*recognise)(struct scan line));

/* The has_time of formats without time. */
bool importer_without_time(const char *bytes, size_t length);

#endif
