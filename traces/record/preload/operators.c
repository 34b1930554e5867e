#include "config.h"

#include "traces/record/preload/operators.h"

#include "traces/record/preload/interpose.h"
#include "traces/record/preload/real.h"
#include "traces/record/preload/recording.h"

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
struct operator
{
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

static any_function operator_find(struct operator* operator)
{
	struct recording_thread *thread = &recording_thread;
	void *address = atomic_load_explicit(&operator->address, memory_order_acquire);
	any_function function;
	bool may;

	if (!address) {
		may = recording_may(thread);
		if (may)
			recording_enter(thread); /* what the lookup allocates is not the program's */
		address = real_find(operator->name);
		if (address)
			atomic_store(&operator->standard, is_standard(address));
		atomic_store_explicit(&operator->address, address, memory_order_release);
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

/* True: the caller records. Not when the operator will call malloc, which does. */
static bool enter_new(struct operator* operator, struct recording_thread * thread)
{
	if (operator->standard || !recording_may(thread))
		return false;
	recording_enter(thread);
	return true;
}

/* The last resort where no C++ library can be found: nobody could catch a bad_alloc either. */
static void *without_library(size_t alignment, size_t bytes, bool may_fail)
{
	void *block = alignment ? aligned_alloc(alignment, bytes) : malloc(bytes ? bytes : 1);

	if (!block && !may_fail)
		abort();
	return block;
}

static void *new_plain(struct operator* operator, size_t bytes)
{
	struct recording_thread *thread = &recording_thread;
	new_function function = (new_function)operator_find(operator);
	void *block;

	if (!function)
		return without_library(0, bytes, false);
	if (!enter_new(operator, thread))
		return function(bytes);
	block = function(bytes);
	write_new(thread, block, bytes, 0);
	return block;
}

static void *new_nothrow(struct operator* operator, size_t bytes, const void *tag)
{
	struct recording_thread *thread = &recording_thread;
	new_nothrow_function function = (new_nothrow_function)operator_find(operator);
	void *block;

	if (!function)
		return without_library(0, bytes, true);
	if (!enter_new(operator, thread))
		return function(bytes, tag);
	block = function(bytes, tag);
	write_new(thread, block, bytes, 0);
	return block;
}

static void *new_aligned(struct operator* operator, size_t bytes, size_t alignment)
{
	struct recording_thread *thread = &recording_thread;
	new_aligned_function function = (new_aligned_function)operator_find(operator);
	void *block;

	if (!function)
		return without_library(alignment, bytes, false);
	if (!enter_new(operator, thread))
		return function(bytes, alignment);
	block = function(bytes, alignment);
	write_new(thread, block, bytes, alignment);
	return block;
}

static void *new_aligned_nothrow(struct operator* operator, size_t bytes, size_t alignment, const void *tag)
{
	struct recording_thread *thread = &recording_thread;
	new_aligned_nothrow_function function = (new_aligned_nothrow_function)operator_find(operator);
	void *block;

	if (!function)
		return without_library(alignment, bytes, true);
	if (!enter_new(operator, thread))
		return function(bytes, alignment, tag);
	block = function(bytes, alignment, tag);
	write_new(thread, block, bytes, alignment);
	return block;
}

#define OPERATOR(symbol) static struct operator operator_##symbol = {.name = #symbol}
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

/* True: recorded, the caller deletes and then leaves. False: the caller only deletes. */
static bool enter_delete(struct operator* operator, void * address, const struct given *given)
{
	struct recording_thread *thread = &recording_thread;
	uint64_t info = 0;

	if ((operator->standard && !given->sized) || !recording_may(thread))
		return false;
	if (given->alignment != 0 && (given->alignment & (given->alignment - 1)) == 0)
		info = 1 + interpose_log2(given->alignment);
	if (given->sized)
		recording_event_with(thread, ARENA_FREE_SIZED, address, given->bytes, info);
	else
		recording_event(thread, ARENA_FREE, address, 0);
	recording_enter(thread);
	return true;
}

static void delete_plain(struct operator* operator, void * address)
{
	delete_function function = (delete_function)operator_find(operator);
	bool entered = function && enter_delete(operator, address, &(struct given){0});

	if (function)
		function(address);
	else
		free(address);
	if (entered)
		recording_leave(&recording_thread);
}

static void delete_nothrow(struct operator* operator, void * address, const void *tag)
{
	delete_nothrow_function function = (delete_nothrow_function)operator_find(operator);
	bool entered = function && enter_delete(operator, address, &(struct given){0});

	if (function)
		function(address, tag);
	else
		free(address);
	if (entered)
		recording_leave(&recording_thread);
}

static void delete_sized(struct operator* operator, void * address, size_t bytes)
{
	delete_value_function function = (delete_value_function)operator_find(operator);
	bool entered =
	    function && enter_delete(operator, address, &(struct given){.bytes = bytes, .sized = true});

	if (function)
		function(address, bytes);
	else
		free(address);
	if (entered)
		recording_leave(&recording_thread);
}

static void delete_aligned(struct operator* operator, void * address, size_t alignment)
{
	delete_value_function function = (delete_value_function)operator_find(operator);
	bool entered = function && enter_delete(operator, address, &(struct given){.alignment = alignment});

	if (function)
		function(address, alignment);
	else
		free(address);
	if (entered)
		recording_leave(&recording_thread);
}

static void delete_aligned_nothrow(struct operator* operator, void * address, size_t alignment,
				   const void *tag)
{
	delete_aligned_nothrow_function function = (delete_aligned_nothrow_function)operator_find(operator);
	bool entered = function && enter_delete(operator, address, &(struct given){.alignment = alignment});

	if (function)
		function(address, alignment, tag);
	else
		free(address);
	if (entered)
		recording_leave(&recording_thread);
}

static void delete_sized_aligned(struct operator* operator, void * address, size_t bytes, size_t alignment)
{
	delete_sized_aligned_function function = (delete_sized_aligned_function)operator_find(operator);
	struct given given = {.bytes = bytes, .alignment = alignment, .sized = true};
	bool entered = function && enter_delete(operator, address, &given);

	if (function)
		function(address, bytes, alignment);
	else
		free(address);
	if (entered)
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
