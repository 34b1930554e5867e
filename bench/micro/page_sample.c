#include "config.h"

#include "bench/micro/page_sample.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define HEADER_START "faultline pages 1 "
#define HEADER_FORMAT HEADER_START "%zu\n"
#define HEADER_BYTES_MAX 64u
#define RANKS 127u
#define PAGE_BYTES_STORED 8u
#define COMPRESSION 19
#define FILE_BYTES_MAX ((size_t)1 << 22)

/* The pages used last, the last one first. */
struct recency {
	uint64_t page[RANKS];
	unsigned count;
};

static void move_to_front(struct recency *recency, unsigned rank, uint64_t page)
{
	if (rank == RANKS)
		rank = recency->count < RANKS ? recency->count++ : RANKS - 1;
	memmove(recency->page + 1, recency->page, rank * sizeof(recency->page[0]));
	recency->page[0] = page;
}

/* --- Writing --------------------------------------------------------------------------------------------------------- */

static size_t encode(const struct page_sample *sample, uint8_t *bytes)
{
	struct recency recency = {.count = 0};
	size_t length = 0;

	for (size_t i = 0; i < sample->count; i++) {
		uint64_t page = sample->page[i];
		unsigned rank = 0;

		while (rank < recency.count && recency.page[rank] != page)
			rank++;
		if (rank == recency.count)
			rank = RANKS;
		bytes[length++] = (uint8_t)(rank * 2 + sample->is_store[i]);
		for (unsigned byte = 0; byte < PAGE_BYTES_STORED && rank == RANKS; byte++)
			bytes[length++] = (uint8_t)(page >> 8 * byte);
		move_to_front(&recency, rank, page);
	}
	return length;
}

static bool write_all(int descriptor, const uint8_t *bytes, size_t length)
{
	while (length > 0) {
		ssize_t done = write(descriptor, bytes, length);

		if (done <= 0)
			return false;
		bytes += done;
		length -= (size_t)done;
	}
	return true;
}

const char *page_sample_write(const struct page_sample *sample, int descriptor)
{
	size_t most = HEADER_BYTES_MAX + sample->count * (1 + PAGE_BYTES_STORED);
	size_t bound = ZSTD_compressBound(most);
	uint8_t *bytes = malloc(most);
	uint8_t *compressed = malloc(bound);
	const char *wrong = bytes && compressed ? NULL : "there is no memory";

	if (!wrong) {
		int header = snprintf((char *)bytes, HEADER_BYTES_MAX, HEADER_FORMAT, sample->count);
		size_t length = (size_t)header + encode(sample, bytes + header);

		length = ZSTD_compress(compressed, bound, bytes, length, COMPRESSION);
		if (ZSTD_isError(length) || !write_all(descriptor, compressed, length))
			wrong = "the sample cannot be written";
	}
	free(bytes);
	free(compressed);
	return wrong;
}

/* --- Reading --------------------------------------------------------------------------------------------------------- */

static const char *decode(struct page_sample *sample, const uint8_t *bytes, size_t length)
{
	struct recency recency = {.count = 0};
	size_t at = 0;

	for (size_t i = 0; i < sample->count; i++) {
		uint64_t page = 0;

		if (at == length)
			return "the sample ends too early";
		unsigned rank = bytes[at] / 2;

		sample->is_store[i] = bytes[at++] & 1;
		if (rank == RANKS) {
			if (length - at < PAGE_BYTES_STORED)
				return "the sample ends within a page's number";
			for (unsigned byte = 0; byte < PAGE_BYTES_STORED; byte++)
				page |= (uint64_t)bytes[at++] << 8 * byte;
		} else if (rank >= recency.count) {
			return "the sample names a page that was not used";
		} else {
			page = recency.page[rank];
		}
		sample->page[i] = page;
		move_to_front(&recency, rank, page);
	}
	return at == length ? NULL : "the sample goes on behind its last reference";
}

static const char *take_header(struct page_sample *sample, const char *text, size_t *header)
{
	char line[HEADER_BYTES_MAX];
	const char *end = memchr(text, '\n', HEADER_BYTES_MAX);

	*header = end ? (size_t)(end - text) + 1 : 0;
	if (!end || strncmp(text, HEADER_START, strlen(HEADER_START)) != 0)
		return "this is no sample of pages";
	sample->count = strtoull(text + strlen(HEADER_START), NULL, 10);
	if (sample->count > PAGE_SAMPLE_MAX)
		return "the sample has too many references";
	(void)snprintf(line, sizeof(line), HEADER_FORMAT, sample->count);
	if (strncmp(line, text, *header) != 0)
		return "this is no sample of pages";
	sample->page = malloc(sample->count * sizeof(*sample->page) + 1);
	sample->is_store = malloc(sample->count + 1);
	return sample->page && sample->is_store ? NULL : "there is no memory";
}

static const char *decompress(struct page_sample *sample, const uint8_t *file, size_t length)
{
	size_t most = HEADER_BYTES_MAX + PAGE_SAMPLE_MAX * (1 + PAGE_BYTES_STORED);
	unsigned long long size = ZSTD_getFrameContentSize(file, length);
	size_t header;

	if (size > most)
		return "this is no sample of pages";
	char *bytes = calloc(1, (size_t)size + HEADER_BYTES_MAX);

	if (!bytes)
		return "there is no memory";
	size_t got = ZSTD_decompress(bytes, (size_t)size, file, length);
	const char *wrong =
	    ZSTD_isError(got) ? "the sample cannot be decompressed" : take_header(sample, bytes, &header);

	if (!wrong)
		wrong = got < header ? "the sample ends too early"
				     : decode(sample, (uint8_t *)bytes + header, got - header);
	free(bytes);
	return wrong;
}

const char *page_sample_read(struct page_sample *sample, const char *path)
{
	FILE *file = fopen(path, "rb");
	const char *wrong = "there is no memory";

	*sample = (struct page_sample){.count = 0};
	if (!file)
		return "the file cannot be opened";
	uint8_t *bytes = malloc(FILE_BYTES_MAX);

	if (bytes) {
		size_t length = fread(bytes, 1, FILE_BYTES_MAX, file);

		wrong = ferror(file) ? "the file cannot be read" : decompress(sample, bytes, length);
	}
	free(bytes);
	(void)fclose(file);
	if (wrong)
		page_sample_free(sample);
	return wrong;
}

void page_sample_free(struct page_sample *sample)
{
	free(sample->page);
	free(sample->is_store);
	*sample = (struct page_sample){.count = 0};
}
