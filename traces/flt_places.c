#include "config.h"

#include "traces/flt_places.h"

#include "traces/flt_varint.h"
#include "traces/grown_array.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) ((element)->number = 0)
#include <uthash.h>

struct flt_file_entry {
	UT_hash_handle hh;
	uint32_t number; /* 0 when the index had no memory for it */
	uint8_t key[];	 /* the file's entry as bytes, without its size */
};

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the files and regions of a trace");
}

static void discard(const void *memory)
{
	free((void *)(uintptr_t)memory);
}

void flt_places_free(struct flt_places *places)
{
	struct flt_file_entry *entry = places->file_index;

	HASH_CLEAR(hh, places->file_index);
	while (entry) {
		struct flt_file_entry *next = entry->hh.next;

		free(entry);
		entry = next;
	}
	for (uint32_t i = 0; i < places->files; i++)
		discard(places->file[i].path);
	for (uint32_t i = 0; places->snapshot && i < places->snapshots; i++) {
		discard(places->snapshot[i].name);
		discard(places->snapshot[i].bytes);
	}
	for (unsigned i = 0; i < FLT_PLACES_COLUMNS; i++)
		free(places->pending[i].bytes);
	free(places->file);
	free(places->region);
	free(places->snapshot);
	*places = (struct flt_places){0};
}

static bool put_file(struct flt_bytes *bytes, const struct event_file *file)
{
	uint8_t *out = flt_entry_reserve(bytes, 4, strlen(file->path));

	if (!out)
		return false;
	out = flt_entry_put_text(out, file->path);
	out = flt_varint_put(out, file->device);
	out = flt_varint_put(out, file->inode);
	flt_entry_finish(bytes, flt_varint_put(out, file->bytes));
	return true;
}

static bool put_region(struct flt_bytes *bytes, const struct event_region *region)
{
	const uint64_t numbers[] = {
	    region->kind,  region->process, region->thread, region->file,   region->protection,
	    region->flags, region->address, region->length, region->offset, region->event + 1,
	};
	const size_t count = sizeof(numbers) / sizeof(numbers[0]);
	uint8_t *out = flt_entry_reserve(bytes, count, 0);

	if (!out)
		return false;
	for (size_t i = 0; i < count; i++)
		out = flt_varint_put(out, numbers[i]);
	flt_entry_finish(bytes, out);
	return true;
}

static bool put_snapshot(struct flt_bytes *bytes, const struct event_snapshot *snapshot, const char *name)
{
	uint8_t *out = flt_entry_reserve(bytes, 2, strlen(name) + snapshot->length);

	if (!out)
		return false;
	out = flt_entry_put_text(out, name);
	out = flt_varint_put(out, snapshot->length);
	if (snapshot->length)
		out = mempcpy(out, snapshot->bytes, snapshot->length);
	flt_entry_finish(bytes, out);
	return true;
}

/* --- Adding ----------------------------------------------------------------------------------------------------------- */

/* The entry of the index with this file's content, which is made when there is none (its number is then `next`). */
static struct flt_file_entry *find_entry(struct flt_places *places, const struct event_file *file,
					 uint32_t next)
{
	const size_t path_bytes = strlen(file->path), bytes = path_bytes + 16;
	struct flt_file_entry *made = calloc(1, sizeof(*made) + bytes), *entry;

	if (!made)
		return NULL;
	memcpy(made->key, file->path, path_bytes);
	memcpy(made->key + path_bytes, &file->device, 8);
	memcpy(made->key + path_bytes + 8, &file->inode, 8);
	HASH_FIND(hh, places->file_index, made->key, bytes, entry);
	if (entry) {
		free(made);
		return entry;
	}
	made->number = next;
	HASH_ADD_KEYPTR(hh, places->file_index, made->key, bytes, made);
	if (made->number)
		return made;
	free(made);
	return NULL;
}

static enum trace_status append_file(struct flt_places *places, const struct event_file *file,
				     struct trace_error *error)
{
	struct event_file *larger =
	    grown_array(places->file, places->files, &places->file_capacity, sizeof(*places->file));

	if (!larger || !put_file(&places->pending[0], file)) {
		places->file = larger ? larger : places->file;
		discard(file->path);
		return no_memory(error);
	}
	places->file = larger;
	places->file[places->files++] = *file;
	return TRACE_OK;
}

enum trace_status flt_places_file(struct flt_places *places, const struct event_file *file, uint32_t *number,
				  struct trace_error *error)
{
	struct event_file copy = *file;

	copy.path = strndup(file->path ? file->path : "", FLT_ENTRY_MAX_TEXT_BYTES);
	struct flt_file_entry *entry = copy.path ? find_entry(places, &copy, places->files + 1) : NULL;

	*number = entry ? entry->number : 0;
	if (!entry || *number <= places->files) {
		discard(copy.path);
		return entry ? TRACE_OK : no_memory(error);
	}
	if (*number < EVENT_MAX_FILES)
		return append_file(places, &copy, error);
	discard(copy.path);
	return trace_fail(error, TRACE_UNSUPPORTED, "a trace has more than %u files", EVENT_MAX_FILES - 1);
}

enum trace_status flt_places_region(struct flt_places *places, const struct event_region *region,
				    uint32_t *number, struct trace_error *error)
{
	*number = 0;
	if (places->regions + 1 >= EVENT_MAX_REGIONS)
		return trace_fail(error, TRACE_UNSUPPORTED, "a trace has more than %u regions",
				  EVENT_MAX_REGIONS - 1);
	if (region->file > places->files || region->kind >= EVENT_REGION_KINDS)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "a region names file %u of %u, or is of an unknown kind", region->file,
				  places->files);
	struct event_region *larger =
	    grown_array(places->region, places->regions, &places->region_capacity, sizeof(*places->region));

	if (!larger)
		return no_memory(error);
	places->region = larger;
	if (!put_region(&places->pending[1], region))
		return no_memory(error);
	places->region[places->regions++] = *region;
	*number = places->regions;
	return TRACE_OK;
}

enum trace_status flt_places_snapshot(struct flt_places *places, const struct event_snapshot *snapshot,
				      uint32_t *number, struct trace_error *error)
{
	*number = 0;
	if (places->snapshots + 1 >= EVENT_MAX_SNAPSHOTS)
		return trace_fail(error, TRACE_UNSUPPORTED, "a trace has more than %u snapshots",
				  EVENT_MAX_SNAPSHOTS - 1);
	if (snapshot->length > EVENT_MAX_SNAPSHOT_BYTES)
		return trace_fail(error, TRACE_UNSUPPORTED, "a snapshot has more than %u bytes",
				  EVENT_MAX_SNAPSHOT_BYTES);
	char *name = strndup(snapshot->name ? snapshot->name : "", FLT_ENTRY_MAX_TEXT_BYTES);
	const bool put = name && put_snapshot(&places->pending[2], snapshot, name);

	free(name);
	if (!put)
		return no_memory(error);
	*number = ++places->snapshots;
	return TRACE_OK;
}

/* --- Writing ---------------------------------------------------------------------------------------------------------- */

bool flt_places_have_pending(const struct flt_places *places)
{
	return flt_places_pending_bytes(places) != 0;
}

size_t flt_places_pending_bytes(const struct flt_places *places)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < FLT_PLACES_COLUMNS; i++)
		bytes += places->pending[i].used;
	return bytes;
}

uint64_t flt_places_footer_bytes(const struct flt_places *places)
{
	return places->pending[0].all + places->pending[1].all;
}

enum trace_status flt_places_write_pending(struct flt_places *places, bool fields_follow,
					   struct flt_section_writer *writer, struct trace_error *error)
{
	if (!places->files && !places->regions && !places->snapshots && !fields_follow)
		return TRACE_OK;
	flt_section_field(writer, places->files_written);
	flt_section_field(writer, places->regions_written);
	flt_section_field(writer, places->snapshots_written);
	for (unsigned i = 0; i < FLT_PLACES_COLUMNS; i++) {
		struct flt_bytes *pending = &places->pending[i];
		const struct flt_column_bytes bytes = {pending->bytes, pending->used, pending->values};
		enum trace_status status =
		    flt_section_column(writer, (uint16_t)(FLT_PLACES_FILES + i), &bytes, error);

		if (status != TRACE_OK)
			return status;
		pending->used = 0;
		pending->values = 0;
	}
	places->files_written = places->files;
	places->regions_written = places->regions;
	places->snapshots_written = places->snapshots;
	return TRACE_OK;
}

enum trace_status flt_places_write(const struct flt_places *places, struct flt_section_writer *writer,
				   struct trace_error *error)
{
	struct flt_bytes all[2] = {{0}};
	enum trace_status status = TRACE_OK;
	bool put = true;

	for (uint32_t i = 0; i < places->files && put; i++)
		put = put_file(&all[0], &places->file[i]);
	for (uint32_t i = 0; i < places->regions && put; i++)
		put = put_region(&all[1], &places->region[i]);
	if (!put)
		status = no_memory(error);
	for (unsigned i = 0; i < 2; i++) {
		const struct flt_column_bytes bytes = {all[i].bytes, all[i].used, all[i].values};

		if (status == TRACE_OK)
			status = flt_section_column(writer, (uint16_t)(FLT_PLACES_FILES + i), &bytes, error);
		free(all[i].bytes);
	}
	return status;
}

/* --- Reading ---------------------------------------------------------------------------------------------------------- */

static enum trace_status malformed(struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT, "a table of the trace's files and regions is malformed");
}

static void forget_pending(struct flt_places *places)
{
	for (unsigned i = 0; i < FLT_PLACES_COLUMNS; i++) {
		places->pending[i].used = 0;
		places->pending[i].values = 0;
	}
}

static enum trace_status read_file(struct flt_places *places, struct flt_entry_parse *parse,
				   struct trace_error *error)
{
	struct event_file file = {.path = parse->text};
	const uint32_t expected = places->files + 1;
	uint32_t number;

	if (!flt_entry_get_text(parse) || !flt_entry_get(parse, &file.device) ||
	    !flt_entry_get(parse, &file.inode) || !flt_entry_get(parse, &file.bytes))
		return malformed(error);
	enum trace_status status = flt_places_file(places, &file, &number, error);

	return status == TRACE_OK && number != expected ? malformed(error) : status;
}

static enum trace_status read_region(struct flt_places *places, struct flt_entry_parse *parse,
				     const struct flt_places_bounds *bounds, struct trace_error *error)
{
	struct event_region region;
	uint32_t *const narrow[] = {&region.kind, &region.process,    &region.thread,
				    &region.file, &region.protection, &region.flags};
	uint64_t *const wide[] = {&region.address, &region.length, &region.offset, &region.event};
	uint32_t number;

	for (unsigned i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++) {
		if (!flt_entry_get32(parse, narrow[i]))
			return malformed(error);
	}
	for (unsigned i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		if (!flt_entry_get(parse, wide[i]))
			return malformed(error);
	}
	region.event--;
	if (region.process >= bounds->processes || (region.thread && region.thread >= bounds->threads))
		return malformed(error);
	return flt_places_region(places, &region, &number, error);
}

/* A FOOT has no entries before it; a TABL goes on where the one before it ended. */
static bool goes_on(const struct flt_section *section, uint32_t have, enum flt_places_field field)
{
	return section->field[field] == have || memcmp(section->tag, "TABL", 4) != 0;
}

enum trace_status flt_places_read(struct flt_places *places, struct flt_column_reader *reader,
				  const struct flt_section *section, const struct flt_places_bounds *bounds,
				  struct trace_error *error)
{
	struct flt_entry_parse *parse;
	enum trace_status status = flt_entry_open(&parse, reader, section, FLT_PLACES_FILES, error);

	if (parse && !goes_on(section, places->files, FLT_PLACES_FILES_BEFORE))
		status = malformed(error);
	while (status == TRACE_OK && parse && parse->in < parse->end)
		status = read_file(places, parse, error);
	free(parse);
	if (status != TRACE_OK)
		return status;
	status = flt_entry_open(&parse, reader, section, FLT_PLACES_REGIONS, error);
	if (parse && !goes_on(section, places->regions, FLT_PLACES_REGIONS_BEFORE))
		status = malformed(error);
	while (status == TRACE_OK && parse && parse->in < parse->end)
		status = read_region(places, parse, bounds, error);
	free(parse);
	forget_pending(places);
	return status;
}

static enum trace_status read_snapshot(struct flt_places *places, struct flt_entry_parse *parse,
				       struct trace_error *error)
{
	struct event_snapshot *larger = grown_array(places->snapshot, places->snapshots,
						    &places->snapshot_capacity, sizeof(*places->snapshot));
	uint64_t length;

	if (!larger)
		return no_memory(error);
	places->snapshot = larger;
	if (!flt_entry_get_text(parse) || !flt_entry_get(parse, &length) ||
	    length > EVENT_MAX_SNAPSHOT_BYTES || length > (size_t)(parse->end - parse->in) ||
	    places->snapshots + 1 >= EVENT_MAX_SNAPSHOTS)
		return malformed(error);
	char *name = strdup(parse->text);
	uint8_t *bytes = malloc(length + 1);

	if (!name || !bytes) {
		free(name);
		free(bytes);
		return no_memory(error);
	}
	memcpy(bytes, parse->in, length);
	bytes[length] = 0;
	parse->in += length;
	places->snapshot[places->snapshots++] = (struct event_snapshot){name, bytes, length};
	return TRACE_OK;
}

enum trace_status flt_places_read_snapshots(struct flt_places *places, struct flt_column_reader *reader,
					    const struct flt_section *section, struct trace_error *error)
{
	struct flt_entry_parse *parse;
	enum trace_status status = flt_entry_open(&parse, reader, section, FLT_PLACES_SNAPSHOTS, error);

	if (parse && section->field[FLT_PLACES_SNAPSHOTS_BEFORE] != places->snapshots)
		status = malformed(error);
	while (status == TRACE_OK && parse && parse->in < parse->end)
		status = read_snapshot(places, parse, error);
	free(parse);
	return status;
}
