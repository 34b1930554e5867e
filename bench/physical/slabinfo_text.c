#include "config.h"

#include "bench/physical/slabinfo_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT_BYTES_MAX (UINT64_C(4) << 20)
#define SLAB_PAGES_MAX 1024u
#define PAGE_SIZE_BYTES 4096u
#define OBJECTS_MAX (UINT64_C(1) << 48)
#define PAGES_MAX (UINT64_C(1) << 40) /* 4 PiB in one cache: more than any machine has */

/* What is left of a line. */
struct cursor {
	const char *at, *end;
};

static void skip_spaces(struct cursor *line)
{
	while (line->at < line->end && (*line->at == ' ' || *line->at == '\t'))
		line->at++;
}

static bool take_number(struct cursor *line, uint64_t most, uint64_t *number)
{
	const char *first;

	skip_spaces(line);
	*number = 0;
	for (first = line->at; line->at < line->end && *line->at >= '0' && *line->at <= '9'; line->at++) {
		*number = *number * 10 + (uint64_t)(*line->at - '0');
		if (*number > most)
			return false;
	}
	return line->at > first;
}

static bool take_word(struct cursor *line, const char *word)
{
	size_t length = strlen(word);

	skip_spaces(line);
	if ((size_t)(line->end - line->at) < length || memcmp(line->at, word, length) != 0)
		return false;
	line->at += length;
	return true;
}

static bool take_name(struct cursor *line, char *name)
{
	const char *first = line->at;

	while (line->at<line->end && * line->at> ' ' && *line->at < 0x7f)
		line->at++;
	size_t length = (size_t)(line->at - first);

	if (length == 0 || length >= SLABINFO_NAME_BYTES || line->at == line->end || *line->at != ' ')
		return false;
	memcpy(name, first, length);
	name[length] = '\0';
	return true;
}

/* NULL, or what is wrong with the line. */
static const char *parse_row(struct cursor *line, struct slabinfo_row *row)
{
	uint64_t bytes, per_slab, pages, ignored;

	if (!take_name(line, row->name))
		return "it does not begin with a cache's name of at most 63 characters";
	if (!take_number(line, OBJECTS_MAX, &row->active_objs) ||
	    !take_number(line, OBJECTS_MAX, &row->num_objs) || !take_number(line, OBJECT_BYTES_MAX, &bytes) ||
	    !take_number(line, UINT16_MAX, &per_slab) || !take_number(line, SLAB_PAGES_MAX, &pages))
		return "after the name come five numbers: active_objs, num_objs, objsize, objperslab, "
		       "pagesperslab";
	if (!take_word(line, ": tunables") || !take_number(line, UINT32_MAX, &ignored) ||
	    !take_number(line, UINT32_MAX, &ignored) || !take_number(line, UINT32_MAX, &ignored))
		return "then come `: tunables` and three numbers";
	if (!take_word(line, ": slabdata") || !take_number(line, OBJECTS_MAX, &ignored) ||
	    !take_number(line, OBJECTS_MAX, &row->num_slabs) || !take_number(line, OBJECTS_MAX, &ignored))
		return "then come `: slabdata` and three numbers: active_slabs, num_slabs, sharedavail";
	skip_spaces(line);
	if (line->at != line->end)
		return "nothing comes after sharedavail";
	if (bytes == 0 || per_slab == 0 || pages == 0 || (pages & (pages - 1)) != 0 ||
	    bytes * per_slab > pages * PAGE_SIZE_BYTES)
		return "a slab is a power of two pages, at least one object, and holds its objects";
	if (row->num_slabs > PAGES_MAX / pages)
		return "more slabs than any machine has memory for";
	row->objsize = (uint32_t)bytes;
	row->objperslab = (uint32_t)per_slab;
	row->pagesperslab = (uint32_t)pages;
	return NULL;
}

/* The next line, without its end. False after the last. */
static bool next_line(struct cursor *text, struct cursor *line)
{
	if (text->at == text->end)
		return false;
	const char *end = memchr(text->at, '\n', (size_t)(text->end - text->at));

	*line = (struct cursor){text->at, end ? end : text->end};
	text->at = end ? end + 1 : text->end;
	return true;
}

static enum trace_status refuse(struct slabinfo_text *info, uint32_t line, const char *what,
				struct trace_error *error)
{
	slabinfo_text_destroy(info);
	return trace_fail(error, TRACE_BAD_INPUT, "slabinfo, line %" PRIu32 ": %s", line, what);
}

enum trace_status slabinfo_text_parse(struct slabinfo_text *info, const char *text, size_t length,
				      struct trace_error *error)
{
	struct cursor rest = {text, text + length}, line;
	uint32_t number = 2;

	*info = (struct slabinfo_text){0};
	if (!next_line(&rest, &line) || !take_word(&line, "slabinfo - version: 2."))
		return refuse(info, 1, "it is not `slabinfo - version: 2.1`", error);
	if (!next_line(&rest, &line) || !take_word(&line, "# name"))
		return refuse(info, 2, "it does not name the columns: `# name <active_objs> ...`", error);
	info->row = calloc(SLABINFO_ROWS_MAX, sizeof(*info->row));
	if (!info->row)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the caches of slabinfo");
	while (next_line(&rest, &line)) {
		number++;
		if (info->rows == SLABINFO_ROWS_MAX)
			return refuse(info, number, "more caches than 2048", error);
		const char *wrong = parse_row(&line, &info->row[info->rows]);

		if (wrong)
			return refuse(info, number, wrong, error);
		info->rows++;
	}
	return TRACE_OK;
}

void slabinfo_text_destroy(struct slabinfo_text *info)
{
	free(info->row);
	*info = (struct slabinfo_text){0};
}

uint32_t slabinfo_text_find(const struct slabinfo_text *info, const char *name)
{
	for (uint32_t i = 0; i < info->rows; i++) {
		if (strcmp(info->row[i].name, name) == 0)
			return i;
	}
	return SLABINFO_NO_ROW;
}

uint64_t slabinfo_text_pages(const struct slabinfo_text *info)
{
	uint64_t pages = 0;

	for (uint32_t i = 0; i < info->rows; i++)
		pages += slabinfo_row_pages(&info->row[i]);
	return pages;
}
