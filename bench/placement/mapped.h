/* mapped.h: what a live allocator has mapped, followed call by call.
 *
 *      mmap, brk up ──▶ + range      munmap, brk down ──▶ - range      mremap ──▶ - old + new
 *
 * Calls are those of a placement (placement.h): they succeeded, and only pieces that they concern were ever told.
 *
 *   I1  range_set_check() holds for both sets
 *   I2  what is mapped now is part of what ever was
 */
#ifndef FAULTLINE_BENCH_PLACEMENT_MAPPED_H
#define FAULTLINE_BENCH_PLACEMENT_MAPPED_H

#include "bench/placement/range_set.h"
#include "traces/event.h"

/* No program has addresses beyond (x86-64, four levels). */
#define MAPPED_END (UINT64_C(1) << 47)
#define MAPPED_PAGE_BYTES UINT64_C(4096)

/* A zeroed one has nothing mapped. */
struct mapped {
	struct range_set now;
	struct range_set ever;
	uint64_t program_break; /* in whole pages; 0: not known yet */
};

/* Takes a call in. NULL, or what is wrong with it, and then nothing has changed: not a kind of placement.h, not in whole pages, not
 * in [1, MAPPED_END), or it names what is not mapped. *no_memory says that it was that. */
const char *mapped_apply(struct mapped *mapped, unsigned kind, const struct event_call *call,
			 bool *no_memory);

/* Every address that the call is about, as it was given (mremap: the old place); an empty range where it is about none yet. */
struct range mapped_subject(const struct mapped *mapped, unsigned kind, const struct event_call *call);

/* Is a block of so many bytes (of 0: its first one) altogether in what is mapped now? */
bool mapped_holds_block(const struct mapped *mapped, uint64_t address, uint64_t bytes);

void mapped_clear(struct mapped *mapped);

/* NULL, or the text of the first broken invariant. */
const char *mapped_check(const struct mapped *mapped);

#endif
