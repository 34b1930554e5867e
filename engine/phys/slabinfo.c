#include "config.h"

#include "engine/phys/slabinfo.h"

#include <inttypes.h>
#include <stdio.h>

/* mm/slub.c 6.18: MAX_PARTIAL_TO_SCAN. */
#define PARTIAL_TO_SCAN 10000u

static uint64_t free_slots_of(const struct kmem_cache *cache, bool from_tail, uint64_t limit)
{
	const struct list *link = from_tail ? cache->partial.previous : cache->partial.next;
	uint64_t free = 0;

	while (limit-- > 0 && link != &cache->partial) {
		free += slab_free_slots(list_entry_const(link, struct page, lru));
		link = from_tail ? link->previous : link->next;
	}
	return free;
}

static uint64_t free_of_partial(const struct kmem_cache *cache)
{
	if (cache->partial_count <= PARTIAL_TO_SCAN)
		return free_slots_of(cache, false, PARTIAL_TO_SCAN);
	uint64_t seen = free_slots_of(cache, false, PARTIAL_TO_SCAN / 2) +
			free_slots_of(cache, true, PARTIAL_TO_SCAN / 2);
	uint64_t free = seen / PARTIAL_TO_SCAN * cache->partial_count +
			seen % PARTIAL_TO_SCAN * cache->partial_count / PARTIAL_TO_SCAN;

	return free < cache->objects ? free : cache->objects;
}

void slabinfo_of(const struct kmem_cache *cache, struct slabinfo *info)
{
	*info = (struct slabinfo){
	    .name = cache->name,
	    .active_objs = cache->objects - free_of_partial(cache),
	    .num_objs = cache->objects,
	    .objsize = cache->geometry.slot_bytes,
	    .objperslab = cache->geometry.objects,
	    .pagesperslab = (uint32_t)1 << cache->geometry.order,
	    .active_slabs = cache->slabs,
	    .num_slabs = cache->slabs,
	};
}

const char *slabinfo_header(void)
{
	return "slabinfo - version: 2.1\n"
	       "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
	       " : tunables <limit> <batchcount> <sharedfactor>"
	       " : slabdata <active_slabs> <num_slabs> <sharedavail>\n";
}

size_t slabinfo_line(const struct slabinfo *info, char *buffer)
{
	int length = snprintf(buffer, SLABINFO_LINE_BYTES,
			      "%-17s %6" PRIu64 " %6" PRIu64 " %6" PRIu32 " %4" PRIu32 " %4" PRIu32
			      " : tunables %4" PRIu32 " %4" PRIu32 " %4" PRIu32 " : slabdata %6" PRIu64
			      " %6" PRIu64 " %6" PRIu64 "\n",
			      info->name, info->active_objs, info->num_objs, info->objsize, info->objperslab,
			      info->pagesperslab, info->limit, info->batchcount, info->sharedfactor,
			      info->active_slabs, info->num_slabs, info->sharedavail);

	return length > 0 ? (size_t)length : 0;
}

/* Slabs of the usual order hold the usual number of slots; the others are of the least order. */
uint64_t slabinfo_pages(const struct kmem_cache *cache)
{
	const struct slab_geometry *geometry = &cache->geometry;
	uint64_t usual = (uint64_t)1 << geometry->order;
	uint64_t small = (uint64_t)1 << geometry->order_min;
	uint32_t small_objects = slab_geometry_objects(geometry->slot_bytes, geometry->order_min);

	if (geometry->order == geometry->order_min)
		return cache->slabs * usual;
	uint64_t few =
	    (cache->slabs * geometry->objects - cache->objects) / (geometry->objects - small_objects);

	return (cache->slabs - few) * usual + few * small;
}
