/* slab.h: a block of pages cut into slots for objects of one size, and the books about all slabs of a machine.
 *
 *   frames   |  4 |  5 |  6 |  7 |  8 |  9 |        a slab of order 2 at frame 4
 *   entry[]  |  e |  e |  e |  e |  0 |  0 |        a number per frame: e = slab's order, its cache, its first object; 0: no slab
 *   words[]  | 1110110...        |                  a bit per slot in the map of the slab's first frame; set: the slot is free
 *   page     | owner, in use, colour, slots |       the struct page of the first frame
 *
 * Nothing is kept in the objects: so a constructor's work survives a free, and a slab works the same where memory does not exist
 * (backing none). What a slot's bit says is what the slab knows: an object that waits in a CPU's own list is not free here.
 *
 * Any address leads to its slab by the entry of its frame, to its slot by a multiplication. An entry is one number,
 *
 *   order << 60 | number of the cache << 48 | distance of the first object from the beginning of the direct map
 *
 * so that for an object of a slab of that order and cache, distance + (order << 60 | number << 48) - entry is its distance from the
 * first object, and for every other address of the direct map a number far beyond all slots. Costs 72 bytes per frame of a slab, nothing where there
 * is none.
 *
 * A slab changes under its owner's lock. Invariant, proved by slab_check():
 *   I1: the slab's frames carry its entry; its page has an owner, and room for its slots
 *   I2: slots in use + bits set = slots, and no bit beyond
 */
#ifndef FAULTLINE_ENGINE_PHYS_SLAB_H
#define FAULTLINE_ENGINE_PHYS_SLAB_H

#include "engine/base/random.h"
#include "engine/phys/memory.h"
#include "engine/phys/slab_geometry.h"

#define SLAB_MAP_WORDS 8u /* per frame: a bit per 8 bytes */
#define SLAB_NO_SLOT UINT32_MAX

/* Where a slab is. */
enum slab_state {
	SLAB_FULL,	   /* in no list: no slot is free */
	SLAB_NODE_PARTIAL, /* in its cache's list */
	SLAB_CPU_PARTIAL,  /* in a CPU's list */
	SLAB_CPU_ACTIVE,   /* the CPU's own: its free slots are in the CPU's hands ("frozen" in Linux) */
};

/* The books about all slabs of a machine's memory, and what of it every call needs. Frames are counted from the first of the direct
 * map. */
struct slab_maps {
	struct memory *memory;
	uintptr_t base; /* of the direct map */
	uint64_t bytes;
	struct page *page; /* per frame */
	uint64_t *entry;   /* per frame */
	uint64_t *words;   /* SLAB_MAP_WORDS per frame; a slab's are those of its first frames */
	uint64_t frames;
	bool is_real; /* memory stands behind it */
	struct reservation words_memory, entry_memory;
};

/* How the slots of a cache's slabs are found. */
struct slab_cut {
	uint64_t inverse;    /* 2^64 / slot_bytes, rounded up */
	uint32_t slot_bytes; /* at least SLAB_SLOT_MIN */
	uint32_t left_bytes; /* of a slot, before its object */
	uint16_t number;     /* of the cache, in entries: 1 .. SLAB_NUMBER_MAX */
};

#define SLAB_NUMBER_MAX 4095u
#define SLAB_DISTANCE_BITS 48u

#define SLAB_SLOT_MIN 8u

/* STATUS_NO_MEMORY when there is no address space for the maps, STATUS_LIMIT for 128 TiB and more. */
MUST_USE enum status slab_maps_create(struct slab_maps *maps, struct memory *memory);
void slab_maps_destroy(struct slab_maps *maps);

struct slab_cut slab_cut_of(const struct slab_geometry *geometry, uint16_t number);

/* The upper bits of the entries of a cache's slabs of that order. */
static inline uint64_t slab_tag(uint16_t number, unsigned order)
{
	return (uint64_t)order << 60 | (uint64_t)number << SLAB_DISTANCE_BITS;
}

static inline unsigned slab_entry_order(uint64_t entry)
{
	return (unsigned)(entry >> 60);
}

static inline uint16_t slab_entry_number(uint64_t entry)
{
	return (uint16_t)(entry >> SLAB_DISTANCE_BITS & SLAB_NUMBER_MAX);
}

/* Makes a slab of an allocated block of 2^order pages; all its slots are free. `colour` bytes come before the first. */
void slab_begin(struct slab_maps *maps, struct page *slab, const struct slab_cut *cut, uint32_t colour);

/* Makes pages of a slab again. */
void slab_end(struct slab_maps *maps, struct page *slab);

static inline uint64_t slab_frame(const struct slab_maps *maps, const struct page *slab)
{
	return (uint64_t)(slab - maps->page);
}

/* The first page of the slab that holds the address, or NULL. Any number may be asked. */
static inline struct page *slab_of_address(const struct slab_maps *maps, uintptr_t address)
{
	uint64_t distance = address - maps->base;

	if (__builtin_expect(distance >= maps->bytes, 0))
		return NULL;
	uint64_t frame = distance >> PAGE_SHIFT, entry = maps->entry[frame];
	unsigned order = slab_entry_order(entry);

	return entry != 0 ? &maps->page[frame >> order << order] : NULL;
}

/* Where the object of its first slot begins. */
static inline uintptr_t slab_first_object(const struct slab_maps *maps, const struct page *slab)
{
	return maps->base + (slab_frame(maps, slab) << PAGE_SHIFT) + slab->slab.offset;
}

__extension__ typedef unsigned __int128 slab_product;

/* The slot whose object begins at the address, or SLAB_NO_SLOT. One product says both: its upper half is the quotient, its lower
 * half is below the inverse exactly if nothing remains (Lemire, Kaser, Kurz: Faster remainder by direct computation, 2019; for
 * numbers below 2^32. A distance that is not is "negative", and its quotient beyond all slots). */
static inline uint32_t slab_slot(const struct slab_maps *maps, const struct slab_cut *cut,
				 const struct page *slab, uintptr_t object)
{
	uint64_t distance = object - slab_first_object(maps, slab);
	slab_product product = (slab_product)distance * cut->inverse;
	uint64_t slot = (uint64_t)(product >> 64);

	return (uint64_t)product < cut->inverse && slot < slab->slab.slots ? (uint32_t)slot : SLAB_NO_SLOT;
}

static inline uintptr_t slab_object(const struct slab_maps *maps, const struct slab_cut *cut,
				    const struct page *slab, uint32_t slot)
{
	return slab_first_object(maps, slab) + (uintptr_t)slot * cut->slot_bytes;
}

/* The words of a slab's map, and how many. */
static inline uint64_t *slab_map(const struct slab_maps *maps, const struct page *slab)
{
	return &maps->words[slab_frame(maps, slab) * SLAB_MAP_WORDS];
}

/* The number of a slot among those of all frames. */
static inline uint64_t slab_slot_number(const struct slab_maps *maps, const struct page *slab, uint32_t slot)
{
	return slab_frame(maps, slab) * SLAB_OBJECTS_MAX + slot;
}

static inline uint32_t slab_map_words(const struct page *slab)
{
	return (slab->slab.slots + 63u) / 64;
}

static inline bool slab_slot_is_free(const struct slab_maps *maps, const struct page *slab, uint32_t slot)
{
	return slab_map(maps, slab)[slot / 64] >> (slot % 64) & 1;
}

static inline uint32_t slab_free_slots(const struct page *slab)
{
	return slab->slab.slots - (uint32_t)slab->index;
}

/* Takes a free slot of a slab that has one: the lowest; with `random` the first from a random place on. */
uint32_t slab_take(struct slab_maps *maps, struct page *slab, struct random *random);

/* Takes all free slots, into `slots` (SLAB_OBJECTS_MAX); returns how many. They are to be used from the last to the first: the
 * lowest comes last; with `random` they are shuffled. */
uint32_t slab_take_all(struct slab_maps *maps, struct page *slab, struct random *random, uint16_t *slots);

/* Gives a slot back, which is in use. */
void slab_give(struct slab_maps *maps, struct page *slab, uint32_t slot);

/* NULL, or the text of the first invariant that does not hold. */
const char *slab_check(const struct slab_maps *maps, const struct page *slab);

#endif
