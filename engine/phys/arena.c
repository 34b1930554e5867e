#include "config.h"

#include "engine/phys/arena.h"

#include "engine/base/check.h"

/* What core dumps hold grows by one part in so many at least, so that the system is seldom asked. */
#define DUMP_PARTS 8u

enum status arena_create(struct arena *arena, const struct arena_shape *shape)
{
	uintptr_t none_base = shape->none_base != 0 ? shape->none_base : ARENA_NONE_BASE;

	if (shape->pages == 0 || shape->pages > UINTPTR_MAX >> PAGE_SHIFT >> 1 ||
	    !is_power_of_two(shape->alignment_bytes) || shape->alignment_bytes < PAGE_BYTES)
		return STATUS_BAD_ARGUMENT;
	*arena = (struct arena){
	    .base = none_base,
	    .first = shape->first,
	    .pages = shape->pages,
	    .alignment_bytes = shape->alignment_bytes,
	    .backing = shape->backing,
	};
	if (shape->backing == ARENA_REAL) {
		enum status status =
		    reservation_create(&arena->memory, shape->pages << PAGE_SHIFT, shape->alignment_bytes);

		arena->base = (uintptr_t)arena->memory.memory;
		return status;
	}
	if (none_base % shape->alignment_bytes != 0 || none_base > UINTPTR_MAX - (shape->pages << PAGE_SHIFT))
		return STATUS_BAD_ARGUMENT;
	return STATUS_OK;
}

void arena_destroy(struct arena *arena)
{
	reservation_destroy(&arena->memory);
}

void arena_use(struct arena *arena, pfn_t pfn, uint64_t pages)
{
	uint64_t dumped = arena->dumped_pages;
	uint64_t end = pfn - arena->first + pages;

	if (end <= dumped || arena->backing != ARENA_REAL)
		return;
	CHECK(pfn >= arena->first && end <= arena->pages, "used frames lie in the arena");
	if (end < dumped + dumped / DUMP_PARTS)
		end = dumped + dumped / DUMP_PARTS;
	end = round_up(end, HUGE_PAGES);
	if (end > arena->pages)
		end = arena->pages;
	reservation_dump(&arena->memory, dumped << PAGE_SHIFT, (end - dumped) << PAGE_SHIFT);
	arena->dumped_pages = end;
}

void arena_release(struct arena *arena, pfn_t pfn, uint64_t pages)
{
	CHECK(pfn >= arena->first && pages <= arena->pages && pfn - arena->first <= arena->pages - pages,
	      "released frames lie in the arena");
	arena->released_pages += pages;
	arena->release_calls++;
	if (arena->backing == ARENA_REAL)
		reservation_release(&arena->memory, (pfn - arena->first) << PAGE_SHIFT, pages << PAGE_SHIFT);
}

const char *arena_check(const struct arena *arena)
{
	uint64_t bytes = arena->pages << PAGE_SHIFT;

	if (arena->base % arena->alignment_bytes != 0 || arena->base > UINTPTR_MAX - bytes)
		return "I1: base is aligned to alignment_bytes, and the frames first .. first+pages-1 to "
		       "addresses without "
		       "wrapping";
	if (arena->backing == ARENA_REAL
		? (uintptr_t)arena->memory.memory != arena->base || arena->memory.bytes != bytes
		: arena->memory.memory != NULL)
		return "I2: with backing real the reservation is the arena: same base, same length; with "
		       "none it is empty";
	if (arena->dumped_pages > arena->pages)
		return "I3: dumped_pages <= pages";
	return NULL;
}
