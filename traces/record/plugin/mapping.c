#include "config.h"

#include "traces/record/plugin/mapping.h"

#include "traces/record/plugin/qemu_plugin.h"
#include "traces/record/preload/recording.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The emulator gives programs addresses from 0x4000000000 up, or those they were linked for; itself and its libraries lie
 * where the kernel puts position-independent programs. */
#define EMULATOR_ADDRESSES UINT64_C(0x500000000000)
#define TEXT_BYTES 24u

static void write_text(const char *text)
{
	size_t length = strlen(text);

	for (size_t at = 0; at < length; at += TEXT_BYTES) {
		uint64_t words[3] = {0};
		size_t piece = length - at < TEXT_BYTES ? length - at : TEXT_BYTES;
		memcpy(words, text + at, piece);
		recording_write_words(&recording_thread, ARENA_TEXT, words);
	}
}

static void write_file(const char *path, const struct stat *status)
{
	const uint64_t words[3] = {status->st_dev, status->st_ino, (uint64_t)status->st_size};

	write_text(path);
	recording_write_words(&recording_thread, ARENA_FILE, words);
}

void mapping_write_file(int descriptor)
{
	char link[64], path[PATH_MAX];
	struct stat status;
	ssize_t length;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
	length = readlink(link, path, sizeof(path) - 1);
	if (length <= 0 || fstat(descriptor, &status) != 0)
		return;
	path[length] = '\0';
	write_file(path, &status);
}

struct mapping {
	uint64_t start, end, offset;
	unsigned protection, flags;
	const char *path;
};

/* A number and the character behind it. */
static bool take_number(const char **at, int base, char behind, uint64_t *number)
{
	char *end;

	*number = strtoull(*at, &end, base);
	if (end == *at || *end != behind)
		return false;
	*at = end + 1;
	return true;
}

/* START-END RIGHTS OFFSET MAJOR:MINOR INODE   PATH */
static bool parse(const char *line, struct mapping *mapping)
{
	const char *rights;
	uint64_t unused;

	if (!take_number(&line, 16, '-', &mapping->start) || !take_number(&line, 16, ' ', &mapping->end) ||
	    strnlen(line, 5) < 5)
		return false;
	rights = line;
	line += 5;
	if (!take_number(&line, 16, ' ', &mapping->offset) || !take_number(&line, 16, ':', &unused) ||
	    !take_number(&line, 16, ' ', &unused) || !take_number(&line, 10, ' ', &unused))
		return false;
	mapping->path = line + strspn(line, " ");
	mapping->protection = (rights[0] == 'r' ? (unsigned)PROT_READ : 0u) |
			      (rights[1] == 'w' ? (unsigned)PROT_WRITE : 0u) |
			      (rights[2] == 'x' ? (unsigned)PROT_EXEC : 0u);
	mapping->flags = rights[3] == 's' ? MAP_SHARED : MAP_PRIVATE;
	return true;
}

static void write_mapping(const struct mapping *mapping, enum arena_mapping what)
{
	const uint64_t first[3] = {mapping->start, mapping->end - mapping->start, mapping->protection};
	const uint64_t second[3] = {mapping->offset, mapping->flags, what};
	struct stat status;

	if (mapping->path[0] == '/' && stat(mapping->path, &status) == 0)
		write_file(mapping->path, &status);
	recording_write_words(&recording_thread, ARENA_CALL_ARGUMENTS, first);
	recording_write_words(&recording_thread, ARENA_CALL_ARGUMENTS, second);
	recording_write(&recording_thread, ARENA_MAPPING, 0, 0);
}

void mapping_write_all(void)
{
	uint64_t base = &guest_base ? guest_base : 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	char *line = NULL;
	size_t capacity = 0;
	ssize_t length;

	while (maps && (length = getline(&line, &capacity, maps)) > 0) {
		struct mapping mapping;
		uint64_t here = (uintptr_t)__builtin_frame_address(0);
		line[length - 1] = '\0';
		if (!parse(line, &mapping) || mapping.start < base)
			continue;
		mapping.start -= base;
		mapping.end -= base;
		if (mapping.start >= EMULATOR_ADDRESSES || (here >= mapping.start && here < mapping.end))
			continue;
		write_mapping(&mapping, ARENA_MAPPING_PLAIN);
	}
	free(line);
	if (maps)
		(void)fclose(maps);
}
