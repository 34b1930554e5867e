/* flt_bytes.h: the fixed-width integers of the trace format: little-endian, at any address. */
#ifndef FAULTLINE_TRACES_FLT_BYTES_H
#define FAULTLINE_TRACES_FLT_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t flt_get64(const uint8_t *in)
{
	uint64_t value;

	memcpy(&value, in, sizeof(value));
	return le64toh(value);
}

static inline uint32_t flt_get32(const uint8_t *in)
{
	uint32_t value;

	memcpy(&value, in, sizeof(value));
	return le32toh(value);
}

static inline uint16_t flt_get16(const uint8_t *in)
{
	uint16_t value;

	memcpy(&value, in, sizeof(value));
	return le16toh(value);
}

static inline uint8_t *flt_put64(uint8_t *out, uint64_t value)
{
	value = htole64(value);
	memcpy(out, &value, sizeof(value));
	return out + sizeof(value);
}

static inline uint8_t *flt_put32(uint8_t *out, uint32_t value)
{
	value = htole32(value);
	memcpy(out, &value, sizeof(value));
	return out + sizeof(value);
}

static inline uint8_t *flt_put16(uint8_t *out, uint16_t value)
{
	value = htole16(value);
	memcpy(out, &value, sizeof(value));
	return out + sizeof(value);
}

#endif
