/* page_sample.h: a piece of a real program's data references, page by page, small enough to be shipped.
 *
 * Tests and benchmarks of the MMU want a real stream beside the made ones. A sample keeps of each reference the page (4 KiB)
 * and whether it stored, one byte each before compression (zstd):
 *
 *   rank * 2 + store      rank 0 .. 126: the page is the one used that many pages ago, counting each page once
 *   127 * 2 + store       another page: its number follows in 8 bytes, lowest first
 *
 * behind a line of text, "faultline pages 1 COUNT". python3.pages are 2,000,000 loads and stores of CPython 3 that makes,
 * writes and reads JSON, after its start, as valgrind's lackey saw them:
 *
 *   valgrind --tool=lackey --trace-mem=yes --log-fd=9 python3 -S bench/micro/python3.py 9>&1 >/dev/null |
 *       bench/micro/make_page_sample 8000000 2000000 >bench/micro/python3.pages
 */
#ifndef FAULTLINE_BENCH_MICRO_PAGE_SAMPLE_H
#define FAULTLINE_BENCH_MICRO_PAGE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SAMPLE_MAX ((size_t)1 << 24)

struct page_sample {
	size_t count;
	uint64_t *page;	   /* of each reference */
	uint8_t *is_store; /* 1: it stores */
};

/* Reads a sample. NULL, or what is wrong with the file. */
const char *page_sample_read(struct page_sample *sample, const char *path);

/* Writes a sample to a stream. NULL, or what went wrong. */
const char *page_sample_write(const struct page_sample *sample, int descriptor);

void page_sample_free(struct page_sample *sample);

#endif
