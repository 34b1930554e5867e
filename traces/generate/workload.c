#include "config.h"

#include "traces/generate/workload.h"

#include "traces/import/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void settings_create(struct settings *settings, const struct workload *workload)
{
	*settings = (struct settings){.workload = workload, .seed = 1};
	for (size_t index = 0; workload->key[index].name; index++)
		settings->value[index] = workload->key[index].initial;
}

static enum trace_status refuse_key(const struct workload *workload, const char *name, int length,
				    struct trace_error *error)
{
	char keys[512] = "";
	size_t used = 0;

	for (size_t index = 0; workload->key[index].name && used < sizeof(keys); index++)
		used += (size_t)snprintf(keys + used, sizeof(keys) - used, "%s%s", index ? ", " : "",
					 workload->key[index].name);
	return trace_fail(error, TRACE_BAD_INPUT, "workload %s has no key '%.*s'; its keys are %s",
			  workload->name, length > 64 ? 64 : length, name, keys);
}

static bool parse_quantity(const char *text, uint64_t *quantity)
{
	static const char units[] = "KMG";
	struct scan scan = scan_text(text, strlen(text));

	if (!scan_decimal(&scan, quantity))
		return false;
	for (unsigned index = 0; units[index]; index++) {
		unsigned bits = 10 * (index + 1);

		if (scan_character(&scan, units[index])) {
			if (*quantity > UINT64_MAX >> bits)
				return false;
			*quantity <<= bits;
			break;
		}
	}
	return scan.at == scan.end;
}

static enum trace_status set_text(struct settings *settings, const char *key, const char *text,
				  struct trace_error *error)
{
	size_t length = strlen(text);

	if (length == 0 || length >= sizeof(settings->text))
		return trace_fail(error, TRACE_BAD_INPUT, "%s must be a file's name of 1 to %d bytes", key,
				  WORKLOAD_TEXT_BYTES - 1);
	memcpy(settings->text, text, length + 1);
	return TRACE_OK;
}

enum trace_status settings_set(struct settings *settings, const char *key_and_value,
			       struct trace_error *error)
{
	const char *equals = strchr(key_and_value, '=');
	size_t length = equals ? (size_t)(equals - key_and_value) : strlen(key_and_value), index = 0;
	const struct workload_key *key = settings->workload->key;
	uint64_t value;

	if (!equals)
		return trace_fail(error, TRACE_BAD_INPUT, "'%.64s' must have the form KEY=VALUE",
				  key_and_value);
	while (key[index].name && !scan_equal(key_and_value, length, key[index].name))
		index++;
	if (!key[index].name)
		return refuse_key(settings->workload, key_and_value, (int)(length > 64 ? 64 : length), error);
	if (key[index].is_text)
		return set_text(settings, key[index].name, equals + 1, error);
	if (!parse_quantity(equals + 1, &value) || value < key[index].minimum || value > key[index].maximum)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "%s=%.64s: must be a number of %" PRIu64 " to %" PRIu64
				  ", with K, M or G for 2^10, 2^20, 2^30",
				  key[index].name, equals + 1, key[index].minimum, key[index].maximum);
	settings->value[index] = value;
	return TRACE_OK;
}

enum trace_status settings_check(const struct settings *settings, struct trace_error *error)
{
	const struct workload *workload = settings->workload;
	const char *fault = workload->fault ? workload->fault(settings) : NULL;

	return fault ? trace_fail(error, TRACE_BAD_INPUT, "workload %s: %s", workload->name, fault)
		     : TRACE_OK;
}

void settings_describe(const struct settings *settings, char *text, size_t length)
{
	const struct workload_key *key = settings->workload->key;
	int used = snprintf(text, length, "%s", settings->workload->name);

	for (size_t index = 0; key[index].name && used >= 0 && (size_t)used < length; index++) {
		if (key[index].is_text)
			used += snprintf(text + used, length - (size_t)used, " %s=%s", key[index].name,
					 settings->text);
		else
			used += snprintf(text + used, length - (size_t)used, " %s=%" PRIu64, key[index].name,
					 settings->value[index]);
	}
	if (used >= 0 && (size_t)used < length)
		(void)snprintf(text + used, length - (size_t)used, " seed=%" PRIu64, settings->seed);
}

enum trace_status settings_play(const struct settings *settings, struct event_sink *sink,
				struct trace_error *error, char note[GENERATION_NOTE_BYTES])
{
	struct generation generation = {.settings = settings};
	char command[WORKLOAD_TEXT_BYTES + 512];
	enum trace_status status = settings_check(settings, error);

	note[0] = '\0';
	if (status != TRACE_OK)
		return status;
	settings_describe(settings, command, sizeof(command));
	xoshiro_seed(&generation.random, settings->seed);
	emitter_create(&generation.emitter, sink, command, error);
	settings->workload->play(&generation);
	memcpy(note, generation.note, sizeof(generation.note));
	return generation.emitter.status;
}

void *generation_array(struct generation *generation, size_t count, size_t bytes)
{
	void *array = calloc(count ? count : 1, bytes);

	if (!array)
		emitter_fail(&generation->emitter, TRACE_NO_MEMORY, "no memory for %zu entries of %zu bytes",
			     count, bytes);
	return array;
}
