#include "config.h"

#include "bench/placement/placement_code.h"

#include "traces/flt_bytes.h"
#include "traces/flt_checksum.h"
#include "traces/flt_varint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define ZSTD_LEVEL 3

/* Bytes that grow. */
struct heap_bytes {
	uint8_t *byte;
	size_t count, capacity;
};

struct written_take {
	size_t first; /* byte of the body at which it begins; it ends where the next one begins */
	uint64_t blocks, calls;
};

struct placement_writer {
	struct placement_description description;
	struct heap_bytes body;
	struct written_take take[PLACEMENT_TAKES_MAX + 1];
	unsigned takes;
	bool is_open; /* the last take is not over */
	struct placement_code code;
	struct placement_state state;
	uint8_t *raw; /* PLACEMENT_CHUNK_BYTES */
	size_t raw_bytes;
};

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the placement");
}

/* Room for `more` bytes behind the last; NULL without memory. The caller counts what it writes. */
static uint8_t *room_for(struct heap_bytes *bytes, size_t more)
{
	if (more > bytes->capacity - bytes->count) {
		size_t capacity = bytes->capacity + bytes->capacity / 2 + more + 4096;
		uint8_t *larger = realloc(bytes->byte, capacity);

		if (!larger)
			return NULL;
		bytes->byte = larger;
		bytes->capacity = capacity;
	}
	return bytes->byte + bytes->count;
}

struct placement_writer *placement_writer_create(const struct placement_description *description)
{
	struct placement_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return NULL;
	writer->description = *description;
	writer->raw = malloc(PLACEMENT_CHUNK_BYTES);
	if (writer->raw)
		return writer;
	placement_writer_destroy(writer);
	return NULL;
}

void placement_writer_destroy(struct placement_writer *writer)
{
	if (!writer)
		return;
	mapped_clear(&writer->state.mapped);
	free(writer->body.byte);
	free(writer->raw);
	free(writer);
}

void placement_writer_title(struct placement_writer *writer, const char *title)
{
	(void)snprintf(writer->description.title, sizeof(writer->description.title), "%s", title);
}

/* --- Takes -------------------------------------------------------------------------------------------------------------- */

static bool write_chunk(struct placement_writer *writer)
{
	size_t bound = ZSTD_compressBound(writer->raw_bytes);
	uint8_t *out = room_for(&writer->body, PLACEMENT_CHUNK_HEAD_BYTES + bound);

	if (!out)
		return false;
	if (writer->raw_bytes == 0)
		return true;
	size_t stored = ZSTD_compress(out + PLACEMENT_CHUNK_HEAD_BYTES, bound, writer->raw, writer->raw_bytes,
				      ZSTD_LEVEL);

	if (ZSTD_isError(stored))
		return false;
	(void)flt_put32(flt_put32(out, (uint32_t)writer->raw_bytes), (uint32_t)stored);
	writer->body.count += PLACEMENT_CHUNK_HEAD_BYTES + stored;
	writer->raw_bytes = 0;
	return true;
}

/* The last chunk of the take that is open, and the chunk that says so. */
static bool end_take(struct placement_writer *writer)
{
	struct written_take *take = &writer->take[writer->takes - 1];

	if (!writer->is_open)
		return true;
	if (!write_chunk(writer))
		return false;
	uint8_t *out = room_for(&writer->body, PLACEMENT_CHUNK_HEAD_BYTES);

	if (!out)
		return false;
	(void)flt_put64(out, 0);
	writer->body.count += PLACEMENT_CHUNK_HEAD_BYTES;
	take->blocks = writer->state.blocks;
	take->calls = writer->state.calls;
	writer->take[writer->takes].first = writer->body.count;
	writer->is_open = false;
	return true;
}

enum trace_status placement_writer_begin(struct placement_writer *writer, struct trace_error *error)
{
	if (writer->takes > 0 && !end_take(writer))
		return no_memory(error);
	if (writer->takes == PLACEMENT_TAKES_MAX)
		return trace_fail(error, TRACE_UNSUPPORTED, "more than %u takes of a placement",
				  PLACEMENT_TAKES_MAX);
	mapped_clear(&writer->state.mapped);
	memset(&writer->state, 0, sizeof(writer->state));
	memset(&writer->code, 0, sizeof(writer->code));
	writer->take[writer->takes++].first = writer->body.count;
	writer->is_open = true;
	return TRACE_OK;
}

enum trace_status placement_writer_add(struct placement_writer *writer, const struct placement_record *record,
				       struct trace_error *error)
{
	bool lacks_memory;
	const char *wrong =
	    placement_state_apply(&writer->state, record, writer->description.events, &lacks_memory);

	if (lacks_memory ||
	    (writer->raw_bytes > PLACEMENT_CHUNK_BYTES - PLACEMENT_RECORD_BYTES && !write_chunk(writer)))
		return no_memory(error);
	if (wrong)
		return trace_fail(error, TRACE_BAD_INPUT, "event %" PRIu64 ": %s", record->event, wrong);
	writer->raw_bytes =
	    (size_t)(placement_code_put(&writer->code, writer->raw + writer->raw_bytes, record) -
		     writer->raw);
	return TRACE_OK;
}

bool placement_writer_is_same(const struct placement_writer *writer, unsigned one, unsigned other)
{
	const struct written_take *take = writer->take;
	size_t bytes = take[one + 1].first - take[one].first;

	return take[other + 1].first - take[other].first == bytes &&
	       memcmp(writer->body.byte + take[one].first, writer->body.byte + take[other].first, bytes) == 0;
}

bool placement_writer_end(struct placement_writer *writer)
{
	return writer->takes == 0 || end_take(writer);
}

void placement_writer_drop(struct placement_writer *writer)
{
	writer->takes--;
	writer->is_open = false;
	writer->raw_bytes = 0;
	writer->body.count = writer->take[writer->takes].first;
}

/* --- The file ----------------------------------------------------------------------------------------------------------- */

static uint8_t *put_text(uint8_t *out, const char *text)
{
	size_t length = strlen(text);

	out = flt_varint_put(out, length);
	for (size_t i = 0; i < length; i++)
		*out++ = (uint8_t)text[i];
	return out;
}

static uint8_t *put_head(uint8_t *out, const struct placement_writer *writer)
{
	const struct placement_description *description = &writer->description;

	out = flt_varint_put(out, description->process);
	out = flt_varint_put(out, description->mode);
	out = flt_varint_put(out, description->thp_disable);
	out = flt_varint_put(out, description->events);
	out = flt_varint_put(out, writer->takes);
	out = put_text(out, description->trace_hash);
	out = put_text(out, description->target);
	out = put_text(out, description->title);
	for (unsigned i = 0; i < writer->takes; i++) {
		out = flt_varint_put(out, writer->take[i].blocks);
		out = flt_varint_put(out, writer->take[i].calls);
	}
	return out;
}

void *placement_writer_finish(struct placement_writer *writer, size_t *bytes)
{
	const size_t most = 3 * PLACEMENT_TEXT_BYTES + (2 * PLACEMENT_TAKES_MAX + 8) * FLT_VARINT_BYTES;
	uint8_t *file, *head, *out;

	if (!placement_writer_end(writer))
		return NULL;
	file = malloc(PLACEMENT_MAGIC_BYTES + 8 + most + writer->body.count + 8);
	if (!file)
		return NULL;
	memcpy(file, PLACEMENT_MAGIC, PLACEMENT_MAGIC_BYTES);
	head = file + PLACEMENT_MAGIC_BYTES + 8;
	out = put_head(head, writer);
	(void)flt_put32(flt_put32(file + PLACEMENT_MAGIC_BYTES, PLACEMENT_VERSION), (uint32_t)(out - head));
	memcpy(out, writer->body.byte, writer->body.count);
	out += writer->body.count;
	out = flt_put64(out, flt_checksum(file, (size_t)(out - file)));
	*bytes = (size_t)(out - file);
	return file;
}
