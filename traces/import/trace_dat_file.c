#include "config.h"

#include "traces/import/trace_dat_file.h"

#include "traces/import/span.h"
#include "traces/grown_array.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define FILE_BYTES_MAX (UINT64_C(1) << 32)
#define UNPACKED_BYTES_MAX (UINT64_C(1) << 32)
/* What a file may become at most, by its length; and the bytes of the shortest record. */
#define UNPACKED_RATIO_MAX 256u
#define RECORD_BYTES_MIN 12u
#define CHUNK_BYTES_MAX (UINT64_C(1) << 26)
#define READ_BYTES ((size_t)1 << 20)
#define PAGE_BYTES_MAX 65536u
#define PAGE_HEADER_BYTES 16u
#define MAGIC_BYTES 10u
#define CPUS_MAX 65536u
#define OPTION_SECTIONS_MAX 64u

#define LENGTH_MASK 0xfffffu
#define MISSED (UINT64_C(1) << 31)

enum option {
	OPTION_DONE = 0, /* version 7: where the next options are */
	OPTION_BUFFER = 3,
	OPTION_FORMATS = 18,
};

enum record_type {
	RECORD_LENGTH_FOLLOWS = 0,
	RECORD_PADDING = 29,
	RECORD_TIME_EXTEND = 30,
	RECORD_TIME_STAMP = 31,
};

static enum trace_status no_memory(const struct trace_dat_file *file)
{
	return trace_fail(file->importer->error, TRACE_NO_MEMORY, "no memory for the records of the file");
}

static enum trace_status refuse(const struct trace_dat_file *file, const char *what)
{
	return warnings_refuse(&file->importer->warnings, file->importer->error, "%s", what);
}

static enum trace_status unsupported(const struct trace_dat_file *file, const char *what)
{
	return trace_fail(file->importer->error, TRACE_UNSUPPORTED, "%s: %s", file->importer->warnings.file,
			  what);
}

static enum trace_status cut(const struct trace_dat_file *file)
{
	return warnings_add(&file->importer->warnings, "file cut", file->importer->error,
			    "the file ends within a table or a page: it is not complete");
}

void trace_dat_free(struct trace_dat_file *file)
{
	for (size_t i = 0; i < file->unpacked_count; i++)
		free(file->unpacked[i]);
	free(file->unpacked);
	free(file->record);
	free(file->bytes);
	tracepoints_free(&file->tracepoints);
}

/* The pages lie before what tells where they are, or behind it: so all is read first. */
static enum trace_status read_file(struct trace_dat_file *file)
{
	enum trace_status status = TRACE_OK;

	while (status == TRACE_OK) {
		size_t got = 0;

		if (file->length > FILE_BYTES_MAX)
			return unsupported(file, "it is longer than 4 GiB");
		if (file->capacity - file->length < READ_BYTES) {
			uint8_t *larger = realloc(file->bytes, 2 * file->capacity + READ_BYTES);

			if (!larger)
				return no_memory(file);
			file->bytes = larger;
			file->capacity = 2 * file->capacity + READ_BYTES;
		}
		status = input_read(file->importer->input, file->bytes + file->length, READ_BYTES, &got,
				    file->importer->error);
		file->length += status == TRACE_OK ? got : 0;
	}
	return status == TRACE_END ? TRACE_OK : status;
}

/* The file from `offset` on. */
static struct span span_at(const struct trace_dat_file *file, uint64_t offset)
{
	const bool inside = offset <= file->length;

	return (struct span){file->bytes + (inside ? offset : 0), inside ? file->length - (size_t)offset : 0,
			     inside};
}

/* --- Compression -------------------------------------------------------------------------------------------------------- */

/* A chunk: bytes stored, bytes meant, the bytes. *chunk is what it holds, of no bytes where it makes no sense. */
static enum trace_status unpack(struct trace_dat_file *file, struct span *span, struct span *chunk)
{
	const uint64_t stored = span_word(span, 4), meant = span_word(span, 4);
	const uint8_t *bytes = span_take(span, stored);
	uint8_t *out;
	size_t got;

	*chunk = (struct span){NULL, 0, false};
	if (!bytes || meant == 0 || meant > CHUNK_BYTES_MAX ||
	    file->unpacked_bytes + meant > UNPACKED_BYTES_MAX ||
	    file->unpacked_bytes + meant > file->length * (uint64_t)UNPACKED_RATIO_MAX)
		return TRACE_OK;
	uint8_t **larger =
	    grown_array(file->unpacked, file->unpacked_count, &file->unpacked_capacity, sizeof(*larger));

	if (!larger)
		return no_memory(file);
	file->unpacked = larger;
	out = malloc((size_t)meant);
	if (!out)
		return no_memory(file);
	got = ZSTD_decompress(out, (size_t)meant, bytes, (size_t)stored);
	if (ZSTD_isError(got)) {
		free(out);
		return TRACE_OK;
	}
	file->unpacked[file->unpacked_count++] = out;
	file->unpacked_bytes += meant;
	*chunk = (struct span){out, got, true};
	return TRACE_OK;
}

/* The body of the section of version 7 at `offset`. */
static enum trace_status open_section(struct trace_dat_file *file, uint64_t offset, struct span *body)
{
	struct span span = span_at(file, offset);
	uint64_t bytes;
	unsigned flags;

	(void)span_word(&span, 2);
	flags = (unsigned)span_word(&span, 2);
	(void)span_word(&span, 4);
	bytes = span_word(&span, 8);
	*body = (struct span){span_take(&span, bytes), (size_t)bytes, span.whole};
	if (!body->at) {
		*body = (struct span){NULL, 0, false};
		return TRACE_OK;
	}
	if (!(flags & 1))
		return TRACE_OK;
	span = *body;
	return unpack(file, &span, body);
}

/* --- Formats ------------------------------------------------------------------------------------------------------------ */

static bool take_system(struct trace_dat_file *file, struct span *span)
{
	const char *name = span_text(span);
	uint64_t formats = span_word(span, 4);
	bool understood = true;

	while (span->whole && formats-- > 0) {
		const uint64_t length = span_word(span, 8);
		const uint8_t *text = span_take(span, length);

		if (text)
			understood &=
			    tracepoints_add(&file->tracepoints, name, (const char *)text, (size_t)length);
	}
	return understood;
}

static enum trace_status take_formats(struct trace_dat_file *file, struct span *span)
{
	bool understood = true;

	if (!tracepoints_are_known())
		return unsupported(file, "this build has no libtraceevent, which reads its descriptions");
	for (uint64_t systems = span_word(span, 4); span->whole && systems-- > 0;)
		understood &= take_system(file, span);
	if (!span->whole)
		return cut(file);
	return understood ? TRACE_OK
			  : warnings_add(&file->importer->warnings, "formats of tracepoints not understood",
					 file->importer->error,
					 "of the file's descriptions of tracepoints some are not understood: "
					 "their records are left out");
}

/* --- Pages -------------------------------------------------------------------------------------------------------------- */

static enum trace_status keep(struct trace_dat_file *file, const struct trace_dat_record *record)
{
	const uint64_t id = (uint64_t)record->raw[0] | (uint64_t)record->raw[1] << 8;

	if (!tracepoints_find(&file->tracepoints, id))
		return TRACE_OK;
	/* Pages that are named again and again. */
	if (file->records > (file->length + file->unpacked_bytes) / RECORD_BYTES_MIN)
		return refuse(file, "names its pages more than once");
	struct trace_dat_record *larger =
	    grown_array(file->record, file->records, &file->record_capacity, sizeof(*larger));

	if (!larger)
		return no_memory(file);
	file->record = larger;
	file->record[file->records] = *record;
	file->record[file->records].number = file->records;
	file->records++;
	return TRACE_OK;
}

/* How many bytes of data the record has; *time goes on. SIZE_MAX: the page ends here. */
static size_t take_head(struct span *span, uint64_t *time, bool *is_event)
{
	const uint64_t head = span_word(span, 4), since = head >> 5;
	const unsigned type = head & 31;
	uint64_t word;

	*is_event = type < RECORD_PADDING;
	if (type > 0 && type < RECORD_PADDING) {
		*time += since;
		return (size_t)type * 4;
	}
	word = span_word(span, 4);
	switch (type) {
	case RECORD_LENGTH_FOLLOWS:
		*time += since;
		return word >= 4 ? ((size_t)word - 4 + 3) & ~(size_t)3 : SIZE_MAX;
	case RECORD_PADDING:
		*time += since;
		return since && word >= 4 ? (size_t)word - 4 : SIZE_MAX;
	case RECORD_TIME_EXTEND:
		*time += since + (word << 27);
		return 0;
	default: /* the highest five bits are not told */
		*time = (*time >> 59 << 59) | ((word << 27) + since);
		return 0;
	}
}

static enum trace_status take_page(struct trace_dat_file *file, struct span page, uint32_t cpu)
{
	uint64_t time = span_word(&page, 8);
	const uint64_t commit = span_word(&page, 8);
	enum trace_status status = TRACE_OK;

	file->lost += (commit & MISSED) != 0;
	if ((commit & LENGTH_MASK) < page.left)
		page.left = commit & LENGTH_MASK;
	while (status == TRACE_OK && page.left >= 4) {
		bool is_event;
		const size_t bytes = take_head(&page, &time, &is_event);
		const struct trace_dat_record record = {
		    .time = time, .raw = page.at, .raw_bytes = (uint32_t)bytes, .cpu = cpu};

		if (!page.whole || bytes == SIZE_MAX || !span_take(&page, bytes))
			break;
		if (is_event && bytes >= 8)
			status = keep(file, &record);
	}
	return status;
}

static enum trace_status take_pages(struct trace_dat_file *file, struct span span, uint32_t cpu)
{
	enum trace_status status = TRACE_OK;

	while (status == TRACE_OK && span.left >= PAGE_HEADER_BYTES) {
		const size_t bytes = span.left < file->page_bytes ? span.left : file->page_bytes;

		status = take_page(file, (struct span){span_take(&span, bytes), bytes, true}, cpu);
	}
	return status;
}

/* Compressed pages: how many chunks, and the chunks. */
static enum trace_status take_chunks(struct trace_dat_file *file, uint64_t offset, uint32_t cpu)
{
	struct span span = span_at(file, offset);
	enum trace_status status = TRACE_OK;

	for (uint64_t chunks = span_word(&span, 4); status == TRACE_OK && span.whole && chunks > 0;
	     chunks--) {
		struct span chunk;

		status = unpack(file, &span, &chunk);
		if (status == TRACE_OK && !chunk.whole)
			return cut(file);
		if (status == TRACE_OK)
			status = take_pages(file, chunk, cpu);
	}
	return status == TRACE_OK && !span.whole ? cut(file) : status;
}

static enum trace_status take_cpu(struct trace_dat_file *file, uint64_t offset, uint64_t bytes, uint32_t cpu)
{
	struct span span = span_at(file, offset);
	const uint8_t *pages;

	if (bytes == 0)
		return TRACE_OK;
	if (file->is_packed)
		return take_chunks(file, offset, cpu);
	pages = span_take(&span, bytes);
	return pages ? take_pages(file, (struct span){pages, (size_t)bytes, true}, cpu) : cut(file);
}

/* --- Version 6 ---------------------------------------------------------------------------------------------------------- */

static void skip_sized(struct span *span, unsigned bytes)
{
	(void)span_take(span, span_word(span, bytes));
}

static void skip_headers(struct span *span)
{
	for (unsigned i = 0; i < 2; i++) {
		(void)span_text(span);
		skip_sized(span, 8);
	}
	for (uint64_t formats = span_word(span, 4); span->whole && formats > 0; formats--)
		skip_sized(span, 8);
}

/* "options  " are passed over; "flyrecord" is what is wanted. */
static bool find_pages(struct span *span)
{
	const char *name = span_text(span);

	if (name && strcmp(name, "options  ") == 0) {
		while (span->whole && span_word(span, 2) != OPTION_DONE)
			skip_sized(span, 4);
		name = span_text(span);
	}
	return name && strcmp(name, "flyrecord") == 0;
}

static enum trace_status read_version_6(struct trace_dat_file *file, struct span span)
{
	enum trace_status status;
	uint64_t processors;

	skip_headers(&span);
	status = take_formats(file, &span);
	if (status != TRACE_OK)
		return status;
	skip_sized(&span, 4); /* kallsyms */
	skip_sized(&span, 4); /* formats of trace_printk */
	skip_sized(&span, 8); /* names of tasks */
	processors = span_word(&span, 4);
	if (!find_pages(&span) || processors > CPUS_MAX)
		return span.whole ? refuse(file, "has no pages of records (a latency tracer's file has none)")
				  : cut(file);
	for (uint32_t cpu = 0; status == TRACE_OK && span.whole && cpu < processors; cpu++) {
		const uint64_t offset = span_word(&span, 8), bytes = span_word(&span, 8);

		status = take_cpu(file, offset, bytes, cpu);
	}
	return status;
}

/* --- Version 7 ---------------------------------------------------------------------------------------------------------- */

/* Where the section is, its name, its clock, bytes of a page, and per processor its number, where and how long. */
static enum trace_status take_buffer(struct trace_dat_file *file, struct span span)
{
	enum trace_status status = TRACE_OK;
	uint64_t processors, page_bytes;

	(void)span_word(&span, 8);
	(void)span_text(&span);
	(void)span_text(&span);
	page_bytes = span_word(&span, 4);
	processors = span_word(&span, 4);
	if (page_bytes >= PAGE_HEADER_BYTES && page_bytes <= PAGE_BYTES_MAX)
		file->page_bytes = (uint32_t)page_bytes;
	while (status == TRACE_OK && span.whole && processors-- > 0) {
		const uint64_t cpu = span_word(&span, 4), offset = span_word(&span, 8),
			       bytes = span_word(&span, 8);

		if (span.whole && cpu < CPUS_MAX)
			status = take_cpu(file, offset, bytes, (uint32_t)cpu);
	}
	return status == TRACE_OK && !span.whole ? cut(file) : status;
}

/* One section of options. *next is where the next one is, 0 behind the last. Formats come before the pages that need them: `pages` says
 * which of the two are taken. */
static enum trace_status take_options(struct trace_dat_file *file, uint64_t offset, bool pages,
				      uint64_t *next)
{
	struct span options;
	enum trace_status status = open_section(file, offset, &options);

	*next = 0;
	while (status == TRACE_OK && options.whole && options.left >= 6) {
		const uint64_t id = span_word(&options, 2), bytes = span_word(&options, 4);
		struct span option = {span_take(&options, bytes), (size_t)bytes, true}, section;

		if (!option.at)
			break;
		if (id == OPTION_DONE) {
			*next = bytes >= 8 ? span_word(&option, 8) : 0;
			break;
		}
		if (id == OPTION_BUFFER && pages) {
			status = take_buffer(file, option);
		} else if (id == OPTION_FORMATS && !pages) {
			status = open_section(file, span_word(&option, 8), &section);
			if (status == TRACE_OK)
				status = take_formats(file, &section);
		}
	}
	return status == TRACE_OK && !options.whole ? cut(file) : status;
}

static enum trace_status read_version_7(struct trace_dat_file *file, struct span span)
{
	const char *compression = span_text(&span);
	enum trace_status status = TRACE_OK;
	uint64_t first;

	(void)span_text(&span); /* its version */
	first = span_word(&span, 8);
	if (!compression || !span.whole)
		return cut(file);
	file->is_packed = strcmp(compression, "none") != 0;
	if (file->is_packed && strcmp(compression, "zstd") != 0)
		return unsupported(file, "it is compressed by another means than zstd; `trace-cmd convert "
					 "--compression none` undoes it");
	for (unsigned pages = 0; status == TRACE_OK && pages < 2; pages++) {
		uint64_t offset = first;

		for (unsigned sections = 0; status == TRACE_OK && offset && sections < OPTION_SECTIONS_MAX;
		     sections++)
			status = take_options(file, offset, pages != 0, &offset);
	}
	return status;
}

/* --- The whole ---------------------------------------------------------------------------------------------------------- */

static enum trace_status read_all(struct trace_dat_file *file)
{
	struct span span = span_at(file, 0);
	const char *version;
	uint64_t order, long_bytes, page_bytes;

	(void)span_take(&span, MAGIC_BYTES);
	version = span_text(&span);
	order = span_word(&span, 1);
	long_bytes = span_word(&span, 1);
	page_bytes = span_word(&span, 4);
	if (!version || !span.whole)
		return refuse(file, "is no trace.dat file: it ends within its head");
	if (order != 0 || long_bytes != 8)
		return unsupported(file, "it is of a big-endian machine, or one of 32 bits");
	if (page_bytes < PAGE_HEADER_BYTES || page_bytes > PAGE_BYTES_MAX)
		return refuse(file, "has pages of an impossible size");
	file->page_bytes = (uint32_t)page_bytes;
	if (strcmp(version, "6") == 0)
		return read_version_6(file, span);
	if (strcmp(version, "7") == 0)
		return read_version_7(file, span);
	return unsupported(
	    file, "it is of another version than 6 or 7; `trace-cmd convert --file-version 7` makes one");
}

enum trace_status trace_dat_read(struct trace_dat_file *file, struct importer *importer)
{
	enum trace_status status;

	file->importer = importer;
	status = read_file(file);
	importer->warnings.line = 0;
	return status == TRACE_OK ? read_all(file) : status;
}
