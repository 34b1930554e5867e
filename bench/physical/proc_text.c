#include "config.h"

#include "bench/physical/proc_text.h"

#include "engine/phys/zone.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void proc_text_start(struct proc_text *text, const struct event_snapshot *snapshot)
{
	*text = (struct proc_text){.name = snapshot->name,
				   .next = (const char *)snapshot->bytes,
				   .end = (const char *)snapshot->bytes + snapshot->length};
	text->word = text->next;
	text->line_end = text->next;
}

bool proc_text_line(struct proc_text *text)
{
	if (text->next == text->end)
		return false;
	const char *newline = memchr(text->next, '\n', (size_t)(text->end - text->next));

	text->word = text->next;
	text->line_end = newline ? newline : text->end;
	text->next = newline ? newline + 1 : text->end;
	text->line++;
	return true;
}

static bool is_blank(char character)
{
	return character == ' ' || character == '\t';
}

bool proc_text_word(struct proc_text *text, const char **word, size_t *length)
{
	while (text->word < text->line_end && is_blank(*text->word))
		text->word++;
	*word = text->word;
	while (text->word < text->line_end && !is_blank(*text->word))
		text->word++;
	*length = (size_t)(text->word - *word);
	return *length > 0;
}

bool proc_text_take(struct proc_text *text, const char *wanted)
{
	const struct proc_text before = *text;
	const char *word;
	size_t length;

	if (proc_text_word(text, &word, &length) && length == strlen(wanted) &&
	    memcmp(word, wanted, length) == 0)
		return true;
	*text = before;
	return false;
}

bool proc_text_number(struct proc_text *text, uint64_t *number, const char *ends)
{
	const struct proc_text before = *text;
	const char *word;
	size_t length;
	uint64_t value = 0;
	size_t digits = 0;

	(void)proc_text_word(text, &word, &length);
	while (digits < length && word[digits] >= '0' && word[digits] <= '9') {
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, (uint64_t)(word[digits] - '0'), &value))
			break;
		digits++;
	}
	if (digits == 0 ||
	    !(digits == length || (digits + 1 == length && word[digits] && strchr(ends, word[digits])))) {
		*text = before;
		return false;
	}
	*number = value;
	return true;
}

static bool kind_of(const char *name, size_t length, enum zone_kind *kind)
{
	if (length > 0 && name[length - 1] == ',')
		length--;
	for (unsigned i = 0; i < ZONE_KINDS; i++) {
		const char *known = zone_kind_name((enum zone_kind)i);

		if (length == strlen(known) && memcmp(name, known, length) == 0) {
			*kind = (enum zone_kind)i;
			return true;
		}
	}
	*kind = ZONE_KINDS;
	return length == strlen("Device") && memcmp(name, "Device", length) == 0;
}

enum trace_status proc_text_zone(struct proc_text *text, struct proc_zone *zone, bool *is_zone,
				 struct trace_error *error)
{
	uint64_t node;
	const char *name;
	size_t length;

	*is_zone = proc_text_take(text, "Node");
	if (!*is_zone)
		return TRACE_OK;
	if (!proc_text_number(text, &node, ",") || !proc_text_take(text, "zone"))
		return proc_text_fail(text, error, "it begins with 'Node', but not with 'Node N, zone NAME'");
	if (node >= MEMORY_NODES)
		return proc_text_fail(text, error, "node %llu: the simulated machine has at most %u",
				      (unsigned long long)node, MEMORY_NODES);
	zone->node = (unsigned)node;
	(void)proc_text_word(text, &name, &length);
	if (!kind_of(name, length, &zone->kind))
		return proc_text_fail(text, error, "there is no zone '%.*s'",
				      (int)(length < 40 ? length : 40), name);
	return TRACE_OK;
}

enum trace_status proc_text_fail(const struct proc_text *text, struct trace_error *error, const char *format,
				 ...)
{
	char what[512];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	return trace_fail(error, TRACE_BAD_INPUT, "snapshot '%s', line %u: %s", text->name, text->line, what);
}
