/* Makes a page sample (page_sample.h) of what valgrind's lackey prints: standard input to standard output.
 *
 *   make_page_sample SKIP COUNT      of the loads and stores, leaves out the first SKIP and keeps COUNT
 */
#include "config.h"

#include "bench/micro/page_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_BYTES 256

/* A line such as " S 1ffeffe7e0,8": L loads, S stores, M does both. */
static bool read_line(const char *line, uint64_t *page, uint8_t *is_store)
{
	char *end;

	if (line[0] != ' ' || (line[1] != 'L' && line[1] != 'S' && line[1] != 'M') || line[2] != ' ')
		return false;
	*page = strtoull(line + 3, &end, 16) >> 12;
	*is_store = line[1] != 'L';
	return *end == ',';
}

int main(int argc, char **argv)
{
	size_t skip = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
	size_t wanted = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	struct page_sample sample = {.count = 0};
	char line[LINE_BYTES];

	if (wanted == 0 || wanted > PAGE_SAMPLE_MAX) {
		(void)fputs("usage: make_page_sample SKIP COUNT <lackey's lines >sample\n", stderr);
		return 2;
	}
	sample.page = calloc(wanted, sizeof(*sample.page));
	sample.is_store = calloc(wanted, 1);
	if (!sample.page || !sample.is_store) {
		page_sample_free(&sample);
		(void)fputs("make_page_sample: there is no memory\n", stderr);
		return 1;
	}
	while (sample.count < wanted && fgets(line, sizeof(line), stdin)) {
		if (!read_line(line, &sample.page[sample.count], &sample.is_store[sample.count]))
			continue;
		if (skip > 0)
			skip--;
		else
			sample.count++;
	}
	const char *wrong = page_sample_write(&sample, STDOUT_FILENO);

	if (wrong)
		(void)fprintf(stderr, "make_page_sample: %s\n", wrong);
	page_sample_free(&sample);
	return wrong ? 1 : 0;
}
