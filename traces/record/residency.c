#include "config.h"

#include "traces/record/residency.h"

#include "traces/record/process_files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE UINT64_C(4096)
#define WINDOW_PAGES (UINT64_C(1) << 16) /* asked about at once */
#define FILES 4096u			 /* most that are looked at */

/* One line of maps that names a file. */
struct mapped_file {
	char device[16];
	uint64_t inode;
	const char *path;
	size_t path_bytes;
};

/* Pages of one file that are in memory, as ranges. */
struct ranges {
	FILE *stream;
	uint64_t first, next; /* of the range being gathered; first = next: none */
	bool any;
};

static void end_range(struct ranges *ranges)
{
	if (ranges->first == ranges->next)
		return;
	(void)fprintf(ranges->stream, "%s%" PRIu64 "-%" PRIu64, ranges->any ? "," : "", ranges->first,
		      ranges->next - 1);
	ranges->any = true;
	ranges->first = ranges->next;
}

static void add_page(struct ranges *ranges, uint64_t page)
{
	if (page != ranges->next)
		end_range(ranges);
	if (ranges->first == ranges->next)
		ranges->first = page;
	ranges->next = page + 1;
}

/* Pages [first, first + pages) of the file. */
static bool look(struct ranges *ranges, int fd, uint64_t first, uint64_t pages)
{
	unsigned char *there = malloc(pages);
	void *window = mmap(NULL, pages * PAGE, PROT_READ, MAP_SHARED, fd, (off_t)(first * PAGE));
	bool done = there && window != MAP_FAILED && mincore(window, pages * PAGE, there) == 0;

	for (uint64_t i = 0; done && i < pages; i++) {
		if (there[i] & 1)
			add_page(ranges, first + i);
	}
	if (window != MAP_FAILED)
		(void)munmap(window, pages * PAGE);
	free(there);
	return done;
}

static bool print_file(FILE *stream, const struct mapped_file *file, int fd)
{
	struct ranges ranges = {.stream = stream};
	struct stat status;
	uint64_t pages;
	bool done = true;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || (uint64_t)status.st_ino != file->inode)
		return true;
	pages = ((uint64_t)status.st_size + PAGE - 1) / PAGE;
	(void)fprintf(stream, "%s %" PRIu64 " %" PRIu64 " ", file->device, file->inode, pages);
	for (uint64_t at = 0; done && at < pages; at += WINDOW_PAGES)
		done = look(&ranges, fd, at, pages - at < WINDOW_PAGES ? pages - at : WINDOW_PAGES);
	end_range(&ranges);
	(void)fprintf(stream, "%s %.*s\n", ranges.any ? "" : "-", (int)file->path_bytes, file->path);
	return done;
}

/* The next word of the line; *text moves behind it. */
static size_t take_word(const char **text, const char **word)
{
	size_t length;

	*word = *text + strspn(*text, " ");
	length = strcspn(*word, " \n");
	*text = *word + length;
	return length;
}

/* START-END RIGHTS OFFSET DEVICE INODE   PATH; false: no file */
static bool parse(const char *line, struct mapped_file *file)
{
	const char *word;
	size_t length;

	for (unsigned skipped = 0; skipped < 3; skipped++)
		(void)take_word(&line, &word);
	length = take_word(&line, &word);
	if (length == 0 || length >= sizeof(file->device))
		return false;
	memcpy(file->device, word, length);
	file->device[length] = '\0';
	(void)take_word(&line, &word);
	file->inode = strtoull(word, NULL, 10);
	file->path = line + strspn(line, " ");
	file->path_bytes = strcspn(file->path, "\n");
	return file->inode != 0 && *file->path == '/';
}

/* Has an earlier line named it? */
static bool is_known(const struct mapped_file *file, size_t files, const struct mapped_file *one)
{
	for (size_t i = files; i-- > 0;) {
		if (file[i].inode == one->inode && strcmp(file[i].device, one->device) == 0)
			return true;
	}
	return false;
}

/* Through the process's own root: its paths may mean something else here. */
static int open_mapped(uint32_t thread_id, const struct mapped_file *file)
{
	char *path = NULL;
	int fd = -1;

	if (asprintf(&path, "/proc/%" PRIu32 "/root%.*s", thread_id, (int)file->path_bytes, file->path) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	free(path);
	return fd;
}

static bool print_files(FILE *stream, uint32_t thread_id, const char *maps)
{
	struct mapped_file *file = calloc(FILES, sizeof(*file));
	size_t files = 0;
	bool done = file != NULL;

	for (const char *line = maps; done && line && *line && files < FILES; line = strchr(line, '\n')) {
		struct mapped_file one;
		int fd;
		line += *line == '\n';
		if (!parse(line, &one) || is_known(file, files, &one))
			continue;
		file[files++] = one;
		fd = open_mapped(thread_id, &one);
		if (fd < 0)
			continue;
		done = print_file(stream, &one, fd);
		(void)close(fd);
	}
	free(file);
	return done;
}

char *residency_text(uint32_t thread_id)
{
	char *maps = process_text(thread_id, "maps"), *text = NULL;
	size_t length = 0;
	FILE *stream = maps ? open_memstream(&text, &length) : NULL;
	bool done = stream && print_files(stream, thread_id, maps);

	if (stream && fclose(stream) != 0)
		done = false;
	free(maps);
	if (!done || length == 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* --- Settings -------------------------------------------------------------------------------------------------------------- */

static void print_setting(FILE *stream, const char *directory, const char *name)
{
	char path[128], value[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(value, sizeof(value), file))
		(void)fprintf(stream, "%s %.*s\n", name, (int)strcspn(value, "\n"), value);
	(void)fclose(file);
}

char *residency_settings(uint32_t thread_id)
{
	static const struct {
		const char *directory, *name;
	} settings[] = {
	    {"/sys/kernel/mm", "transparent_hugepage/enabled"},
	    {"/sys/kernel/mm", "transparent_hugepage/defrag"},
	    {"/sys/kernel/mm", "transparent_hugepage/use_zero_page"},
	    {"/sys/kernel/mm", "transparent_hugepage/khugepaged/pages_collapsed"},
	    {"/proc/sys", "vm/overcommit_memory"},
	    {"/proc/sys", "vm/max_map_count"},
	    {"/proc/sys", "vm/mmap_min_addr"},
	    {"/proc/sys", "kernel/randomize_va_space"},
	};
	char *text = NULL;
	size_t length = 0;
	FILE *stream = open_memstream(&text, &length);

	(void)thread_id;
	if (!stream)
		return NULL;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		print_setting(stream, settings[i].directory, settings[i].name);
	if (fclose(stream) != 0 || length == 0) {
		free(text);
		return NULL;
	}
	return text;
}
