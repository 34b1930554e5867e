/* machine_rings.h: the kernel's allocators watched on every processor: tracepoints, a ring of perf records for each processor, and the
 * log that they are emptied into.
 *
 *   tracepoints ──▶ ring 0 ──┐
 *   of all tasks    ring 1 ──┴─▶ machine_rings_read ──▶ machine_log
 *
 * Where the fields of a tracepoint lie is found once, from the kernel's descriptions. Nothing is allocated while it runs, but for names
 * that appear for the first time.
 */
#ifndef FAULTLINE_TRACES_RECORD_MACHINE_RINGS_H
#define FAULTLINE_TRACES_RECORD_MACHINE_RINGS_H

#include "traces/error.h"
#include "traces/record/machine_log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine_rings;

struct machine_rings_options {
	bool pages;	/* page, zone, reclaim, compaction and migration events */
	bool slab;	/* kmalloc and slab caches */
	bool vmalloc;	/* ranges of kernel addresses */
	bool switches;	/* who runs where */
	uint64_t bytes; /* of a processor's ring; 0 = as usual */
};

/* Opens everything, not yet counting. TRACE_UNSUPPORTED, with the reason and the remedy, when the system refuses. */
enum trace_status machine_rings_create(struct machine_rings **created,
				       const struct machine_rings_options *options,
				       struct trace_error *error) TRACE_MUST_USE;
void machine_rings_destroy(struct machine_rings *rings);

size_t machine_rings_processors(const struct machine_rings *rings);

/* From now on everything is recorded; times count from here. */
void machine_rings_start(struct machine_rings *rings);
void machine_rings_stop(struct machine_rings *rings);

/* Nanoseconds since the start, by the clock of the records. */
uint64_t machine_rings_now(const struct machine_rings *rings);

/* Waits until a ring is a quarter full, but `milliseconds` at most. */
void machine_rings_wait(const struct machine_rings *rings, int milliseconds);

/* Puts all there is into the log. TRACE_NO_MEMORY for a new name. */
enum trace_status machine_rings_read(struct machine_rings *rings, struct machine_log *log,
				     struct trace_error *error) TRACE_MUST_USE;

/* Records that the rings had no room for, as one text line `TIME_NS CPU COUNT` for each stretch; "" when none were lost.
 * *lost counts them. Valid until the next read. */
const char *machine_rings_lost(const struct machine_rings *rings, uint64_t *lost);

/* Records that made no sense: shorter than their fields, or with numbers out of bounds. */
uint64_t machine_rings_damaged(const struct machine_rings *rings);

/* The names of flags and caches by number, from 1; NULL behind the last. */
const char *machine_rings_name(const struct machine_rings *rings, enum event_names table, uint32_t number);

/* The tracepoints that this kernel does not have, separated by blanks; "" when it has all. */
const char *machine_rings_missing(const struct machine_rings *rings);

#endif
