#include "config.h"

#include "bench/preload/heap_shell.h"
#include "bench/preload/shell_heap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 5.7; older headers lack the name, older kernels refuse it, and then the block is copied. */
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
/* From this size on moving page-table entries is cheaper than copying, and needs no second set of pages. */
#define REMAP_BYTES_MIN ((size_t)128 << 10)
/* Each move may leave three mappings where there was one, and a process may have 65,530. */
#define REMAPS_MAX 8192u

#define likely(condition) __builtin_expect((condition), 1)

static void *fail(void)
{
	shell_count_failure();
	errno = ENOMEM;
	return NULL;
}

static __attribute__((noinline)) void *malloc_slow(size_t bytes)
{
	struct heap_thread *thread = shell_enter(SHELL_ALLOCATION);
	uintptr_t block = thread ? heap_allocate(thread, bytes) : 0;

	shell_leave(thread);
	return block != 0 ? (void *)block : fail();
}

static inline uintptr_t allocate_fast(size_t bytes)
{
	struct heap_thread *thread = shell_thread;

	return likely(thread != NULL) ? heap_allocate_fast(&shell_heap, thread, bytes) : 0;
}

void *faultline_heap_malloc(size_t bytes)
{
	uintptr_t block = allocate_fast(bytes);

	return likely(block != 0) ? (void *)block : malloc_slow(bytes);
}

static __attribute__((noinline)) void free_slow(void *block)
{
	struct heap_thread *thread;

	if (!block)
		return;
	thread = shell_enter(SHELL_RELEASE);
	if (thread)
		heap_release(thread, (uintptr_t)block);
	shell_leave(thread);
}

void faultline_heap_free(void *block)
{
	struct heap_thread *thread = shell_thread;

	if (!likely(thread != NULL && heap_release_fast(&shell_heap, thread, (uintptr_t)block)))
		free_slow(block);
}

static __attribute__((noinline)) void *calloc_slow(size_t bytes)
{
	bool zero = false;
	struct heap_thread *thread = shell_enter(SHELL_ALLOCATION);
	uintptr_t block = thread ? heap_allocate_zero(thread, bytes, &zero) : 0;

	shell_leave(thread);
	if (block == 0)
		return fail();
	return zero ? (void *)block : memset((void *)block, 0, bytes);
}

void *faultline_heap_calloc(size_t count, size_t bytes)
{
	uintptr_t block;
	size_t product;

	if (__builtin_mul_overflow(count, bytes, &product))
		return fail();
	block = allocate_fast(product);
	return likely(block != 0) ? memset((void *)block, 0, product) : calloc_slow(product);
}

static void *allocate_aligned(size_t alignment, size_t bytes)
{
	struct heap_thread *thread = shell_enter(SHELL_ALLOCATION);
	uintptr_t block = thread ? heap_allocate_aligned(thread, alignment, bytes) : 0;

	shell_leave(thread);
	return (void *)block;
}

/* Moves the pages behind a large block to a larger one. False, and nothing moved, where that is not
 * possible. */
static bool move_pages(void *moved, void *block, size_t usable)
{
	static _Atomic unsigned remaps;

	if (usable < REMAP_BYTES_MIN || !heap_is_large(&shell_heap, (uintptr_t)block) ||
	    atomic_fetch_add_explicit(&remaps, 1, memory_order_relaxed) >= REMAPS_MAX)
		return false;
	return mremap(block, usable, usable, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, moved) ==
	       moved;
}

/* Moves the block; the caller has found that it cannot stay. */
static void *move(void *block, size_t usable, size_t bytes)
{
	void *moved = faultline_heap_malloc(bytes);
	int saved = errno;

	if (!moved)
		return NULL;
	if (usable < bytes && move_pages(moved, block, usable)) {
		heap_release_vacant(&shell_heap, (uintptr_t)block);
		return moved;
	}
	errno = saved;
	memcpy(moved, block, usable < bytes ? usable : bytes);
	faultline_heap_free(block);
	return moved;
}

void *faultline_heap_realloc(void *block, size_t bytes)
{
	if (!block)
		return faultline_heap_malloc(bytes);
	if (bytes == 0) {
		faultline_heap_free(block);
		return NULL;
	}
	if (heap_resize(&shell_heap, (uintptr_t)block, bytes)) {
		shell_count_resize();
		return block;
	}
	return move(block, heap_usable_bytes(&shell_heap, (uintptr_t)block), bytes);
}

void *faultline_heap_reallocarray(void *block, size_t count, size_t bytes)
{
	size_t product;

	if (__builtin_mul_overflow(count, bytes, &product))
		return fail();
	return faultline_heap_realloc(block, product);
}

static bool is_alignment(size_t alignment)
{
	return alignment != 0 && (alignment & (alignment - 1)) == 0;
}

int faultline_heap_posix_memalign(void **block, size_t alignment, size_t bytes)
{
	void *aligned;

	if (!is_alignment(alignment) || alignment % sizeof(void *) != 0)
		return EINVAL;
	aligned = allocate_aligned(alignment, bytes);
	if (!aligned) {
		shell_count_failure();
		return ENOMEM;
	}
	*block = aligned;
	return 0;
}

void *faultline_heap_aligned_alloc(size_t alignment, size_t bytes)
{
	void *block;

	if (!is_alignment(alignment)) {
		errno = EINVAL;
		return NULL;
	}
	block = allocate_aligned(alignment, bytes);
	return block ? block : fail();
}

/* As the C library's, which rounds an alignment that is no power of two up to one. */
void *faultline_heap_memalign(size_t alignment, size_t bytes)
{
	size_t rounded = 1;

	while (rounded < alignment && rounded <= HEAP_ALIGNMENT_MAX)
		rounded *= 2;
	return faultline_heap_aligned_alloc(rounded, bytes);
}

void *faultline_heap_valloc(size_t bytes)
{
	return faultline_heap_aligned_alloc(PAGE_BYTES, bytes);
}

void *faultline_heap_pvalloc(size_t bytes)
{
	if (bytes > HEAP_REQUEST_MAX)
		return fail();
	return faultline_heap_aligned_alloc(PAGE_BYTES,
					    bytes == 0 ? PAGE_BYTES : round_up(bytes, PAGE_BYTES));
}

size_t faultline_heap_malloc_usable_size(void *block)
{
	return block ? heap_usable_bytes(&shell_heap, (uintptr_t)block) : 0;
}

int faultline_heap_malloc_trim(size_t pad)
{
	struct heap_thread *thread = shell_enter(SHELL_OTHER);

	(void)pad;
	if (thread) {
		heap_thread_flush(thread);
		heap_purge(&shell_heap);
	}
	shell_leave(thread);
	return 1;
}

int faultline_heap_mlockall(int flags)
{
	return (int)syscall(SYS_mlockall, flags | MCL_ONFAULT);
}

const char *faultline_heap_check(void)
{
	struct heap_thread *thread = shell_enter(SHELL_OTHER);
	const char *broken = thread ? heap_check(&shell_heap) : NULL;

	shell_leave(thread);
	return broken;
}

void faultline_heap_statistics(struct faultline_heap_statistics *statistics)
{
	struct heap_thread *thread = shell_enter(SHELL_OTHER);
	struct heap_statistics own = {0};

	if (thread)
		heap_read_statistics(&shell_heap, &own);
	shell_leave(thread);
	*statistics = (struct faultline_heap_statistics){
	    .allocated_bytes = own.allocated_bytes,
	    .active_bytes = own.span_bytes,
	    .resident_bytes = own.span_bytes + own.retained_bytes + own.metadata_bytes,
	    .metadata_bytes = own.metadata_bytes,
	    .retained_bytes = own.retained_bytes,
	    .cached_bytes = own.magazine_bytes,
	    .free_bytes = own.free_bytes,
	    .purged_bytes = own.purged_bytes,
	};
}
