/* page_stream.h: streams of page numbers with known shapes, for tests: sequential, Zipf, uniform. Seeded. */
#ifndef FAULTLINE_TESTS_UNIT_PAGE_STREAM_H
#define FAULTLINE_TESTS_UNIT_PAGE_STREAM_H

#include <stddef.h>
#include <stdint.h>

enum page_stream_shape {
	STREAM_SEQUENTIAL, /* 512 references to each page, one page after the other, and around */
	STREAM_ZIPF,	   /* the page of rank r with probability 1 / (r * H), ranks spread over the pages */
	STREAM_UNIFORM,
	STREAM_LOOP, /* around and around `pages` pages: what LRU does worst */
};

#define STREAM_SHAPES 4u

/* Fills page[0 .. count-1] with numbers below `pages`. */
void page_stream_fill(enum page_stream_shape shape, uint64_t pages, uint64_t *page, size_t count);

#endif
