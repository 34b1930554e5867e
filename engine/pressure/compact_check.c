#include "config.h"

#include "engine/pressure/compact.h"

const char *compact_check(const struct compact *compact)
{
	const struct free_lists *lists = compact->lists;
	const struct compact_counts *counts = &compact->counts;

	if (compact->cached_migrate[0] < lists->first || compact->cached_migrate[0] > lists->end ||
	    compact->cached_migrate[1] < lists->first || compact->cached_migrate[1] > lists->end ||
	    compact->cached_free < lists->first || compact->cached_free > lists->end)
		return "I1: where scanners begin lies in the range";
	if (compact->defer_shift > COMPACT_DEFER_SHIFT_MAX || compact->order_failed > FREE_LISTS_ORDERS)
		return "I2: defer_shift <= 6, and order_failed <= 11";
	return counts->moved <= counts->isolated &&
		       counts->isolated <= counts->migrate_scanned + counts->free_scanned &&
		       counts->not_moved[MOVE_DONE] == 0
		   ? NULL
		   : "I3: moved <= isolated <= migrate_scanned + free_scanned, and not_moved[MOVE_DONE] = 0";
}
