#include "config.h"

#include "traces/flt.h"

#include "traces/flt_access.h"
#include "traces/flt_access_writer.h"
#include "traces/flt_block.h"
#include "traces/flt_checkpoint.h"
#include "traces/flt_footer.h"
#include "traces/flt_hash.h"
#include "traces/flt_output.h"
#include "traces/flt_register.h"
#include "traces/flt_section.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* zstd's; above it the columns of the Android trace shrink by 8 % more and cost four times the time. */
#define COMPRESSION_LEVEL 3

struct flt_writer {
	struct event_sink sink;
	struct flt_output output;
	struct flt_section_writer section;
	struct flt_block block;
	struct flt_index index;
	struct flt_hash hash;
	struct flt_register known;
	struct flt_access_writer accesses;
	uint64_t checkpoint; /* events before the last one */
};

static struct flt_writer *writer_of(struct event_sink *sink)
{
	return (struct flt_writer *)((char *)sink - offsetof(struct flt_writer, sink));
}

static enum trace_status sink_put(struct event_sink *sink, const struct event *event,
				  struct trace_error *error)
{
	return flt_writer_add(writer_of(sink), event, error);
}

static enum trace_status sink_process(struct event_sink *sink, uint32_t process, uint32_t parent,
				      uint64_t os_id, const char *command, struct trace_error *error)
{
	const struct flt_process entry = {parent, os_id, command};

	return flt_register_process(&writer_of(sink)->known, process, &entry, error);
}

static enum trace_status sink_thread(struct event_sink *sink, uint32_t thread, uint32_t process,
				     uint64_t os_id, const char *name, struct trace_error *error)
{
	const struct flt_thread entry = {process, os_id, name};

	return flt_register_thread(&writer_of(sink)->known, thread, &entry, error);
}

static void free_writer(struct flt_writer *writer)
{
	flt_access_writer_end(&writer->accesses);
	flt_section_writer_end(&writer->section);
	flt_block_free(&writer->block);
	flt_register_end(&writer->known);
	free(writer->index.entry);
	flt_hash_end(&writer->hash);
	free(writer);
}

static enum trace_status sink_file(struct event_sink *sink, const struct event_file *file, uint32_t *number,
				   struct trace_error *error)
{
	return flt_writer_file(writer_of(sink), file, number, error);
}

static enum trace_status sink_region(struct event_sink *sink, const struct event_region *region,
				     uint32_t *number, struct trace_error *error)
{
	return flt_writer_region(writer_of(sink), region, number, error);
}

static enum trace_status sink_snapshot(struct event_sink *sink, const struct event_snapshot *snapshot,
				       uint32_t *number, struct trace_error *error)
{
	return flt_writer_snapshot(writer_of(sink), snapshot, number, error);
}

static enum trace_status sink_accesses(struct event_sink *sink, uint32_t thread, const struct access *access,
				       size_t count, struct trace_error *error)
{
	return flt_writer_accesses(writer_of(sink), thread, access, count, error);
}

static enum trace_status sink_name(struct event_sink *sink, enum event_names table, const char *text,
				   uint32_t *number, struct trace_error *error)
{
	return flt_writer_name(writer_of(sink), table, text, number, error);
}

static enum trace_status start(struct flt_writer *writer, const struct flt_description *description,
			       struct trace_error *error)
{
	enum trace_status status;

	if (flt_output_is_terminal(&writer->output))
		return trace_fail(
		    error, TRACE_IO,
		    "a trace is binary and standard output is a terminal: redirect it, or give -o FILE");
	writer->sink = (struct event_sink){.put = sink_put,
					   .thread = sink_thread,
					   .process = sink_process,
					   .file = sink_file,
					   .region = sink_region,
					   .snapshot = sink_snapshot,
					   .name = sink_name,
					   .accesses = sink_accesses};
	flt_register_start(&writer->known, description->has_time);
	writer->index.end = FLT_HEADER_BYTES;
	writer->known.recorder = description->recorder;
	flt_access_writer_start(&writer->accesses, &writer->hash);
	status = flt_section_writer_start(&writer->section, COMPRESSION_LEVEL, error);
	if (status == TRACE_OK)
		status = flt_hash_start(&writer->hash, error);
	if (status == TRACE_OK)
		status = flt_block_reserve(&writer->block, FLT_BLOCK_EVENTS, error);
	if (status == TRACE_OK)
		status = flt_header_write(description, &writer->section, &writer->output, error);
	if (status != TRACE_OK)
		return status;
	return flt_index_add(&writer->index, FLT_INDEX_OTHER, writer->output.offset - FLT_HEADER_BYTES, 0,
			     error);
}

enum trace_status flt_writer_create(struct flt_writer **writer, const char *path,
				    const struct flt_description *description, struct trace_error *error)
{
	struct flt_writer *created = calloc(1, sizeof(*created));
	enum trace_status status;

	*writer = NULL;
	if (!created)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to write %s", path);
	status = flt_output_open(&created->output, path, error);
	if (status != TRACE_OK) {
		free(created);
		return status;
	}
	status = start(created, description, error);
	if (status != TRACE_OK) {
		flt_writer_abandon(created);
		return status;
	}
	*writer = created;
	return TRACE_OK;
}

enum trace_status flt_writer_block_events(struct flt_writer *writer, size_t events, struct trace_error *error)
{
	if (events == 0 || events > FLT_BLOCK_MAX_EVENTS)
		return trace_fail(error, TRACE_BAD_INPUT, "a block has 1 to %u events, not %zu",
				  FLT_BLOCK_MAX_EVENTS, events);
	if (writer->known.census.events)
		return trace_fail(error, TRACE_BAD_INPUT, "the size of blocks is set before the first event");
	flt_block_free(&writer->block);
	return flt_block_reserve(&writer->block, events, error);
}

struct event_sink *flt_writer_sink(struct flt_writer *writer)
{
	return &writer->sink;
}

enum trace_status flt_writer_warn(struct flt_writer *writer, const char *what, uint64_t count,
				  struct trace_error *error)
{
	return count ? flt_tables_warn(&writer->known.tables, what, count, error) : TRACE_OK;
}

enum trace_status flt_writer_stack(struct flt_writer *writer, const uint64_t *addresses, size_t depth,
				   uint32_t *stack, struct trace_error *error)
{
	const struct flt_stack entry = {addresses, depth};

	return flt_tables_stack(&writer->known.tables, &entry, stack, error);
}

enum trace_status flt_writer_file(struct flt_writer *writer, const struct event_file *file, uint32_t *number,
				  struct trace_error *error)
{
	return flt_places_file(&writer->known.tables.places, file, number, error);
}

enum trace_status flt_writer_region(struct flt_writer *writer, const struct event_region *region,
				    uint32_t *number, struct trace_error *error)
{
	return flt_register_region(&writer->known, region, number, error);
}

enum trace_status flt_writer_name(struct flt_writer *writer, enum event_names table, const char *text,
				  uint32_t *number, struct trace_error *error)
{
	return flt_names_add(&writer->known.tables.names, table, text, number, error);
}

/* An event that is not encoded yet becomes less than this on average, an entry of the footer's tables and index less
 * than that. */
#define PENDING_EVENT_BYTES 16
/* Snapshots are written when they are as long as a block of events. */
#define PENDING_TABLE_BYTES ((size_t)1 << 20)
#define FOOTER_ENTRY_BYTES 48
#define FOOTER_BYTES 4096

uint64_t flt_writer_bytes(const struct flt_writer *writer)
{
	const struct flt_tables *tables = &writer->known.tables;
	uint64_t bytes = writer->output.offset + FOOTER_BYTES + writer->block.events * PENDING_EVENT_BYTES +
			 writer->index.entries * FOOTER_ENTRY_BYTES +
			 flt_access_writer_bytes(&writer->accesses);

	bytes += (uint64_t)(tables->threads + tables->processes + tables->warnings) * FOOTER_ENTRY_BYTES;
	for (uint32_t i = 0; i < tables->warnings; i++)
		bytes += strlen(tables->warning[i].what);
	for (size_t i = 0; i < sizeof(tables->pending) / sizeof(tables->pending[0]); i++)
		bytes += tables->pending[i].used;
	/* The footer has the entries of these once more. */
	bytes += tables->pending[FLT_TABLES_THREADS - 1].all + tables->pending[FLT_TABLES_PROCESSES - 1].all;
	bytes += flt_places_pending_bytes(&tables->places) + flt_places_footer_bytes(&tables->places);
	bytes += tables->names.pending.used + tables->names.pending.all +
		 kernel_tally_bytes(&writer->known.census.kernel);
	return bytes;
}

/* Writes a section and notes it in the index. */
static enum trace_status write_section_of(struct flt_writer *writer, struct flt_section_writer *section,
					  uint32_t events, struct trace_error *error)
{
	const uint64_t start = writer->output.offset;
	enum trace_status status = flt_section_write(section, &writer->output, error);

	if (status != TRACE_OK)
		return status;
	return flt_index_add(&writer->index, flt_index_code_of(section->section.tag),
			     writer->output.offset - start, events, error);
}

static enum trace_status write_section(struct flt_writer *writer, uint32_t events, struct trace_error *error)
{
	return write_section_of(writer, &writer->section, events, error);
}

/* The block of references that was handed over comes before all that follows. */
static enum trace_status write_encoded(struct flt_writer *writer, struct trace_error *error)
{
	struct flt_section_writer *section;
	enum trace_status status = flt_access_writer_collect(&writer->accesses, &section, error);

	return status == TRACE_OK && section ? write_section_of(writer, section, 0, error) : status;
}

static enum trace_status write_tables(struct flt_writer *writer, struct trace_error *error)
{
	enum trace_status status = write_encoded(writer, error);

	if (status != TRACE_OK || !flt_tables_have_pending(&writer->known.tables))
		return status;
	status = flt_tables_write_pending(&writer->known.tables, &writer->section, error);
	return status == TRACE_OK ? write_section(writer, 0, error) : status;
}

static enum trace_status flush(struct flt_writer *writer, struct trace_error *error)
{
	struct flt_block *block = &writer->block;
	enum trace_status status = write_tables(writer, error);

	if (status != TRACE_OK || !block->events)
		return status;
	status = flt_block_encode(block, &writer->section, error);
	if (status == TRACE_OK)
		status = write_section(writer, (uint32_t)block->events, error);
	block->first += block->events;
	block->objects = writer->known.census.objects;
	block->events = 0;
	block->has_call = false;
	block->has_kernel = false;
	return status;
}

enum trace_status flt_writer_snapshot(struct flt_writer *writer, const struct event_snapshot *snapshot,
				      uint32_t *number, struct trace_error *error)
{
	enum trace_status status = flt_places_snapshot(&writer->known.tables.places, snapshot, number, error);

	if (status != TRACE_OK ||
	    flt_places_pending_bytes(&writer->known.tables.places) < PENDING_TABLE_BYTES)
		return status;
	return write_tables(writer, error);
}

static enum trace_status flush_accesses(struct flt_writer *writer, struct trace_error *error)
{
	enum trace_status status = write_tables(writer, error);

	if (status != TRACE_OK || !flt_access_writer_block(&writer->accesses)->batch.count)
		return status;
	return flt_access_writer_hand_over(&writer->accesses, COMPRESSION_LEVEL, error);
}

enum trace_status flt_writer_accesses(struct flt_writer *writer, uint32_t thread, const struct access *access,
				      size_t count, struct trace_error *error)
{
	struct flt_access_origin origin;
	enum trace_status status = flt_register_origin(&writer->known, thread, &origin, error);

	while (status == TRACE_OK && count) {
		size_t taken = 0;

		status = flt_access_append(flt_access_writer_block(&writer->accesses), &origin, access, count,
					   &taken, error);
		access += taken;
		count -= taken;
		if (status == TRACE_OK && count)
			status = flush_accesses(writer, error);
	}
	return status;
}

enum trace_status flt_writer_access_room(struct flt_writer *writer, uint32_t thread,
					 struct flt_access_room *room, struct trace_error *error)
{
	struct flt_access_origin origin;
	enum trace_status status = flt_register_origin(&writer->known, thread, &origin, error);

	if (status == TRACE_OK && flt_access_is_full(flt_access_writer_block(&writer->accesses)))
		status = flush_accesses(writer, error);
	return status == TRACE_OK
		   ? flt_access_open(flt_access_writer_block(&writer->accesses), &origin, room, error)
		   : status;
}

enum trace_status flt_writer_accesses_skipped(struct flt_writer *writer, uint32_t thread, uint64_t count,
					      struct trace_error *error)
{
	struct flt_access_origin origin;
	enum trace_status status = flt_register_origin(&writer->known, thread, &origin, error);

	return status == TRACE_OK
		   ? flt_access_skipped(flt_access_writer_block(&writer->accesses), thread, count, error)
		   : status;
}

static enum trace_status add_checkpoint(struct flt_writer *writer, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	if (flt_checkpoint_due(&writer->known.census, writer->known.census.events - writer->checkpoint)) {
		status = flt_checkpoint_write(&writer->known.census, &writer->section, error);
		/* A live set that is too large for a section is left out: a reader then starts further ahead. */
		if (status != TRACE_OK)
			return status == TRACE_UNSUPPORTED ? TRACE_OK : status;
		status = write_section(writer, 0, error);
		writer->checkpoint = writer->known.census.events;
	}
	return status;
}

enum trace_status flt_writer_add(struct flt_writer *writer, const struct event *event,
				 struct trace_error *error)
{
	enum trace_status status = flt_register_event(&writer->known, event, error);

	if (status == TRACE_OK)
		status = flt_block_append(&writer->block, event, error);
	if (status != TRACE_OK)
		return status;
	flt_hash_event(&writer->hash, event);
	if (writer->block.events < writer->block.capacity)
		return TRACE_OK;
	status = flush(writer, error);
	return status == TRACE_OK ? add_checkpoint(writer, error) : status;
}

static enum trace_status finish(struct flt_writer *writer, struct trace_error *error)
{
	char hash[33];
	struct flt_access_tally *tally = &writer->accesses.tally;
	enum trace_status status = flush_accesses(writer, error);

	if (status == TRACE_OK)
		status = flush(writer, error);
	if (status != TRACE_OK)
		return status;
	const struct flt_access_block *rest = flt_access_writer_block(&writer->accesses);

	/* Of threads that made no reference after those. */
	for (size_t i = 0; i < rest->skips; i++)
		tally->skipped += rest->skip[i].count;
	flt_hash_finish(&writer->hash, &writer->known.tables, hash);
	const struct flt_footer footer = {&writer->known.census, &writer->known.tables, &writer->index, tally,
					  hash};

	status = flt_footer_write(&footer, &writer->section, &writer->output, error);
	return status == TRACE_OK ? flt_output_commit(&writer->output, error) : status;
}

enum trace_status flt_writer_finish(struct flt_writer *writer, struct trace_error *error)
{
	enum trace_status status = finish(writer, error);

	if (status != TRACE_OK)
		flt_output_abandon(&writer->output);
	free_writer(writer);
	return status;
}

void flt_writer_abandon(struct flt_writer *writer)
{
	flt_output_abandon(&writer->output);
	free_writer(writer);
}
