#include "config.h"

#include "traces/kernel_tally.h"

#include "traces/flt_varint.h"
#include "traces/grown_array.h"

#include <stdlib.h>
#include <string.h>

void kernel_tally_end(struct kernel_tally *tally)
{
	free(tally->gfp);
	free(tally->cache);
	*tally = (struct kernel_tally){.recorder = tally->recorder};
}

static bool have_gfp(struct kernel_tally *tally, uint32_t gfp)
{
	void *array = grown_array(tally->gfp, gfp, &tally->gfps, sizeof(*tally->gfp));

	tally->gfp = array ? array : tally->gfp;
	return array != NULL;
}

static bool have_cache(struct kernel_tally *tally, uint32_t cache)
{
	void *array = grown_array(tally->cache, cache, &tally->caches, sizeof(*tally->cache));

	tally->cache = array ? array : tally->cache;
	return array != NULL;
}

static bool add_pages(struct kernel_tally *tally, const struct event *event)
{
	const struct event_kernel *kernel = &event->kernel;

	if (event->flags & EVENT_FAILED)
		return true;
	if (!have_gfp(tally, kernel->gfp))
		return false;
	tally->page_allocs[kernel->order]++;
	tally->types[kernel->migrate_type]++;
	tally->gfp[kernel->gfp]++;
	return true;
}

static bool add_objects(struct kernel_tally *tally, const struct event *event)
{
	const struct event_kernel *kernel = &event->kernel;

	if (!have_cache(tally, kernel->cache))
		return false;
	struct kernel_cache_tally *cache = &tally->cache[kernel->cache];

	if (event->kind == EVENT_KMEM_FREE) {
		cache->frees += kernel->address != 0;
	} else if (!(event->flags & EVENT_FAILED)) {
		cache->allocs++;
		cache->bytes += kernel->bytes;
		cache->granted += kernel->granted;
	}
	return true;
}

bool kernel_tally_add(struct kernel_tally *tally, const struct event *event)
{
	bool counted = true;

	switch (event->kind) {
	case EVENT_PAGE_ALLOC:
		counted = add_pages(tally, event);
		break;
	case EVENT_PAGE_FREE:
		tally->page_frees[event->kernel.order]++;
		break;
	case EVENT_KMEM_ALLOC:
	case EVENT_KMEM_FREE:
		counted = add_objects(tally, event);
		break;
	default:
		break;
	}
	tally->own += counted && tally->recorder && event->process == tally->recorder - 1;
	return counted;
}

/* --- As bytes --------------------------------------------------------------------------------------------------------- */

/* How many of each list there are up to the last that is not 0. */
struct lengths {
	uint32_t orders, types, gfps, caches;
};

static struct lengths lengths_of(const struct kernel_tally *tally)
{
	struct lengths lengths = {EVENT_MAX_ORDERS, EVENT_MAX_MIGRATE_TYPES, tally->gfps, tally->caches};

	while (lengths.orders && !tally->page_allocs[lengths.orders - 1] &&
	       !tally->page_frees[lengths.orders - 1])
		lengths.orders--;
	while (lengths.types && !tally->types[lengths.types - 1])
		lengths.types--;
	while (lengths.gfps && !tally->gfp[lengths.gfps - 1])
		lengths.gfps--;
	while (lengths.caches && !tally->cache[lengths.caches - 1].allocs &&
	       !tally->cache[lengths.caches - 1].frees)
		lengths.caches--;
	return lengths;
}

static size_t numbers_of(const struct lengths *lengths)
{
	return 5 + 2 * (size_t)lengths->orders + lengths->types + lengths->gfps + 4 * (size_t)lengths->caches;
}

size_t kernel_tally_bytes(const struct kernel_tally *tally)
{
	const struct lengths lengths = lengths_of(tally);

	return numbers_of(&lengths) > 5 || tally->own ? numbers_of(&lengths) * FLT_VARINT_BYTES : 0;
}

uint8_t *kernel_tally_put(const struct kernel_tally *tally, uint8_t *out, size_t *values)
{
	const struct lengths lengths = lengths_of(tally);

	out = flt_varint_put(out, lengths.orders);
	for (uint32_t i = 0; i < lengths.orders; i++) {
		out = flt_varint_put(out, tally->page_allocs[i]);
		out = flt_varint_put(out, tally->page_frees[i]);
	}
	out = flt_varint_put(out, lengths.types);
	for (uint32_t i = 0; i < lengths.types; i++)
		out = flt_varint_put(out, tally->types[i]);
	out = flt_varint_put(out, lengths.gfps);
	for (uint32_t i = 0; i < lengths.gfps; i++)
		out = flt_varint_put(out, tally->gfp[i]);
	out = flt_varint_put(out, lengths.caches);
	for (uint32_t i = 0; i < lengths.caches; i++) {
		out = flt_varint_put(out, tally->cache[i].allocs);
		out = flt_varint_put(out, tally->cache[i].frees);
		out = flt_varint_put(out, tally->cache[i].bytes);
		out = flt_varint_put(out, tally->cache[i].granted);
	}
	*values = numbers_of(&lengths);
	return flt_varint_put(out, tally->own);
}

struct numbers {
	const uint8_t *in, *end;
	bool malformed;
};

static uint64_t next(struct numbers *numbers)
{
	uint64_t value = 0;

	if (!flt_varint_get(&numbers->in, numbers->end, &value))
		numbers->malformed = true;
	return numbers->malformed ? 0 : value;
}

/* The length of a list; one that is too long is malformed. */
static uint32_t next_length(struct numbers *numbers, uint32_t limit)
{
	const uint64_t length = next(numbers);

	if (length > limit)
		numbers->malformed = true;
	return numbers->malformed ? 0 : (uint32_t)length;
}

static bool get_gfps(struct kernel_tally *tally, struct numbers *numbers)
{
	const uint32_t count = next_length(numbers, EVENT_MAX_NAMES);

	if (count && !have_gfp(tally, count - 1))
		return false;
	for (uint32_t i = 0; i < count; i++)
		tally->gfp[i] = next(numbers);
	return true;
}

static bool get_caches(struct kernel_tally *tally, struct numbers *numbers)
{
	const uint32_t count = next_length(numbers, EVENT_MAX_NAMES);

	if (count && !have_cache(tally, count - 1))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		tally->cache[i].allocs = next(numbers);
		tally->cache[i].frees = next(numbers);
		tally->cache[i].bytes = next(numbers);
		tally->cache[i].granted = next(numbers);
	}
	return true;
}

enum kernel_tally_read kernel_tally_get(struct kernel_tally *tally, const uint8_t *in, const uint8_t *end)
{
	struct numbers numbers = {in, end, false};
	uint32_t count = next_length(&numbers, EVENT_MAX_ORDERS);

	for (uint32_t i = 0; i < count; i++) {
		tally->page_allocs[i] = next(&numbers);
		tally->page_frees[i] = next(&numbers);
	}
	count = next_length(&numbers, EVENT_MAX_MIGRATE_TYPES);
	for (uint32_t i = 0; i < count; i++)
		tally->types[i] = next(&numbers);
	if (!get_gfps(tally, &numbers) || !get_caches(tally, &numbers))
		return KERNEL_TALLY_NO_MEMORY;
	tally->own = next(&numbers);
	return numbers.malformed ? KERNEL_TALLY_MALFORMED : KERNEL_TALLY_READ;
}

/* --- Comparing -------------------------------------------------------------------------------------------------------- */

bool kernel_tally_equal(const struct kernel_tally *left, const struct kernel_tally *right)
{
	const struct lengths one = lengths_of(left), other = lengths_of(right);

	return memcmp(&one, &other, sizeof(one)) == 0 && left->own == right->own &&
	       memcmp(left->page_allocs, right->page_allocs, sizeof(left->page_allocs)) == 0 &&
	       memcmp(left->page_frees, right->page_frees, sizeof(left->page_frees)) == 0 &&
	       memcmp(left->types, right->types, sizeof(left->types)) == 0 &&
	       (!one.gfps || memcmp(left->gfp, right->gfp, one.gfps * sizeof(*left->gfp)) == 0) &&
	       (!one.caches || memcmp(left->cache, right->cache, one.caches * sizeof(*left->cache)) == 0);
}

const char *kernel_tally_check(const struct kernel_tally *tally)
{
	uint64_t orders = 0, types = 0, sets = 0;

	for (unsigned i = 0; i < EVENT_MAX_ORDERS; i++)
		orders += tally->page_allocs[i];
	for (unsigned i = 0; i < EVENT_MAX_MIGRATE_TYPES; i++)
		types += tally->types[i];
	for (uint32_t i = 0; i < tally->gfps; i++)
		sets += tally->gfp[i];
	return orders == types && types == sets
		   ? NULL
		   : "I1: the allocations by order, by migrate type and by gfp set have one sum";
}
