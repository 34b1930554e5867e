/* reservation.h: address space taken from the system, which becomes memory (reading as zero) page by page
 * when touched.
 *
 * The only place where the engine asks the operating system for anything: metadata of any size is reserved
 * for the worst case and costs what is used of it. A core dump leaves reservations out, because the kernel looks at
 * every page that a dump may hold: at 1 TiB for a minute.
 */
#ifndef FAULTLINE_ENGINE_BASE_RESERVATION_H
#define FAULTLINE_ENGINE_BASE_RESERVATION_H

#include "engine/base/status.h"

#include <stddef.h>
#include <stdint.h>

struct reservation {
	void *memory; /* NULL when nothing is reserved */
	size_t bytes; /* a multiple of the page */
};

/* Reserves `bytes` (rounded up to pages; 0 reserves nothing), aligned to `alignment`, a power of two. No swap
 * space is set aside (MAP_NORESERVE). STATUS_NO_MEMORY when the system refuses. */
MUST_USE enum status reservation_create(struct reservation *reservation, size_t bytes, size_t alignment);

/* From now on core dumps hold the memory of [offset, offset + bytes), both multiples of the page. */
void reservation_dump(const struct reservation *reservation, size_t offset, size_t bytes);

/* Gives the memory of [offset, offset + bytes), both multiples of the page, back to the system; it reads as
 * zero again. Memory that the program has locked (mlock) may stay, emptied. */
void reservation_release(const struct reservation *reservation, size_t offset, size_t bytes);

/* Gives everything back. Harmless on one that reserved nothing. */
void reservation_destroy(struct reservation *reservation);

#endif
