/* associative.h: a set-associative array of tags with a replacement policy: what a TLB and a page-walk cache are made of.
 *
 *            way 0  way 1  way 2  way 3
 *   set 0   [ tag ][ tag ][ tag ][ tag ]        a tag belongs to set (page number mod sets);
 *   set 1   [ tag ][ tag ][  -  ][  -  ]        sets need not be a power of two;
 *   ...                                         one set: fully associative
 *
 * With LRU and FIFO the ways of a set are kept in order, the most recent first, so that the victim is the last way and
 * no clock is needed. Tree-PLRU keeps a bit per inner node of a binary tree over the ways, pointing to the half that was
 * not used last; random draws a way from a seeded generator. An empty way is always filled before a victim is chosen.
 *
 * A key has 45 bits of page number, 3 bits of size class, 16 bits of address space; its meaning is the TLB's (tlb.h), but
 * the set is chosen by the page number. No key has size class 7. A tag is a key in 32 bits (tag_window.h), so that eight
 * ways fit in one register, and twelve in one line of the host's cache.
 *
 * Long streams go through associative_run() or associative_pass(), which have no branch that depends on the stream. Where the processor has
 * AVX2 it works on eight ways at a time (associative_avx2.c); the results are the same to the bit.
 *
 * Invariants, proved by associative_check():
 *   I1: every tag lies in its own set, and once
 *   I2: with LRU and FIFO no empty way lies before a used one; lanes beyond the ways are empty
 *   I3: with tree-PLRU a set's bits are those of ways-1 nodes
 *   I4: the windows hold their own invariant, and every tag has one
 */
#ifndef FAULTLINE_ENGINE_VIRT_ASSOCIATIVE_H
#define FAULTLINE_ENGINE_VIRT_ASSOCIATIVE_H

#include "engine/base/random.h"
#include "engine/base/reservation.h"
#include "engine/base/status.h"
#include "engine/virt/tag_window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASSOCIATIVE_PAGE_BITS 45
#define ASSOCIATIVE_CLASS_SHIFT 45
#define ASSOCIATIVE_SPACE_SHIFT 48
#define ASSOCIATIVE_PAGE_MASK (((uint64_t)1 << ASSOCIATIVE_PAGE_BITS) - 1)
#define ASSOCIATIVE_EMPTY UINT64_MAX /* no key */

#define ASSOCIATIVE_ENTRIES_MAX 65536u
#define ASSOCIATIVE_WAYS_MAX 1024u
#define ASSOCIATIVE_TREE_WAYS_MAX 64u

/* Up to so many ways lie in as many lanes; more of them in a multiple of ASSOCIATIVE_LANES. */
#define ASSOCIATIVE_LANES_FEW 4u
#define ASSOCIATIVE_LANES 8u

/* Keys of one run: their numbers fit in 16 bits. */
#define ASSOCIATIVE_RUN_MAX 992u

enum replacement {
	REPLACE_LRU,
	REPLACE_TREE_PLRU,
	REPLACE_FIFO,
	REPLACE_RANDOM,
};

struct associative_shape {
	uint32_t entries; /* a multiple of ways, 1 .. ASSOCIATIVE_ENTRIES_MAX */
	uint32_t ways;	  /* 1 .. ASSOCIATIVE_WAYS_MAX; with tree-PLRU a power of two up to 64 */
	enum replacement replace;
	uint64_t seed; /* of random replacement */
};

struct associative;

/* For each key in order as associative_access. The count of those that missed is returned; in order their numbers go to
 * missed[], or they themselves to passed[], which may be `keys`. */
struct associative_batches {
	uint32_t (*run)(struct associative *array, const uint64_t *keys, uint32_t count, uint16_t *missed);
	uint32_t (*pass)(struct associative *array, const uint64_t *keys, uint32_t count, uint64_t *passed);
};

struct associative {
	uint32_t sets, ways;
	uint32_t lanes; /* ways, rounded up to whole lanes: the stride of a set */
	uint32_t odd;	/* sets = odd << even_shift */
	uint32_t even_shift;
	uint64_t odd_inverse; /* 2^64 / odd, rounded up; of 1: 0 */
	enum replacement replace;
	struct random random;
	uint32_t *tag;	/* [set * lanes + way], or TAG_NONE */
	uint64_t *tree; /* [set]: node n of the tree is bit n, 1 .. ways-1; only with tree-PLRU */
	struct tag_windows windows;
	struct reservation memory;
	struct associative_batches batches; /* of this shape */
};

/* STATUS_BAD_ARGUMENT when the shape is out of its bounds, STATUS_NO_MEMORY when the host has no room. */
MUST_USE enum status associative_create(struct associative *array, const struct associative_shape *shape);
void associative_destroy(struct associative *array);

/* Looks for a key and notes its use; a key that misses is put in. True when it was there. */
bool associative_access(struct associative *array, uint64_t key);

/* Looks for a key and notes its use. */
bool associative_find(struct associative *array, uint64_t key);

/* Puts in a key that is not there. */
void associative_insert(struct associative *array, uint64_t key);

/* True when the key is there; notes nothing. */
bool associative_holds(const struct associative *array, uint64_t key);

/* associative_access for each of at most ASSOCIATIVE_RUN_MAX keys: which ones missed. */
static inline uint32_t associative_run(struct associative *array, const uint64_t *keys, uint32_t count,
				       uint16_t *missed)
{
	return array->batches.run(array, keys, count, missed);
}

/* The same: passes on the keys that missed. */
static inline uint32_t associative_pass(struct associative *array, const uint64_t *keys, uint32_t count,
					uint64_t *passed)
{
	return array->batches.pass(array, keys, count, passed);
}

/* Removes every tag with (tag & mask) == value; returns how many. O(entries). */
uint32_t associative_remove_matching(struct associative *array, uint64_t mask, uint64_t value);

/* Removes one key: true when it was there. */
bool associative_remove(struct associative *array, uint64_t key);

/* Tags in the array. O(entries). */
uint32_t associative_count(const struct associative *array);

/* Places of the array, those beyond the ways included. */
static inline size_t associative_places(const struct associative *array)
{
	return (size_t)array->sets * array->lanes;
}

/* The key at a place, or ASSOCIATIVE_EMPTY. */
static inline uint64_t associative_key_at(const struct associative *array, size_t place)
{
	uint32_t tag = array->tag[place];

	return tag == TAG_NONE ? ASSOCIATIVE_EMPTY : tag_windows_key(&array->windows, tag);
}

/* x modulo array->odd, without a division. Exact for x < 2^48, because odd < 2^16: x * (odd_inverse * odd - 2^64) < 2^64. */
static inline uint64_t associative_modulo_odd(const struct associative *array, uint64_t x)
{
	__extension__ typedef unsigned __int128 wide;
	uint64_t quotient = (uint64_t)((wide)x * array->odd_inverse >> 64);

	return x - quotient * array->odd;
}

/* The set that a key belongs to. */
static inline uint32_t associative_set_of(const struct associative *array, uint64_t key)
{
	uint64_t page = key & ASSOCIATIVE_PAGE_MASK;
	uint64_t low = page & (((uint64_t)1 << array->even_shift) - 1);

	if (array->odd == 1)
		return (uint32_t)low;
	return (uint32_t)(associative_modulo_odd(array, page >> array->even_shift) << array->even_shift |
			  low);
}

/* Makes room for the windows of ASSOCIATIVE_RUN_MAX keys; tags may change. */
void associative_make_room(struct associative *array);

/* Makes the array use the portable code, for comparing it with the fast one. */
void associative_use_portable(struct associative *array);

/* Room for all that later accesses depend on, in bytes: a multiple of 8. */
size_t associative_state_bytes(const struct associative *array);

/* Notes all that in `state`, which is aligned to 8 bytes. True when it is what was noted there before. */
bool associative_note_state(const struct associative *array, void *state);

/* NULL, or the text of the first invariant that does not hold. */
const char *associative_check(const struct associative *array);

#endif
