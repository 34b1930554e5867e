#include "config.h"

#include "bench/spaces/maps.h"

#include <string.h>
#include <sys/sysmacros.h>

struct maps maps_of(const void *text, size_t length)
{
	return (struct maps){text, (const char *)text + length};
}

static int digit_of(char letter, unsigned base)
{
	int value = 99;

	if (letter >= '0' && letter <= '9')
		value = letter - '0';
	else if (letter >= 'a' && letter <= 'f')
		value = letter - 'a' + 10;
	return value < (int)base ? value : -1;
}

/* A number of at most 64 bits and the letter behind it. */
static bool take_number(struct maps *maps, unsigned base, char behind, uint64_t *number)
{
	const char *at = maps->at;
	int digit;

	*number = 0;
	for (; at < maps->end && (digit = digit_of(*at, base)) >= 0; at++) {
		if (*number > (UINT64_MAX - (uint64_t)digit) / base)
			return false;
		*number = *number * base + (uint64_t)digit;
	}
	if (at == maps->at || at == maps->end || *at != behind)
		return false;
	maps->at = at + 1;
	return true;
}

static bool take_rights(struct maps *maps, struct maps_line *line)
{
	const char *at = maps->at;

	if (maps->end - at < 5 || at[4] != ' ' || !strchr("r-", at[0]) || !strchr("w-", at[1]) ||
	    !strchr("x-", at[2]) || !strchr("ps", at[3]))
		return false;
	line->may_read = at[0] == 'r';
	line->may_write = at[1] == 'w';
	line->may_execute = at[2] == 'x';
	line->is_shared = at[3] == 's';
	maps->at = at + 5;
	return true;
}

/* The last number of a line ends at a blank, or with it. */
static bool take_inode(struct maps *maps, uint64_t *inode)
{
	int digit;
	const char *start = maps->at;

	*inode = 0;
	for (; maps->at < maps->end && (digit = digit_of(*maps->at, 10)) >= 0; maps->at++) {
		if (*inode > (UINT64_MAX - (uint64_t)digit) / 10)
			return false;
		*inode = *inode * 10 + (uint64_t)digit;
	}
	return maps->at > start && (maps->at == maps->end || *maps->at == ' ' || *maps->at == '\n');
}

static void take_name(struct maps *maps, struct maps_line *line)
{
	const char *end = memchr(maps->at, '\n', (size_t)(maps->end - maps->at));

	if (!end)
		end = maps->end;
	while (maps->at < end && *maps->at == ' ')
		maps->at++;
	line->name_length = (size_t)(end - maps->at);
	line->name = line->name_length ? maps->at : NULL;
	maps->at = end < maps->end ? end + 1 : end;
}

bool maps_next(struct maps *maps, struct maps_line *line)
{
	uint64_t major, minor;

	*line = (struct maps_line){.name = NULL};
	if (!take_number(maps, 16, '-', &line->start) || !take_number(maps, 16, ' ', &line->end) ||
	    !take_rights(maps, line) || !take_number(maps, 16, ' ', &line->offset) ||
	    !take_number(maps, 16, ':', &major) || !take_number(maps, 16, ' ', &minor) ||
	    !take_inode(maps, &line->inode))
		return false;
	line->device = makedev((unsigned)major, (unsigned)minor);
	take_name(maps, line);
	return true;
}

bool maps_is_named(const struct maps_line *line, const char *name)
{
	return line->name_length == strlen(name) && memcmp(line->name, name, line->name_length) == 0;
}
