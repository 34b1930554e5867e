/* scan.h: a position in a line of text, moved forward by what is recognised there.
 *
 *   202: malloc 0xb4827400 1024
 *      ^at                     ^end
 *
 * Each function either recognises something at the position, moves past it and returns true, or leaves the
 * position where it was and returns false. Numbers must fit in 64 bits. No function reads at or beyond `end`.
 */
#ifndef FAULTLINE_TRACES_IMPORT_SCAN_H
#define FAULTLINE_TRACES_IMPORT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scan {
	const char *at;
	const char *end;
};

/* The position before the first byte of `text`. */
struct scan scan_text(const char *text, size_t length);

/* Skips blanks and tabs, also none of them. */
void scan_blanks(struct scan *scan);

/* Nothing but blanks is left. */
bool scan_ended(const struct scan *scan);

/* One character. */
bool scan_character(struct scan *scan, char character);

/* These very characters. */
bool scan_literal(struct scan *scan, const char *literal);

/* Decimal digits. */
bool scan_decimal(struct scan *scan, uint64_t *number);

/* Hexadecimal digits, with or without 0x before them. */
bool scan_hexadecimal(struct scan *scan, uint64_t *number);

/* A pointer as printf %p and its relatives write it: 0x and hexadecimal digits, "(nil)", or "0". */
bool scan_pointer(struct scan *scan, uint64_t *address);

/* The longest run of characters other than blanks and tabs; false where there is none. */
bool scan_word(struct scan *scan, const char **word, size_t *length);

/* Letters, digits and underscores, not beginning with a digit. */
bool scan_name(struct scan *scan, const char **name, size_t *length);

/* Whether the `length` characters are exactly `literal`. */
bool scan_equal(const char *text, size_t length, const char *literal);

#endif
