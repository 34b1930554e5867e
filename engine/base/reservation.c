#include "config.h"

#include "engine/base/reservation.h"

#include "engine/base/check.h"
#include "engine/base/units.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Linux 5.18; older headers lack the name, older kernels refuse it. */
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

static void unmap(uintptr_t from, uintptr_t to)
{
	if (from < to)
		CHECK(munmap((void *)from, to - from) == 0, "what was mapped can be unmapped");
}

enum status reservation_create(struct reservation *reservation, size_t bytes, size_t alignment)
{
	*reservation = (struct reservation){.memory = NULL};
	if (bytes == 0)
		return STATUS_OK;
	CHECK(is_power_of_two(alignment), "an alignment is a power of two");
	size_t slack = alignment > PAGE_BYTES ? alignment : 0;

	if (bytes > SIZE_MAX / 2 || slack > SIZE_MAX / 4)
		return STATUS_NO_MEMORY;
	bytes = round_up(bytes, PAGE_BYTES);
	void *mapped = mmap(NULL, bytes + slack, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mapped == MAP_FAILED)
		return STATUS_NO_MEMORY;
	uintptr_t start = round_up((uintptr_t)mapped, alignment > PAGE_BYTES ? alignment : PAGE_BYTES);

	unmap((uintptr_t)mapped, start);
	unmap(start + bytes, (uintptr_t)mapped + bytes + slack);
	reservation->memory = (void *)start;
	reservation->bytes = bytes;
	(void)madvise(reservation->memory, bytes, MADV_DONTDUMP);
	return STATUS_OK;
}

void reservation_dump(const struct reservation *reservation, size_t offset, size_t bytes)
{
	int saved = errno;

	CHECK(offset <= reservation->bytes && bytes <= reservation->bytes - offset,
	      "dumped memory lies in the reservation");
	(void)madvise((unsigned char *)reservation->memory + offset, bytes, MADV_DODUMP);
	errno = saved;
}

/* Plain MADV_DONTNEED refuses pages that the program has locked in memory; where they cannot be given back, they
 * are emptied at least. */
static void discard(void *memory, size_t bytes)
{
	if (madvise(memory, bytes, MADV_DONTNEED) != 0 && madvise(memory, bytes, MADV_DONTNEED_LOCKED) != 0)
		memset(memory, 0, bytes);
}

void reservation_release(const struct reservation *reservation, size_t offset, size_t bytes)
{
	int saved = errno;

	CHECK(offset <= reservation->bytes && bytes <= reservation->bytes - offset,
	      "released memory lies in the reservation");
	CHECK(offset % PAGE_BYTES == 0 && bytes % PAGE_BYTES == 0, "released memory is page-aligned");
	discard((unsigned char *)reservation->memory + offset, bytes);
	errno = saved;
}

void reservation_destroy(struct reservation *reservation)
{
	if (reservation->memory)
		unmap((uintptr_t)reservation->memory, (uintptr_t)reservation->memory + reservation->bytes);
	*reservation = (struct reservation){.memory = NULL};
}
