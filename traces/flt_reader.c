#include "config.h"

#include "traces/flt.h"

#include "traces/flt_access.h"
#include "traces/flt_block.h"
#include "traces/flt_checkpoint.h"
#include "traces/flt_footer.h"
#include "traces/flt_input.h"
#include "traces/flt_salvage.h"
#include "traces/flt_section.h"
#include "traces/flt_tables.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct flt_reader {
	struct flt_input input;
	struct flt_column_reader columns;
	struct flt_tables tables;
	struct flt_index index;
	struct flt_summary summary;
	struct flt_block block;
	size_t entry;	   /* of the index: the block that holds `position`, or a section before it */
	uint64_t position; /* of the next event */
	size_t decoded;	   /* entry whose block is in `block`; SIZE_MAX for none */
	unsigned decoded_columns;
	bool stacks_loaded;
	struct flt_access_block accesses;
	size_t access_entry; /* of the index: the section of references to be read next, or one before it */
};

void flt_reader_close(struct flt_reader *reader)
{
	if (!reader)
		return;
	flt_block_free(&reader->block);
	flt_access_free(&reader->accesses);
	flt_tables_free(&reader->tables);
	flt_description_free(&reader->summary.description);
	kernel_tally_end(&reader->summary.kernel);
	free(reader->index.entry);
	flt_column_reader_end(&reader->columns);
	flt_input_close(&reader->input);
	free(reader);
}

static enum trace_status read_description(struct flt_reader *reader, struct trace_error *error)
{
	struct flt_section section;
	enum trace_status status = flt_section_read(&section, &reader->input, FLT_HEADER_BYTES, error);

	if (status == TRACE_END)
		return trace_fail(error, TRACE_BAD_INPUT, "%s ends before its first event",
				  reader->input.name);
	if (status != TRACE_OK)
		return status;
	if (memcmp(section.tag, FLT_TAG_DESCRIPTION, sizeof(section.tag)) != 0)
		return trace_fail(error, TRACE_BAD_INPUT, "%s does not begin with a description",
				  reader->input.name);
	return flt_description_read(&reader->summary.description, &reader->columns, &section, error);
}

static void forget_footer(struct flt_reader *reader)
{
	struct flt_description description = reader->summary.description;

	flt_tables_free(&reader->tables);
	kernel_tally_end(&reader->summary.kernel);
	free(reader->index.entry);
	reader->index = (struct flt_index){.end = FLT_HEADER_BYTES};
	reader->summary = (struct flt_summary){.description = description};
}

/* TRACE_END when the file has no usable footer. */
static enum trace_status load_footer(struct flt_reader *reader, struct trace_error *error)
{
	struct flt_section section;
	enum trace_status status = flt_footer_find(&section, &reader->input, error);

	if (status != TRACE_OK)
		return status;
	status = flt_footer_read(&reader->summary, &reader->index, &reader->columns, &section, error);
	if (status == TRACE_OK)
		status = flt_tables_read(&reader->tables, &reader->columns, &section, error);
	if (status == TRACE_BAD_INPUT || status == TRACE_UNSUPPORTED) {
		forget_footer(reader);
		return TRACE_END;
	}
	return status;
}

static void publish_tables(struct flt_reader *reader)
{
	struct flt_summary *summary = &reader->summary;

	summary->thread = reader->tables.thread;
	summary->threads = reader->tables.threads;
	summary->process = reader->tables.process;
	summary->processes = reader->tables.processes;
	summary->warning = reader->tables.warning;
	summary->warnings = reader->tables.warnings;
	summary->file = reader->tables.places.file;
	summary->files = reader->tables.places.files;
	summary->region = reader->tables.places.region;
	summary->regions = reader->tables.places.regions;
	summary->file_bytes = reader->input.bytes;
	for (unsigned table = 0; table < EVENT_NAMES; table++) {
		summary->name[table] = reader->tables.names.name[table];
		summary->names[table] = reader->tables.names.names[table];
	}
}

static enum trace_status load(struct flt_reader *reader, struct trace_error *error)
{
	enum trace_status status = flt_column_reader_start(&reader->columns, &reader->input, error);

	if (status == TRACE_OK)
		status = flt_header_read(&reader->input, error);
	if (status == TRACE_OK)
		status = read_description(reader, error);
	if (status != TRACE_OK)
		return status;
	reader->index.end = FLT_HEADER_BYTES;
	reader->decoded = SIZE_MAX;
	status = load_footer(reader, error);
	if (status == TRACE_END) {
		const struct flt_salvage salvage = {&reader->columns, &reader->tables, &reader->index,
						    &reader->summary};

		status = trace_fail_in(error, flt_salvage(&salvage, error), reader->input.name);
		reader->stacks_loaded = true;
	}
	publish_tables(reader);
	return status;
}

static enum trace_status open_reader(struct flt_reader **reader, struct flt_reader *created,
				     struct trace_error *error)
{
	enum trace_status status = load(created, error);

	if (status != TRACE_OK) {
		flt_reader_close(created);
		return status;
	}
	*reader = created;
	return TRACE_OK;
}

enum trace_status flt_reader_open(struct flt_reader **reader, const char *path, struct trace_error *error)
{
	struct flt_reader *created = calloc(1, sizeof(*created));
	enum trace_status status;

	*reader = NULL;
	if (!created)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to open %s", path);
	status = flt_input_open(&created->input, path, error);
	if (status != TRACE_OK) {
		free(created);
		return status;
	}
	return open_reader(reader, created, error);
}

enum trace_status flt_reader_open_memory(struct flt_reader **reader, const void *memory, size_t bytes,
					 struct trace_error *error)
{
	struct flt_reader *created = calloc(1, sizeof(*created));
	enum trace_status status;

	*reader = NULL;
	if (!created)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to open a trace");
	status = flt_input_open_memory(&created->input, memory, bytes, error);
	if (status != TRACE_OK) {
		free(created);
		return status;
	}
	return open_reader(reader, created, error);
}

const char *flt_reader_name(const struct flt_reader *reader)
{
	return reader->input.name;
}

const struct flt_summary *flt_reader_summary(const struct flt_reader *reader)
{
	return &reader->summary;
}

/* Decodes the block of index entry `entry`, unless it is there already with these columns. */
static enum trace_status decode(struct flt_reader *reader, size_t entry, unsigned columns,
				struct trace_error *error)
{
	const struct flt_index_entry *place = &reader->index.entry[entry];
	const struct flt_known known = flt_tables_known(&reader->tables);
	struct flt_section section;
	enum trace_status status;

	if (reader->decoded == entry && !(columns & ~reader->decoded_columns))
		return TRACE_OK;
	reader->decoded = SIZE_MAX;
	status = flt_section_read(&section, &reader->input, place->offset, error);
	if (status == TRACE_END)
		return trace_fail(error, TRACE_BAD_INPUT, "%s: the block at event %" PRIu64 " is cut off",
				  reader->input.name, place->first);
	if (status != TRACE_OK)
		return status;
	if (memcmp(section.tag, FLT_TAG_BLOCK, sizeof(section.tag)) != 0)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "%s: the index names a block at byte %" PRIu64 " where there is none",
				  reader->input.name, place->offset);
	status = flt_block_decode(&reader->block, &reader->columns, &section, columns, &known, error);
	if (status != TRACE_OK)
		return status;
	if (reader->block.first != place->first || reader->block.events != place->events ||
	    ((columns & FLT_OBJECT) && reader->block.objects_after > reader->summary.objects))
		return trace_fail(error, TRACE_BAD_INPUT,
				  "%s: the block at byte %" PRIu64 " has other events than the index says",
				  reader->input.name, place->offset);
	reader->decoded = entry;
	reader->decoded_columns = columns | FLT_KIND;
	return TRACE_OK;
}

/* Moves on to the block that holds reader->position. */
static enum trace_status find_block(struct flt_reader *reader)
{
	const struct flt_index *index = &reader->index;

	while (reader->entry < index->entries) {
		const struct flt_index_entry *entry = &index->entry[reader->entry];

		if (entry->code == FLT_INDEX_BLOCK && reader->position < entry->first + entry->events)
			return TRACE_OK;
		reader->entry++;
	}
	return TRACE_END;
}

enum trace_status flt_reader_next(struct flt_reader *reader, struct event *event, struct trace_error *error)
{
	const struct flt_block *block = &reader->block;

	if (reader->decoded != reader->entry || reader->position >= block->first + block->events ||
	    reader->decoded_columns != FLT_ALL) {
		enum trace_status status = find_block(reader);

		if (status == TRACE_OK)
			status = decode(reader, reader->entry, FLT_ALL, error);
		if (status != TRACE_OK)
			return status;
	}
	flt_block_event(block, reader->position - block->first, event);
	reader->position++;
	return TRACE_OK;
}

enum trace_status flt_reader_batch(struct flt_reader *reader, unsigned columns, struct flt_batch *batch,
				   struct trace_error *error)
{
	const struct flt_block *block = &reader->block;
	enum trace_status status = find_block(reader);

	*batch = (struct flt_batch){0};
	if (status == TRACE_OK)
		status = decode(reader, reader->entry, columns, error);
	if (status != TRACE_OK)
		return status;
	const size_t skip = reader->position - block->first;

	*batch = (struct flt_batch){
	    .first = reader->position,
	    .events = block->events - skip,
	    .kind = columns & FLT_KIND ? block->kind + skip : NULL,
	    .flags = columns & FLT_KIND ? block->flags + skip : NULL,
	    .time_ns = columns & FLT_TIME ? block->time_ns + skip : NULL,
	    .object = columns & FLT_OBJECT ? block->object + skip : NULL,
	    .old_object = columns & FLT_OBJECT ? block->old_object + skip : NULL,
	    .size = columns & FLT_SIZE ? block->size + skip : NULL,
	    .count = columns & FLT_DETAIL ? block->count + skip : NULL,
	    .alignment = columns & FLT_DETAIL ? block->alignment + skip : NULL,
	    .stack = columns & FLT_STACK ? block->stack + skip : NULL,
	    .thread = columns & FLT_THREAD ? block->thread + skip : NULL,
	    .process = columns & FLT_THREAD ? block->process + skip : NULL,
	    .call = columns & FLT_CALL && block->has_call ? block->call + skip : NULL,
	    .kernel = columns & FLT_KERNEL && block->has_kernel ? block->kernel + skip : NULL,
	};
	reader->position = block->first + block->events;
	return TRACE_OK;
}

enum trace_status flt_reader_seek(struct flt_reader *reader, uint64_t position, struct trace_error *error)
{
	size_t low = 0, high = reader->index.entries;

	if (position > reader->summary.events)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "%s has %" PRIu64 " events, there is no event %" PRIu64, reader->input.name,
				  reader->summary.events, position);
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const struct flt_index_entry *entry = &reader->index.entry[middle];

		if (entry->first + entry->events <= position)
			low = middle + 1;
		else
			high = middle;
	}
	reader->entry = low;
	reader->position = position;
	return TRACE_OK;
}

/* The last checkpoint at or before `position`, or NULL. */
static const struct flt_index_entry *find_checkpoint(const struct flt_index *index, uint64_t position)
{
	const struct flt_index_entry *found = NULL;

	for (size_t i = 0; i < index->entries && index->entry[i].first <= position; i++) {
		if (index->entry[i].code == FLT_INDEX_LIVE)
			found = &index->entry[i];
	}
	return found;
}

static enum trace_status load_checkpoint(struct flt_reader *reader, const struct flt_index_entry *entry,
					 struct live_sets *sets, struct trace_error *error)
{
	struct flt_section section;
	enum trace_status status = flt_section_read(&section, &reader->input, entry->offset, error);

	if (status == TRACE_OK && (memcmp(section.tag, FLT_TAG_LIVE, sizeof(section.tag)) != 0 ||
				   section.field[FLT_CHECKPOINT_POSITION] != entry->first))
		status = TRACE_END;
	if (status == TRACE_END)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "%s: the index names a checkpoint at byte %" PRIu64 " where there is none",
				  reader->input.name, entry->offset);
	return status == TRACE_OK ? flt_checkpoint_read(sets, &reader->columns, &section, error) : status;
}

enum trace_status flt_reader_live(struct flt_reader *reader, uint64_t position, struct live_sets *sets,
				  struct trace_error *error)
{
	enum trace_status status = flt_reader_seek(reader, position, error);
	const struct flt_index_entry *checkpoint = find_checkpoint(&reader->index, position);
	struct event event;

	if (status == TRACE_OK && checkpoint)
		status = load_checkpoint(reader, checkpoint, sets, error);
	if (status == TRACE_OK)
		status = flt_reader_seek(reader, checkpoint ? checkpoint->first : 0, error);
	while (status == TRACE_OK && reader->position < position) {
		status = flt_reader_next(reader, &event, error);
		if (status == TRACE_OK)
			status =
			    trace_fail_in(error, live_sets_apply(sets, &event, error), reader->input.name);
	}
	return status;
}

static enum trace_status load_stacks(struct flt_reader *reader)
{
	enum trace_status status = TRACE_OK;

	for (size_t i = 0; i < reader->index.entries && status == TRACE_OK; i++) {
		struct flt_section section;

		if (reader->index.entry[i].code != FLT_INDEX_TABLES)
			continue;
		status = flt_section_read(&section, &reader->input, reader->index.entry[i].offset, NULL);
		if (status == TRACE_OK)
			status = flt_tables_read_stacks(&reader->tables, &reader->columns, &section, NULL);
		if (status == TRACE_OK)
			status = flt_places_read_snapshots(&reader->tables.places, &reader->columns, &section,
							   NULL);
	}
	return status;
}

const struct flt_tables *flt_reader_tables(struct flt_reader *reader)
{
	if (!reader->stacks_loaded)
		(void)load_stacks(reader); /* what comes before any damage is there */
	reader->stacks_loaded = true;
	return &reader->tables;
}

const uint64_t *flt_reader_stack(struct flt_reader *reader, uint32_t stack, size_t *depth)
{
	const struct flt_tables *tables = flt_reader_tables(reader);

	*depth = 0;
	if (stack == 0 || stack > tables->stacks)
		return NULL;
	const size_t start = stack > 1 ? tables->stack_end[stack - 2] : 0;

	*depth = tables->stack_end[stack - 1] - start;
	return tables->address + start;
}

enum trace_status flt_reader_snapshot(struct flt_reader *reader, uint32_t number,
				      struct event_snapshot *snapshot, struct trace_error *error)
{
	const struct flt_places *places = &flt_reader_tables(reader)->places;

	if (number == 0 || number > places->snapshots)
		return trace_fail(error, TRACE_BAD_INPUT, "%s has no snapshot %" PRIu32, reader->input.name,
				  number);
	*snapshot = places->snapshot[number - 1];
	return TRACE_OK;
}

/* --- References ------------------------------------------------------------------------------------------------------- */

/* The head of the next section of references; TRACE_END after the last. */
static enum trace_status next_accesses(struct flt_reader *reader, struct flt_section *section,
				       struct trace_error *error)
{
	while (reader->access_entry < reader->index.entries) {
		const struct flt_index_entry *entry = &reader->index.entry[reader->access_entry];
		enum trace_status status;
		if (entry->code != FLT_INDEX_ACCESS) {
			reader->access_entry++;
			continue;
		}
		status = flt_section_read(section, &reader->input, entry->offset, error);
		if (status == TRACE_END ||
		    (status == TRACE_OK && memcmp(section->tag, FLT_TAG_ACCESS, 4) != 0))
			return trace_fail(error, TRACE_BAD_INPUT,
					  "%s: the index names references at byte %" PRIu64
					  " where there are none",
					  reader->input.name, entry->offset);
		return status;
	}
	return TRACE_END;
}

enum trace_status flt_reader_accesses(struct flt_reader *reader, struct access_batch *batch,
				      struct trace_error *error)
{
	const struct flt_access_known known = {.objects = reader->summary.objects,
					       .thread = reader->tables.thread,
					       .threads = reader->tables.threads,
					       .processes = reader->tables.processes,
					       .regions = reader->tables.places.regions};
	struct flt_section section;
	enum trace_status status = next_accesses(reader, &section, error);

	*batch = (struct access_batch){0};
	/* In a cut file they may come after events that are gone. */
	if (status == TRACE_OK && section.field[FLT_ACCESS_LAST_POSITION] > reader->summary.events) {
		if (reader->summary.truncated)
			return TRACE_END;
		return trace_fail(
		    error, TRACE_BAD_INPUT, "%s: references come after event %" PRIu64 " of %" PRIu64,
		    reader->input.name, section.field[FLT_ACCESS_LAST_POSITION], reader->summary.events);
	}
	if (status == TRACE_OK)
		status = flt_access_decode(&reader->accesses, &reader->columns, &section, &known, error);
	if (status != TRACE_OK)
		return status == TRACE_END ? status : trace_fail_in(error, status, reader->input.name);
	*batch = reader->accesses.batch;
	reader->access_entry++;
	return TRACE_OK;
}

enum trace_status flt_reader_seek_accesses(struct flt_reader *reader, uint64_t position,
					   struct trace_error *error)
{
	struct flt_section section;
	enum trace_status status;

	reader->access_entry = 0;
	while ((status = next_accesses(reader, &section, error)) == TRACE_OK) {
		if (section.field[FLT_ACCESS_LAST_POSITION] >= position)
			return TRACE_OK;
		reader->access_entry++;
	}
	return status == TRACE_END ? TRACE_OK : status;
}

uint64_t flt_summary_warned(const struct flt_summary *summary, const char *what)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < summary->warnings; i++)
		count += strcmp(summary->warning[i].what, what) == 0 ? summary->warning[i].count : 0;
	return count;
}
