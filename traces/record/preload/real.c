#include "config.h"

#include "traces/record/preload/real.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

/* The bootstrap allocator: a bump pointer over static memory that is never taken back. Each block is preceded by its
 * size. glibc 2.34 and later does not allocate in a successful dlsym; older ones take some hundred bytes. */
#define BOOTSTRAP_BYTES (64u << 10)
#define BOOTSTRAP_ALIGNMENT 16u
static _Alignas(4096) unsigned char bootstrap_memory[BOOTSTRAP_BYTES];
static _Atomic size_t bootstrap_used;

bool bootstrap_owns(const void *address)
{
	return (uintptr_t)address - (uintptr_t)bootstrap_memory < BOOTSTRAP_BYTES;
}

size_t bootstrap_usable_size(const void *address)
{
	size_t bytes;

	memcpy(&bytes, (const char *)address - BOOTSTRAP_ALIGNMENT, sizeof(bytes));
	return bytes;
}

static void *bootstrap_memalign(size_t alignment, size_t bytes)
{
	size_t start, end, used = atomic_load(&bootstrap_used);

	if (alignment < BOOTSTRAP_ALIGNMENT)
		alignment = BOOTSTRAP_ALIGNMENT;
	do {
		start = (used + BOOTSTRAP_ALIGNMENT + alignment - 1) & ~(alignment - 1);
		if (alignment > 4096 || bytes > BOOTSTRAP_BYTES || start + bytes > BOOTSTRAP_BYTES) {
			errno = ENOMEM;
			return NULL;
		}
		end = (start + bytes + BOOTSTRAP_ALIGNMENT - 1) & ~(size_t)(BOOTSTRAP_ALIGNMENT - 1);
	} while (!atomic_compare_exchange_weak(&bootstrap_used, &used, end));
	memcpy(bootstrap_memory + start - BOOTSTRAP_ALIGNMENT, &bytes, sizeof(bytes));
	return bootstrap_memory + start;
}

static void *bootstrap_malloc(size_t bytes)
{
	return bootstrap_memalign(BOOTSTRAP_ALIGNMENT, bytes);
}

static void *bootstrap_calloc(size_t elements, size_t bytes)
{
	size_t product;

	if (__builtin_mul_overflow(elements, bytes, &product)) {
		errno = ENOMEM;
		return NULL;
	}
	return bootstrap_malloc(product); /* never reused, hence still zero */
}

static void *bootstrap_realloc(void *old, size_t bytes)
{
	void *block = bootstrap_malloc(bytes);

	if (block && old && bootstrap_owns(old)) {
		size_t usable = bootstrap_usable_size(old);
		memcpy(block, old, usable < bytes ? usable : bytes);
	}
	return block;
}

static void bootstrap_free(void *address)
{
	(void)address;
}

static int bootstrap_posix_memalign(void **result, size_t alignment, size_t bytes)
{
	void *block = bootstrap_memalign(alignment, bytes);

	if (!block)
		return ENOMEM;
	*result = block;
	return 0;
}

static void *bootstrap_page_aligned(size_t bytes)
{
	return bootstrap_memalign(4096, bytes);
}

struct real real = {
    .malloc = bootstrap_malloc,
    .calloc = bootstrap_calloc,
    .realloc = bootstrap_realloc,
    .free = bootstrap_free,
    .posix_memalign = bootstrap_posix_memalign,
    .aligned_alloc = bootstrap_memalign,
    .memalign = bootstrap_memalign,
    .valloc = bootstrap_page_aligned,
    .pvalloc = bootstrap_page_aligned,
};

struct real_name {
	const char *name;
	size_t offset; /* of the pointer in struct real */
};

#define REAL(function)                                                                                       \
	{                                                                                                    \
#function, offsetof(struct real, function)                                                   \
	}
static const struct real_name real_names[] = {
    REAL(malloc),	  REAL(calloc),
    REAL(realloc),	  REAL(reallocarray),
    REAL(free),		  REAL(cfree),
    REAL(free_sized),	  REAL(free_aligned_sized),
    REAL(posix_memalign), REAL(aligned_alloc),
    REAL(memalign),	  REAL(valloc),
    REAL(pvalloc),	  REAL(malloc_usable_size),
    REAL(malloc_trim),	  REAL(mallocx),
    REAL(rallocx),	  REAL(xallocx),
    REAL(sallocx),	  REAL(dallocx),
    REAL(sdallocx),	  REAL(fork),
    REAL(execve),	  REAL(execvpe),
    REAL(fexecve),	  REAL(posix_spawn),
    REAL(posix_spawnp),	  REAL(system),
    REAL(popen),	  REAL(quick_exit),
};
#undef REAL

void real_resolve(void)
{
	struct real found = real;

	for (size_t i = 0; i < sizeof(real_names) / sizeof(real_names[0]); i++) {
		void *address = dlsym(RTLD_NEXT, real_names[i].name);
		if (address)
			memcpy((char *)&found + real_names[i].offset, &address, sizeof(address));
	}
	real = found;
}

void *real_find(const char *name)
{
	static const char *const libraries[] = {"libstdc++.so.6", "libc++.so.1", "libc++abi.so.1"};
	void *address = dlsym(RTLD_NEXT, name);

	for (size_t i = 0; !address && i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
		if (library) {
			address = dlsym(library, name);
			(void)dlclose(library);
		}
	}
	return address;
}
