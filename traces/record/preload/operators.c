#include "config.h"

#include "traces/record/preload/operators.h"

#include "traces/record/preload/interpose.h"
#include "traces/record/preload/real.h"
#include "traces/record/preload/recorder.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef void (*any_function)(void);
typedef void *(*new_function)(size_t);
typedef void *(*new_nothrow_function)(size_t, const void *);
typedef void *(*new_aligned_function)(size_t, size_t);
typedef void *(*new_aligned_nothrow_function)(size_t, size_t, const void *);
typedef void (*delete_function)(void *);
typedef void (*delete_nothrow_function)(void *, const void *);
typedef void (*delete_value_function)(void *, size_t); /* a size or an alignment */
typedef void (*delete_aligned_nothrow_function)(void *, size_t, const void *);
typedef void (*delete_sized_aligned_function)(void *, size_t, size_t);

/* One operator: looked up when it is first called, because a C++ library may come with a later dlopen. */
struct replaceable {
	const char *name;
	_Atomic(void *) address;
	_Atomic int
	    standard; /* 1: the C++ library's, which goes on to malloc or free; 0: an allocator's own */
};

static int is_standard(void *address)
{
	static const char *const libraries[] = {"libstdc++.so", "libc++.so", "libc++abi.so"};
	Dl_info info;
	const char *name;

	if (!dladdr(address, &info) || !info.dli_fname)
		return 0;
	name = strrchr(info.dli_fname, '/');
	name = name ? name + 1 : info.dli_fname;
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		if (strncmp(name, libraries[i], strlen(libraries[i])) == 0)
			return 1;
	}
	return 0;
}

static any_function operator_find(struct replaceable *which)
{
	struct recording_thread *thread = &recording_thread;
	void *address = atomic_load_explicit(&which->address, memory_order_acquire);
	any_function function;
	bool may;

	if (!address) {
		may = recording_may(thread);
		if (may)
			recording_enter(thread); /* what the lookup allocates is not the program's */
		address = real_find(which->name);
		if (address)
			atomic_store(&which->standard, is_standard(address));
		atomic_store_explicit(&which->address, address, memory_order_release);
		if (may)
			recording_leave(thread);
	}
	memcpy(&function, &address, sizeof(function));
	return function;
}

static void write_new(struct recording_thread *thread, const void *block, size_t bytes, size_t alignment)
{
	recording_leave(thread);
	if (alignment != 0 && (alignment & (alignment - 1)) == 0)
		recording_event_with(thread, ARENA_MEMALIGN, block, bytes, interpose_log2(alignment));
	else
		recording_event(thread, ARENA_MALLOC, block, bytes);
}

/* May the call be recorded? Not when the operator will call malloc, which is. */
static bool may_record_new(struct replaceable *which, struct recording_thread *thread)
{
	return !which->standard && recording_may(thread);
}

/* The last resort where no C++ library can be found: nobody could catch a bad_alloc either. */
static void *without_library(size_t alignment, size_t bytes, bool may_fail)
{
	void *block = alignment ? aligned_alloc(alignment, bytes) : malloc(bytes ? bytes : 1);

	if (!block && !may_fail)
		abort();
	return block;
}

static void *new_plain(struct replaceable *which, size_t bytes)
{
	struct recording_thread *thread = &recording_thread;
	new_function function = (new_function)operator_find(which);
	void *block;

	if (!function)
		return without_library(0, bytes, false);
	if (!may_record_new(which, thread))
		return function(bytes);
	recording_enter(thread);
	block = function(bytes);
	write_new(thread, block, bytes, 0);
	return block;
}

static void *new_nothrow(struct replaceable *which, size_t bytes, const void *tag)
{
	struct recording_thread *thread = &recording_thread;
	new_nothrow_function function = (new_nothrow_function)operator_find(which);
	void *block;

	if (!function)
		return without_library(0, bytes, true);
	if (!may_record_new(which, thread))
		return function(bytes, tag);
	recording_enter(thread);
	block = function(bytes, tag);
	write_new(thread, block, bytes, 0);
	return block;
}

static void *new_aligned(struct replaceable *which, size_t bytes, size_t alignment)
{
	struct recording_thread *thread = &recording_thread;
	new_aligned_function function = (new_aligned_function)operator_find(which);
	void *block;

	if (!function)
		return without_library(alignment, bytes, false);
	if (!may_record_new(which, thread))
		return function(bytes, alignment);
	recording_enter(thread);
	block = function(bytes, alignment);
	write_new(thread, block, bytes, alignment);
	return block;
}

static void *new_aligned_nothrow(struct replaceable *which, size_t bytes, size_t alignment, const void *tag)
{
	struct recording_thread *thread = &recording_thread;
	new_aligned_nothrow_function function = (new_aligned_nothrow_function)operator_find(which);
	void *block;

	if (!function)
		return without_library(alignment, bytes, true);
	if (!may_record_new(which, thread))
		return function(bytes, alignment, tag);
	recording_enter(thread);
	block = function(bytes, alignment, tag);
	write_new(thread, block, bytes, alignment);
	return block;
}

#define OPERATOR(symbol) static struct replaceable operator_##symbol = {.name = #symbol}
OPERATOR(_Znwm);
OPERATOR(_Znam);
OPERATOR(_ZnwmRKSt9nothrow_t);
OPERATOR(_ZnamRKSt9nothrow_t);
OPERATOR(_ZnwmSt11align_val_t);
OPERATOR(_ZnamSt11align_val_t);
OPERATOR(_ZnwmSt11align_val_tRKSt9nothrow_t);
OPERATOR(_ZnamSt11align_val_tRKSt9nothrow_t);
OPERATOR(_ZdlPv);
OPERATOR(_ZdaPv);
OPERATOR(_ZdlPvRKSt9nothrow_t);
OPERATOR(_ZdaPvRKSt9nothrow_t);
OPERATOR(_ZdlPvm);
OPERATOR(_ZdaPvm);
OPERATOR(_ZdlPvSt11align_val_t);
OPERATOR(_ZdaPvSt11align_val_t);
OPERATOR(_ZdlPvSt11align_val_tRKSt9nothrow_t);
OPERATOR(_ZdaPvSt11align_val_tRKSt9nothrow_t);
OPERATOR(_ZdlPvmSt11align_val_t);
OPERATOR(_ZdaPvmSt11align_val_t);
#undef OPERATOR

EXPORT void *_Znwm(size_t bytes)
{
	return new_plain(&operator__Znwm, bytes);
}

EXPORT void *_Znam(size_t bytes)
{
	return new_plain(&operator__Znam, bytes);
}

EXPORT void *_ZnwmRKSt9nothrow_t(size_t bytes, const void *tag)
{
	return new_nothrow(&operator__ZnwmRKSt9nothrow_t, bytes, tag);
}

EXPORT void *_ZnamRKSt9nothrow_t(size_t bytes, const void *tag)
{
	return new_nothrow(&operator__ZnamRKSt9nothrow_t, bytes, tag);
}

EXPORT void *_ZnwmSt11align_val_t(size_t bytes, size_t alignment)
{
	return new_aligned(&operator__ZnwmSt11align_val_t, bytes, alignment);
}

EXPORT void *_ZnamSt11align_val_t(size_t bytes, size_t alignment)
{
	return new_aligned(&operator__ZnamSt11align_val_t, bytes, alignment);
}

EXPORT void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t bytes, size_t alignment, const void *tag)
{
	return new_aligned_nothrow(&operator__ZnwmSt11align_val_tRKSt9nothrow_t, bytes, alignment, tag);
}

EXPORT void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t bytes, size_t alignment, const void *tag)
{
	return new_aligned_nothrow(&operator__ZnamSt11align_val_tRKSt9nothrow_t, bytes, alignment, tag);
}

/* --- Delete ------------------------------------------------------------------------------------------------------------- */

/* What the program said about the block it gives back. */
struct given {
	size_t bytes;
	size_t alignment; /* 0 = not said */
	bool sized;
};

/* True: recorded, the caller enters (in its own frame), deletes and leaves. False: the caller only deletes. */
static bool record_delete(struct replaceable *which, void *address, const struct given *given)
{
	struct recording_thread *thread = &recording_thread;
	uint64_t info = 0;

	if ((which->standard && !given->sized) || !recording_may(thread))
		return false;
	if (given->alignment != 0 && (given->alignment & (given->alignment - 1)) == 0)
		info = 1 + interpose_log2(given->alignment);
	if (given->sized)
		recording_event_with(thread, ARENA_FREE_SIZED, address, given->bytes, info);
	else
		recording_event(thread, ARENA_FREE, address, 0);
	return true;
}

static void delete_plain(struct replaceable *which, void *address)
{
	delete_function function = (delete_function)operator_find(which);
	bool recorded = function && record_delete(which, address, &(struct given){0});

	if (recorded)
		recording_enter(&recording_thread);
	if (function)
		function(address);
	else
		free(address);
	if (recorded)
		recording_leave(&recording_thread);
}

static void delete_nothrow(struct replaceable *which, void *address, const void *tag)
{
	delete_nothrow_function function = (delete_nothrow_function)operator_find(which);
	bool recorded = function && record_delete(which, address, &(struct given){0});

	if (recorded)
		recording_enter(&recording_thread);
	if (function)
		function(address, tag);
	else
		free(address);
	if (recorded)
		recording_leave(&recording_thread);
}

static void delete_sized(struct replaceable *which, void *address, size_t bytes)
{
	delete_value_function function = (delete_value_function)operator_find(which);
	bool recorded =
	    function && record_delete(which, address, &(struct given){.bytes = bytes, .sized = true});

	if (recorded)
		recording_enter(&recording_thread);
	if (function)
		function(address, bytes);
	else
		free(address);
	if (recorded)
		recording_leave(&recording_thread);
}

static void delete_aligned(struct replaceable *which, void *address, size_t alignment)
{
	delete_value_function function = (delete_value_function)operator_find(which);
	bool recorded = function && record_delete(which, address, &(struct given){.alignment = alignment});

	if (recorded)
		recording_enter(&recording_thread);
	if (function)
		function(address, alignment);
	else
		free(address);
	if (recorded)
		recording_leave(&recording_thread);
}

static void delete_aligned_nothrow(struct replaceable *which, void *address, size_t alignment,
				   const void *tag)
{
	delete_aligned_nothrow_function function = (delete_aligned_nothrow_function)operator_find(which);
	bool recorded = function && record_delete(which, address, &(struct given){.alignment = alignment});

	if (recorded)
		recording_enter(&recording_thread);
	if (function)
		function(address, alignment, tag);
	else
		free(address);
	if (recorded)
		recording_leave(&recording_thread);
}

static void delete_sized_aligned(struct replaceable *which, void *address, size_t bytes, size_t alignment)
{
	delete_sized_aligned_function function = (delete_sized_aligned_function)operator_find(which);
	struct given given = {.bytes = bytes, .alignment = alignment, .sized = true};
	bool recorded = function && record_delete(which, address, &given);

	if (recorded)
		recording_enter(&recording_thread);
	if (function)
		function(address, bytes, alignment);
	else
		free(address);
	if (recorded)
		recording_leave(&recording_thread);
}

EXPORT void _ZdlPv(void *address)
{
	delete_plain(&operator__ZdlPv, address);
}

EXPORT void _ZdaPv(void *address)
{
	delete_plain(&operator__ZdaPv, address);
}

EXPORT void _ZdlPvRKSt9nothrow_t(void *address, const void *tag)
{
	delete_nothrow(&operator__ZdlPvRKSt9nothrow_t, address, tag);
}

EXPORT void _ZdaPvRKSt9nothrow_t(void *address, const void *tag)
{
	delete_nothrow(&operator__ZdaPvRKSt9nothrow_t, address, tag);
}

EXPORT void _ZdlPvm(void *address, size_t bytes)
{
	delete_sized(&operator__ZdlPvm, address, bytes);
}

EXPORT void _ZdaPvm(void *address, size_t bytes)
{
	delete_sized(&operator__ZdaPvm, address, bytes);
}

EXPORT void _ZdlPvSt11align_val_t(void *address, size_t alignment)
{
	delete_aligned(&operator__ZdlPvSt11align_val_t, address, alignment);
}

EXPORT void _ZdaPvSt11align_val_t(void *address, size_t alignment)
{
	delete_aligned(&operator__ZdaPvSt11align_val_t, address, alignment);
}

EXPORT void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *address, size_t alignment, const void *tag)
{
	delete_aligned_nothrow(&operator__ZdlPvSt11align_val_tRKSt9nothrow_t, address, alignment, tag);
}

EXPORT void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *address, size_t alignment, const void *tag)
{
	delete_aligned_nothrow(&operator__ZdaPvSt11align_val_tRKSt9nothrow_t, address, alignment, tag);
}

EXPORT void _ZdlPvmSt11align_val_t(void *address, size_t bytes, size_t alignment)
{
	delete_sized_aligned(&operator__ZdlPvmSt11align_val_t, address, bytes, alignment);
}

EXPORT void _ZdaPvmSt11align_val_t(void *address, size_t bytes, size_t alignment)
{
	delete_sized_aligned(&operator__ZdaPvmSt11align_val_t, address, bytes, alignment);
}
