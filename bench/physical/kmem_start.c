#include "config.h"

#include "bench/physical/kmem_start.h"

#include <stdlib.h>
#include <string.h>

/* Caches of Linux 6.18 that have sheaves (mm/vma_init.c, lib/maple_tree.c), and how large theirs are. */
static const char *const with_sheaves[] = {"vm_area_struct", "maple_node"};
#define SHEAF_CAPACITY 32u

/* --- Making ------------------------------------------------------------------------------------------------------- */

static uint32_t sheaf_of(const struct kmem_pass *pass, const char *name)
{
	const struct slab_policy *policy = &pass->memory.slabs.policy;

	for (size_t i = 0; i < sizeof(with_sheaves) / sizeof(with_sheaves[0]); i++) {
		if (policy->geometry == SLAB_GEOMETRY_LINUX && policy->cpu_slabs &&
		    strcmp(name, with_sheaves[i]) == 0)
			return SHEAF_CAPACITY;
	}
	return 0;
}

/* A cache that is there already: one of kmalloc's. */
static struct kmem_cache *find_cache(const struct kmem_pass *pass, const struct slabinfo_row *row)
{
	const struct slab_allocator *slabs = &pass->memory.slabs;

	for (struct list *link = slabs->caches.next; link != &slabs->caches; link = link->next) {
		struct kmem_cache *cache = list_entry(link, struct kmem_cache, link);

		if (strcmp(cache->name, row->name) == 0 && cache->geometry.slot_bytes == row->objsize)
			return cache;
	}
	return NULL;
}

static bool is_cut_alike(const struct kmem_cache *cache, const struct slabinfo_row *row)
{
	const struct slab_geometry *geometry = &cache->geometry;

	return geometry->slot_bytes == row->objsize && geometry->objects == row->objperslab &&
	       (uint32_t)1 << geometry->order == row->pagesperslab && cache->colours == 1;
}

enum trace_status kmem_start_caches(struct kmem_pass *pass, struct trace_error *error)
{
	pass->cache = calloc(pass->before.rows + 1, sizeof(struct kmem_cache *));
	if (!pass->cache)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the caches");
	for (uint32_t i = 0; i < pass->before.rows; i++) {
		const struct slabinfo_row *row = &pass->before.row[i];
		struct kmem_cache_args args = {.name = row->name,
					       .object_bytes = row->objsize,
					       .flags = SLAB_NO_MERGE,
					       .sheaf_capacity = sheaf_of(pass, row->name)};

		pass->cache[i] = find_cache(pass, row);
		if (!pass->cache[i] &&
		    kmem_cache_create(&pass->memory.slabs, &args, &pass->cache[i]) != STATUS_OK)
			return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the cache %s",
					  row->name);
		pass->misfits += !is_cut_alike(pass->cache[i], row);
	}
	return TRACE_OK;
}

/* --- Filling ------------------------------------------------------------------------------------------------------ */

/* A cache to be filled, and its places, in the order in which slots of theirs are allocated. */
struct filling {
	struct kmem_pass *pass;
	const struct slabinfo_row *row;
	struct kmem_cache *cache;
	struct slab_place **place;
	uint64_t places;
	uint64_t slabs;	  /* at least as many as places */
	uint64_t free;	  /* slots that are free, and not told which */
	uintptr_t *freed; /* objects that are freed when all slabs are full, in that order */
	size_t freed_count, freed_capacity;
};

static bool free_later(struct filling *filling, uintptr_t object)
{
	if (filling->freed_count == filling->freed_capacity) {
		size_t capacity = filling->freed_capacity > 0 ? 2 * filling->freed_capacity : 1024;
		uintptr_t *more = realloc(filling->freed, capacity * sizeof(*more));

		if (!more)
			return false;
		filling->freed = more;
		filling->freed_capacity = capacity;
	}
	filling->freed[filling->freed_count++] = object;
	return true;
}

static uintptr_t take_object(const struct filling *filling)
{
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = -1};

	return kmem_cache_alloc(filling->cache, &gfp);
}

static uint64_t count_slots(const struct slab_place *place, enum slab_survey_slot what)
{
	uint64_t count = 0;

	for (uint32_t slot = 0; slot < place->slots; slot++)
		count += place->object[slot] == (uintptr_t)what;
	return count;
}

/* Slots that nothing is known of become free, first in slabs that end, whose objects must end before them, later in any. */
static void free_unknown(struct filling *filling, bool in_ending)
{
	for (uint64_t i = 0; i < filling->places; i++) {
		struct slab_place *place = filling->place[i];

		for (uint32_t slot = 0; slot < place->slots && filling->free > 0 && place->ends == in_ending;
		     slot++) {
			if (place->object[slot] != SLAB_SURVEY_UNKNOWN)
				continue;
			place->object[slot] = SLAB_SURVEY_FREE;
			filling->free--;
		}
	}
}

/* The free slots of the n-th of the slabs without a place: their even share, at most all but one. */
static uint64_t share_of(const struct filling *filling, uint64_t untouched, uint64_t number)
{
	uint64_t share = filling->free / untouched + (number < filling->free % untouched);
	uint64_t most = filling->row->objperslab - 1u;

	return share < most ? share : most;
}

/* How the free slots of slabinfo are spread. */
static void spread_free(struct filling *filling)
{
	const struct slabinfo_row *row = filling->row;
	uint64_t untouched = filling->slabs - filling->places;
	uint64_t room = untouched * (row->objperslab - 1u);
	uint64_t known = 0;

	for (uint64_t i = 0; i < filling->places; i++)
		known += count_slots(filling->place[i], SLAB_SURVEY_FREE);
	filling->free =
	    row->num_objs > row->active_objs + known ? row->num_objs - row->active_objs - known : 0;
	free_unknown(filling, true);
	uint64_t rest = filling->free > room ? filling->free - room : 0, shared = filling->free - rest;

	filling->free = rest;
	free_unknown(filling, false);
	filling->free = shared;
}

/* Fills one slab more. `holes`: so many slots of a slab without a place are free. */
static bool fill_slab(struct filling *filling, struct slab_place *place, uint64_t holes)
{
	for (uint32_t slot = 0; slot < filling->row->objperslab; slot++) {
		bool is_free = place ? place->object[slot] == SLAB_SURVEY_FREE : slot < holes;
		uintptr_t object = take_object(filling);

		if (object == 0 || (is_free && !free_later(filling, object)))
			return false;
		if (place)
			place->object[slot] = is_free ? 0 : object;
	}
	return true;
}

/* Fills every slab, one after the other, and then frees what was free: slabs come into the list of partial ones in the order
 * in which the recording took from them. */
static bool fill_slabs(struct filling *filling)
{
	uint64_t untouched = filling->slabs - filling->places;

	for (uint64_t number = 0; number < filling->slabs; number++) {
		struct slab_place *place = number < filling->places ? filling->place[number] : NULL;
		uint64_t holes = place ? 0 : share_of(filling, untouched, number - filling->places);

		if (!fill_slab(filling, place, holes))
			return false;
	}
	for (size_t i = 0; i < filling->freed_count; i++)
		kmem_cache_free(filling->cache, -1, filling->freed[i]);
	return true;
}

/* The live objects alone, packed. */
static bool fill_packed(struct filling *filling)
{
	uint64_t live = filling->row->num_objs < filling->row->active_objs ? filling->row->num_objs
									   : filling->row->active_objs;

	for (uint64_t i = 0; i < filling->places; i++) {
		struct slab_place *place = filling->place[i];

		for (uint32_t slot = 0; slot < place->slots; slot++) {
			bool is_live = place->object[slot] != SLAB_SURVEY_FREE;

			place->object[slot] = is_live ? take_object(filling) : 0;
			if (is_live && place->object[slot] == 0)
				return false;
			live -= is_live && live > 0;
		}
	}
	for (; live > 0; live--) {
		if (take_object(filling) == 0)
			return false;
	}
	return true;
}

/* More slabs than slabinfo counts: those that began without a live object came later, without an event of their pages. */
static void drop_late(struct filling *filling)
{
	uint64_t extra =
	    filling->places > filling->row->num_slabs ? filling->places - filling->row->num_slabs : 0;
	uint64_t kept = 0;

	for (uint64_t i = filling->places; i-- > 0 && extra > 0;) {
		if (count_slots(filling->place[i], SLAB_SURVEY_LIVE) > 0)
			continue;
		slab_places_close(&filling->pass->places, filling->place[i]);
		filling->place[i] = NULL;
		extra--;
	}
	for (uint64_t i = 0; i < filling->places; i++) {
		if (filling->place[i])
			filling->place[kept++] = filling->place[i];
	}
	filling->places = kept;
}

static int compare_places(const void *a, const void *b)
{
	const struct slab_place *left = *(struct slab_place *const *)a,
				*right = *(struct slab_place *const *)b;

	if (left->row != right->row)
		return left->row < right->row ? -1 : 1;
	if (left->first_alloc != right->first_alloc)
		return left->first_alloc < right->first_alloc ? -1 : 1;
	return left->frame < right->frame ? -1 : left->frame > right->frame;
}

static bool fill_rows(struct kmem_pass *pass, struct slab_place **place)
{
	bool ok = true;
	uint64_t at = 0;

	for (uint32_t i = 0; i < pass->places.count; i++)
		place[i] = &pass->places.place[i];
	qsort(place, pass->places.count, sizeof(struct slab_place *), compare_places);
	for (uint32_t i = 0; i < pass->before.rows && ok; i++) {
		const struct slabinfo_row *row = &pass->before.row[i];
		struct filling filling = {
		    .pass = pass, .row = row, .cache = pass->cache[i], .place = &place[at]};

		while (at < pass->places.count && place[at]->row == i) {
			filling.places++;
			at++;
		}
		drop_late(&filling);
		filling.slabs = row->num_slabs > filling.places ? row->num_slabs : filling.places;
		spread_free(&filling);
		ok = is_cut_alike(pass->cache[i], row) ? fill_slabs(&filling) : fill_packed(&filling);
		free(filling.freed);
	}
	return ok;
}

enum trace_status kmem_start_fill(struct kmem_pass *pass, struct trace_error *error)
{
	struct slab_place **place = calloc(pass->places.count + 1, sizeof(struct slab_place *));
	bool ok = place && fill_rows(pass, place);

	free(place);
	return ok ? TRACE_OK
		  : trace_fail(error, TRACE_NO_MEMORY,
			       "the machine's frames do not hold the objects that slabinfo counts");
}
