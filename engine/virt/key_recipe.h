/* key_recipe.h: the keys (associative.h) of many addresses or pages at once: those of one address space and one size.
 *
 * Where the processor has AVX2 four are made at a time (key_recipe_avx2.c); the results are the same to the bit.
 */
#ifndef FAULTLINE_ENGINE_VIRT_KEY_RECIPE_H
#define FAULTLINE_ENGINE_VIRT_KEY_RECIPE_H

#include <stdint.h>

/* key = (from & mask) >> shift | bits */
struct key_recipe {
	uint64_t mask, bits;
	unsigned shift; /* below 64 */
};

/* Makes `count` keys; `keys` may be `from`. */
typedef void key_maker(const struct key_recipe *recipe, const uint64_t *from, uint32_t count, uint64_t *keys);

key_maker key_recipe_portable;

/* The fastest for this processor. */
key_maker *key_recipe_fastest(void);

#endif
