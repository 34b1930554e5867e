/* bad_allocator.c: a bump allocator that breaks one promise on purpose, the one that BAD_ALLOCATOR names, at about its
 * thousandth block; without a name it keeps them all. It never gives memory back. */
#include "config.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)4 << 30)
#define BROKEN_BLOCK 1000

/* The linker gives these the names that programs call (tests/cli/replay.mk). */
void *bad_malloc(size_t bytes);
void *bad_calloc(size_t count, size_t bytes);
void *bad_realloc(void *block, size_t bytes);
void *bad_memalign(size_t alignment, size_t bytes);
size_t bad_usable_size(void *block);
void bad_free(void *block);

struct header {
	size_t bytes;
	size_t unused;
};

static _Atomic uintptr_t top;
static _Atomic uint64_t blocks;

static int breaks(const char *promise)
{
	const char *broken = getenv("BAD_ALLOCATOR");

	return broken && strcmp(broken, promise) == 0 && atomic_load(&blocks) >= BROKEN_BLOCK;
}

static uintptr_t reserve(size_t bytes)
{
	uintptr_t none = 0;

	if (atomic_load(&top) == 0) {
		void *arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (arena == MAP_FAILED)
			return 0;
		(void)atomic_compare_exchange_strong(&top, &none, (uintptr_t)arena);
	}
	return atomic_fetch_add(&top, bytes);
}

void *bad_memalign(size_t alignment, size_t bytes)
{
	static void *previous;

	atomic_fetch_add(&blocks, 1);
	if (breaks("null") || bytes > ARENA_BYTES / 4)
		return NULL;
	if (breaks("crash"))
		(void)raise(SIGSEGV);
	if (breaks("exit"))
		_exit(42);
	while (breaks("hang"))
		(void)pause();
	if (breaks("overlap") && previous)
		return previous;
	if (alignment < 16)
		alignment = 16;
	uintptr_t start = reserve((bytes + 2 * alignment + sizeof(struct header)) & ~(uintptr_t)15);

	if (start == 0)
		return NULL;
	uintptr_t address = (start + sizeof(struct header) + alignment - 1) & ~(alignment - 1);

	((struct header *)address)[-1].bytes = bytes;
	previous = (void *)address;
	return (void *)(breaks("alignment") ? address + 8 : address);
}

void *bad_malloc(size_t bytes)
{
	return bad_memalign(16, bytes);
}

void *bad_calloc(size_t count, size_t bytes)
{
	char *block = bad_malloc(count * bytes);

	if (block && breaks("zero"))
		block[count * bytes - 1] = 1;
	return block;
}

void *bad_realloc(void *block, size_t bytes)
{
	char *fresh = bad_malloc(bytes);

	if (block && fresh) {
		size_t kept = bad_usable_size(block) < bytes ? bad_usable_size(block) : bytes;

		memcpy(fresh, block, kept);
		if (breaks("realloc"))
			fresh[kept - 1] ^= 1;
	}
	return fresh;
}

size_t bad_usable_size(void *block)
{
	return block ? ((struct header *)block)[-1].bytes : 0;
}

void bad_free(void *block)
{
	(void)block;
}
