#include "config.h"

#include "traces/import/kernel_line.h"

#include <string.h>

static bool is_blank(char character)
{
	return character == ' ' || character == '\t';
}

const struct kernel_tracepoint *kernel_line_tracepoint(struct scan name)
{
	const char *colon = memchr(name.at, ':', (size_t)(name.end - name.at));
	const struct kernel_tracepoint *found;
	struct scan rest = name;

	if (!colon) {
		found = kernel_tracepoint_find(NULL, 0, name.at, (size_t)(name.end - name.at));
	} else {
		rest.at = colon + 1;
		colon = memchr(rest.at, ':', (size_t)(rest.end - rest.at));
		rest.end = colon ? colon : rest.end;
		found = kernel_tracepoint_find(name.at, (size_t)(rest.at - 1 - name.at), rest.at,
					       (size_t)(rest.end - rest.at));
	}
	return found && found->kind != EVENT_SWITCH ? found : NULL;
}

/* The text behind "KEY=", or "KEY:" where the key has it; at the line's start or behind a blank. */
static bool find_key(struct scan text, const char *key, struct scan *value)
{
	const size_t length = strlen(key);
	const bool has_colon = key[length - 1] == ':';

	for (const char *at = text.at; (at = memmem(at, (size_t)(text.end - at), key, length)); at++) {
		if (at != text.at && !is_blank(at[-1]))
			continue;
		*value = (struct scan){at + length, text.end};
		if (!has_colon && !scan_character(value, '='))
			continue;
		scan_blanks(value);
		return true;
	}
	return false;
}

/* 0x12, 12, -1, (nil), (null); a pointer is hexadecimal also without 0x. */
static bool parse_number(struct scan *value, bool is_pointer, uint64_t *number)
{
	const bool negative = scan_character(value, '-');

	if (scan_literal(value, "(nil)") || scan_literal(value, "(null)")) {
		*number = 0;
		return true;
	}
	if (scan_literal(value, "0x") || is_pointer) {
		if (!scan_hexadecimal(value, number))
			return false;
	} else if (!scan_decimal(value, number)) {
		return false;
	}
	if (negative)
		*number = 0 - *number;
	return value->at == value->end || is_blank(*value->at) || *value->at == ',';
}

static bool take_field(const struct kernel_field *field, struct scan text, uint64_t value[KERNEL_NUMBERS])
{
	struct scan at = {NULL, NULL};

	if (!field->key)
		return true;
	if (!find_key(text, field->key, &at))
		return !field->needed;
	return parse_number(&at, strcmp(field->key, "ptr") == 0, &value[field->number]);
}

/* A word behind the key. */
static void take_word(struct scan text, const char *key, const char **word, size_t *length)
{
	struct scan at = {NULL, NULL};

	*word = NULL;
	*length = 0;
	if (find_key(text, key, &at) && !scan_word(&at, word, length))
		*word = NULL;
}

/* "none", 0 and 0x0 are no flags. */
static void take_gfp(struct scan text, struct kernel_moment *moment)
{
	take_word(text, "gfp_flags", &moment->gfp, &moment->gfp_length);
	if (!moment->gfp)
		return;
	if (scan_equal(moment->gfp, moment->gfp_length, "none") ||
	    scan_equal(moment->gfp, moment->gfp_length, "0") ||
	    scan_equal(moment->gfp, moment->gfp_length, "0x0"))
		moment->gfp = NULL;
}

/* Failed allocations have no page: page=(nil) or 0, whatever frame number follows. */
static bool has_no_page(struct scan text)
{
	struct scan at = {NULL, NULL};
	uint64_t page;

	return find_key(text, "page", &at) && parse_number(&at, true, &page) && page == 0;
}

/* Words instead of the numbers that raw data has. */
static void take_words(const struct kernel_tracepoint *tracepoint, struct scan text,
		       uint64_t value[KERNEL_NUMBERS])
{
	const char *word;
	size_t length;

	if (tracepoint->kind == EVENT_COMPACT_BEGIN || tracepoint->kind == EVENT_COMPACT_END) {
		take_word(text, "mode", &word, &length);
		value[KERNEL_FLAG] = word && length >= 4 && memcmp(word, "sync", 4) == 0;
	}
}

bool kernel_line_parse(const struct kernel_tracepoint *tracepoint, struct scan text,
		       struct kernel_moment *moment)
{
	uint64_t value[KERNEL_NUMBERS] = {0};

	for (unsigned i = 0; i < KERNEL_FIELDS_MAX && tracepoint->field[i].field; i++) {
		if (!take_field(&tracepoint->field[i], text, value))
			return false;
	}
	take_gfp(text, moment);
	take_word(text, "name", &moment->cache, &moment->cache_length);
	take_words(tracepoint, text, value);
	if (tracepoint->kind == EVENT_PAGE_ALLOC && value[KERNEL_FRAME] == 0 && !has_no_page(text))
		return false;
	moment->event = (struct event){.kind = 0};
	return kernel_tracepoint_event(tracepoint, value, &moment->event);
}
