/* slab_places.h: the slabs of a recorded machine, as far as its events name objects of them: which frames hold objects of which
 * cache, and what stands for each object in a model.
 *
 *   address  0xffff88818a4649f0 ─ base of the direct map ─▶ frame 0x18a464 ─▶ place: first frame, cache, slots
 *                                                                               └▶ slot: offset / objsize
 *
 * A slab of 2^n pages begins at a multiple of its length, so any object of it tells where it begins; the cache tells how long it is.
 *
 * Invariants, proved by slab_places_check():
 *   I1: every frame of an open place leads to it, and no other frame to any
 *   I2: an open place has as many slots as its cache's slabs, and its frames lie inside the machine
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_SLAB_PLACES_H
#define FAULTLINE_BENCH_PHYSICAL_SLAB_PLACES_H

#include "bench/physical/slabinfo_text.h"
#include "engine/base/reservation.h"

#include <stdbool.h>

#define SLAB_PLACES_FRAMES_MAX (UINT64_C(1) << 34)
#define SLAB_PLACE_NO_SLOT UINT32_MAX

struct slab_place {
	uint64_t frame;	  /* the first */
	uint32_t row;	  /* its cache: line of slabinfo */
	uint32_t objsize; /* bytes */
	uint32_t slots, pages;
	bool is_open;
	bool ends; /* before the recording does (slab_survey.h) */
	uint64_t
	    first_alloc; /* position of the first event that takes a slot; UINT64_MAX: none (slab_survey.h) */
	uintptr_t *object; /* [slot]: its owner's; 0 at first */
};

struct slab_places {
	uint64_t base;	 /* address of frame 0 */
	uint64_t frames; /* of the machine */
	struct reservation memory;
	uint32_t *at; /* [frame]: place + 1; 0 = none */
	struct slab_place *place;
	uint32_t count, capacity;
	uint32_t closed; /* a place that may be used again + 1, linked by `row`; 0 = none */
};

/* TRACE_NO_MEMORY. */
enum trace_status slab_places_create(struct slab_places *places, uint64_t base, uint64_t frames,
				     struct trace_error *error) TRACE_MUST_USE;
void slab_places_destroy(struct slab_places *places);

/* The frame of an address; false when it is none of the machine's. */
static inline bool slab_places_frame(const struct slab_places *places, uint64_t address, uint64_t *frame)
{
	*frame = (address - places->base) >> 12;
	return address >= places->base && *frame < places->frames;
}

/* The place that has the frame, or NULL. Valid until the next slab_places_open. */
static inline struct slab_place *slab_places_find(const struct slab_places *places, uint64_t frame)
{
	uint32_t number = frame < places->frames ? places->at[frame] : 0;

	return number > 0 ? &places->place[number - 1] : NULL;
}

/* Opens the place of that cache that has the frame; *place NULL when it would not lie inside the machine. No other place may be
 * open in its frames. TRACE_NO_MEMORY. */
enum trace_status slab_places_open(struct slab_places *places, const struct slabinfo_text *info, uint32_t row,
				   uint64_t frame, struct slab_place **place) TRACE_MUST_USE;

/* Its objects are the owner's business. */
void slab_places_close(struct slab_places *places, struct slab_place *place);

/* The first frame that a slab of this cache would have which has this frame. */
static inline uint64_t slab_places_first(const struct slabinfo_row *row, uint64_t frame)
{
	return frame & ~(uint64_t)(row->pagesperslab - 1);
}

/* The slot of a place whose object begins at the address, or SLAB_PLACE_NO_SLOT. */
uint32_t slab_places_slot(const struct slab_places *places, const struct slab_place *place, uint64_t address);

/* NULL, or the text of the first invariant that does not hold. O(frames). */
const char *slab_places_check(const struct slab_places *places, const struct slabinfo_text *info);

#endif
