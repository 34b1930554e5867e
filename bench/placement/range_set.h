/* range_set.h: a set of addresses, as ranges in order: what is mapped, what is in use.
 *
 *      [ range 0 )    [ range 1 )         [ range 2 )
 *   ---############---############--------############---->  addresses
 *
 * Sets here have few ranges (allocators map in large pieces, and neighbours become one), so they lie in one array; adding and
 * removing cost the ranges behind.
 *
 *   I1  no range is empty
 *   I2  ranges are in order and neither overlap nor touch
 */
#ifndef FAULTLINE_BENCH_PLACEMENT_RANGE_SET_H
#define FAULTLINE_BENCH_PLACEMENT_RANGE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
	uint64_t start, end; /* bytes [start, end) */
};

/* A zeroed set is empty. */
struct range_set {
	struct range *range;
	size_t count, capacity;
};

/* Adds [start, end), of which some may be in it already. False without memory; an empty range changes nothing. */
bool range_set_add(struct range_set *set, uint64_t start, uint64_t end);

/* Takes [start, end) out, of which some may not be in it. False without memory. */
bool range_set_remove(struct range_set *set, uint64_t start, uint64_t end);

/* Is every byte of [start, end), which is not empty, in the set? */
bool range_set_holds(const struct range_set *set, uint64_t start, uint64_t end);

/* Is any? */
bool range_set_meets(const struct range_set *set, uint64_t start, uint64_t end);

void range_set_clear(struct range_set *set);

/* NULL, or the text of the first broken invariant. */
const char *range_set_check(const struct range_set *set);

#endif
