#include "config.h"

#include "bench/placement/placement_code.h"

#include "traces/flt_bytes.h"
#include "traces/flt_checksum.h"
#include "traces/flt_input.h"
#include "traces/flt_output.h"
#include "traces/flt_varint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* A placement of 2^32 events or so; whatever is larger is none. */
#define FILE_BYTES_MAX (UINT64_C(1) << 36)
#define CHECKSUM_BYTES 8u

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the placement");
}

static enum trace_status refuse(const char *name, const char *what, struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT, "%s: no placement that can be used: %s", name, what);
}

/* --- Head --------------------------------------------------------------------------------------------------------------- */

struct head {
	const uint8_t *in, *end;
	bool is_broken;
};

static uint64_t get_number(struct head *head, uint64_t most)
{
	uint64_t value = 0;

	if (!flt_varint_get(&head->in, head->end, &value) || value > most)
		head->is_broken = true;
	return head->is_broken ? 0 : value;
}

/* A printable text of at most `bytes` - 1. */
static void get_text(struct head *head, char *text, size_t bytes)
{
	size_t length = (size_t)get_number(head, bytes - 1);

	if (length > (size_t)(head->end - head->in))
		head->is_broken = true;
	for (size_t i = 0; i < length && !head->is_broken; i++) {
		text[i] = (char)*head->in++;
		if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] == 0x7f)
			head->is_broken = true;
	}
	text[head->is_broken ? 0 : length] = '\0';
}

static bool read_head(struct placement *placement, struct head *head)
{
	struct placement_description *description = &placement->description;

	description->process = (uint32_t)get_number(head, EVENT_MAX_PROCESSES);
	description->mode = (uint32_t)get_number(head, MODE_BATON);
	description->thp_disable = get_number(head, 1) != 0;
	description->events = get_number(head, UINT64_MAX / 2);
	placement->takes = (unsigned)get_number(head, PLACEMENT_TAKES_MAX);
	get_text(head, description->trace_hash, sizeof(description->trace_hash));
	get_text(head, description->target, sizeof(description->target));
	get_text(head, description->title, sizeof(description->title));
	for (unsigned i = 0; i < placement->takes; i++) {
		placement->take[i].blocks = get_number(head, UINT64_MAX);
		placement->take[i].calls = get_number(head, UINT64_MAX);
	}
	return !head->is_broken && head->in == head->end;
}

/* --- Chunks ------------------------------------------------------------------------------------------------------------- */

struct chunk {
	uint32_t raw_bytes, stored_bytes;
	size_t next; /* where the chunk behind it begins */
};

/* The chunk at byte `at`, whose end is not behind `end`. */
static bool chunk_at(const struct placement *placement, size_t at, size_t end, struct chunk *chunk)
{
	if (end < PLACEMENT_CHUNK_HEAD_BYTES || at > end - PLACEMENT_CHUNK_HEAD_BYTES)
		return false;
	chunk->raw_bytes = flt_get32(placement->file + at);
	chunk->stored_bytes = flt_get32(placement->file + at + 4);
	chunk->next = at + PLACEMENT_CHUNK_HEAD_BYTES + chunk->stored_bytes;
	return chunk->next <= end && chunk->raw_bytes <= PLACEMENT_CHUNK_BYTES &&
	       (chunk->raw_bytes > 0 || chunk->stored_bytes == 0);
}

bool placement_reader_create(struct placement_reader *reader, const struct placement *placement,
			     unsigned take)
{
	*reader = (struct placement_reader){
	    .placement = placement,
	    .raw = malloc(PLACEMENT_CHUNK_BYTES),
	    .next = placement->take[take].first,
	    .end = placement->take[take].end,
	};
	return reader->raw != NULL;
}

void placement_reader_destroy(struct placement_reader *reader)
{
	free(reader->raw);
	*reader = (struct placement_reader){0};
}

static enum trace_status next_chunk(struct placement_reader *reader, struct trace_error *error)
{
	const struct placement *placement = reader->placement;
	struct chunk chunk;

	if (reader->next == reader->end)
		return TRACE_END;
	if (!chunk_at(placement, reader->next, reader->end, &chunk))
		return trace_fail(error, TRACE_BAD_INPUT, "a chunk is cut off");
	reader->at = reader->raw_bytes = 0;
	if (chunk.raw_bytes == 0) {
		reader->next = reader->end;
		return TRACE_END;
	}
	size_t got =
	    ZSTD_decompress(reader->raw, chunk.raw_bytes,
			    placement->file + reader->next + PLACEMENT_CHUNK_HEAD_BYTES, chunk.stored_bytes);

	if (ZSTD_isError(got) || got != chunk.raw_bytes)
		return trace_fail(error, TRACE_BAD_INPUT, "a chunk cannot be decompressed");
	reader->raw_bytes = got;
	reader->next = chunk.next;
	return TRACE_OK;
}

enum trace_status placement_reader_next(struct placement_reader *reader, struct placement_record *record,
					struct trace_error *error)
{
	struct placement_code code = {
	    .event = reader->event, .object = reader->object, .address = reader->address};
	const uint8_t *in;

	if (reader->at == reader->raw_bytes) {
		enum trace_status status = next_chunk(reader, error);

		if (status != TRACE_OK)
			return status;
	}
	in = reader->raw + reader->at;
	const char *wrong = placement_code_get(&code, &in, reader->raw + reader->raw_bytes, record);

	if (wrong)
		return trace_fail(error, TRACE_BAD_INPUT, "%s", wrong);
	reader->at = (size_t)(in - reader->raw);
	reader->event = code.event;
	reader->object = code.object;
	reader->address = code.address;
	return TRACE_OK;
}

/* --- Checking ----------------------------------------------------------------------------------------------------------- */

/* Where the takes begin and end; they fill the file up to its checksum. */
static bool find_takes(struct placement *placement, size_t at)
{
	size_t end = placement->bytes - CHECKSUM_BYTES;
	struct chunk chunk;

	for (unsigned i = 0; i < placement->takes; i++) {
		placement->take[i].first = at;
		do {
			if (!chunk_at(placement, at, end, &chunk))
				return false;
			at = chunk.next;
		} while (chunk.raw_bytes > 0);
		placement->take[i].end = at;
	}
	return at == end;
}

static enum trace_status walk(struct placement_reader *reader, struct placement_state *state,
			      struct trace_error *error)
{
	uint64_t events = reader->placement->description.events;
	struct placement_record record;
	enum trace_status status;

	while ((status = placement_reader_next(reader, &record, error)) == TRACE_OK) {
		bool lacks_memory;
		const char *wrong = placement_state_apply(state, &record, events, &lacks_memory);

		if (lacks_memory)
			return no_memory(error);
		if (wrong)
			return trace_fail(error, TRACE_BAD_INPUT, "event %" PRIu64 ": %s", record.event,
					  wrong);
	}
	return status == TRACE_END ? TRACE_OK : status;
}

static enum trace_status check_take(struct placement *placement, unsigned number, struct trace_error *error)
{
	struct placement_take *take = &placement->take[number];
	struct placement_state state = {.event = 0};
	struct placement_reader reader;
	enum trace_status status;

	if (!placement_reader_create(&reader, placement, number))
		return no_memory(error);
	status = walk(&reader, &state, error);
	placement_reader_destroy(&reader);
	take->extent = state.mapped.ever;
	state.mapped.ever = (struct range_set){0};
	mapped_clear(&state.mapped);
	if (status == TRACE_OK && (state.blocks != take->blocks || state.calls != take->calls))
		return trace_fail(error, TRACE_BAD_INPUT,
				  "I3: takes have as many blocks and calls as the head says");
	return status;
}

static enum trace_status check(struct placement *placement, const char *name, struct trace_error *error)
{
	const size_t fixed = PLACEMENT_MAGIC_BYTES + 8;
	const uint8_t *file = placement->file;
	struct trace_error inner;
	struct head head = {.in = file + fixed};

	if (placement->bytes < fixed + CHECKSUM_BYTES ||
	    memcmp(file, PLACEMENT_MAGIC, PLACEMENT_MAGIC_BYTES) != 0)
		return refuse(name, "I1: it begins with the magic", error);
	if (flt_get32(file + PLACEMENT_MAGIC_BYTES) != PLACEMENT_VERSION)
		return refuse(name, "I1: its version is not one that this program knows", error);
	uint64_t checksum = flt_checksum(file, placement->bytes - CHECKSUM_BYTES);

	if (checksum != flt_get64(file + placement->bytes - CHECKSUM_BYTES))
		return refuse(name, "I1: it ends with the checksum of the rest: it is damaged or cut", error);
	(void)snprintf(placement->hash, sizeof(placement->hash), "%016" PRIx64, checksum);
	uint32_t head_bytes = flt_get32(file + PLACEMENT_MAGIC_BYTES + 4);

	if (head_bytes > placement->bytes - fixed - CHECKSUM_BYTES)
		return refuse(name, "I2: the head is whole", error);
	head.end = head.in + head_bytes;
	if (!read_head(placement, &head))
		return refuse(name, "I2: the head's numbers are within bounds, its texts printable", error);
	if (placement->takes == 0 || !find_takes(placement, fixed + head_bytes))
		return refuse(name, "I3: there are as many takes as the head says, and nothing else", error);
	for (unsigned i = 0; i < placement->takes; i++) {
		enum trace_status status = check_take(placement, i, &inner);

		if (status != TRACE_OK)
			return status == TRACE_BAD_INPUT
				   ? refuse(name, inner.message, error)
				   : trace_fail(error, status, "%s: %s", name, inner.message);
	}
	return TRACE_OK;
}

enum trace_status placement_read(struct placement **placement, const void *file, size_t bytes,
				 const char *name, struct trace_error *error)
{
	struct placement *made = calloc(1, sizeof(*made));

	*placement = NULL;
	if (!made)
		return no_memory(error);
	made->bytes = bytes;
	made->file = malloc(bytes ? bytes : 1);
	if (!made->file) {
		placement_close(made);
		return no_memory(error);
	}
	memcpy(made->file, file, bytes);
	enum trace_status status = check(made, name, error);

	if (status != TRACE_OK) {
		placement_close(made);
		return status;
	}
	*placement = made;
	return TRACE_OK;
}

/* --- Files -------------------------------------------------------------------------------------------------------------- */

static enum trace_status read_input(struct placement **placement, const struct flt_input *input,
				    const char *path, struct trace_error *error)
{
	enum trace_status status;
	uint8_t *file;

	if (input->bytes > FILE_BYTES_MAX)
		return refuse(path, "it is too large", error);
	file = malloc(input->bytes + 1);
	if (!file)
		return no_memory(error);
	status = flt_input_read(input, 0, file, input->bytes, error);
	if (status == TRACE_OK)
		status = placement_read(placement, file, input->bytes, path, error);
	else if (status == TRACE_END)
		status = refuse(path, "it became shorter while it was read", error);
	free(file);
	return status;
}

enum trace_status placement_open(struct placement **placement, const char *path, struct trace_error *error)
{
	struct flt_input input;
	enum trace_status status = flt_input_open(&input, path, error);

	*placement = NULL;
	if (status != TRACE_OK)
		return status;
	status = read_input(placement, &input, path, error);
	flt_input_close(&input);
	return status;
}

enum trace_status placement_save(const struct placement *placement, const char *path,
				 struct trace_error *error)
{
	struct flt_output output;
	enum trace_status status = flt_output_open(&output, path, error);

	if (status != TRACE_OK)
		return status;
	status = flt_output_write(&output, placement->file, placement->bytes, error);
	if (status == TRACE_OK)
		return flt_output_commit(&output, error);
	flt_output_abandon(&output);
	return status;
}

void placement_close(struct placement *placement)
{
	if (!placement)
		return;
	for (unsigned i = 0; i < placement->takes && i < PLACEMENT_TAKES_MAX; i++)
		range_set_clear(&placement->take[i].extent);
	free(placement->file);
	free(placement);
}
