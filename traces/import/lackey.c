#include "config.h"

#include "traces/import/lackey.h"

#include "traces/import/references.h"

struct lackey_line {
	enum access_kind kind;
	uint64_t address;
	uint64_t bytes;
};

static bool lackey_kind(struct scan *scan, enum access_kind *kind)
{
	static const struct {
		const char *mark;
		enum access_kind kind;
	} marks[] = {
	    {"I  ", ACCESS_FETCH},
	    {" L ", ACCESS_LOAD},
	    {" S ", ACCESS_STORE},
	    {" M ", ACCESS_MODIFY},
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (scan_literal(scan, marks[i].mark)) {
			*kind = marks[i].kind;
			return true;
		}
	}
	return false;
}

static bool lackey_parse(struct scan scan, struct lackey_line *line)
{
	return lackey_kind(&scan, &line->kind) && scan_hexadecimal(&scan, &line->address) &&
	       scan_character(&scan, ',') && scan_decimal(&scan, &line->bytes) && scan_ended(&scan) &&
	       line->bytes >= 1 && line->bytes <= ACCESS_MAX_BYTES;
}

static bool lackey_recognise(struct scan scan)
{
	struct lackey_line line;

	return lackey_parse(scan, &line);
}

static size_t lackey_detect(const char *bytes, size_t length)
{
	return importer_count_lines(bytes, length, lackey_recognise);
}

/* What valgrind itself says: "==PID== ..." and "--PID-- ...". */
static bool is_remark(struct scan scan)
{
	return scan_literal(&scan, "==") || scan_literal(&scan, "--") || scan_ended(&scan);
}

static enum trace_status lackey_run(struct importer *importer)
{
	struct references references;
	struct lackey_line line;
	enum trace_status status = references_start(&references, importer);

	if (status != TRACE_OK)
		return status;
	while ((status = importer_next(importer)) == TRACE_OK) {
		struct scan scan = scan_text(importer->line.text, importer->line.length);
		if (lackey_parse(scan, &line))
			status = references_put(&references, line.kind, line.address, (uint16_t)line.bytes);
		else if (!is_remark(scan))
			status = importer_not_understood(importer);
		if (status != TRACE_OK)
			return status;
	}
	return status == TRACE_END ? references_end(&references) : status;
}

const struct import_format lackey_format = {
    .name = "lackey",
    .summary = "valgrind --tool=lackey --trace-mem=yes",
    .sample = " S 1fff000718,8",
    .detect = lackey_detect,
    .has_time = importer_without_time,
    .run = lackey_run,
};
