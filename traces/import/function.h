/* function.h: one allocator call written as C: NAME(ARGUMENT, ARGUMENT).
 *
 * valgrind and logalloc print calls in this form. An argument is a number, a pointer or "#N" (an id that
 * stands for a pointer), with or without a word before it that names it: `memalign(al 64, size 100)`.
 */
#ifndef FAULTLINE_TRACES_IMPORT_FUNCTION_H
#define FAULTLINE_TRACES_IMPORT_FUNCTION_H

#include "traces/import/ledger.h"
#include "traces/import/scan.h"

#include <stdbool.h>
#include <stdint.h>

enum function_kind {
	FUNCTION_UNKNOWN,
	FUNCTION_IGNORED, /* asks or tunes: malloc_usable_size, mallinfo, jemalloc_stats ... */
	FUNCTION_MALLOC,  /* size */
	FUNCTION_CALLOC,  /* count, size */
	FUNCTION_REALLOC, /* old, size */
	FUNCTION_MEMALIGN,
	FUNCTION_PAGE_ALIGNED, /* valloc, pvalloc: size */
	FUNCTION_FREE,	       /* pointer */
};

#define FUNCTION_ARGUMENTS_MAX 3
#define FUNCTION_PAGE_BYTES 4096

struct function_argument {
	uint64_t value;
	bool is_id;	 /* written #N */
	bool is_size;	 /* named `size` */
	bool is_pointer; /* written 0x... */
};

struct function_call {
	enum function_kind kind;
	unsigned arguments;
	struct function_argument argument[FUNCTION_ARGUMENTS_MAX];
};

/* Recognises NAME(ARGUMENTS) at the position and moves past the closing parenthesis. The kind is
 * FUNCTION_UNKNOWN when the name is, or when the number of arguments does not fit the name. */
bool function_parse(struct scan *scan, struct function_call *call);

/* One value as an argument or result: 0x..., (nil), decimal, or #N. */
bool function_parse_value(struct scan *scan, struct function_argument *value);

/* Fills kind, sizes and alignment of `heap_call` from a call of kind FUNCTION_MALLOC ... FUNCTION_FREE;
 * place, addresses and time are the caller's to fill. */
void function_fill(const struct function_call *call, struct heap_call *heap_call);

#endif
