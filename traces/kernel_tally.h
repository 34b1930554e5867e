/* kernel_tally.h: what a trace's events of the kernel's allocators add up to, beside their counts per kind.
 *
 *   column 20 of FOOT, varints: orders, per order allocations and frees of pages; migrate types, per type allocations of pages;
 *   gfp sets, per number from 0 allocations of pages; caches, per number from 0 allocations, frees, bytes asked for and granted;
 *   events of the recorder's own process. Each list ends with its last number that is not 0; a trace without such events has no
 *   such column.
 *
 *   I1  the allocations by order, by migrate type and by gfp set have one sum
 */
#ifndef FAULTLINE_TRACES_KERNEL_TALLY_H
#define FAULTLINE_TRACES_KERNEL_TALLY_H

#include "traces/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_cache_tally {
	uint64_t allocs, frees;
	uint64_t bytes, granted; /* of the allocations */
};

struct kernel_tally {
	uint64_t page_allocs[EVENT_MAX_ORDERS];	 /* by order */
	uint64_t page_frees[EVENT_MAX_ORDERS];	 /* without the batched ones, which repeat them */
	uint64_t types[EVENT_MAX_MIGRATE_TYPES]; /* page_allocs */
	uint64_t *gfp;				 /* page_allocs, by number */
	struct kernel_cache_tally *cache;	 /* by number; 0: kmalloc and kfree */
	size_t gfps, caches;			 /* elements of the arrays */
	uint64_t own;				 /* events of the recorder's process */
	uint32_t recorder;			 /* 1 + that process; 0 = none */
};

void kernel_tally_end(struct kernel_tally *tally);

/* Counts an event, which event_kernel_fault has passed and whose kind has EVENT_HAS_KERNEL. False: memory is short, and
 * nothing is counted. */
bool kernel_tally_add(struct kernel_tally *tally, const struct event *event);

/* Bytes that kernel_tally_put writes at most; 0 where nothing was counted. */
size_t kernel_tally_bytes(const struct kernel_tally *tally);

/* Writes the column's bytes and returns the byte after them; *values counts the varints. */
uint8_t *kernel_tally_put(const struct kernel_tally *tally, uint8_t *out, size_t *values);

enum kernel_tally_read {
	KERNEL_TALLY_READ,
	KERNEL_TALLY_MALFORMED,
	KERNEL_TALLY_NO_MEMORY,
};

/* Takes the numbers of a column into an empty tally. */
enum kernel_tally_read kernel_tally_get(struct kernel_tally *tally, const uint8_t *in, const uint8_t *end);

bool kernel_tally_equal(const struct kernel_tally *left, const struct kernel_tally *right);

/* NULL, or the text of the invariant that does not hold. */
const char *kernel_tally_check(const struct kernel_tally *tally);

#endif
