#include "config.h"

#include "traces/import/system_call.h"

#include "traces/import/constant.h"

#include <string.h>

#define DEEPEST 16u

/* Moves over a quoted string, whose first quote is at the position. */
static void skip_string(struct scan *scan)
{
	scan->at++;
	while (scan->at < scan->end && *scan->at != '"')
		scan->at += *scan->at == '\\' && scan->at + 1 < scan->end ? 2 : 1;
	if (scan->at < scan->end)
		scan->at++;
}

/* Moves over the <path> of a descriptor, which ends in '>' before a comma or a closing bracket. */
static void skip_path(struct scan *scan)
{
	while (scan->at < scan->end) {
		char before = *scan->at++;
		if (before == '>' && (scan->at == scan->end || *scan->at == ',' || *scan->at == ')' ||
				      *scan->at == '}' || *scan->at == ']' || *scan->at == ' '))
			return;
	}
}

/* Moves over one argument, up to the comma or bracket that ends it. */
static bool skip_argument(struct scan *scan)
{
	unsigned depth = 0;
	char before = ' ';

	while (scan->at < scan->end) {
		char character = *scan->at;
		if (depth == 0 && (character == ',' || character == ')'))
			return true;
		if (character == '"') {
			skip_string(scan);
		} else if (character == '<' && before >= '0' && before <= '9' &&
			   !(scan->end - scan->at >= 2 && scan->at[1] == '<')) {
			skip_path(scan);
		} else {
			if (character == '(' || character == '[' || character == '{') {
				if (depth == DEEPEST)
					return false;
				depth++;
			} else if (depth > 0 && (character == ')' || character == ']' || character == '}')) {
				depth--;
			}
			scan->at++;
			/* a "<<" is no path: both characters at once */
			if (character == '<' && scan->at < scan->end && *scan->at == '<')
				scan->at++;
		}
		before = character;
	}
	return false;
}

static struct scan trimmed(struct scan text)
{
	scan_blanks(&text);
	while (text.end > text.at && (text.end[-1] == ' ' || text.end[-1] == '\t'))
		text.end--;
	return text;
}

static bool parse_arguments(struct scan *scan, struct system_call *call)
{
	for (;;) {
		struct scan argument = *scan;
		if (!skip_argument(scan))
			return false;
		argument.end = scan->at;
		argument = trimmed(argument);
		if (argument.at < argument.end || *scan->at == ',') {
			if (call->arguments == SYSTEM_CALL_ARGUMENTS)
				return false;
			call->argument[call->arguments++] = argument;
		}
		if (scan_character(scan, ')'))
			return true;
		scan->at++;
	}
}

static bool parse_result(struct scan *scan, struct system_call *call)
{
	const char *name;
	size_t length;
	uint64_t value;
	bool negative;

	scan_blanks(scan);
	if (!scan_character(scan, '='))
		return false;
	scan_blanks(scan);
	if (scan_character(scan, '?')) {
		call->returned = false;
		return true;
	}
	call->returned = true;
	negative = scan_character(scan, '-');
	if (scan->end - scan->at >= 2 && scan->at[0] == '0' && scan->at[1] == 'x') {
		if (!scan_hexadecimal(scan, &value))
			return false;
	} else if (!scan_decimal(scan, &value)) {
		return false;
	}
	call->result = (int64_t)(negative ? 0 - value : value);
	scan_blanks(scan);
	if (negative && value == 1 && scan_name(scan, &name, &length) && *name == 'E') {
		uint32_t number = constant_errno(name, length);
		call->result = -(int64_t)number;
		return number != 0;
	}
	return true;
}

bool system_call_parse(struct scan text, struct system_call *call)
{
	const char *name;
	size_t length;

	*call = (struct system_call){0};
	if (!scan_name(&text, &name, &length) || !scan_character(&text, '('))
		return false;
	call->name = scan_text(name, length);
	return parse_arguments(&text, call) && parse_result(&text, call);
}

/* Without the comment after it. */
static struct scan uncommented(struct scan text)
{
	const char *comment = memmem(text.at, (size_t)(text.end - text.at), "/*", 2);

	if (comment)
		text.end = comment;
	return trimmed(text);
}

static bool all_octal(struct scan text)
{
	if (text.end - text.at < 2 || *text.at != '0')
		return false;
	for (; text.at < text.end; text.at++) {
		if (*text.at < '0' || *text.at > '7')
			return false;
	}
	return true;
}

static bool number_of(struct scan text, uint64_t *value)
{
	struct scan digits = text;

	*value = 0;
	if (text.at == text.end)
		return false;
	if (all_octal(text)) {
		for (; digits.at < digits.end; digits.at++)
			*value = *value * 8 + (uint64_t)(*digits.at - '0');
		return text.end - text.at <= 21;
	}
	if (scan_literal(&digits, "0x"))
		return scan_hexadecimal(&digits, value) && digits.at == digits.end;
	if (scan_character(&digits, '-')) {
		if (!scan_decimal(&digits, value))
			return false;
		*value = 0 - *value;
		return digits.at == digits.end;
	}
	return scan_decimal(&digits, value) && digits.at == digits.end;
}

/* One of the parts between |: a name, a number, or "21<<MAP_HUGE_SHIFT". */
static bool part_value(struct scan part, uint64_t *value)
{
	const char *shift = memmem(part.at, (size_t)(part.end - part.at), "<<", 2);

	part = trimmed(part);
	if (shift) {
		struct scan number = {part.at, shift};
		struct scan amount = {shift + 2, part.end};
		if (!number_of(trimmed(number), value) || *value > 63)
			return false;
		*value <<= 26;
		return scan_literal(&amount, "MAP_HUGE_SHIFT") || scan_literal(&amount, "SHM_HUGE_SHIFT");
	}
	return number_of(part, value) || constant_find(part.at, (size_t)(part.end - part.at), value);
}

bool system_call_value(struct scan argument, uint64_t *value)
{
	struct scan rest = uncommented(argument);
	const char *path = memchr(rest.at, '<', (size_t)(rest.end - rest.at));
	bool first = true;

	if (path && path + 1 < rest.end && path[1] != '<')
		rest.end = path;
	*value = 0;
	while (first || rest.at < rest.end) {
		const char *bar = memchr(rest.at, '|', (size_t)(rest.end - rest.at));
		struct scan part = {rest.at, bar ? bar : rest.end};
		uint64_t one;
		if (!part_value(part, &one))
			return false;
		*value |= one;
		rest.at = bar ? bar + 1 : rest.end;
		first = false;
	}
	return true;
}

bool system_call_path(struct scan argument, struct scan *path)
{
	const char *start = memchr(argument.at, '<', (size_t)(argument.end - argument.at));

	if (argument.end - argument.at >= 2 && *argument.at == '"') {
		*path = argument;
		skip_string(&argument);
		path->at++;
		path->end = argument.at;
		path->end -= path->end > path->at && path->end[-1] == '"';
		return path->end > path->at;
	}
	if (!start || argument.end[-1] != '>' || start + 1 >= argument.end - 1 || start[1] == '<')
		return false;
	*path = (struct scan){start + 1, argument.end - 1};
	return true;
}

/* Finds NAME= at the beginning of a member. */
static const char *find_member(struct scan text, const char *name)
{
	size_t length = strlen(name);
	char before = ',';

	for (; (size_t)(text.end - text.at) > length; text.at++) {
		if ((before == ',' || before == '{' || before == ' ') && memcmp(text.at, name, length) == 0 &&
		    text.at[length] == '=')
			return text.at + length + 1;
		before = *text.at;
	}
	return NULL;
}

bool system_call_member(const struct system_call *call, const char *name, uint64_t *value)
{
	for (size_t i = 0; i < call->arguments; i++) {
		const char *start = find_member(call->argument[i], name);
		struct scan member;
		if (!start)
			continue;
		member = (struct scan){start, start};
		while (member.end < call->argument[i].end && *member.end != ',' && *member.end != '}')
			member.end++;
		return system_call_value(member, value);
	}
	return false;
}
