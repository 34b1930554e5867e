/* size_class.h: the sizes that small requests are rounded up to.
 *
 * A request of up to `small_bytes` gets a block of the smallest *size class* that holds it. All blocks of a
 * class come from *spans*, runs of pages cut into blocks of that one size. The scheme (policy key
 * size_classes) trades rounding waste against the number of classes, each of which leaves a partly used span
 * behind:
 *
 *   pow2           16 32 64 128 ...                          waste up to 1/2
 *   kmalloc        16 32 64 96 128 192 256 512 ...           Linux's sizes from 16 upwards
 *   quarter-steps  16 .. 64 by 16, then 4 per doubling       waste up to 1/5
 *   eighth-steps   16 .. 128 by 16, then 8 per doubling      waste up to 1/9, and up to 1/17 above 4 KiB (16 per doubling)
 *
 * Every class is a multiple of 16, so a block has the alignment that the x86-64 ABI asks of malloc (also for
 * requests below 16 bytes: an 8-byte class would save 0.8 % of the live bytes of the most small-object trace
 * we know, and is not worth an allocator whose alignment depends on the size). Spans begin on a page, so a
 * block of a class that is a multiple of a power of two up to PAGE_BYTES is aligned to it.
 *
 * Spans of a class come in two shapes. A class with few spans uses the short one, so that a size that is used
 * once does not hold many pages; once it has LONG_SPAN_AFTER spans it uses the long one, which wastes less of
 * itself as tail and descriptor (a program with 1 M objects of 64 bytes has 1.5 % of its memory in
 * descriptors of short spans, 0.4 % of long ones).
 *
 * The class of a request is one byte in a table indexed by 16-byte granules; class 0 is "no class".
 *
 * Invariants, proved by size_classes_check():
 *   I1: class sizes increase strictly from 16, are multiples of 16, and the largest is `largest_bytes`
 *   I2: class_of_granule[g] is the smallest class of at least 16 g bytes (of 16 bytes for g = 0)
 *   I3: of both shapes: blocks = pages * PAGE_BYTES / bytes, at least 1, at most SPAN_BLOCKS_MAX
 *   I4: (offset * reciprocal) >> 32 = offset / bytes for every offset inside a span
 */
#ifndef FAULTLINE_ENGINE_HEAP_SIZE_CLASS_H
#define FAULTLINE_ENGINE_HEAP_SIZE_CLASS_H

#include "engine/base/units.h"
#include "engine/policy.h"

#define GRANULE_SHIFT 4
#define GRANULE_BYTES ((size_t)1 << GRANULE_SHIFT)
#define SMALL_BYTES_MAX 32768u
#define GRANULES_MAX (SMALL_BYTES_MAX / 16u)
#define SIZE_CLASSES_MAX 80u /* classes 1 .. 80 */
#define SPAN_BLOCKS_MAX 256u

/* Spans of a class from which on new ones are long. */
#define LONG_SPAN_AFTER 32u

/* Of one span. */
struct span_shape {
	uint16_t pages;
	uint16_t blocks;
};

struct size_class {
	uint32_t bytes;		 /* of one block */
	uint32_t reciprocal;	 /* ceil(2^32 / bytes) */
	struct span_shape few;	 /* of a span while the class has few spans */
	struct span_shape many;	 /* of a span when it has many */
	uint16_t magazine_limit; /* the most blocks of this class in one magazine; 0 = no magazines */
};

struct size_classes {
	uint32_t count;				    /* classes 1 .. count */
	uint32_t largest_bytes;			    /* of class `count` */
	struct size_class of[SIZE_CLASSES_MAX + 1]; /* of[0] is all zero */
	uint8_t class_of_granule[GRANULES_MAX + 1];
};

/* Builds the tables from the policy's size_classes, small_bytes, slab_order and magazine keys.
 * O(GRANULES_MAX). */
void size_classes_create(struct size_classes *classes, const struct policy *policy);

/* The class for `bytes`, at most largest_bytes. */
static inline unsigned size_class_of(const struct size_classes *classes, size_t bytes)
{
	return classes->class_of_granule[(bytes + GRANULE_BYTES - 1) >> GRANULE_SHIFT];
}

/* The smallest class whose blocks hold `bytes` and are multiples of `alignment` (a power of two); 0 when
 * no class is. */
unsigned size_class_aligned(const struct size_classes *classes, size_t alignment, size_t bytes);

/* NULL, or the text of the first invariant that does not hold. */
const char *size_classes_check(const struct size_classes *classes);

#endif
