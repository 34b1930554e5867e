#include "config.h"

#include "engine/virt/key_recipe.h"

#include <immintrin.h>

__attribute__((target("avx2"))) static void
four_at_a_time(const struct key_recipe *recipe, const uint64_t *from, uint32_t count, uint64_t *keys)
{
	__m256i mask = _mm256_set1_epi64x((long long)recipe->mask);
	__m256i bits = _mm256_set1_epi64x((long long)recipe->bits);
	__m128i by = _mm_cvtsi32_si128((int)recipe->shift);
	uint32_t whole = count & ~3u;

	for (uint32_t i = 0; i < whole; i += 4) {
		__m256i four = _mm256_loadu_si256((const __m256i *)(const void *)(from + i));
		__m256i page = _mm256_srl_epi64(_mm256_and_si256(four, mask), by);

		_mm256_storeu_si256((__m256i *)(void *)(keys + i), _mm256_or_si256(page, bits));
	}
	key_recipe_portable(recipe, from + whole, count - whole, keys + whole);
}

key_maker *key_recipe_fastest(void)
{
	return __builtin_cpu_supports("avx2") ? four_at_a_time : key_recipe_portable;
}
