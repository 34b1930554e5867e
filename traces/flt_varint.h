/* flt_varint.h: unsigned integers as 1 to 10 bytes, seven bits to a byte, the lowest first (LEB128).
 *
 *   300 = 0b10_0101100  ->  1010 1100, 0000 0010        the top bit says that another byte follows
 *
 * Signed differences are stored as zigzag: 0, -1, 1, -2, 2 ... become 0, 1, 2, 3, 4 ...
 *
 * Of the ways to store integers that were measured on the Android trace (two-bit lengths beside the bytes, one plane per
 * byte, this), this one is the smallest behind zstd by 6 to 20 %, and eight bytes at a time it decodes fast enough.
 */
#ifndef FAULTLINE_TRACES_FLT_VARINT_H
#define FAULTLINE_TRACES_FLT_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest varint, and the bytes that must be readable behind the end of an array that is decoded. */
#define FLT_VARINT_BYTES 10
#define FLT_VARINT_PADDING 8

/* Writes `value` at `out` (room for FLT_VARINT_BYTES) and returns the byte after it. */
uint8_t *flt_varint_put(uint8_t *out, uint64_t value);

/* Reads one value between *in and `end`, and moves *in behind it; false when it is cut off or above 64 bits. */
bool flt_varint_get(const uint8_t **in, const uint8_t *end, uint64_t *value);

/* Decodes exactly `values` integers from the `bytes` at `in` (FLT_VARINT_PADDING more must be readable, whatever they
 * hold). False when there are more or fewer, or one is malformed; `out` is then undefined. */
bool flt_varint_unpack(const uint8_t *in, size_t bytes, uint64_t *out, size_t values);

static inline uint64_t flt_zigzag(uint64_t difference)
{
	return (difference << 1) ^ (0 - (difference >> 63));
}

static inline uint64_t flt_unzigzag(uint64_t value)
{
	return (value >> 1) ^ (0 - (value & 1));
}

#endif
