#include "config.h"

#include "bench/proc/recorded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool recorded_stat_field(const char *stat, unsigned number, char field[RECORDED_FIELD_BYTES])
{
	const char *at = stat ? strrchr(stat, ')') : NULL;

	if (!at)
		return false;
	at++;
	for (unsigned passed = 3; *at == ' '; passed++) {
		size_t length = strcspn(++at, " \n");

		if (passed == number && length > 0 && length < RECORDED_FIELD_BYTES) {
			memcpy(field, at, length);
			field[length] = '\0';
			return strspn(field,
				      "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
			       length;
		}
		at += length;
	}
	return false;
}

bool recorded_stat_number(const char *stat, unsigned number, uint64_t *value)
{
	char field[RECORDED_FIELD_BYTES];
	char *end;

	if (!recorded_stat_field(stat, number, field) || field[0] == '-')
		return false;
	errno = 0;
	*value = strtoull(field, &end, 10);
	return errno == 0 && *end == '\0';
}

static bool is_control(char letter)
{
	return (unsigned char)letter < 0x20 || letter == 0x7f;
}

bool recorded_stat_name(const char *stat, char *name, size_t bytes)
{
	const char *begin = stat ? strchr(stat, '(') : NULL, *end = stat ? strrchr(stat, ')') : NULL;

	if (!begin || !end || end <= begin)
		return false;
	size_t length = (size_t)(end - begin - 1);

	if (length >= bytes)
		length = bytes - 1;
	for (size_t i = 0; i < length; i++) {
		name[i] = begin[i + 1];
		if (is_control(name[i]))
			name[i] = '?';
	}
	name[length] = '\0';
	return true;
}

bool recorded_next_line(const char **at, struct recorded_line *line)
{
	if (**at == '\0')
		return false;
	line->text = *at;
	line->length = strcspn(*at, "\n");
	line->name_length = strcspn(*at, ":\n");
	*at += line->length + ((*at)[line->length] == '\n');
	return true;
}

void recorded_print(const char *text, size_t length, FILE *out)
{
	for (size_t i = 0; i < length; i++)
		(void)fputc(is_control(text[i]) && text[i] != '\t' ? '?' : text[i], out);
}
