/* units.h: the words for memory, and the conversions between them.
 *
 * A *page* is the unit of translation (4 KiB here, as on x86), a *frame* the page-sized piece of physical memory that
 * can back it, numbered by its page frame number (*pfn*). A block of *order* n is 2^n frames, aligned to its own size.
 * Quantities carry their unit in their name: _bytes, _pages, _ns, _cycles.
 */
#ifndef FAULTLINE_ENGINE_BASE_UNITS_H
#define FAULTLINE_ENGINE_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_BYTES ((uint64_t)1 << PAGE_SHIFT)

/* A 2 MiB huge page: 512 frames. */
#define HUGE_ORDER 9
#define HUGE_PAGES ((uint64_t)1 << HUGE_ORDER)

/* Page frame number: physical address divided by PAGE_BYTES. */
typedef uint64_t pfn_t;
#define PFN_NONE UINT64_MAX

/* Pages that hold `bytes`, rounded up. `bytes` at most UINT64_MAX - PAGE_BYTES + 1. */
static inline uint64_t pages_of_bytes(uint64_t bytes)
{
	return (bytes + PAGE_BYTES - 1) >> PAGE_SHIFT;
}

/* The smallest order whose block holds `pages` (at least 1, at most 2^63). */
static inline unsigned order_of_pages(uint64_t pages)
{
	return pages <= 1 ? 0 : 64u - (unsigned)__builtin_clzll(pages - 1);
}

static inline uint64_t round_up(uint64_t value, uint64_t power_of_two)
{
	return (value + power_of_two - 1) & ~(power_of_two - 1);
}

static inline bool is_power_of_two(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

#endif
