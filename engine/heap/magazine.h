/* magazine.h: the free blocks of one size class that one thread keeps at hand: an array used as a stack.
 *
 * A freed block goes to the magazine of the thread that frees it, whoever allocated it; so the fast paths
 * need neither a lock nor a test of ownership, and touch nothing but the stack's top and one slot.
 *
 *   slots   | 0 | a | b | c | d |   |   |   |   |MAGAZINE_END|     malloc pops d, free pushes behind it
 *             ^slots              ^top           ^ slots + capacity + 1
 *
 * The two ends are marked by values that no block has: a pop that finds 0 found the magazine empty, a push
 * that would overwrite MAGAZINE_END found it full. So the top is the only thing to be read and written; it
 * stands apart from the rest, in an array indexed by the class (heap.h), which spares the address arithmetic
 * of a record: the path from a block's address through its class to the slot and back is what bounds a malloc
 * and free pair (5 loads, one of them after a store). [measured: 7.3 ns a pair with count and capacity in one
 * record of 16 bytes, 5.5 ns so; tcmalloc 6.8 ns in the same run]
 *
 * A magazine begins without slots: a thread that uses a size once costs nothing for it. The capacity follows
 * use: it doubles as the thread keeps running into the ends, up to the class's magazine_limit.
 *
 * Invariants, proved by heap_check() while nothing runs:
 *   I1: slots <= top - 1 <= slots + capacity, or there are no slots and top points between the two ends of the handle's `none`
 *   I2: slots[0] = 0 and slots[capacity + 1] = MAGAZINE_END, and no slot between them has that value
 *   I3: capacity <= magazine_limit of the class
 */
#ifndef FAULTLINE_ENGINE_HEAP_MAGAZINE_H
#define FAULTLINE_ENGINE_HEAP_MAGAZINE_H

#include "engine/base/units.h"

#include <stdatomic.h>

#define MAGAZINE_END ((uintptr_t)1)
/* Slots beside the blocks: the two ends. */
#define MAGAZINE_END_SLOTS 2u

/* The next slot to fill. Atomic only so that statistics may read it while its thread works; all accesses
 * are relaxed. */
typedef _Atomic(uintptr_t *) magazine_top;

struct magazine {
	uintptr_t *slots;  /* NULL when there are none */
	uint16_t capacity; /* blocks that fit */
	uint16_t misses;   /* ends run into since the last trim */
};

/* The block freed last, or 0 when there is none. */
static inline uintptr_t magazine_pop(magazine_top *top)
{
	uintptr_t *slot = atomic_load_explicit(top, memory_order_relaxed) - 1;
	uintptr_t block = *slot;

	if (__builtin_expect(block != 0, 1))
		atomic_store_explicit(top, slot, memory_order_relaxed);
	return block;
}

/* False when it is full. */
static inline bool magazine_push(magazine_top *top, uintptr_t block)
{
	uintptr_t *slot = atomic_load_explicit(top, memory_order_relaxed);

	if (__builtin_expect(*slot == MAGAZINE_END, 0))
		return false;
	*slot = block;
	atomic_store_explicit(top, slot + 1, memory_order_relaxed);
	return true;
}

#endif
