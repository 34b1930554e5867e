#include "config.h"

#include "traces/record/preload/extended.h"

#include "traces/record/preload/interpose.h"
#include "traces/record/preload/real.h"
#include "traces/record/preload/recorder.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* jemalloc's flags: the low six bits are log2 of the alignment, 0x40 asks for zeroes. */
static unsigned log2_of(int flags)
{
	return (unsigned)flags & 0x3f;
}

static bool wants_zeroes(int flags)
{
	return ((unsigned)flags & 0x40) != 0;
}

static void *without_jemalloc(size_t bytes, int flags)
{
	void *block;

	if (log2_of(flags) > 4)
		block = memalign((size_t)1 << log2_of(flags), bytes);
	else
		return wants_zeroes(flags) ? calloc(1, bytes) : malloc(bytes);
	if (block && wants_zeroes(flags))
		memset(block, 0, bytes);
	return block;
}

/* The C library's headers call the parameters __size and the like.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
EXPORT void *mallocx(size_t bytes, int flags)
{
	struct recording_thread *thread = &recording_thread;
	void *block;

	if (!real.mallocx)
		return without_jemalloc(bytes, flags);
	if (!recording_may(thread))
		return real.mallocx(bytes, flags);
	recording_enter(thread);
	block = real.mallocx(bytes, flags);
	recording_leave(thread);
	if (log2_of(flags) != 0)
		recording_event_with(thread, ARENA_MEMALIGN, block, bytes, log2_of(flags));
	else if (wants_zeroes(flags))
		recording_event_with(thread, ARENA_CALLOC, block, bytes, 1);
	else
		recording_event(thread, ARENA_MALLOC, block, bytes);
	return block;
}

EXPORT void *rallocx(void *old, size_t bytes, int flags)
{
	struct recording_thread *thread = &recording_thread;
	void *block;

	if (!real.rallocx)
		return realloc(old, bytes);
	if (!recording_may(thread))
		return real.rallocx(old, bytes, flags);
	recording_event(thread, ARENA_REALLOC_BEGIN, old, bytes);
	recording_enter(thread);
	block = real.rallocx(old, bytes, flags);
	recording_leave(thread);
	recording_write(thread, ARENA_REALLOC_END, recording_address(block, 0), bytes);
	return block;
}

EXPORT size_t xallocx(void *address, size_t bytes, size_t extra, int flags)
{
	struct recording_thread *thread = &recording_thread;
	size_t usable;

	if (!real.xallocx)
		return malloc_usable_size(address);
	if (!recording_may(thread))
		return real.xallocx(address, bytes, extra, flags);
	recording_enter(thread);
	usable = real.xallocx(address, bytes, extra, flags);
	recording_leave(thread);
	if (usable >= bytes) {
		recording_event(thread, ARENA_REALLOC_BEGIN, address, bytes);
		recording_write(thread, ARENA_REALLOC_END, recording_address(address, 0), bytes);
	}
	return usable;
}

EXPORT size_t sallocx(const void *address, int flags)
{
	interpose_count_usable();
	if (real.sallocx)
		return real.sallocx(address, flags);
	return real.malloc_usable_size ? real.malloc_usable_size((void *)(uintptr_t)address) : 0;
}

EXPORT void dallocx(void *address, int flags)
{
	struct recording_thread *thread = &recording_thread;

	if (!real.dallocx || bootstrap_owns(address)) {
		free(address);
		return;
	}
	if (!recording_may(thread)) {
		real.dallocx(address, flags);
		return;
	}
	recording_event(thread, ARENA_FREE, address, 0);
	recording_enter(thread);
	real.dallocx(address, flags);
	recording_leave(thread);
}

EXPORT void sdallocx(void *address, size_t bytes, int flags)
{
	struct recording_thread *thread = &recording_thread;

	if (!real.sdallocx || bootstrap_owns(address)) {
		free_sized(address, bytes);
		return;
	}
	if (!recording_may(thread)) {
		real.sdallocx(address, bytes, flags);
		return;
	}
	recording_event_with(thread, ARENA_FREE_SIZED, address, bytes,
			     log2_of(flags) ? 1 + log2_of(flags) : 0);
	recording_enter(thread);
	real.sdallocx(address, bytes, flags);
	recording_leave(thread);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
