#include "config.h"

#include "bench/replay/child.h"
#include "bench/replay/child_null.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A function pointer from dlsym, in the one way that both POSIX and ISO C allow. */
#define RESOLVE(pointer, name)                                                                               \
	do {                                                                                                 \
		void *symbol = dlsym(RTLD_DEFAULT, name);                                                    \
		_Static_assert(sizeof(symbol) == sizeof(pointer),                                            \
			       "function pointers are like data pointers");                                  \
		memcpy(&(pointer), &symbol, sizeof(pointer));                                                \
	} while (0)

/* The sized frees of jemalloc (with its flags argument) and the plain one, in the shape of the table. */
static void (*jemalloc_sdallocx)(void *block, size_t bytes, int flags);
static void (*plain_free)(void *block);

static void release_by_sdallocx(void *block, size_t bytes)
{
	jemalloc_sdallocx(block, bytes, 0);
}

static void release_ignoring_size(void *block, size_t bytes)
{
	(void)bytes;
	plain_free(block);
}

/* Each allocator's own name for a free that is told the size. */
static void find_sized_release(struct child_calls *calls)
{
	static const char *const names[] = {"free_sized", "tc_free_sized", "mi_free_size"};

	plain_free = calls->release;
	calls->release_sized = NULL;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !calls->release_sized; i++)
		RESOLVE(calls->release_sized, names[i]);
	if (calls->release_sized)
		return;
	RESOLVE(jemalloc_sdallocx, "sdallocx");
	calls->release_sized = jemalloc_sdallocx ? release_by_sdallocx : release_ignoring_size;
}

static void find_in_process(struct child *child)
{
	struct child_calls *calls = &child->calls;

	RESOLVE(calls->allocate, "malloc");
	RESOLVE(calls->allocate_zeroed, "calloc");
	RESOLVE(calls->resize, "realloc");
	RESOLVE(calls->release, "free");
	RESOLVE(calls->allocate_aligned, "memalign");
	if (!calls->allocate_aligned)
		RESOLVE(calls->allocate_aligned, "aligned_alloc");
	RESOLVE(calls->usable, "malloc_usable_size");
	if (!calls->allocate || !calls->allocate_zeroed || !calls->resize || !calls->release ||
	    !calls->allocate_aligned)
		child_fail_setup(child->session, "malloc, calloc, realloc, free or memalign is missing", "");
	find_sized_release(calls);
}

/* ld.so only warns when it cannot preload; the address of malloc tells. */
static void check_library(struct child *child)
{
	const char *wanted = child->session->request.library;
	static char real_wanted[PATH_MAX], real_found[PATH_MAX];
	Dl_info found;
	void *address;

	if (wanted[0] == '\0')
		return;
	memcpy(&address, &child->calls.allocate, sizeof(address));
	if (!dladdr(address, &found) || !found.dli_fname)
		child_fail_setup(child->session, "the library of malloc is unknown, wanted ", wanted);
	const char *file = found.dli_fname;

	if (realpath(wanted, real_wanted))
		wanted = real_wanted;
	if (realpath(file, real_found))
		file = real_found;
	if (strcmp(wanted, file) != 0)
		child_fail_setup(child->session,
				 "the library could not be preloaded, or has no malloc: ", wanted);
}

void child_calls_find(struct child *child)
{
	switch (child->session->request.functions) {
	case FUNCTIONS_NULL:
		child_null_calls(child);
		break;
	case FUNCTIONS_LINKED:
		if (!child_linked_calls(&child->calls))
			child_fail_setup(child->session, "this replaying program has no heap linked in", "");
		break;
	default:
		find_in_process(child);
		check_library(child);
	}
}
