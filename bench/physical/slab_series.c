#include "config.h"

#include "bench/physical/slab_series.h"

#include "engine/phys/slabinfo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct row {
	const struct kmem_cache *cache;
	uint64_t pages;
};

/* Most pages first; the caches of equal ones by name. */
static int compare(const void *one, const void *other)
{
	const struct row *a = one, *b = other;

	if (a->pages != b->pages)
		return a->pages < b->pages ? 1 : -1;
	return strcmp(a->cache->name, b->cache->name);
}

static size_t collect(const struct list *caches, struct row *sorted)
{
	size_t count = 0;

	for (const struct list *link = caches->next; link != caches; link = link->next) {
		const struct kmem_cache *cache = list_entry_const(link, struct kmem_cache, link);

		const uint64_t pages = slabinfo_pages(cache);

		if (pages == 0)
			continue;
		if (sorted)
			sorted[count] = (struct row){cache, pages};
		count++;
	}
	return count;
}

static void write_row(const struct row *row, FILE *file)
{
	const struct kmem_cache *cache = row->cache;
	const uint64_t live = kmem_cache_live_objects(cache);

	(void)fprintf(file, "%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu32 "\t%" PRIu64 "\t%.6g\n", cache->name,
		      live, cache->objects, cache->geometry.object_bytes, row->pages,
		      (double)(live * cache->geometry.object_bytes) / (double)(row->pages * PAGE_BYTES));
}

bool slab_series_write(const struct kernel_memory *memory, FILE *file)
{
	const size_t count = collect(&memory->slabs.caches, NULL);
	struct row *sorted = calloc(count + 1, sizeof(sorted[0]));

	if (!sorted)
		return false;
	(void)collect(&memory->slabs.caches, sorted);
	qsort(sorted, count, sizeof(sorted[0]), compare);
	(void)fputs("# cache\tlive_objects\tslots\tobject_bytes\tslab_pages\tutilisation\n", file);
	for (size_t i = 0; i < count; i++)
		write_row(&sorted[i], file);
	free(sorted);
	return true;
}
