/* flt_entry.h: the entries of a table's column: numbers (varints) and text, one entry after the other.
 *
 * Text is its length and its bytes, without a zero byte.
 */
#ifndef FAULTLINE_TRACES_FLT_ENTRY_H
#define FAULTLINE_TRACES_FLT_ENTRY_H

#include "traces/error.h"
#include "traces/flt_column.h"
#include "traces/flt_section.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLT_ENTRY_MAX_TEXT_BYTES 65535u

/* --- Writing: bytes that are collected -------------------------------------------------------------------------------- */

struct flt_bytes {
	uint8_t *bytes;
	size_t used, capacity;
	size_t values; /* entries in them */
	uint64_t all;  /* bytes of all entries ever put, also of those that have been written since */
};

/* Room for an entry with `numbers` varints and `text_bytes` of text, or NULL when memory is short. */
uint8_t *flt_entry_reserve(struct flt_bytes *bytes, size_t numbers, size_t text_bytes);

/* The entry that was put into that room ends before `end`. */
void flt_entry_finish(struct flt_bytes *bytes, const uint8_t *end);

/* Puts a text and returns the byte after it. */
uint8_t *flt_entry_put_text(uint8_t *out, const char *text);

/* --- Reading ---------------------------------------------------------------------------------------------------------- */

struct flt_entry_parse {
	const uint8_t *in, *end;
	char text[FLT_ENTRY_MAX_TEXT_BYTES + 1];
};

bool flt_entry_get(struct flt_entry_parse *parse, uint64_t *value);

/* False also when the number does not fit. */
bool flt_entry_get32(struct flt_entry_parse *parse, uint32_t *value);

/* Takes a text into parse->text. False also when it is too long or has a zero byte. */
bool flt_entry_get_text(struct flt_entry_parse *parse);

/* Starts to parse `column` of a section; *parse is the caller's to free, and NULL when the column is not there. */
enum trace_status flt_entry_open(struct flt_entry_parse **parse, struct flt_column_reader *reader,
				 const struct flt_section *section, uint16_t column,
				 struct trace_error *error) TRACE_MUST_USE;

#endif
