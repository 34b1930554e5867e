#include "config.h"

#include "bench/physical/iomem_text.h"

#include <string.h>

static bool take_hex(const char **at, const char *end, uint64_t *value)
{
	unsigned digits = 0;

	for (*value = 0; *at < end && digits <= 16; ++*at, digits++) {
		char character = **at;
		unsigned digit;

		if (character >= '0' && character <= '9')
			digit = (unsigned)(character - '0');
		else if (character >= 'a' && character <= 'f')
			digit = (unsigned)(character - 'a') + 10;
		else
			break;
		*value = *value << 4 | digit;
	}
	return digits > 0 && digits <= 16;
}

/* "START-END", in bytes. */
static bool take_range(struct proc_text *text, uint64_t *first, uint64_t *last)
{
	const char *word;
	size_t length;

	if (!proc_text_word(text, &word, &length))
		return false;
	const char *end = word + length;

	return take_hex(&word, end, first) && word < end && *word++ == '-' && take_hex(&word, end, last) &&
	       word == end && *first <= *last;
}

static enum trace_status take_line(struct memblock_list *memory, struct proc_text *text,
				   struct trace_error *error)
{
	bool is_part = text->word < text->line_end && *text->word == ' ';
	uint64_t first, last;

	if (!take_range(text, &first, &last) || !proc_text_take(text, ":"))
		return proc_text_fail(text, error, "a line of iomem is 'START-END : NAME', in hexadecimal");
	if (is_part || !proc_text_take(text, "System") || !proc_text_take(text, "RAM"))
		return TRACE_OK;
	if (last == 0)
		return proc_text_fail(text, error,
				      "its addresses are hidden: it was read without privileges");
	struct memblock_range range = {(first + PAGE_BYTES - 1) >> PAGE_SHIFT, (last + 1) >> PAGE_SHIFT};

	if (last == UINT64_MAX || range.end > MEMORY_PAGES_MAX || memory->count == MEMBLOCK_RANGES ||
	    (memory->count > 0 && range.first < memory->range[memory->count - 1].end))
		return proc_text_fail(text, error,
				      "ranges of memory rise, end below frame %llu, and are at most %u",
				      (unsigned long long)MEMORY_PAGES_MAX, MEMBLOCK_RANGES);
	if (range.first < range.end)
		memory->range[memory->count++] = range;
	return TRACE_OK;
}

enum trace_status iomem_parse(struct memblock_list *memory, const struct event_snapshot *snapshot,
			      struct trace_error *error)
{
	struct proc_text text;
	enum trace_status status = TRACE_OK;

	memory->count = 0;
	proc_text_start(&text, snapshot);
	while (status == TRACE_OK && proc_text_line(&text))
		status = take_line(memory, &text, error);
	if (status == TRACE_OK && memory->count == 0)
		return proc_text_fail(&text, error, "it tells no System RAM");
	return status;
}
