#include "config.h"

#include "traces/record/page_map.h"

#include "traces/record/process_files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/ioctl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The interface as linux/fs.h has it since 6.7; older headers lack it. */
struct scan_region {
	uint64_t start, end;
	uint64_t categories;
};

struct scan_argument {
	uint64_t size;
	uint64_t flags;
	uint64_t start, end;
	uint64_t walk_end; /* set: where the scan stopped */
	uint64_t vec, vec_len;
	uint64_t max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask;
	uint64_t return_mask;
};

#define SCAN _IOWR('f', 16, struct scan_argument)

enum scan_category {
	SCAN_FILE = 1 << 2,
	SCAN_PRESENT = 1 << 3,
	SCAN_SWAPPED = 1 << 4,
	SCAN_ZERO = 1 << 5,
	SCAN_HUGE = 1 << 6,
};

#define REGIONS 512u
#define USER_END UINT64_C(0x7ffffffff000)

static void print(FILE *stream, const struct scan_region *region)
{
	static const struct {
		enum scan_category category;
		char letter;
	} letters[] = {
	    {SCAN_PRESENT, 'p'}, {SCAN_SWAPPED, 's'}, {SCAN_FILE, 'f'}, {SCAN_ZERO, 'z'}, {SCAN_HUGE, 'h'},
	};

	(void)fprintf(stream, "%" PRIx64 "-%" PRIx64 " ", region->start, region->end);
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (region->categories & letters[i].category)
			(void)fputc(letters[i].letter, stream);
	}
	(void)fputc('\n', stream);
}

static bool scan(int pagemap, FILE *stream)
{
	struct scan_region region[REGIONS];
	struct scan_argument argument = {
	    .size = sizeof(argument),
	    .end = USER_END,
	    .vec = (uintptr_t)region,
	    .vec_len = REGIONS,
	    .category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
	    .return_mask = SCAN_FILE | SCAN_PRESENT | SCAN_SWAPPED | SCAN_ZERO | SCAN_HUGE,
	};

	while (argument.start < argument.end) {
		int regions = ioctl(pagemap, SCAN, &argument);
		if (regions < 0 || argument.walk_end <= argument.start)
			return false;
		for (int i = 0; i < regions; i++)
			print(stream, &region[i]);
		if (ftell(stream) > (long)PROCESS_TEXT_BYTES)
			return false;
		argument.start = argument.walk_end;
	}
	return true;
}

char *page_map_text(uint32_t thread_id)
{
	char path[64], *text = NULL;
	size_t length = 0;
	FILE *stream;
	bool done;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%" PRIu32 "/pagemap", thread_id);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	stream = open_memstream(&text, &length);
	done = stream && scan(fd, stream);
	(void)close(fd);
	if (stream && fclose(stream) != 0)
		done = false;
	if (!done || length == 0) {
		free(text);
		return NULL;
	}
	return text;
}
