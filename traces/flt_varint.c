#include "config.h"

#include "traces/flt_varint.h"

#include "traces/flt_bytes.h"

#define CONTINUES UINT64_C(0x8080808080808080)

uint8_t *flt_varint_put(uint8_t *out, uint64_t value)
{
	for (; value > 127; value >>= 7)
		*out++ = (uint8_t)(value | 128);
	*out++ = (uint8_t)value;
	return out;
}

bool flt_varint_get(const uint8_t **in, const uint8_t *end, uint64_t *value)
{
	uint64_t result = 0;

	for (unsigned shift = 0; shift < 64 && *in < end; shift += 7) {
		const uint64_t byte = *(*in)++;

		if (shift == 63 && byte > 1)
			return false;
		result |= (byte & 127) << shift;
		if (byte < 128) {
			*value = result;
			return true;
		}
	}
	return false;
}

/* The 7-bit groups of up to 8 bytes, closed up: first in pairs, then pairs of pairs, then both halves. */
static uint64_t close_up(uint64_t word)
{
	word = (word & UINT64_C(0x007f007f007f007f)) | (word & UINT64_C(0x7f007f007f007f00)) >> 1;
	word = (word & UINT64_C(0x00003fff00003fff)) | (word & UINT64_C(0x3fff00003fff0000)) >> 2;
	return (word & UINT64_C(0x0fffffff)) | (word & UINT64_C(0x0fffffff00000000)) >> 4;
}

bool flt_varint_unpack(const uint8_t *in, size_t bytes, uint64_t *out, size_t values)
{
	const uint8_t *const end = in + bytes;
	uint64_t *const out_end = out + values;

	while (out < out_end && in < end) {
		const uint64_t word = flt_get64(in);
		const uint64_t stops = ~word & CONTINUES;

		if (stops == CONTINUES && out_end - out >= 8) {
			for (unsigned i = 0; i < 8; i++)
				out[i] = word >> (8 * i) & 127;
			out += 8;
			in += 8;
		} else if (stops) {
			const unsigned length_bits = (unsigned)__builtin_ctzll(stops) + 1;

			*out++ = close_up(word & (UINT64_MAX >> (64 - length_bits)));
			in += length_bits / 8;
		} else if (!flt_varint_get(&in, end, out++)) {
			return false;
		}
	}
	return in == end && out == out_end;
}
