#include "config.h"

#include "engine/heap/size_class.h"

#include <string.h>

/* A span may waste one part of itself in so many before a longer one is preferred. */
#define WASTE_PARTS_OF_FEW 16u
#define WASTE_PARTS_OF_MANY 128u
#define SPAN_DESCRIPTOR_BYTES 64u
/* Above this size eighth-steps has 16 sizes per doubling: few objects, so that rounding costs more than
 * the spans. */
#define FINE_STEPS_FROM 4096u

/* The scheme's next size after `bytes`, with `steps` sizes per doubling once those are multiples of 16. */
static uint32_t next_stepped(uint32_t bytes, uint32_t steps)
{
	uint32_t doubling = 1u << (31 - __builtin_clz(bytes));
	uint32_t step = doubling / steps;

	return bytes + (step > 16 ? step : 16);
}

/* Linux has 96 and 192 between the powers of two. */
static uint32_t next_kmalloc(uint32_t bytes)
{
	switch (bytes) {
	case 64:
		return 96;
	case 96:
		return 128;
	case 128:
		return 192;
	case 192:
		return 256;
	default:
		return bytes * 2;
	}
}

static uint32_t next_size(enum size_class_scheme scheme, uint32_t bytes)
{
	switch (scheme) {
	case SIZE_CLASSES_POW2:
		return bytes * 2;
	case SIZE_CLASSES_KMALLOC:
		return next_kmalloc(bytes);
	case SIZE_CLASSES_QUARTER_STEPS:
		return next_stepped(bytes, 4);
	case SIZE_CLASSES_EIGHTH_STEPS:
		break;
	}
	return next_stepped(bytes, bytes >= FINE_STEPS_FROM ? 16 : 8);
}

/* The shape of `pages` pages, and what it wastes, in bytes: its tail and its descriptor. */
static struct span_shape shape_of(uint32_t bytes, uint32_t pages, uint32_t *waste)
{
	uint32_t span_bytes = pages * (uint32_t)PAGE_BYTES;
	uint32_t blocks = span_bytes / bytes;

	if (blocks > SPAN_BLOCKS_MAX)
		blocks = SPAN_BLOCKS_MAX;
	*waste = span_bytes - blocks * bytes + SPAN_DESCRIPTOR_BYTES;
	return (struct span_shape){(uint16_t)pages, (uint16_t)blocks};
}

/* The shortest span that wastes at most one part of itself in `parts`; when none does, the one that wastes
 * the smallest part.
 */
static struct span_shape choose_shape(uint32_t bytes, uint32_t max_pages, uint32_t parts)
{
	uint32_t first = (uint32_t)pages_of_bytes(bytes);
	uint32_t best_waste;
	struct span_shape best = shape_of(bytes, first, &best_waste);

	for (uint32_t pages = first; pages <= max_pages; pages++) {
		uint32_t waste;
		struct span_shape shape = shape_of(bytes, pages, &waste);

		if (waste * best.pages < best_waste * pages) {
			best = shape;
			best_waste = waste;
		}
		if (best_waste * parts <= best.pages * (uint32_t)PAGE_BYTES)
			break;
	}
	return best;
}

static uint16_t magazine_limit(const struct policy *policy, uint32_t bytes)
{
	uint32_t blocks = policy->magazine_bytes / bytes;

	if (policy->magazine_blocks == 0)
		return 0;
	if (blocks == 0)
		return 1;
	return (uint16_t)(blocks < policy->magazine_blocks ? blocks : policy->magazine_blocks);
}

void size_classes_create(struct size_classes *classes, const struct policy *policy)
{
	unsigned granule = 0;

	memset(classes, 0, sizeof(*classes));
	for (uint32_t bytes = 16; bytes <= policy->small_bytes && classes->count < SIZE_CLASSES_MAX;
	     bytes = next_size((enum size_class_scheme)policy->size_classes, bytes)) {
		struct size_class *class = &classes->of[++classes->count];

		class->bytes = bytes;
		class->reciprocal = (uint32_t)((((uint64_t)1 << 32) + bytes - 1) / bytes);
		class->magazine_limit = magazine_limit(policy, bytes);
		class->few = choose_shape(bytes, 1u << policy->slab_order, WASTE_PARTS_OF_FEW);
		class->many = choose_shape(bytes, 2u << policy->slab_order, WASTE_PARTS_OF_MANY);
		while (granule <= bytes >> GRANULE_SHIFT)
			classes->class_of_granule[granule++] = (uint8_t)classes->count;
		classes->largest_bytes = bytes;
	}
}

unsigned size_class_aligned(const struct size_classes *classes, size_t alignment, size_t bytes)
{
	if (bytes > classes->largest_bytes || alignment > PAGE_BYTES)
		return 0;
	for (unsigned class = size_class_of(classes, bytes); class <= classes->count; class ++) {
		if (classes->of[class].bytes % alignment == 0)
			return class;
	}
	return 0;
}

static const char *check_shape(const struct size_class *class, struct span_shape shape)
{
	uint32_t span_bytes = shape.pages * (uint32_t)PAGE_BYTES;
	uint32_t fit = span_bytes / class->bytes;

	if (shape.blocks == 0 || shape.blocks != (fit > SPAN_BLOCKS_MAX ? SPAN_BLOCKS_MAX : fit))
		return "I3: a shape's blocks are not what its pages hold";
	for (uint64_t offset = 0; offset < span_bytes; offset++) {
		if ((offset * class->reciprocal) >> 32 != offset / class->bytes)
			return "I4: the reciprocal does not divide as the size does";
	}
	return NULL;
}

static const char *check_class(const struct size_class *class)
{
	const char *broken = check_shape(class, class->few);

	return broken ? broken : check_shape(class, class->many);
}

const char *size_classes_check(const struct size_classes *classes)
{
	for (unsigned i = 1; i <= classes->count; i++) {
		const struct size_class *class = &classes->of[i];

		if (class->bytes % GRANULE_BYTES != 0 || class->bytes <= classes->of[i - 1].bytes ||
		    classes->of[1].bytes != GRANULE_BYTES)
			return "I1: class sizes are not increasing multiples of 16";
	}
	if (classes->largest_bytes != classes->of[classes->count].bytes)
		return "I1: largest_bytes is not the last class";
	for (unsigned granule = 0; granule <= classes->largest_bytes >> GRANULE_SHIFT; granule++) {
		unsigned class = classes->class_of_granule[granule];

		if (class == 0 || class > classes->count ||
		    classes->of[class].bytes < granule * GRANULE_BYTES ||
		    (class > 1 && classes->of[class - 1].bytes >= granule * GRANULE_BYTES))
			return "I2: a granule's class is not the smallest that holds it";
	}
	for (unsigned i = 1; i <= classes->count; i++) {
		const char *broken = check_class(&classes->of[i]);

		if (broken)
			return broken;
	}
	return NULL;
}
