/* span.h: a stretch of bytes that is taken from its beginning, for importers of binary files. What is missing is noticed, never read.
 *
 *   |--- taken ---|--- left ---|
 *                 ^at
 */
#ifndef FAULTLINE_TRACES_IMPORT_SPAN_H
#define FAULTLINE_TRACES_IMPORT_SPAN_H

#include "traces/import/perf_sample.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *at;
	size_t left;
	bool whole; /* nothing was missing so far */
};

/* The next bytes, or NULL; then nothing is left. */
static inline const uint8_t *span_take(struct span *span, uint64_t bytes)
{
	const uint8_t *at = span->at;

	if (bytes > span->left) {
		span->whole = false;
		span->left = 0;
		return NULL;
	}
	span->at += bytes;
	span->left -= (size_t)bytes;
	return at;
}

/* A little-endian number of 1 to 8 bytes; 0 where it is missing. */
static inline uint64_t span_word(struct span *span, unsigned bytes)
{
	const uint8_t *at = span_take(span, bytes);

	return at ? perf_word(at, bytes) : 0;
}

/* A text that ends in NUL, which is taken too; NULL where there is none. */
static inline const char *span_text(struct span *span)
{
	const char *text = (const char *)span->at;
	const uint8_t *end = span->left ? memchr(span->at, '\0', span->left) : NULL;

	if (!end) {
		span->whole = false;
		span->left = 0;
		return NULL;
	}
	(void)span_take(span, (uint64_t)(end - span->at) + 1);
	return text;
}

#endif
