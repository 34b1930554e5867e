#include "config.h"

#include "traces/import/gfp_names.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 64u

/* A constant expression of C as the kernel's preprocessor leaves it. */
struct expression {
	const char *at, *end;
	unsigned depth;
	bool bad;
};

static uint64_t parse_or(struct expression *expression);

static void skip_blanks(struct expression *expression)
{
	while (expression->at < expression->end && isspace((unsigned char)*expression->at))
		expression->at++;
}

static bool take(struct expression *expression, const char *word)
{
	const size_t length = strlen(word);

	skip_blanks(expression);
	if ((size_t)(expression->end - expression->at) < length || memcmp(expression->at, word, length) != 0)
		return false;
	expression->at += length;
	return true;
}

/* "( unsigned long)" */
static bool take_cast(struct expression *expression)
{
	const char *at = expression->at;
	bool letters = false;

	skip_blanks(expression);
	if (expression->at < expression->end && *expression->at == '(') {
		for (expression->at++; expression->at < expression->end; expression->at++) {
			const unsigned char character = (unsigned char)*expression->at;

			if (!isalpha(character) && character != '_' && character != ' ' && character != '*' &&
			    !(letters && isdigit(character)))
				break;
			letters |= isalpha(character) || character == '_';
		}
		if (letters && take(expression, ")"))
			return true;
	}
	expression->at = at;
	return false;
}

static uint64_t parse_number(struct expression *expression)
{
	uint64_t value = 0;
	unsigned digits = 0, base = 10;

	if (take(expression, "0x"))
		base = 16;
	for (; expression->at < expression->end && isxdigit((unsigned char)*expression->at); digits++) {
		const int character = tolower((unsigned char)*expression->at);
		const unsigned digit =
		    (unsigned)(isdigit(character) ? character - '0' : character - 'a' + 10);

		if (digit >= base)
			break;
		value = value * base + digit;
		expression->at++;
	}
	while (expression->at < expression->end && strchr("uUlL", *expression->at) && *expression->at)
		expression->at++;
	expression->bad |= digits == 0;
	return value;
}

static uint64_t parse_operand(struct expression *expression)
{
	uint64_t value;

	if (expression->depth == DEPTH_MAX)
		expression->bad = true;
	if (expression->bad)
		return 0;
	expression->depth++;
	if (take(expression, "~")) {
		value = ~parse_operand(expression);
	} else if (take_cast(expression)) {
		value = parse_operand(expression);
	} else if (take(expression, "(")) {
		value = parse_or(expression);
		expression->bad |= !take(expression, ")");
	} else {
		skip_blanks(expression);
		value = parse_number(expression);
	}
	expression->depth--;
	return value;
}

static uint64_t parse_shift(struct expression *expression)
{
	uint64_t value = parse_operand(expression);

	while (!expression->bad && take(expression, "<<")) {
		const uint64_t bits = parse_operand(expression);

		value = bits < 64 ? value << bits : 0;
	}
	return value;
}

static uint64_t parse_and(struct expression *expression)
{
	uint64_t value = parse_shift(expression);

	while (!expression->bad && take(expression, "&"))
		value &= parse_shift(expression);
	return value;
}

static uint64_t parse_or(struct expression *expression)
{
	uint64_t value = parse_and(expression);

	while (!expression->bad && take(expression, "|"))
		value |= parse_and(expression);
	return value;
}

/* {EXPRESSION, "NAME"} */
static bool parse_entry(struct gfp_names *names, struct expression *expression)
{
	const char *quote;
	uint64_t mask;
	size_t length;

	if (!take(expression, "{"))
		return false;
	mask = parse_or(expression);
	if (expression->bad || !take(expression, ",") || !take(expression, "\""))
		return false;
	quote = memchr(expression->at, '"', (size_t)(expression->end - expression->at));
	length = quote ? (size_t)(quote - expression->at) : 0;
	if (length == 0 || length >= GFP_NAME_BYTES || names->entries == GFP_NAMES_MAX)
		return false;
	names->entry[names->entries].mask = mask;
	memcpy(names->entry[names->entries].name, expression->at, length);
	names->entry[names->entries].name[length] = '\0';
	names->entries += mask != 0;
	expression->at = quote + 1;
	return take(expression, "}");
}

bool gfp_names_parse(struct gfp_names *names, const char *text, size_t length)
{
	static const char opening[] = "__print_flags(REC->gfp_flags, \"|\",";
	const char *at = memmem(text, length, opening, sizeof(opening) - 1);
	struct expression expression = {at, text + length, 0, false};

	names->entries = 0;
	if (!at)
		return false;
	expression.at += sizeof(opening) - 1;
	while (parse_entry(names, &expression) && take(&expression, ","))
		continue;
	return names->entries != 0;
}

static void append(char text[GFP_TEXT_BYTES], const char *word)
{
	const size_t used = strlen(text);

	(void)snprintf(text + used, GFP_TEXT_BYTES - used, "%s%s", used ? "|" : "", word);
}

void gfp_names_text(const struct gfp_names *names, uint64_t flags, char text[GFP_TEXT_BYTES])
{
	char rest[24];

	text[0] = '\0';
	if (flags == 0) {
		append(text, "none");
		return;
	}
	for (unsigned i = 0; i < names->entries; i++) {
		if ((flags & names->entry[i].mask) != names->entry[i].mask)
			continue;
		append(text, names->entry[i].name);
		flags &= ~names->entry[i].mask;
	}
	(void)snprintf(rest, sizeof(rest), "0x%" PRIx64, flags);
	if (flags)
		append(text, rest);
}
