#include "config.h"

#include "bench/physical/vmallocinfo_text.h"

#include "engine/phys/vmalloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MIN 16u /* "0x0-0x0 4096 ..." */

/* What is left of a line. */
struct cursor {
	char *at, *end;
};

static int digit_of(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	return character >= 'a' && character <= 'f' ? character - 'a' + 10 : 16;
}

static bool take_number(struct cursor *line, unsigned base, uint64_t *number)
{
	const char *first = line->at;

	*number = 0;
	for (; line->at < line->end && digit_of(*line->at) < (int)base; line->at++) {
		if (__builtin_mul_overflow(*number, (uint64_t)base, number) ||
		    __builtin_add_overflow(*number, (uint64_t)digit_of(*line->at), number))
			return false;
	}
	return line->at > first;
}

static bool take(struct cursor *line, const char *text)
{
	size_t length = strlen(text);

	if ((size_t)(line->end - line->at) < length || memcmp(line->at, text, length) != 0)
		return false;
	line->at += length;
	return true;
}

static void skip_spaces(struct cursor *line)
{
	while (line->at < line->end && *line->at == ' ')
		line->at++;
}

static bool at_word_end(const struct cursor *line)
{
	return line->at == line->end || *line->at == ' ';
}

static bool take_address(struct cursor *line, uint64_t *address)
{
	return take(line, "0x") && take_number(line, 16, address);
}

/* A word that says what an area is. */
static bool take_kind(struct cursor *line, struct vmallocinfo_row *row)
{
	static const struct {
		const char *word;
		unsigned flag;
	} kinds[] = {{"ioremap", VM_IOREMAP}, {"vmalloc", VM_ALLOC}, {"vmap", VM_MAP},
		     {"user", VM_USERMAP},    {"vpages", 0},	     {"dma-coherent", VM_DMA_COHERENT},
		     {"sparse", VM_SPARSE}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct cursor before = *line;

		if (take(line, kinds[i].word) && at_word_end(line)) {
			row->flags |= kinds[i].flag;
			return true;
		}
		*line = before;
	}
	return false;
}

/* A word with a number: pages=4, phys=0x000000000009f000, N0=4. */
static bool take_figure(struct cursor *line, struct vmallocinfo_row *row)
{
	const struct cursor before = *line;
	uint64_t ignored;

	if (take(line, "pages=") && take_number(line, 10, &row->pages) && at_word_end(line))
		return true;
	*line = before;
	if (take(line, "phys=") && take_address(line, &row->physical) && at_word_end(line))
		return true;
	*line = before;
	if (take(line, "N") && take_number(line, 10, &ignored) && take(line, "=") &&
	    take_number(line, 10, &ignored) && at_word_end(line))
		return true;
	*line = before;
	return false;
}

/* "name+0x94/0x3e0", and the module in brackets behind it; the NUL comes where the blank was. */
static void take_caller(struct cursor *line, struct vmallocinfo_row *row)
{
	row->caller = line->at;
	while (!at_word_end(line))
		line->at++;
	if (line->end - line->at > 1 && line->at[1] == '[') {
		line->at++;
		while (!at_word_end(line))
			line->at++;
	}
	*line->at = '\0';
	line->at += line->at < line->end;
}

/* NULL, or what is wrong with the line. */
static const char *parse_row(struct cursor *line, struct vmallocinfo_row *row)
{
	if (!take_address(line, &row->start) || !take(line, "-") || !take_address(line, &row->end))
		return "it does not begin with two addresses, `0x...-0x...`";
	skip_spaces(line);
	if (!take_number(line, 10, &row->bytes) || !at_word_end(line) || row->bytes == 0 ||
	    row->bytes % PAGE_BYTES != 0 || row->bytes > VMALLOCINFO_BYTES_MAX)
		return "after the addresses come the bytes of the area, whole pages of 4096";
	skip_spaces(line);
	row->is_unpurged = take(line, "unpurged vm_area");
	if (row->is_unpurged || take(line, "vm_map_ram"))
		return line->at == line->end ? NULL : "nothing comes after what the area is";
	if (line->at < line->end && !take_figure(line, row) && !take_kind(line, row))
		take_caller(line, row);
	for (skip_spaces(line); line->at < line->end; skip_spaces(line)) {
		if (!take_figure(line, row) && !take_kind(line, row))
			return "it has a word that is none of pages=, phys=, ioremap, sparse, vmalloc, vmap, "
			       "user, "
			       "dma-coherent, vpages, N0=";
	}
	return row->pages <= row->bytes / PAGE_BYTES ? NULL : "it has more pages than its bytes hold";
}

enum trace_status vmallocinfo_text_parse(struct vmallocinfo_text *info, const char *text, size_t length,
					 struct trace_error *error)
{
	*info = (struct vmallocinfo_text){.row = calloc(length / LINE_BYTES_MIN + 1, sizeof(*info->row)),
					  .callers = malloc(length + 1)};
	if (!info->row || !info->callers) {
		vmallocinfo_text_destroy(info);
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the areas of vmallocinfo");
	}
	if (length > 0)
		memcpy(info->callers, text, length);
	char *at = info->callers, *const end = info->callers + length, *newline;

	for (; at < end && (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1) {
		struct cursor line = {at, newline};
		const char *wrong = "it is too short for an area";

		if (newline - at >= (ptrdiff_t)LINE_BYTES_MIN - 1)
			wrong = parse_row(&line, &info->row[info->rows]);
		if (wrong) {
			uint32_t number = info->rows + 1;

			vmallocinfo_text_destroy(info);
			return trace_fail(error, TRACE_BAD_INPUT, "vmallocinfo, line %" PRIu32 ": %s", number,
					  wrong);
		}
		info->rows++;
	}
	return TRACE_OK;
}

void vmallocinfo_text_destroy(struct vmallocinfo_text *info)
{
	free(info->row);
	free(info->callers);
	*info = (struct vmallocinfo_text){0};
}
