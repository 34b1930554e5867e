/* metadata.h: the memory of the heap's own books, outside the managed pages.
 *
 * One reservation of address space, backed by memory only where it was touched, is cut from the front into
 * arrays that live as long as the heap (`metadata_reserve`) and, behind them, into chunks for thread handles
 * and magazines, which come and go (`metadata_take`, `metadata_give`). A chunk is a multiple of 16 bytes and
 * is used again only for the same size: there are few sizes. A free chunk keeps the link to the next one in
 * its first bytes.
 *
 *   | page_class | page_span | spans | source's books | chunks ... used ->|            untouched                 |
 *
 * Invariants, proved by metadata_check():
 *   I1: used_bytes <= size_bytes, and is a multiple of 16
 *   I2: every free chunk lies in front of `used_bytes` and is aligned to 16
 *   I3: the free chunks of all sizes hold free_bytes together
 */
#ifndef FAULTLINE_ENGINE_HEAP_METADATA_H
#define FAULTLINE_ENGINE_HEAP_METADATA_H

#include "engine/base/reservation.h"
#include "engine/base/status.h"
#include "engine/base/units.h"

#define METADATA_CHUNK_MAX 8192u /* bytes */
#define METADATA_CHUNK_SIZES (METADATA_CHUNK_MAX / 16u + 1)

struct metadata {
	struct reservation reservation;
	char *memory; /* its start; reads as zero until written */
	uint64_t size_bytes;
	uint64_t used_bytes;			 /* ever cut off the front */
	uint64_t free_bytes;			 /* in free chunks */
	void *free_chunks[METADATA_CHUNK_SIZES]; /* by size / 16 */
};

/* Reserves `size_bytes` of address space. STATUS_NO_MEMORY when the host has no such range. */
MUST_USE enum status metadata_create(struct metadata *metadata, uint64_t size_bytes);

void metadata_destroy(struct metadata *metadata);

/* Cuts off `bytes` for the life of the heap, aligned to a page, reading as zero. NULL when the reservation
 * is used up. */
void *metadata_reserve(struct metadata *metadata, uint64_t bytes);

/* A chunk of at least `bytes` (1 .. METADATA_CHUNK_MAX), aligned to 16, with undefined contents. NULL when
 * there is none. */
void *metadata_take(struct metadata *metadata, size_t bytes);

/* Gives back a chunk taken for the same number of bytes. */
void metadata_give(struct metadata *metadata, void *chunk, size_t bytes);

/* NULL, or the text of the first invariant that does not hold. */
const char *metadata_check(const struct metadata *metadata);

#endif
