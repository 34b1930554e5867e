#include "config.h"

#include "bench/replay/child_null.h"

#include <sys/mman.h>

/* Alignments up to this are honoured; larger ones are answered with the same address, which the null target's caller is told
 * to expect. */
#define SCRATCH_ALIGNMENT 4096u

static char *large_scratch;
static _Thread_local _Alignas(SCRATCH_ALIGNMENT) char small_scratch[NULL_SMALL_BYTES];

static void *null_allocate(size_t bytes)
{
	return bytes <= NULL_SMALL_BYTES ? small_scratch : large_scratch;
}

static void *null_allocate_zeroed(size_t count, size_t bytes)
{
	return null_allocate(count * bytes);
}

static void *null_resize(void *block, size_t bytes)
{
	(void)block;
	return null_allocate(bytes);
}

static void *null_allocate_aligned(size_t alignment, size_t bytes)
{
	return alignment <= SCRATCH_ALIGNMENT ? null_allocate(bytes) : large_scratch;
}

static void null_release(void *block)
{
	(void)block;
}

static void null_release_sized(void *block, size_t bytes)
{
	(void)block;
	(void)bytes;
}

void child_null_calls(struct child *child)
{
	const size_t alignment = (size_t)1 << 30;
	size_t bytes = child->session->request.largest_bytes + NULL_SMALL_BYTES;
	char *memory = mmap(NULL, bytes + alignment, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		child_fail_setup(child->session, "no address space for the null target's largest block", "");
	large_scratch = memory + (alignment - (uintptr_t)memory % alignment);
	child->calls = (struct child_calls){
	    .allocate = null_allocate,
	    .allocate_zeroed = null_allocate_zeroed,
	    .resize = null_resize,
	    .allocate_aligned = null_allocate_aligned,
	    .release = null_release,
	    .release_sized = null_release_sized,
	};
}
