#include "config.h"

#include "traces/record/preload/interpose.h"

#include "traces/record/preload/real.h"
#include "traces/record/preload/recorder.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

unsigned interpose_log2(size_t alignment)
{
	return (unsigned)__builtin_ctzll(alignment);
}

static bool is_power(size_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

/* What goes into the info of an ARENA_MEMALIGN: log2, or for what is no power of two the number itself with the top bit
 * set, so that it takes the long way and keeps its value. */
static uint64_t alignment_info(size_t alignment)
{
	return is_power(alignment) ? interpose_log2(alignment) : alignment | UINT64_C(1) << 63;
}

/* The C library's headers call the parameters __size and the like.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
EXPORT void *malloc(size_t bytes)
{
	struct recording_thread *thread = &recording_thread;
	void *block;

	if (UNLIKELY(!recording_may(thread)))
		return real.malloc(bytes);
	recording_enter(thread);
	block = real.malloc(bytes);
	recording_leave(thread);
	recording_event(thread, ARENA_MALLOC, block, bytes);
	return block;
}

EXPORT void free(void *address)
{
	struct recording_thread *thread = &recording_thread;

	if (UNLIKELY(bootstrap_owns(address)))
		return;
	if (UNLIKELY(!recording_may(thread))) {
		real.free(address);
		return;
	}
	recording_event(thread, ARENA_FREE, address, 0);
	if (!address)
		return;
	recording_enter(thread);
	real.free(address);
	recording_leave(thread);
}

EXPORT void *calloc(size_t elements, size_t bytes)
{
	struct recording_thread *thread = &recording_thread;
	size_t product;
	void *block;

	if (UNLIKELY(!recording_may(thread)))
		return real.calloc(elements, bytes);
	recording_enter(thread);
	block = real.calloc(elements, bytes);
	recording_leave(thread);
	if (__builtin_mul_overflow(elements, bytes, &product))
		product = SIZE_MAX;
	recording_event_with(thread, ARENA_CALLOC, block, product, elements);
	return block;
}

/* A bootstrap block moves into the real heap; its content is what the bootstrap kept. */
static void *leave_bootstrap(void *old, size_t bytes)
{
	size_t kept = bootstrap_usable_size(old);
	char *block = malloc(bytes);

	for (size_t i = 0; block && i < kept && i < bytes; i++)
		block[i] = ((const char *)old)[i];
	return block;
}

EXPORT void *realloc(void *old, size_t bytes)
{
	struct recording_thread *thread = &recording_thread;
	void *block;

	if (UNLIKELY(bootstrap_owns(old)))
		return leave_bootstrap(old, bytes);
	if (UNLIKELY(!recording_may(thread)))
		return real.realloc(old, bytes);
	recording_event(thread, ARENA_REALLOC_BEGIN, old, bytes);
	recording_enter(thread);
	block = real.realloc(old, bytes);
	recording_leave(thread);
	recording_write(thread, ARENA_REALLOC_END, recording_address(block, 0), bytes);
	return block;
}

EXPORT void *reallocarray(void *old, size_t elements, size_t bytes)
{
	struct recording_thread *thread = &recording_thread;
	size_t product;
	void *block;

	if (!__builtin_mul_overflow(elements, bytes, &product))
		return realloc(old, product);
	/* Too large: the block stays as it is. */
	if (recording_may(thread)) {
		recording_event(thread, ARENA_REALLOC_BEGIN, old, SIZE_MAX);
		recording_write(thread, ARENA_REALLOC_END, 0, SIZE_MAX);
	}
	errno = ENOMEM;
	block = NULL;
	return block;
}

EXPORT void cfree(void *address)
{
	free(address);
}

/* C23's functions are missing from older C libraries, and every allocator's free takes their blocks. */
EXPORT void free_sized(void *address, size_t bytes)
{
	struct recording_thread *thread = &recording_thread;

	if (UNLIKELY(bootstrap_owns(address)))
		return;
	if (!recording_may(thread)) {
		real.free(address);
		return;
	}
	recording_event_with(thread, ARENA_FREE_SIZED, address, bytes, 0);
	recording_enter(thread);
	if (real.free_sized)
		real.free_sized(address, bytes);
	else
		real.free(address);
	recording_leave(thread);
}

EXPORT void free_aligned_sized(void *address, size_t alignment, size_t bytes)
{
	struct recording_thread *thread = &recording_thread;

	if (UNLIKELY(bootstrap_owns(address)))
		return;
	if (!recording_may(thread)) {
		real.free(address);
		return;
	}
	recording_event_with(thread, ARENA_FREE_SIZED, address, bytes,
			     is_power(alignment) ? 1 + interpose_log2(alignment) : 0);
	recording_enter(thread);
	if (real.free_aligned_sized)
		real.free_aligned_sized(address, alignment, bytes);
	else
		real.free(address);
	recording_leave(thread);
}

EXPORT int posix_memalign(void **result, size_t alignment, size_t bytes)
{
	struct recording_thread *thread = &recording_thread;
	int status;

	if (!recording_may(thread))
		return real.posix_memalign(result, alignment, bytes);
	recording_enter(thread);
	status = real.posix_memalign(result, alignment, bytes);
	recording_leave(thread);
	recording_event_with(thread, ARENA_MEMALIGN, status == 0 ? *result : NULL, bytes,
			     alignment_info(alignment));
	return status;
}

EXPORT void *aligned_alloc(size_t alignment, size_t bytes)
{
	struct recording_thread *thread = &recording_thread;
	void *block;

	if (!recording_may(thread))
		return real.aligned_alloc(alignment, bytes);
	recording_enter(thread);
	block = real.aligned_alloc(alignment, bytes);
	recording_leave(thread);
	recording_event_with(thread, ARENA_MEMALIGN, block, bytes, alignment_info(alignment));
	return block;
}

EXPORT void *memalign(size_t alignment, size_t bytes)
{
	struct recording_thread *thread = &recording_thread;
	void *block;

	if (!recording_may(thread))
		return real.memalign(alignment, bytes);
	recording_enter(thread);
	block = real.memalign(alignment, bytes);
	recording_leave(thread);
	recording_event_with(thread, ARENA_MEMALIGN, block, bytes, alignment_info(alignment));
	return block;
}

EXPORT void *valloc(size_t bytes)
{
	struct recording_thread *thread = &recording_thread;
	void *block;

	if (!recording_may(thread))
		return real.valloc(bytes);
	recording_enter(thread);
	block = real.valloc(bytes);
	recording_leave(thread);
	recording_event_with(thread, ARENA_MEMALIGN, block, bytes,
			     alignment_info((size_t)sysconf(_SC_PAGESIZE)));
	return block;
}

/* pvalloc rounds up to whole pages; recorded is what was asked for. */
EXPORT void *pvalloc(size_t bytes)
{
	struct recording_thread *thread = &recording_thread;
	void *block;

	if (!recording_may(thread))
		return real.pvalloc(bytes);
	recording_enter(thread);
	block = real.pvalloc(bytes);
	recording_leave(thread);
	recording_event_with(thread, ARENA_MEMALIGN, block, bytes,
			     alignment_info((size_t)sysconf(_SC_PAGESIZE)));
	return block;
}

EXPORT size_t malloc_usable_size(void *address)
{
	if (UNLIKELY(bootstrap_owns(address)))
		return bootstrap_usable_size(address);
	if (!real.malloc_usable_size)
		real_resolve();
	interpose_count_usable();
	return real.malloc_usable_size ? real.malloc_usable_size(address) : 0;
}

EXPORT int malloc_trim(size_t pad)
{
	struct recording_thread *thread = &recording_thread;
	bool may = recording_may(thread);
	int result;

	if (may)
		recording_enter(thread);
	result = real.malloc_trim ? real.malloc_trim(pad) : 0;
	if (may)
		recording_leave(thread);
	return result;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
