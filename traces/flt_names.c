#include "config.h"

#include "traces/flt_names.h"

#include "traces/flt_varint.h"
#include "traces/grown_array.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) ((element)->number = 0)
#include <uthash.h>

#define SHORT_NAME_BYTES 256u

struct flt_name_entry {
	UT_hash_handle hh;
	uint32_t number; /* 0 when the index had no memory for it */
	char key[];	 /* the table's number as a byte, and the text */
};

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the names of a trace");
}

void flt_names_free(struct flt_names *names)
{
	struct flt_name_entry *entry = names->index;

	HASH_CLEAR(hh, names->index);
	while (entry) {
		struct flt_name_entry *next = entry->hh.next;

		free(entry);
		entry = next;
	}
	for (unsigned table = 0; table < EVENT_NAMES; table++)
		free(names->name[table]);
	free(names->pending.bytes);
	*names = (struct flt_names){0};
}

uint32_t flt_names_count(const struct flt_names *names)
{
	uint32_t count = 0;

	for (unsigned table = 0; table < EVENT_NAMES; table++)
		count += names->names[table];
	return count;
}

static bool put_name(struct flt_bytes *bytes, unsigned table, const char *text)
{
	uint8_t *out = flt_entry_reserve(bytes, 2, strlen(text));

	if (!out)
		return false;
	flt_entry_finish(bytes, flt_entry_put_text(flt_varint_put(out, table), text));
	return true;
}

/* The text stays where the index has it. */
static enum trace_status append(struct flt_names *names, enum event_names table, struct flt_name_entry *entry,
				struct trace_error *error)
{
	const char **larger = grown_array(names->name[table], names->names[table], &names->capacity[table],
					  sizeof(*names->name[table]));

	if (larger)
		names->name[table] = larger;
	if (!larger || !put_name(&names->pending, table, entry->key + 1))
		return no_memory(error);
	names->name[table][names->names[table]++] = entry->key + 1;
	return TRACE_OK;
}

static enum trace_status add_new(struct flt_names *names, enum event_names table,
				 struct flt_name_entry *entry, struct trace_error *error)
{
	enum trace_status status;

	entry->number = names->names[table] + 1;
	HASH_ADD_KEYPTR(hh, names->index, entry->key, 1 + strlen(entry->key + 1), entry);
	if (!entry->number) {
		free(entry);
		return no_memory(error);
	}
	status = append(names, table, entry, error);
	if (status != TRACE_OK) {
		HASH_DEL(names->index, entry);
		free(entry);
	}
	return status;
}

/* The entry of this text, without taking memory for one that is short. NULL: there is none. */
static const struct flt_name_entry *find(const struct flt_names *names, enum event_names table,
					 const char *text, size_t length)
{
	struct flt_name_entry *entry = NULL;
	char key[SHORT_NAME_BYTES], *whole = length < sizeof(key) ? key : malloc(length + 1);

	if (!whole)
		return NULL;
	whole[0] = (char)table;
	memcpy(whole + 1, text, length);
	HASH_FIND(hh, names->index, whole, length + 1, entry);
	if (whole != key)
		free(whole);
	return entry;
}

enum trace_status flt_names_add(struct flt_names *names, enum event_names table, const char *text,
				uint32_t *number, struct trace_error *error)
{
	const size_t length = strnlen(text, FLT_ENTRY_MAX_TEXT_BYTES);
	const struct flt_name_entry *entry = find(names, table, text, length);
	struct flt_name_entry *made;
	enum trace_status status;

	*number = entry ? entry->number : 0;
	if (entry)
		return TRACE_OK;
	if (length == 0)
		return trace_fail(error, TRACE_BAD_INPUT, "a trace's table has an empty name");
	if (names->names[table] + 1 >= EVENT_MAX_NAMES)
		return trace_fail(error, TRACE_UNSUPPORTED, "a trace has more than %u names in one table",
				  EVENT_MAX_NAMES - 1);
	made = calloc(1, sizeof(*made) + length + 2);
	if (!made)
		return no_memory(error);
	made->key[0] = (char)table;
	memcpy(made->key + 1, text, length);
	status = add_new(names, table, made, error);
	*number = status == TRACE_OK ? names->names[table] : 0;
	return status;
}

enum trace_status flt_names_write_pending(struct flt_names *names, struct flt_section_writer *writer,
					  struct trace_error *error)
{
	struct flt_bytes *pending = &names->pending;
	const struct flt_column_bytes bytes = {pending->bytes, pending->used, pending->values};

	flt_section_field(writer, names->written);
	enum trace_status status = flt_section_column(writer, FLT_NAMES_COLUMN, &bytes, error);

	pending->used = 0;
	pending->values = 0;
	names->written = flt_names_count(names);
	return status;
}

enum trace_status flt_names_write(const struct flt_names *names, struct flt_section_writer *writer,
				  struct trace_error *error)
{
	struct flt_bytes all = {0};
	bool put = true;

	for (unsigned table = 0; table < EVENT_NAMES; table++) {
		for (uint32_t i = 0; i < names->names[table] && put; i++)
			put = put_name(&all, table, names->name[table][i]);
	}
	const struct flt_column_bytes bytes = {all.bytes, all.used, all.values};
	enum trace_status status =
	    put ? flt_section_column(writer, FLT_NAMES_COLUMN, &bytes, error) : no_memory(error);

	free(all.bytes);
	return status;
}

static enum trace_status malformed(struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT, "a table of the trace's names is malformed");
}

static enum trace_status read_name(struct flt_names *names, struct flt_entry_parse *parse,
				   struct trace_error *error)
{
	uint64_t table;
	uint32_t number;

	if (!flt_entry_get(parse, &table) || table >= EVENT_NAMES || !flt_entry_get_text(parse))
		return malformed(error);
	const uint32_t expected = names->names[table] + 1;
	enum trace_status status = flt_names_add(names, (enum event_names)table, parse->text, &number, error);

	return status == TRACE_OK && number != expected ? malformed(error) : status;
}

enum trace_status flt_names_read(struct flt_names *names, struct flt_column_reader *reader,
				 const struct flt_section *section, struct trace_error *error)
{
	const bool goes_on = memcmp(section->tag, "TABL", 4) != 0 ||
			     section->field[FLT_NAMES_BEFORE] == flt_names_count(names);
	struct flt_entry_parse *parse;
	enum trace_status status = flt_entry_open(&parse, reader, section, FLT_NAMES_COLUMN, error);

	if (parse && !goes_on)
		status = malformed(error);
	while (status == TRACE_OK && parse && parse->in < parse->end)
		status = read_name(names, parse, error);
	free(parse);
	names->pending.used = 0;
	names->pending.values = 0;
	return status;
}
