#include "config.h"

#include "traces/import/tracepoint.h"
#include "traces/grown_array.h"

#include <stdlib.h>
#include <string.h>

bool tracepoints_keep(struct tracepoints *tracepoints, const struct tracepoint *tracepoint)
{
	struct tracepoint *larger =
	    grown_array(tracepoints->tracepoint, tracepoints->count, &tracepoints->capacity, sizeof(*larger));

	if (!larger)
		return false;
	tracepoints->tracepoint = larger;
	tracepoints->tracepoint[tracepoints->count++] = *tracepoint;
	return true;
}

void tracepoints_free(struct tracepoints *tracepoints)
{
	free(tracepoints->tracepoint);
	*tracepoints = (struct tracepoints){0};
}

const struct tracepoint *tracepoints_find(const struct tracepoints *tracepoints, uint64_t id)
{
	for (size_t i = 0; i < tracepoints->count; i++) {
		if (tracepoints->tracepoint[i].id == id)
			return &tracepoints->tracepoint[i];
	}
	return NULL;
}

static bool read_field(const struct tracepoint_place *field, const uint8_t *raw, size_t bytes,
		       uint64_t *value)
{
	*value = 0;
	if ((size_t)field->offset + field->bytes > bytes)
		return false;
	for (unsigned i = field->bytes; i-- > 0;)
		*value = *value << 8 | raw[field->offset + i];
	if (field->is_signed && field->bytes > 0 && field->bytes < 8 && *value >> (8u * field->bytes - 1))
		*value |= UINT64_MAX << 8 * field->bytes;
	return true;
}

/* A place of 16 bits and a length of 16 bits. */
static const char *text_at(uint64_t location, const uint8_t *raw, size_t bytes)
{
	const size_t at = location & 0xffff, length = location >> 16 & 0xffff;

	if (length == 0 || at > bytes || length > bytes - at || !memchr(raw + at, '\0', length))
		return NULL;
	return (const char *)raw + at;
}

bool tracepoint_read_kernel(const struct tracepoint *tracepoint, const uint8_t *raw, size_t bytes,
			    uint64_t value[KERNEL_NUMBERS], const char **name)
{
	const struct kernel_tracepoint *kernel = tracepoint->kernel;

	memset(value, 0, KERNEL_NUMBERS * sizeof(*value));
	for (unsigned i = 0; i < tracepoint->fields; i++) {
		if (!read_field(&tracepoint->field[i], raw, bytes, &value[kernel->field[i].number]))
			return false;
	}
	*name = value[KERNEL_NAME] ? text_at(value[KERNEL_NAME], raw, bytes) : NULL;
	return true;
}

uint32_t tracepoint_thread(const struct tracepoint *tracepoint, const uint8_t *raw, size_t bytes)
{
	uint64_t thread;

	return read_field(&tracepoint->thread, raw, bytes, &thread) ? (uint32_t)thread : 0;
}

bool tracepoint_read(const struct tracepoint *tracepoint, const uint8_t *raw, size_t bytes,
		     uint64_t value[TRACEPOINT_VALUES])
{
	memset(value, 0, TRACEPOINT_VALUES * sizeof(*value));
	for (unsigned i = 0; i < tracepoint->fields; i++) {
		if (!read_field(&tracepoint->field[i], raw, bytes, &value[i]))
			return false;
	}
	for (unsigned i = 1; tracepoint->array != 0 && i < TRACEPOINT_VALUES; i++) {
		const struct tracepoint_place element = {
		    .offset = (uint16_t)(tracepoint->array + 8 * (i - 1)), .bytes = 8};
		if (!read_field(&element, raw, bytes, &value[i]))
			return false;
	}
	return true;
}
