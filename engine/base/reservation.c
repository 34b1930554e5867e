#include "config.h"

#include "engine/base/reservation.h"

#include "engine/base/check.h"
#include "engine/base/units.h"

#include <errno.h>
#include <sys/mman.h>

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
	return STATUS_OK;
}

void reservation_release(const struct reservation *reservation, size_t offset, size_t bytes)
{
	int saved = errno;

	CHECK(offset <= reservation->bytes && bytes <= reservation->bytes - offset,
	      "released memory lies in the reservation");
	CHECK(bytes == 0 || madvise((unsigned char *)reservation->memory + offset, bytes, MADV_DONTNEED) == 0,
	      "released memory is page-aligned");
	errno = saved;
}

void reservation_destroy(struct reservation *reservation)
{
	if (reservation->memory)
		unmap((uintptr_t)reservation->memory, (uintptr_t)reservation->memory + reservation->bytes);
	*reservation = (struct reservation){.memory = NULL};
}
