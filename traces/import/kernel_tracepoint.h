/* kernel_tracepoint.h: which tracepoints tell what the kernel's allocators do, and how their fields become an event.
 *
 *   raw data (field names) ──┐
 *   printed text (keys) ─────┴─▶ numbers ─▶ struct event, but for the names of its flags and its cache
 *
 * Kernels differ: a cache's name came with 5.18, allocations of a given node had tracepoints of their own before 6.1, a page's
 * frame number was decimal in text before 5.0. Fields that are not there are 0; those that an event cannot do without are marked.
 */
#ifndef FAULTLINE_TRACES_IMPORT_KERNEL_TRACEPOINT_H
#define FAULTLINE_TRACES_IMPORT_KERNEL_TRACEPOINT_H

#include "traces/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kernel_number {
	KERNEL_FRAME,
	KERNEL_ORDER,
	KERNEL_MIGRATE_TYPE,
	KERNEL_GFP, /* as bits; text has names instead */
	KERNEL_FLAG,
	KERNEL_FALLBACK_ORDER,
	KERNEL_FALLBACK_TYPE,
	KERNEL_ADDRESS,
	KERNEL_BYTES,
	KERNEL_GRANTED,
	KERNEL_END,	  /* address behind the last */
	KERNEL_ALIGNMENT, /* bytes */
	KERNEL_FAILED,
	KERNEL_COUNT,
	KERNEL_PAGES,
	KERNEL_NODE,
	KERNEL_FREE_FRAME, /* where compaction's free scanner stands */
	KERNEL_CODE,
	KERNEL_NAME, /* of the cache: where it lies in the raw data; text has it in words */
	KERNEL_NEXT, /* thread that the processor goes on with */
	KERNEL_NUMBERS
};

#define KERNEL_FIELDS_MAX 7u

struct kernel_field {
	const char *field; /* in raw data; NULL ends the list */
	const char *key;   /* in text, up to and without '='; NULL: it is not printed as a number */
	enum kernel_number number;
	bool needed;
};

struct kernel_tracepoint {
	const char *system, *name;
	uint8_t kind; /* enum event_kind */
	struct kernel_field field[KERNEL_FIELDS_MAX];
};

/* Number `index`; NULL behind the last. */
const struct kernel_tracepoint *kernel_tracepoint_at(size_t index);

/* The tracepoint of that name; `system` may be NULL, for text without it. NULL: it is none of these. */
const struct kernel_tracepoint *kernel_tracepoint_find(const char *system, size_t system_length,
						       const char *name, size_t name_length);

/* Fills in kind, flags, count and kernel, gfp and cache being the caller's to add. False: a number is out of bounds. For a
 * switch only the kind is set. */
bool kernel_tracepoint_event(const struct kernel_tracepoint *tracepoint, const uint64_t value[KERNEL_NUMBERS],
			     struct event *event);

#endif
