#include "config.h"

#include "traces/import/perf_data_file.h"

#include "traces/import/perf_record.h"
#include "traces/import/span.h"
#include "traces/grown_array.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES 104u
#define PIPE_HEADER_BYTES 16u
#define RECORD_HEADER_BYTES 8u
#define RECORD_BYTES_MAX 65536u
/* Ids, attrs and the formats of tracepoints; those of all tracepoints of a kernel take some MB. */
#define HEAD_BYTES_MAX (UINT64_C(1) << 26)
#define ATTRS_MAX 4096u
#define RAW_BYTES_MAX 512u
#define FEATURE_TRACING_DATA 1u
#define HIGHEST_ID (1u << 22)

enum record_type {
	RECORD_SAMPLE = 9,
	RECORD_ATTR = 64,
	RECORD_TRACING_DATA = 66,
	RECORD_AUXTRACE = 71,
	RECORD_COMPRESSED = 81,
	RECORD_COMPRESSED_2 = 83,
};

struct file_header {
	uint64_t size, attr_size, attrs_at, attrs_bytes, data_at, data_bytes, features;
};

static enum trace_status no_memory(const struct perf_data_file *file)
{
	return trace_fail(file->importer->error, TRACE_NO_MEMORY, "no memory for the samples of the file");
}

static enum trace_status refuse(const struct perf_data_file *file, const char *what)
{
	return warnings_refuse(&file->importer->warnings, file->importer->error, "%s", what);
}

/* --- Bytes -------------------------------------------------------------------------------------------------------------------- */

/* TRACE_END: the file ends at or within them. */
static enum trace_status read_bytes(struct perf_data_file *file, void *bytes, size_t count)
{
	size_t got = 0;
	enum trace_status status;

	if (count == 0)
		return TRACE_OK;
	status = input_read(file->importer->input, bytes, count, &got, file->importer->error);
	file->position += got;
	return status == TRACE_OK && got < count ? TRACE_END : status;
}

static enum trace_status skip_bytes(struct perf_data_file *file, uint64_t count)
{
	uint8_t scratch[4096];
	enum trace_status status = TRACE_OK;

	while (status == TRACE_OK && count > 0) {
		size_t piece = count < sizeof(scratch) ? (size_t)count : sizeof(scratch);
		status = read_bytes(file, scratch, piece);
		count -= piece;
	}
	return status;
}

static enum trace_status cut(struct perf_data_file *file)
{
	return warnings_add(&file->importer->warnings, "file cut", file->importer->error,
			    "the file ends within a record or a table: it is not complete");
}

/* --- Events ------------------------------------------------------------------------------------------------------------------- */

static enum trace_status add_attr(struct perf_data_file *file, const uint8_t *bytes, size_t length)
{
	struct perf_attr *larger;

	if (file->attrs == ATTRS_MAX)
		return refuse(file, "has more than 4,096 events");
	larger = grown_array(file->attr, file->attrs, &file->attr_capacity, sizeof(*larger));
	if (!larger)
		return no_memory(file);
	file->attr = larger;
	if (!perf_attr_parse(bytes, length, &file->attr[file->attrs]))
		return refuse(file, "describes an event in too few bytes");
	file->attrs++;
	return TRACE_OK;
}

/* They name the last attr. */
static enum trace_status add_ids(struct perf_data_file *file, const uint8_t *bytes, size_t length)
{
	for (; length >= 8; bytes += 8, length -= 8) {
		struct perf_id *larger =
		    grown_array(file->id, file->ids, &file->id_capacity, sizeof(*larger));

		if (!larger)
			return no_memory(file);
		file->id = larger;
		file->id[file->ids++] =
		    (struct perf_id){.id = perf_word(bytes, 8), .attr = (uint32_t)file->attrs - 1};
	}
	return TRACE_OK;
}

/* --- Formats of tracepoints ------------------------------------------------------------------------------------------------- */

static bool take_system(struct perf_data_file *file, struct span *span)
{
	const char *name = span_text(span);
	uint64_t formats = span_word(span, 4);
	bool understood = true;

	while (span->whole && formats-- > 0) {
		uint64_t length = span_word(span, 8);
		const uint8_t *text = span_take(span, length);
		if (text)
			understood &=
			    tracepoints_add(&file->tracepoints, name, (const char *)text, (size_t)length);
	}
	return understood;
}

static bool is_tracing_data(struct span *span)
{
	static const uint8_t magic[] = {23, 8, 68, 't', 'r', 'a', 'c', 'i', 'n', 'g'};
	const uint8_t *begin = span_take(span, sizeof(magic));

	return begin && memcmp(begin, magic, sizeof(magic)) == 0 && span_text(span) &&
	       span_word(span, 1) == 0 && span_word(span, 1) == 8;
}

/* Magic, version, byte order, size of long, of a page; formats of pages and of ftrace's own events; formats by system. */
static enum trace_status take_formats(struct perf_data_file *file, const uint8_t *bytes, size_t length)
{
	struct span span = {bytes, length, true};
	bool understood = is_tracing_data(&span);
	uint64_t count;

	(void)span_word(&span, 4);
	for (unsigned i = 0; i < 2; i++) {
		(void)span_text(&span);
		(void)span_take(&span, span_word(&span, 8));
	}
	for (count = span_word(&span, 4); span.whole && count-- > 0;)
		(void)span_take(&span, span_word(&span, 8));
	if (!understood)
		span.whole = false;
	for (count = span_word(&span, 4); span.whole && count-- > 0;)
		understood &= take_system(file, &span);
	file->has_formats = true;
	if (understood && span.whole)
		return TRACE_OK;
	return warnings_add(
	    &file->importer->warnings, "formats of tracepoints not understood", file->importer->error,
	    "of the file's descriptions of tracepoints some are not understood: their samples "
	    "are left out");
}

/* --- Records ---------------------------------------------------------------------------------------------------------------------- */

static const struct perf_id *find_id(const struct perf_data_file *file, uint64_t id)
{
	for (size_t i = 0; i < file->ids; i++) {
		if (file->id[i].id == id)
			return &file->id[i];
	}
	return NULL;
}

/* The event of a sample; its index, or ATTRS_MAX. */
static uint32_t attr_of(const struct perf_data_file *file, const uint8_t *bytes, size_t length)
{
	const struct perf_id *found;
	uint64_t id;

	if (file->attrs <= 1)
		return file->attrs ? 0 : ATTRS_MAX;
	if (!perf_sample_id(&file->attr[0], bytes, length, &id) || !(found = find_id(file, id)))
		return ATTRS_MAX;
	return found->attr;
}

static bool is_wanted(const struct perf_attr *attr)
{
	return attr->type == PERF_TYPE_TRACEPOINT_EVENT ||
	       (attr->type == PERF_TYPE_SOFTWARE_EVENT && perf_attr_is_of_faults(attr));
}

/* Room for another of so many raw bytes. */
static bool have_room_for_kept(struct perf_data_file *file, size_t raw_bytes)
{
	struct perf_kept *larger_kept =
	    grown_array(file->kept, file->kept_count, &file->kept_capacity, sizeof(*larger_kept));

	if (!larger_kept)
		return false;
	file->kept = larger_kept;
	if (file->raw_capacity - file->raw_bytes < raw_bytes) {
		size_t wanted = 2 * file->raw_capacity + (UINT64_C(1) << 16);
		uint8_t *larger = realloc(file->raw, wanted);
		if (!larger)
			return false;
		file->raw = larger;
		file->raw_capacity = wanted;
	}
	return true;
}

static void keep_raw(struct perf_data_file *file, const void *bytes, size_t count)
{
	if (count)
		memcpy(file->raw + file->raw_bytes, bytes, count);
	file->raw_bytes += count;
}

static enum trace_status keep(struct perf_data_file *file, uint32_t attr, const struct perf_sample *sample)
{
	if (sample->raw_bytes > RAW_BYTES_MAX)
		return TRACE_OK; /* of a tracepoint that is none of ours */
	if (!have_room_for_kept(file, sample->raw_bytes))
		return no_memory(file);
	file->kept[file->kept_count++] = (struct perf_kept){.time = sample->time,
							    .record = file->records,
							    .ip = sample->ip,
							    .address = sample->address,
							    .raw = file->raw_bytes,
							    .raw_bytes = sample->raw_bytes,
							    .process_id = sample->process_id,
							    .thread_id = sample->thread_id,
							    .attr = attr,
							    .cpu = sample->has_cpu ? sample->cpu : UINT32_MAX,
							    .has_address = sample->has_address};
	keep_raw(file, sample->raw, sample->raw_bytes);
	return TRACE_OK;
}

/* A thread, a program or a mapping. */
static enum trace_status take_task(struct perf_data_file *file, const struct perf_record *record)
{
	struct perf_task task;

	if (file->attrs == 0 || !perf_task_of_record(&file->attr[0], record, &task))
		return TRACE_OK;
	const size_t path_bytes = (size_t)(task.path.end - task.path.at);

	if (!have_room_for_kept(file, sizeof(task) + path_bytes))
		return no_memory(file);
	file->kept[file->kept_count++] =
	    (struct perf_kept){.time = task.time_ns,
			       .record = file->records,
			       .raw = file->raw_bytes,
			       .raw_bytes = (uint32_t)(sizeof(task) + path_bytes),
			       .process_id = task.process_id,
			       .thread_id = task.thread_id,
			       .attr = PERF_KEPT_TASK};
	keep_raw(file, &task, sizeof(task));
	keep_raw(file, task.path.at, path_bytes);
	return TRACE_OK;
}

struct perf_task perf_data_task(const struct perf_data_file *file, const struct perf_kept *kept)
{
	const char *path = (const char *)file->raw + kept->raw + sizeof(struct perf_task);
	struct perf_task task;

	memcpy(&task, file->raw + kept->raw, sizeof(task));
	task.path = scan_text(path, kept->raw_bytes - sizeof(task));
	return task;
}

static enum trace_status take_lost(const struct perf_data_file *file, const struct perf_record *record)
{
	if (record->length < 16 || perf_word(record->bytes + 8, 8) == 0)
		return TRACE_OK;
	return warnings_add(&file->importer->warnings, EVENT_LOST_WARNING, file->importer->error,
			    "says that %" PRIu64 " records before it were lost; record with a larger -m",
			    perf_word(record->bytes + 8, 8));
}

static enum trace_status take_sample(struct perf_data_file *file, const uint8_t *bytes, size_t length)
{
	uint32_t attr = attr_of(file, bytes, length);
	struct perf_sample sample;

	if (attr == ATTRS_MAX || !perf_sample_parse(&file->attr[attr], bytes, length, &sample))
		return warnings_add(
		    &file->importer->warnings, "sample not understood", file->importer->error,
		    "is a sample of an event that the file does not describe, or shorter than "
		    "that event's fields; it was skipped");
	if (!is_wanted(&file->attr[attr]))
		return TRACE_OK;
	if (!sample.has_ids)
		return warnings_add(&file->importer->warnings, "sample without thread", file->importer->error,
				    "is a sample that does not say whose it is; it was skipped");
	/* Of a thread that is just ending: what the kernel does then is taken all the same. */
	if ((sample.thread_id > HIGHEST_ID || sample.process_id > HIGHEST_ID) &&
	    (file->attr[attr].type != PERF_TYPE_TRACEPOINT_EVENT || sample.thread_id != UINT32_MAX))
		return TRACE_OK;
	return keep(file, attr, &sample);
}

/* What is larger than a record follows the one that announces it. */
static enum trace_status take_pipe_formats(struct perf_data_file *file, const uint8_t *bytes, size_t length)
{
	uint64_t count = length >= 4 ? perf_word(bytes, 4) : 0;
	uint8_t *formats;
	enum trace_status status;

	if (count > HEAD_BYTES_MAX)
		return refuse(file, "announces more than 64 MiB of tracepoint formats");
	formats = malloc((size_t)count + 8);
	if (!formats)
		return no_memory(file);
	status = read_bytes(file, formats, (size_t)((count + 7) / 8 * 8));
	if (status == TRACE_OK)
		status = take_formats(file, formats, (size_t)count);
	free(formats);
	return status;
}

static enum trace_status take_pipe_attr(struct perf_data_file *file, const uint8_t *bytes, size_t length)
{
	size_t attr_bytes = length >= 8 ? (size_t)perf_word(bytes + 4, 4) : 0;
	enum trace_status status;

	if (attr_bytes > length)
		return refuse(file, "describes an event in more bytes than it has");
	status = add_attr(file, bytes, attr_bytes);
	return status == TRACE_OK ? add_ids(file, bytes + attr_bytes, length - attr_bytes) : status;
}

static enum trace_status take_record(struct perf_data_file *file, const struct perf_record *record)
{
	const uint8_t *bytes = record->bytes;
	const size_t length = record->length;

	switch (record->type) {
	case PERF_RECORD_OF_LOST:
		return take_lost(file, record);
	case RECORD_SAMPLE:
		return take_sample(file, bytes, length);
	case RECORD_ATTR:
		return take_pipe_attr(file, bytes, length);
	case RECORD_TRACING_DATA:
		return take_pipe_formats(file, bytes, length);
	case RECORD_AUXTRACE:
		return length >= 8 ? skip_bytes(file, perf_word(bytes, 8)) : TRACE_OK;
	case RECORD_COMPRESSED:
	case RECORD_COMPRESSED_2:
		return trace_fail(file->importer->error, TRACE_UNSUPPORTED,
				  "%s: its records are compressed; record without -z",
				  file->importer->warnings.file);
	default:
		return take_task(file, record);
	}
}

/* Records up to byte `end` of the file. */
static enum trace_status read_records(struct perf_data_file *file, uint64_t end)
{
	uint8_t *record = malloc(RECORD_BYTES_MAX);
	enum trace_status status = record ? TRACE_OK : no_memory(file);

	while (status == TRACE_OK && file->position < end) {
		uint64_t started = file->position;
		size_t size;

		status = read_bytes(file, record, RECORD_HEADER_BYTES);
		if (status == TRACE_END && file->position == started)
			break;
		file->importer->warnings.line = ++file->records;
		size = status == TRACE_OK ? (size_t)perf_word(record + 6, 2) : 0;
		if (status == TRACE_OK && size < RECORD_HEADER_BYTES)
			status = refuse(file, "is a record shorter than its header of 8 bytes");
		if (status == TRACE_OK)
			status = read_bytes(file, record + RECORD_HEADER_BYTES, size - RECORD_HEADER_BYTES);
		if (status == TRACE_OK)
			status = take_record(
			    file, &(struct perf_record){.type = (uint32_t)perf_word(record, 4),
							.flags = (uint16_t)perf_word(record + 4, 2),
							.bytes = record + RECORD_HEADER_BYTES,
							.length = size - RECORD_HEADER_BYTES});
	}
	free(record);
	if (status == TRACE_END && end != UINT64_MAX)
		return TRACE_END;
	return status == TRACE_END ? TRACE_OK : status;
}

/* --- The parts of a file ------------------------------------------------------------------------------------------------------------ */

static enum trace_status take_attrs(struct perf_data_file *file, const struct file_header *header,
				    const uint8_t *head)
{
	enum trace_status status = TRACE_OK;

	if (header->attr_size < PERF_ATTR_BYTES_MIN + 16 || header->attr_size > 4096 ||
	    header->attrs_at < HEADER_BYTES || header->attrs_at > header->data_at ||
	    header->attrs_bytes > header->data_at - header->attrs_at)
		return refuse(file, "has no table of events before its records");
	for (uint64_t at = 0; status == TRACE_OK && at + header->attr_size <= header->attrs_bytes;
	     at += header->attr_size) {
		const uint8_t *attr = head + (header->attrs_at - HEADER_BYTES) + at;
		uint64_t ids_at = perf_word(attr + header->attr_size - 16, 8);
		uint64_t ids_bytes = perf_word(attr + header->attr_size - 8, 8);
		status = add_attr(file, attr, (size_t)header->attr_size - 16);
		if (status == TRACE_OK && ids_at >= HEADER_BYTES && ids_at <= header->data_at &&
		    ids_bytes <= header->data_at - ids_at)
			status = add_ids(file, head + (ids_at - HEADER_BYTES), (size_t)ids_bytes);
	}
	return status;
}

static enum trace_status read_head(struct perf_data_file *file, const struct file_header *header)
{
	uint8_t *head;
	enum trace_status status;

	if (header->data_at < HEADER_BYTES || header->data_at > HEAD_BYTES_MAX)
		return refuse(file, "has its records where they cannot be");
	head = malloc((size_t)header->data_at);
	if (!head)
		return no_memory(file);
	status = read_bytes(file, head, (size_t)header->data_at - HEADER_BYTES);
	if (status == TRACE_OK)
		status = take_attrs(file, header, head);
	free(head);
	return status;
}

/* The table behind the records has a place and a length for every feature, in their order. */
static enum trace_status read_features(struct perf_data_file *file, uint64_t features)
{
	uint8_t entry[16], *formats;
	uint64_t at, bytes;
	enum trace_status status;

	if (!(features >> FEATURE_TRACING_DATA & 1))
		return TRACE_OK;
	status = skip_bytes(file, (features & 1) * sizeof(entry));
	if (status == TRACE_OK)
		status = read_bytes(file, entry, sizeof(entry));
	if (status != TRACE_OK)
		return status;
	at = perf_word(entry, 8);
	bytes = perf_word(entry + 8, 8);
	if (at < file->position || bytes > HEAD_BYTES_MAX)
		return refuse(file, "has its tracepoint formats where they cannot be");
	formats = malloc((size_t)bytes + 1);
	if (!formats)
		return no_memory(file);
	status = skip_bytes(file, at - file->position);
	if (status == TRACE_OK)
		status = read_bytes(file, formats, (size_t)bytes);
	if (status == TRACE_OK)
		status = take_formats(file, formats, (size_t)bytes);
	free(formats);
	return status;
}

static enum trace_status read_parts(struct perf_data_file *file, const uint8_t *bytes)
{
	const struct file_header header = {.attr_size = perf_word(bytes + 16, 8),
					   .attrs_at = perf_word(bytes + 24, 8),
					   .attrs_bytes = perf_word(bytes + 32, 8),
					   .data_at = perf_word(bytes + 40, 8),
					   .data_bytes = perf_word(bytes + 48, 8),
					   .features = perf_word(bytes + 72, 8)};
	enum trace_status status = read_head(file, &header);

	if (status != TRACE_OK)
		return status;
	if (header.data_bytes == 0 || header.data_bytes > UINT64_MAX / 2)
		return read_records(file, UINT64_MAX); /* perf was killed */
	status = read_records(file, header.data_at + header.data_bytes);
	return status == TRACE_OK ? read_features(file, header.features) : status;
}

enum trace_status perf_data_read(struct perf_data_file *file, struct importer *importer)
{
	static const char magic[8] = "PERFILE2", swapped[8] = "2ELIFREP";
	uint8_t header[HEADER_BYTES];
	enum trace_status status;

	*file = (struct perf_data_file){.importer = importer};
	status = read_bytes(file, header, PIPE_HEADER_BYTES);
	if (status == TRACE_OK && memcmp(header, swapped, sizeof(swapped)) == 0)
		return trace_fail(importer->error, TRACE_UNSUPPORTED, "%s: it is of a big-endian machine",
				  importer->warnings.file);
	if (status != TRACE_OK || memcmp(header, magic, sizeof(magic)) != 0)
		return status == TRACE_OK || status == TRACE_END
			   ? refuse(file, "is no perf.data file: it does not begin with PERFILE2")
			   : status;
	if (perf_word(header + 8, 8) == PIPE_HEADER_BYTES) {
		status = read_records(file, UINT64_MAX);
	} else {
		status = read_bytes(file, header + PIPE_HEADER_BYTES, HEADER_BYTES - PIPE_HEADER_BYTES);
		if (status == TRACE_OK)
			status = read_parts(file, header);
	}
	return status == TRACE_END ? cut(file) : status;
}

void perf_data_free(struct perf_data_file *file)
{
	free(file->attr);
	free(file->id);
	free(file->kept);
	free(file->raw);
	tracepoints_free(&file->tracepoints);
	*file = (struct perf_data_file){0};
}
