#include "config.h"

#include "engine/heap/metadata.h"

#include <string.h>

enum status metadata_create(struct metadata *metadata, uint64_t size_bytes)
{
	enum status status;

	*metadata = (struct metadata){.size_bytes = size_bytes};
	status = reservation_create(&metadata->reservation, size_bytes, PAGE_BYTES);
	metadata->memory = metadata->reservation.memory;
	return status;
}

void metadata_destroy(struct metadata *metadata)
{
	reservation_destroy(&metadata->reservation);
}

void *metadata_reserve(struct metadata *metadata, uint64_t bytes)
{
	uint64_t start = round_up(metadata->used_bytes, PAGE_BYTES);

	if (start > metadata->size_bytes || bytes > metadata->size_bytes - start)
		return NULL;
	metadata->used_bytes = start + round_up(bytes, 16);
	return metadata->memory + start;
}

static size_t chunk_bytes(size_t bytes)
{
	return (size_t)round_up(bytes, 16);
}

void *metadata_take(struct metadata *metadata, size_t bytes)
{
	size_t size = chunk_bytes(bytes);
	void *chunk = metadata->free_chunks[size / 16];

	if (chunk) {
		memcpy(&metadata->free_chunks[size / 16], chunk, sizeof(void *));
		metadata->free_bytes -= size;
		return chunk;
	}
	if (metadata->size_bytes - metadata->used_bytes < size)
		return NULL;
	chunk = metadata->memory + metadata->used_bytes;
	metadata->used_bytes += size;
	return chunk;
}

void metadata_give(struct metadata *metadata, void *chunk, size_t bytes)
{
	size_t size = chunk_bytes(bytes);

	memcpy(chunk, &metadata->free_chunks[size / 16], sizeof(void *));
	metadata->free_chunks[size / 16] = chunk;
	metadata->free_bytes += size;
}

const char *metadata_check(const struct metadata *metadata)
{
	uint64_t free_bytes = 0;

	if (metadata->used_bytes > metadata->size_bytes || metadata->used_bytes % 16 != 0)
		return "I1: used_bytes is not inside the reservation";
	for (size_t size = 16; size <= METADATA_CHUNK_MAX; size += 16) {
		for (const char *chunk = metadata->free_chunks[size / 16]; chunk;) {
			if (chunk < metadata->memory || chunk >= metadata->memory + metadata->used_bytes ||
			    (uintptr_t)chunk % 16 != 0)
				return "I2: a free chunk lies outside the used memory";
			free_bytes += size;
			if (free_bytes > metadata->used_bytes)
				return "I3: the free chunks do not hold free_bytes";
			memcpy(&chunk, (const void *)chunk, sizeof(chunk));
		}
	}
	return free_bytes == metadata->free_bytes ? NULL : "I3: the free chunks do not hold free_bytes";
}
