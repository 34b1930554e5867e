#include "config.h"

#include "traces/import/scan.h"

#include <string.h>

struct scan scan_text(const char *text, size_t length)
{
	return (struct scan){text, text + length};
}

void scan_blanks(struct scan *scan)
{
	while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t'))
		scan->at++;
}

bool scan_ended(const struct scan *scan)
{
	struct scan rest = *scan;

	scan_blanks(&rest);
	return rest.at == rest.end;
}

bool scan_character(struct scan *scan, char character)
{
	if (scan->at == scan->end || *scan->at != character)
		return false;
	scan->at++;
	return true;
}

bool scan_literal(struct scan *scan, const char *literal)
{
	size_t length = strlen(literal);

	if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, literal, length) != 0)
		return false;
	scan->at += length;
	return true;
}

bool scan_decimal(struct scan *scan, uint64_t *number)
{
	const char *at = scan->at;
	uint64_t value = 0;

	while (at < scan->end && *at >= '0' && *at <= '9') {
		uint64_t digit = (uint64_t)(*at - '0');

		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
		at++;
	}
	if (at == scan->at)
		return false;
	scan->at = at;
	*number = value;
	return true;
}

static int hexadecimal_digit(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	if (character >= 'a' && character <= 'f')
		return character - 'a' + 10;
	if (character >= 'A' && character <= 'F')
		return character - 'A' + 10;
	return -1;
}

static bool has_prefix(const struct scan *scan)
{
	return scan->end - scan->at > 2 && scan->at[0] == '0' && (scan->at[1] == 'x' || scan->at[1] == 'X') &&
	       hexadecimal_digit(scan->at[2]) >= 0;
}

bool scan_hexadecimal(struct scan *scan, uint64_t *number)
{
	const char *start = scan->at + (has_prefix(scan) ? 2 : 0), *at = start;
	uint64_t value = 0;
	int digit;

	while (at < scan->end && (digit = hexadecimal_digit(*at)) >= 0) {
		if (value >> 60)
			return false;
		value = value << 4 | (uint64_t)digit;
		at++;
	}
	if (at == start)
		return false;
	scan->at = at;
	*number = value;
	return true;
}

bool scan_pointer(struct scan *scan, uint64_t *address)
{
	if (has_prefix(scan))
		return scan_hexadecimal(scan, address);
	*address = 0;
	return scan_literal(scan, "(nil)") || scan_character(scan, '0');
}

bool scan_word(struct scan *scan, const char **word, size_t *length)
{
	const char *at = scan->at;

	while (at < scan->end && *at != ' ' && *at != '\t')
		at++;
	*word = scan->at;
	*length = (size_t)(at - scan->at);
	scan->at = at;
	return *length > 0;
}

static bool is_name_character(char character)
{
	return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
	       (character >= '0' && character <= '9') || character == '_';
}

bool scan_name(struct scan *scan, const char **name, size_t *length)
{
	const char *at = scan->at;

	if (at < scan->end && *at >= '0' && *at <= '9')
		return false;
	while (at < scan->end && is_name_character(*at))
		at++;
	*name = scan->at;
	*length = (size_t)(at - scan->at);
	scan->at = at;
	return *length > 0;
}

bool scan_equal(const char *text, size_t length, const char *literal)
{
	return strlen(literal) == length && memcmp(text, literal, length) == 0;
}
