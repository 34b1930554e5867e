#include "config.h"

#include "traces/import/malloclab.h"

#define MALLOCLAB_HEADER_MAX 4

struct malloclab_line {
	uint64_t thread_id; /* 0 where the line has none */
	uint64_t id;
	uint64_t size;
	char operation; /* a, r or f */
	bool null;	/* id -1 */
	bool sized;
};

struct malloclab_header {
	uint64_t number[MALLOCLAB_HEADER_MAX];
	unsigned lines;
};

static bool malloclab_parse_number(struct scan scan, uint64_t *number)
{
	scan_blanks(&scan);
	return scan_decimal(&scan, number) && scan_ended(&scan);
}

static bool malloclab_parse_operation(struct scan *scan, struct malloclab_line *line)
{
	const char *word;
	size_t length;

	scan_blanks(scan);
	if (scan_decimal(scan, &line->thread_id))
		scan_blanks(scan);
	if (!scan_word(scan, &word, &length) || length != 1)
		return false;
	line->operation = word[0];
	return line->operation == 'a' || line->operation == 'r' || line->operation == 'f';
}

static bool malloclab_parse(struct scan scan, struct malloclab_line *line)
{
	*line = (struct malloclab_line){0};
	if (!malloclab_parse_operation(&scan, line))
		return false;
	scan_blanks(&scan);
	line->null = scan_literal(&scan, "-1");
	/* An id is kept as id + 1, since 0 is NULL in the ledger. */
	if (!line->null && (!scan_decimal(&scan, &line->id) || line->id == UINT64_MAX))
		return false;
	scan_blanks(&scan);
	if (line->operation != 'f')
		line->sized = scan_decimal(&scan, &line->size);
	return scan_ended(&scan) && (!line->null || line->operation == 'f');
}

static bool malloclab_recognise(struct scan scan)
{
	struct malloclab_line line;

	return malloclab_parse(scan, &line);
}

/* The operations alone look like other formats' lines; the file must begin with a number alone on its
 * line. */
static bool malloclab_begins(const char *bytes, size_t length)
{
	struct scan first = scan_text(bytes, length);
	uint64_t number;

	while (first.at < first.end &&
	       (*first.at == ' ' || *first.at == '\t' || *first.at == '\r' || *first.at == '\n'))
		first.at++;
	if (!scan_decimal(&first, &number))
		return false;
	scan_blanks(&first);
	return first.at < first.end && (*first.at == '\n' || *first.at == '\r');
}

static size_t malloclab_detect(const char *bytes, size_t length)
{
	return malloclab_begins(bytes, length) ? importer_count_lines(bytes, length, malloclab_recognise) : 0;
}

static enum trace_status malloclab_free(struct importer *importer, struct heap_call *call)
{
	enum trace_status status = TRACE_OK;

	if (call->address && !ledger_is_live(&importer->ledger, call->place.process, call->address)) {
		status = importer_warn(importer, "free of an id that is not live",
				       "frees an id that is not allocated here; kept as free(NULL)");
		call->address = 0;
	}
	return status == TRACE_OK ? importer_book(importer, call) : status;
}

static enum trace_status malloclab_take(struct importer *importer, const struct malloclab_line *line)
{
	struct heap_call call = {.address = line->null ? 0 : line->id + 1, .size = line->size};
	enum trace_status status = importer_place(importer, 0, line->thread_id, &call.place);

	if (status != TRACE_OK)
		return status;
	if (line->operation == 'f') {
		call.kind = EVENT_FREE;
		return malloclab_free(importer, &call);
	}
	if (!line->sized) {
		status =
		    importer_warn(importer, "missing size", "lacks the size behind the id; taken as 0 bytes");
		if (status != TRACE_OK)
			return status;
	}
	call.kind = line->operation == 'a' ? EVENT_MALLOC : EVENT_REALLOC;
	if (call.kind == EVENT_REALLOC && ledger_is_live(&importer->ledger, call.place.process, call.address))
		call.old_address = call.address;
	/* realloc(p, 0) frees; what the lab's driver keeps is the NULL that it returned. */
	if (call.kind == EVENT_REALLOC && call.old_address && line->sized && line->size == 0)
		call.address = 0;
	return importer_book(importer, &call);
}

static enum trace_status malloclab_check_header(struct importer *importer,
						const struct malloclab_header *header, uint64_t operations)
{
	struct warnings *warnings = &importer->warnings;
	uint64_t promised = header->lines == 4 ? header->number[2] : header->number[1];
	uint64_t peak = header->number[3];
	enum trace_status status = TRACE_OK;

	if (header->lines != 2 && header->lines != 4)
		return warnings_add(warnings, "unknown header", importer->error,
				    "the header has %u numbers; 2 (ids, operations) or 4 are known",
				    header->lines);
	if (promised != operations)
		status = warnings_add(warnings, "operations differ from the header", importer->error,
				      "the header promises %llu operations, the file has %llu",
				      (unsigned long long)promised, (unsigned long long)operations);
	if (status != TRACE_OK || header->lines != 4 || header->number[0] > 3 || peak <= 1 ||
	    peak == importer->ledger.peak_live_bytes)
		return status;
	return warnings_add(warnings, "peak differs from the header", importer->error,
			    "the header promises a peak of %llu live bytes, the operations make %llu",
			    (unsigned long long)peak, (unsigned long long)importer->ledger.peak_live_bytes);
}

static enum trace_status malloclab_run(struct importer *importer)
{
	struct malloclab_header header = {0};
	struct malloclab_line line;
	uint64_t operations = 0, number;
	enum trace_status status;

	while ((status = importer_next(importer)) == TRACE_OK) {
		struct scan scan = scan_text(importer->line.text, importer->line.length);

		if (scan_ended(&scan))
			continue;
		if (operations == 0 && header.lines < MALLOCLAB_HEADER_MAX &&
		    malloclab_parse_number(scan, &number)) {
			header.number[header.lines++] = number;
		} else if (malloclab_parse(scan, &line)) {
			operations++;
			status = malloclab_take(importer, &line);
		} else {
			status = importer_not_understood(importer);
		}
		if (status != TRACE_OK)
			return status;
	}
	return status == TRACE_END ? malloclab_check_header(importer, &header, operations) : status;
}

const struct import_format malloclab_format = {
    .name = "malloclab",
    .summary = "CS:APP malloc lab .rep, every known header",
    .sample = "a 0 2040",
    .detect = malloclab_detect,
    .has_time = importer_without_time,
    .run = malloclab_run,
};
