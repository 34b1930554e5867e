#include "config.h"

#include "traces/import/pinatrace.h"

#include "traces/import/references.h"

struct pinatrace_line {
	enum access_kind kind;
	uint64_t address;
	uint64_t bytes;
};

static bool pinatrace_parse(struct scan scan, struct pinatrace_line *line)
{
	uint64_t instruction;

	if (!scan_literal(&scan, "0x") || !scan_hexadecimal(&scan, &instruction) ||
	    !scan_literal(&scan, ": "))
		return false;
	scan_blanks(&scan);
	if (scan_character(&scan, 'R'))
		line->kind = ACCESS_LOAD;
	else if (scan_character(&scan, 'W'))
		line->kind = ACCESS_STORE;
	else
		return false;
	scan_blanks(&scan);
	if (!scan_literal(&scan, "0x") || !scan_hexadecimal(&scan, &line->address))
		return false;
	scan_blanks(&scan);
	if (!scan_decimal(&scan, &line->bytes))
		line->bytes = 1;
	/* A value may follow, in whatever form. */
	return line->bytes >= 1 && line->bytes <= ACCESS_MAX_BYTES &&
	       (scan.at == scan.end || scan.at[-1] == ' ' || *scan.at == ' ');
}

static bool pinatrace_recognise(struct scan scan)
{
	struct pinatrace_line line;

	return pinatrace_parse(scan, &line);
}

static size_t pinatrace_detect(const char *bytes, size_t length)
{
	return importer_count_lines(bytes, length, pinatrace_recognise);
}

static enum trace_status pinatrace_run(struct importer *importer)
{
	struct references references;
	struct pinatrace_line line;
	bool complete = false;
	enum trace_status status = references_start(&references, importer);

	if (status != TRACE_OK)
		return status;
	while ((status = importer_next(importer)) == TRACE_OK) {
		struct scan scan = scan_text(importer->line.text, importer->line.length);
		if (pinatrace_parse(scan, &line))
			status = references_put(&references, line.kind, line.address, (uint16_t)line.bytes);
		else if (scan_literal(&scan, "#eof"))
			complete = true;
		else if (!scan_literal(&scan, "#") && !scan_ended(&scan))
			status = importer_not_understood(importer);
		if (status != TRACE_OK)
			return status;
	}
	if (status == TRACE_END)
		status = references_end(&references);
	if (status == TRACE_OK && !complete)
		status = warnings_add(&importer->warnings, "end mark missing", importer->error,
				      "the file should end with the line #eof: it may be cut");
	return status;
}

const struct import_format pinatrace_format = {
    .name = "pinatrace",
    .summary = "Pin's pinatrace",
    .sample = "0x7f5c2d0e3090: W 0x7ffe2b8f1f58",
    .detect = pinatrace_detect,
    .has_time = importer_without_time,
    .run = pinatrace_run,
};
