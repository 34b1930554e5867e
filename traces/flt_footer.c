#include "config.h"

#include "traces/flt_footer.h"

#include "traces/flt_block.h"
#include "traces/flt_bytes.h"
#include "traces/flt_checksum.h"
#include "traces/flt_varint.h"
#include "traces/grown_array.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t end_magic[8] = {'F', 'L', 'T', '-', 'E', 'N', 'D', '\n'};

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the index of a trace");
}

enum trace_status flt_index_add(struct flt_index *index, enum flt_index_code code, uint64_t bytes,
				uint32_t events, struct trace_error *error)
{
	struct flt_index_entry *larger =
	    grown_array(index->entry, index->entries, &index->capacity, sizeof(*larger));
	uint64_t first = 0;

	if (!larger)
		return no_memory(error);
	index->entry = larger;
	if (index->entries)
		first = index->entry[index->entries - 1].first + index->entry[index->entries - 1].events;
	index->entry[index->entries++] = (struct flt_index_entry){index->end, first, events, code};
	index->end += bytes;
	return TRACE_OK;
}

enum flt_index_code flt_index_code_of(const char tag[4])
{
	if (memcmp(tag, "EVNT", 4) == 0)
		return FLT_INDEX_BLOCK;
	if (memcmp(tag, FLT_TAG_TABLES, 4) == 0)
		return FLT_INDEX_TABLES;
	if (memcmp(tag, FLT_TAG_ACCESS, 4) == 0)
		return FLT_INDEX_ACCESS;
	return memcmp(tag, FLT_TAG_LIVE, 4) == 0 ? FLT_INDEX_LIVE : FLT_INDEX_OTHER;
}

static uint64_t hash_half(const char *digits)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 16; i++) {
		const char digit = digits[i];

		value = value << 4 | (uint64_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
	}
	return value;
}

static void put_fields(const struct flt_footer *footer, struct flt_section_writer *writer)
{
	const struct census *census = footer->census;
	const uint64_t field[FLT_FOOTER_FIELDS] = {
	    [FLT_FOOTER_EVENTS] = census->events,
	    [FLT_FOOTER_OBJECTS] = census->objects,
	    [FLT_FOOTER_LIVE_PEAK_BYTES] = census->live_peak_bytes,
	    [FLT_FOOTER_LIVE_PEAK_OBJECTS] = census->live_peak_objects,
	    [FLT_FOOTER_LIVE_END_BYTES] = census->live_bytes,
	    [FLT_FOOTER_LIVE_END_OBJECTS] = census->live_objects,
	    [FLT_FOOTER_CROSS_THREAD_FREES] = census->cross_thread_frees,
	    [FLT_FOOTER_CROSS_THREAD_REALLOCS] = census->cross_thread_reallocs,
	    [FLT_FOOTER_NULL_FREES] = census->null_frees,
	    [FLT_FOOTER_DURATION_NS] = census->duration_ns,
	    [FLT_FOOTER_FAILED] = census->failed,
	    [FLT_FOOTER_FOREIGN] = census->foreign,
	    [FLT_FOOTER_REQUESTED_BYTES] = census->requested_bytes,
	    [FLT_FOOTER_LEFT_AT_EXIT_BYTES] = census->left_at_exit_bytes,
	    [FLT_FOOTER_LEFT_AT_EXIT_OBJECTS] = census->left_at_exit_objects,
	    [FLT_FOOTER_HASH_HIGH] = hash_half(footer->hash),
	    [FLT_FOOTER_HASH_LOW] = hash_half(footer->hash + 16),
	};

	for (unsigned i = 0; i < FLT_FOOTER_FIELDS; i++)
		flt_section_field(writer, field[i]);
}

static enum trace_status put_index(const struct flt_index *index, struct flt_section_writer *writer,
				   struct trace_error *error)
{
	uint8_t *start = malloc(index->entries * 3 * FLT_VARINT_BYTES + 1);
	uint8_t *out = start;

	if (!start)
		return no_memory(error);
	for (size_t i = 0; i < index->entries; i++) {
		const struct flt_index_entry *entry = &index->entry[i];
		const uint64_t end = i + 1 < index->entries ? entry[1].offset : index->end;

		out = flt_varint_put(out, entry->code);
		out = flt_varint_put(out, end - entry->offset);
		out = flt_varint_put(out, entry->events);
	}
	const struct flt_column_bytes bytes = {start, (size_t)(out - start), index->entries};
	enum trace_status status = flt_section_column(writer, FLT_FOOTER_INDEX, &bytes, error);

	free(start);
	return status;
}

static enum trace_status put_counts(const struct census *census, struct flt_section_writer *writer,
				    struct trace_error *error)
{
	uint8_t buffer[2 * CENSUS_SIZE_CLASSES * FLT_VARINT_BYTES];
	uint8_t *out = buffer;

	unsigned kinds_written = EVENT_KINDS;

	while (kinds_written > EVENT_HEAP_KINDS && !census->kinds[kinds_written - 1])
		kinds_written--;
	for (unsigned kind = 0; kind < kinds_written; kind++)
		out = flt_varint_put(out, census->kinds[kind]);
	const struct flt_column_bytes kinds = {buffer, (size_t)(out - buffer), kinds_written};
	enum trace_status status = flt_section_column(writer, FLT_FOOTER_KINDS, &kinds, error);

	if (status != TRACE_OK)
		return status;
	unsigned classes = CENSUS_SIZE_CLASSES;

	while (classes && !census->sizes[classes - 1])
		classes--;
	out = buffer;
	for (unsigned class = 0; class < classes; class ++) {
		out = flt_varint_put(out, census->sizes[class]);
		out = flt_varint_put(out, census->sizes_bytes[class]);
	}
	const struct flt_column_bytes sizes = {buffer, (size_t)(out - buffer), 2 * (size_t)classes};

	return flt_section_column(writer, FLT_FOOTER_SIZES, &sizes, error);
}

static enum trace_status put_accesses(const struct flt_access_tally *tally, struct flt_section_writer *writer,
				      struct trace_error *error)
{
	uint8_t buffer[(2 + 2 * ACCESS_KINDS + ACCESS_PLACES) * FLT_VARINT_BYTES];
	uint8_t *out = buffer;

	if (tally->accesses == 0 && tally->skipped == 0)
		return TRACE_OK;
	out = flt_varint_put(out, tally->accesses);
	out = flt_varint_put(out, tally->skipped);
	for (unsigned kind = 0; kind < 2 * ACCESS_KINDS; kind++)
		out = flt_varint_put(out, tally->kinds[kind]);
	for (unsigned place = 0; place < ACCESS_PLACES; place++)
		out = flt_varint_put(out, tally->places[place]);
	const struct flt_column_bytes bytes = {buffer, (size_t)(out - buffer),
					       2 + 2 * ACCESS_KINDS + ACCESS_PLACES};

	return flt_section_column(writer, FLT_FOOTER_ACCESSES, &bytes, error);
}

static enum trace_status put_kernel(const struct kernel_tally *tally, struct flt_section_writer *writer,
				    struct trace_error *error)
{
	const size_t most = kernel_tally_bytes(tally);
	uint8_t *const start = malloc(most + 1);
	size_t values = 0;

	if (!start)
		return no_memory(error);
	const uint8_t *const end = most ? kernel_tally_put(tally, start, &values) : start;
	const struct flt_column_bytes bytes = {start, (size_t)(end - start), values};
	enum trace_status status = flt_section_column(writer, FLT_FOOTER_KERNEL, &bytes, error);

	free(start);
	return status;
}

static enum trace_status put_trailer(uint64_t offset, struct flt_output *output, struct trace_error *error)
{
	uint8_t trailer[FLT_TRAILER_BYTES];

	(void)flt_put64(trailer, offset);
	(void)flt_put64(trailer + 8, flt_checksum(trailer, 8));
	memcpy(trailer + 16, end_magic, sizeof(end_magic));
	return flt_output_write(output, trailer, sizeof(trailer), error);
}

enum trace_status flt_footer_write(const struct flt_footer *footer, struct flt_section_writer *writer,
				   struct flt_output *output, struct trace_error *error)
{
	const uint64_t offset = footer->index->end;
	enum trace_status status;

	flt_section_begin(writer, FLT_TAG_FOOTER);
	put_fields(footer, writer);
	status = flt_tables_write(footer->tables, writer, error);
	if (status == TRACE_OK)
		status = put_index(footer->index, writer, error);
	if (status == TRACE_OK)
		status = put_counts(footer->census, writer, error);
	if (status == TRACE_OK)
		status = put_accesses(footer->accesses, writer, error);
	if (status == TRACE_OK)
		status = put_kernel(&footer->census->kernel, writer, error);
	if (status == TRACE_OK)
		status = flt_section_write(writer, output, error);
	return status == TRACE_OK ? put_trailer(offset, output, error) : status;
}

enum trace_status flt_footer_find(struct flt_section *section, const struct flt_input *input,
				  struct trace_error *error)
{
	uint8_t trailer[FLT_TRAILER_BYTES];
	enum trace_status status;

	if (input->bytes < FLT_HEADER_BYTES + FLT_TRAILER_BYTES)
		return TRACE_END;
	status = flt_input_read(input, input->bytes - sizeof(trailer), trailer, sizeof(trailer), error);
	if (status != TRACE_OK)
		return status;
	if (memcmp(trailer + 16, end_magic, sizeof(end_magic)) != 0 ||
	    flt_get64(trailer + 8) != flt_checksum(trailer, 8))
		return TRACE_END;
	status = flt_section_read(section, input, flt_get64(trailer), NULL);
	if (status == TRACE_IO || status == TRACE_NO_MEMORY)
		return flt_section_read(section, input, flt_get64(trailer), error);
	return status == TRACE_OK && memcmp(section->tag, FLT_TAG_FOOTER, 4) == 0 ? TRACE_OK : TRACE_END;
}

static void read_fields(struct flt_summary *summary, const uint64_t *field)
{
	summary->events = field[FLT_FOOTER_EVENTS];
	summary->objects = field[FLT_FOOTER_OBJECTS];
	summary->live_peak_bytes = field[FLT_FOOTER_LIVE_PEAK_BYTES];
	summary->live_peak_objects = field[FLT_FOOTER_LIVE_PEAK_OBJECTS];
	summary->live_end_bytes = field[FLT_FOOTER_LIVE_END_BYTES];
	summary->live_end_objects = field[FLT_FOOTER_LIVE_END_OBJECTS];
	summary->cross_thread_frees = field[FLT_FOOTER_CROSS_THREAD_FREES];
	summary->cross_thread_reallocs = field[FLT_FOOTER_CROSS_THREAD_REALLOCS];
	summary->null_frees = field[FLT_FOOTER_NULL_FREES];
	summary->duration_ns = field[FLT_FOOTER_DURATION_NS];
	summary->failed = field[FLT_FOOTER_FAILED];
	summary->foreign = field[FLT_FOOTER_FOREIGN];
	summary->requested_bytes = field[FLT_FOOTER_REQUESTED_BYTES];
	summary->left_at_exit_bytes = field[FLT_FOOTER_LEFT_AT_EXIT_BYTES];
	summary->left_at_exit_objects = field[FLT_FOOTER_LEFT_AT_EXIT_OBJECTS];
	for (unsigned i = 0; i < 32; i++) {
		const uint64_t half = field[i < 16 ? FLT_FOOTER_HASH_HIGH : FLT_FOOTER_HASH_LOW];

		summary->hash[i] = "0123456789abcdef"[half >> (60 - 4 * (i % 16)) & 15];
	}
	summary->hash[32] = 0;
}

void flt_summary_of_accesses(struct flt_summary *summary, const struct flt_access_tally *tally)
{
	summary->accesses = tally->accesses;
	summary->accesses_skipped = tally->skipped;
	memcpy(summary->access_kinds, tally->kinds, sizeof(summary->access_kinds));
	memcpy(summary->access_places, tally->places, sizeof(summary->access_places));
}

void flt_summary_of_census(struct flt_summary *summary, const struct census *census)
{
	summary->events = census->events;
	summary->objects = census->objects;
	summary->live_peak_bytes = census->live_peak_bytes;
	summary->live_peak_objects = census->live_peak_objects;
	summary->live_end_bytes = census->live_bytes;
	summary->live_end_objects = census->live_objects;
	summary->cross_thread_frees = census->cross_thread_frees;
	summary->cross_thread_reallocs = census->cross_thread_reallocs;
	summary->null_frees = census->null_frees;
	summary->duration_ns = census->duration_ns;
	summary->failed = census->failed;
	summary->foreign = census->foreign;
	summary->requested_bytes = census->requested_bytes;
	summary->left_at_exit_bytes = census->left_at_exit_bytes;
	summary->left_at_exit_objects = census->left_at_exit_objects;
	memcpy(summary->kinds, census->kinds, sizeof(summary->kinds));
	memcpy(summary->sizes, census->sizes, sizeof(summary->sizes));
	memcpy(summary->sizes_bytes, census->sizes_bytes, sizeof(summary->sizes_bytes));
	summary->kernel = census->kernel;
}

static enum trace_status malformed(struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT, "the footer of the trace is malformed");
}

static bool read_numbers(const struct flt_column_bytes *bytes, uint64_t *out, size_t values)
{
	const uint8_t *in = bytes->raw;
	const uint8_t *const end = bytes->raw_bytes ? in + bytes->raw_bytes : in;

	for (size_t i = 0; in < end; i++) {
		uint64_t value;

		if (!flt_varint_get(&in, end, &value))
			return false;
		if (i < values)
			out[i] = value;
	}
	return true;
}

static enum trace_status read_counts(struct flt_summary *summary, struct flt_column_reader *reader,
				     const struct flt_section *section, struct trace_error *error)
{
	uint64_t sizes[2 * FLT_SIZE_CLASSES] = {0};
	struct flt_column_bytes bytes;
	enum trace_status status = flt_column_read(reader, section, FLT_FOOTER_KINDS, &bytes, error);

	if (status != TRACE_OK)
		return status;
	if (!read_numbers(&bytes, summary->kinds, EVENT_KINDS))
		return malformed(error);
	status = flt_column_read(reader, section, FLT_FOOTER_SIZES, &bytes, error);
	if (status != TRACE_OK)
		return status;
	if (!read_numbers(&bytes, sizes, 2 * (size_t)FLT_SIZE_CLASSES))
		return malformed(error);
	for (unsigned class = 0; class < FLT_SIZE_CLASSES; class ++) {
		summary->sizes[class] = sizes[(size_t)2 * class];
		summary->sizes_bytes[class] = sizes[(size_t)2 * class + 1];
	}
	return TRACE_OK;
}

static enum trace_status read_accesses(struct flt_summary *summary, struct flt_column_reader *reader,
				       const struct flt_section *section, struct trace_error *error)
{
	uint64_t numbers[2 + 2 * ACCESS_KINDS + ACCESS_PLACES] = {0};
	struct flt_column_bytes bytes;
	enum trace_status status = flt_column_read(reader, section, FLT_FOOTER_ACCESSES, &bytes, error);

	if (status != TRACE_OK)
		return status;
	if (!read_numbers(&bytes, numbers, sizeof(numbers) / sizeof(numbers[0])))
		return malformed(error);
	summary->accesses = numbers[0];
	summary->accesses_skipped = numbers[1];
	memcpy(summary->access_kinds, numbers + 2, sizeof(summary->access_kinds));
	memcpy(summary->access_places, &numbers[2 + 2 * ACCESS_KINDS], sizeof(summary->access_places));
	return TRACE_OK;
}

static enum trace_status read_kernel(struct flt_summary *summary, struct flt_column_reader *reader,
				     const struct flt_section *section, struct trace_error *error)
{
	struct flt_column_bytes bytes;
	enum trace_status status = flt_column_read(reader, section, FLT_FOOTER_KERNEL, &bytes, error);

	if (status != TRACE_OK || !bytes.raw_bytes)
		return status;
	switch (kernel_tally_get(&summary->kernel, bytes.raw, (const uint8_t *)bytes.raw + bytes.raw_bytes)) {
	case KERNEL_TALLY_READ:
		return TRACE_OK;
	case KERNEL_TALLY_NO_MEMORY:
		return no_memory(error);
	default:
		return malformed(error);
	}
}

static enum trace_status read_index(struct flt_index *index, struct flt_column_reader *reader,
				    const struct flt_section *section, struct trace_error *error)
{
	struct flt_column_bytes bytes;
	enum trace_status status = flt_column_read(reader, section, FLT_FOOTER_INDEX, &bytes, error);
	const uint8_t *in = bytes.raw;
	const uint8_t *const end = bytes.raw_bytes ? in + bytes.raw_bytes : in;

	while (status == TRACE_OK && in < end) {
		uint64_t code, length, events;

		if (!flt_varint_get(&in, end, &code) || !flt_varint_get(&in, end, &length) ||
		    !flt_varint_get(&in, end, &events))
			return malformed(error);
		if (code > FLT_INDEX_ACCESS || length > reader->input->bytes - index->end ||
		    events > FLT_BLOCK_MAX_EVENTS || (code == FLT_INDEX_BLOCK) != (events != 0))
			return malformed(error);
		status = flt_index_add(index, (enum flt_index_code)code, length, (uint32_t)events, error);
	}
	return status;
}

enum trace_status flt_footer_read(struct flt_summary *summary, struct flt_index *index,
				  struct flt_column_reader *reader, const struct flt_section *section,
				  struct trace_error *error)
{
	enum trace_status status;

	read_fields(summary, section->field);
	status = read_counts(summary, reader, section, error);
	if (status == TRACE_OK)
		status = read_accesses(summary, reader, section, error);
	if (status == TRACE_OK)
		status = read_kernel(summary, reader, section, error);
	if (status == TRACE_OK)
		status = read_index(index, reader, section, error);
	if (status != TRACE_OK)
		return status;
	const struct flt_index_entry *last = index->entries ? &index->entry[index->entries - 1] : NULL;

	return summary->events == (last ? last->first + last->events : 0) ? TRACE_OK : malformed(error);
}
