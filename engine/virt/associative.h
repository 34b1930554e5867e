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
 * A tag is a key: 45 bits of page number, 3 bits of size class, 16 bits of address space; its meaning is the TLB's
 * (tlb.h), but the set is chosen by the page number. No key has size class 7.
 *
 * Long streams go through associative_run(), which has no branch that depends on the stream. Where the processor has
 * AVX2 it works on four ways at a time (associative_avx2.c); the results are the same to the bit.
 *
 * Invariants, proved by associative_check():
 *   I1: every tag lies in its own set, and once
 *   I2: with LRU and FIFO no empty way lies before a used one; lanes beyond the ways are empty
 *   I3: with tree-PLRU a set's bits are those of ways-1 nodes
 */
#ifndef FAULTLINE_ENGINE_VIRT_ASSOCIATIVE_H
#define FAULTLINE_ENGINE_VIRT_ASSOCIATIVE_H

#include "engine/base/random.h"
#include "engine/base/reservation.h"
#include "engine/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASSOCIATIVE_PAGE_BITS 45
#define ASSOCIATIVE_CLASS_SHIFT 45
#define ASSOCIATIVE_SPACE_SHIFT 48
#define ASSOCIATIVE_PAGE_MASK (((uint64_t)1 << ASSOCIATIVE_PAGE_BITS) - 1)
#define ASSOCIATIVE_EMPTY UINT64_MAX

#define ASSOCIATIVE_ENTRIES_MAX 65536u
#define ASSOCIATIVE_WAYS_MAX 1024u
#define ASSOCIATIVE_TREE_WAYS_MAX 64u

/* Ways lie in lanes of four tags each. */
#define ASSOCIATIVE_LANES 4u

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

struct associative {
	uint32_t sets, ways;
	uint32_t lanes; /* ways, rounded up to whole lanes: the stride of a set */
	uint32_t odd;	/* sets = odd << even_shift */
	uint32_t even_shift;
	enum replacement replace;
	struct random random;
	uint64_t *tag;	/* [set * lanes + way] */
	uint64_t *tree; /* [set]: node n of the tree is bit n, 1 .. ways-1; only with tree-PLRU */
	struct reservation memory;
	/* The batch of this shape: for each key in order as associative_access; the numbers of those that missed go to
	 * missed[], their count is returned. */
	uint32_t (*run)(struct associative *array, const uint64_t *keys, uint32_t count, uint16_t *missed);
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

/* associative_access for each of at most ASSOCIATIVE_RUN_MAX keys. */
static inline uint32_t associative_run(struct associative *array, const uint64_t *keys, uint32_t count,
				       uint16_t *missed)
{
	return array->run(array, keys, count, missed);
}

/* Removes every tag with (tag & mask) == value; returns how many. O(entries). */
uint32_t associative_remove_matching(struct associative *array, uint64_t mask, uint64_t value);

/* Removes one key: true when it was there. */
bool associative_remove(struct associative *array, uint64_t key);

/* Tags in the array. O(entries). */
uint32_t associative_count(const struct associative *array);

/* The set that a key belongs to. */
static inline uint32_t associative_set_of(const struct associative *array, uint64_t key)
{
	uint64_t page = key & ASSOCIATIVE_PAGE_MASK;
	uint64_t low = page & (((uint64_t)1 << array->even_shift) - 1);

	if (array->odd == 1)
		return (uint32_t)low;
	return (uint32_t)((page >> array->even_shift) % array->odd << array->even_shift | low);
}

/* Makes the array use the portable code, for comparing it with the fast one. */
void associative_use_portable(struct associative *array);

/* NULL, or the text of the first invariant that does not hold. */
const char *associative_check(const struct associative *array);

#endif
