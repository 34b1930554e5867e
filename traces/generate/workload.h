/* workload.h: a synthetic program: a name, its keys, and the function that plays it.
 *
 * A workload is one file of this folder that fills one struct workload; workloads.h lists them. Settings are
 * a workload with a value for each of its keys. The same settings and the same seed give the same events,
 * byte for byte, everywhere.
 */
#ifndef FAULTLINE_TRACES_GENERATE_WORKLOAD_H
#define FAULTLINE_TRACES_GENERATE_WORKLOAD_H

#include "traces/error.h"
#include "traces/event.h"
#include "traces/generate/emitter.h"
#include "traces/generate/xoshiro.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKLOAD_KEYS_MAX 10
#define WORKLOAD_TEXT_BYTES 4096
#define GENERATION_NOTE_BYTES 256

struct workload_key {
	const char *name; /* NULL behind the last key */
	const char *help; /* one line, with the unit */
	uint64_t initial; /* default */
	uint64_t minimum, maximum;
	bool is_text; /* a file's name instead of a number; there is one such key at most */
};

struct settings;
struct generation;

struct workload {
	const char *name;
	const char *summary;		/* one line */
	const struct workload_key *key; /* ends with a key without name */
	bool has_time;			/* its events carry time */
	const char *(*fault)(const struct settings *
				 settings); /* what is wrong with the values together, or NULL; may be NULL */
	void (*play)(struct generation *generation);
};

struct settings {
	const struct workload *workload;
	uint64_t seed;
	uint64_t value[WORKLOAD_KEYS_MAX]; /* by position in workload->key */
	char text[WORKLOAD_TEXT_BYTES];	   /* of the text key; "" = not set */
};

/* One playing of a workload. */
struct generation {
	const struct settings *settings;
	struct emitter emitter;
	struct xoshiro random;
	char note[GENERATION_NOTE_BYTES]; /* a sentence for the user, "" = none */
};

/* The defaults of a workload, seed 1. */
void settings_create(struct settings *settings, const struct workload *workload);

/* Sets KEY=VALUE. Numbers are decimal with an optional K, M or G for 2^10, 2^20, 2^30. TRACE_BAD_INPUT, and
 * no change, when the key is unknown or the value is none or out of its range. */
enum trace_status settings_set(struct settings *settings, const char *key_and_value,
			       struct trace_error *error) TRACE_MUST_USE;

/* TRACE_BAD_INPUT when the values do not go together. */
enum trace_status settings_check(const struct settings *settings, struct trace_error *error) TRACE_MUST_USE;

/* Writes "WORKLOAD key=value ... seed=N", cut at `length` bytes. */
void settings_describe(const struct settings *settings, char *text, size_t length);

/* Plays the workload into the sink. TRACE_OK or what went wrong: the sink's failure, TRACE_NO_MEMORY, a
 * profile that cannot be read. `note` gets generation.note. */
enum trace_status settings_play(const struct settings *settings, struct event_sink *sink,
				struct trace_error *error, char note[GENERATION_NOTE_BYTES]) TRACE_MUST_USE;

/* An array of `count` elements of `bytes` bytes, all 0; NULL, and the generation failed, when there is no
 * memory. */
void *generation_array(struct generation *generation, size_t count, size_t bytes);

#endif
