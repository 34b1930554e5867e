#include "config.h"

#include "bench/physical/slab_places.h"

#include "engine/base/check.h"

#include <stdlib.h>

enum trace_status slab_places_create(struct slab_places *places, uint64_t base, uint64_t frames,
				     struct trace_error *error)
{
	*places = (struct slab_places){.base = base, .frames = frames};
	if (frames > SLAB_PLACES_FRAMES_MAX ||
	    reservation_create(&places->memory, frames * sizeof(*places->at), 4096) != STATUS_OK)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the machine's frames");
	places->at = places->memory.memory;
	return TRACE_OK;
}

void slab_places_destroy(struct slab_places *places)
{
	for (uint32_t i = 0; i < places->count; i++)
		free(places->place[i].object);
	free(places->place);
	reservation_destroy(&places->memory);
	*places = (struct slab_places){0};
}

/* The number of a place that is not open, or UINT32_MAX without memory. */
static uint32_t take_place(struct slab_places *places)
{
	uint32_t number = places->closed;

	if (number > 0) {
		places->closed = places->place[number - 1].row;
		return number - 1;
	}
	if (places->count == places->capacity) {
		uint32_t capacity = places->capacity > 0 ? 2 * places->capacity : 1024;
		struct slab_place *place = realloc(places->place, capacity * sizeof(*place));

		if (!place)
			return UINT32_MAX;
		places->place = place;
		places->capacity = capacity;
	}
	places->place[places->count] = (struct slab_place){0};
	return places->count++;
}

enum trace_status slab_places_open(struct slab_places *places, const struct slabinfo_text *info, uint32_t row,
				   uint64_t frame, struct slab_place **place)
{
	const struct slabinfo_row *cache = &info->row[row];
	uint64_t first = slab_places_first(cache, frame);
	uint32_t number;

	*place = NULL;
	if (first + cache->pagesperslab > places->frames)
		return TRACE_OK;
	for (uint32_t i = 0; i < cache->pagesperslab; i++)
		CHECK(places->at[first + i] == 0, "no other place is open in its frames");
	uintptr_t *object = calloc(cache->objperslab, sizeof(*object));

	number = object ? take_place(places) : UINT32_MAX;
	if (number == UINT32_MAX) {
		free(object);
		return TRACE_NO_MEMORY;
	}
	places->place[number] = (struct slab_place){.frame = first,
						    .row = row,
						    .objsize = cache->objsize,
						    .slots = cache->objperslab,
						    .pages = cache->pagesperslab,
						    .is_open = true,
						    .first_alloc = UINT64_MAX,
						    .object = object};
	for (uint32_t i = 0; i < cache->pagesperslab; i++)
		places->at[first + i] = number + 1;
	*place = &places->place[number];
	return TRACE_OK;
}

void slab_places_close(struct slab_places *places, struct slab_place *place)
{
	for (uint32_t i = 0; i < place->pages; i++)
		places->at[place->frame + i] = 0;
	free(place->object);
	*place = (struct slab_place){.row = places->closed};
	places->closed = (uint32_t)(place - places->place) + 1;
}

uint32_t slab_places_slot(const struct slab_places *places, const struct slab_place *place, uint64_t address)
{
	uint64_t distance = address - (places->base + (place->frame << 12));
	uint64_t slot = distance / place->objsize;

	return distance % place->objsize == 0 && slot < place->slots ? (uint32_t)slot : SLAB_PLACE_NO_SLOT;
}

/* --- Proof -------------------------------------------------------------------------------------------------------- */

static const char I1[] = "I1: every frame of an open place leads to it, and no other frame to any";
static const char I2[] =
    "I2: an open place has as many slots as its cache's slabs, and its frames lie inside the machine";

const char *slab_places_check(const struct slab_places *places, const struct slabinfo_text *info)
{
	uint64_t frames = 0, led = 0;

	for (uint32_t i = 0; i < places->count; i++) {
		const struct slab_place *place = &places->place[i];

		if (!place->is_open)
			continue;
		if (place->row >= info->rows || place->slots != info->row[place->row].objperslab ||
		    place->frame + place->pages > places->frames)
			return I2;
		for (uint32_t page = 0; page < place->pages; page++) {
			if (places->at[place->frame + page] != i + 1)
				return I1;
		}
		frames += place->pages;
	}
	for (uint64_t frame = 0; frame < places->frames; frame++)
		led += places->at[frame] != 0;
	return led == frames ? NULL : I1;
}
