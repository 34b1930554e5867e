#include "config.h"

#include "engine/virt/mmu_block.h"

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

/* packed[m]: the 32-bit lanes that bring the tags whose bit is set in m to the front. */
static const uint32_t packed[16][8] __attribute__((aligned(32))) = {
    {0, 1, 2, 3, 4, 5, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7}, {2, 3, 0, 1, 4, 5, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7},
    {4, 5, 0, 1, 2, 3, 6, 7}, {0, 1, 4, 5, 2, 3, 6, 7}, {2, 3, 4, 5, 0, 1, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7},
    {6, 7, 0, 1, 2, 3, 4, 5}, {0, 1, 6, 7, 2, 3, 4, 5}, {2, 3, 6, 7, 0, 1, 4, 5}, {0, 1, 2, 3, 6, 7, 4, 5},
    {4, 5, 6, 7, 0, 1, 2, 3}, {0, 1, 4, 5, 6, 7, 2, 3}, {2, 3, 4, 5, 6, 7, 0, 1}, {0, 1, 2, 3, 4, 5, 6, 7},
};

/* The same for four numbers of 16 bits: which of 0 .. 3 are set in m, the first one lowest; and how many. */
static const uint64_t packed_places[16] = {
    0,	 0,	  0x1,	   0x10000,	0x2,	 0x20000,     0x20001,	   0x200010000,
    0x3, 0x30000, 0x30001, 0x300010000, 0x30002, 0x300020000, 0x300020001, 0x3000200010000,
};

static const uint8_t bits_set[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};

#define ONE_IN_EACH 0x0001000100010001u

AVX2 static void filter(struct mmu_block *block, const uint64_t *addresses, uint32_t count, unsigned shift)
{
	__m128i by = _mm_cvtsi32_si128((int)shift);
	uint32_t kept = 1;
	uint32_t i = 1;

	block->address[0] = addresses[0];
	block->place[0] = 0;
	for (; i + 4 <= count; i += 4) {
		__m256i here = _mm256_loadu_si256((const __m256i *)(const void *)(addresses + i));
		__m256i before = _mm256_loadu_si256((const __m256i *)(const void *)(addresses + i - 1));
		__m256i same = _mm256_cmpeq_epi64(_mm256_srl_epi64(here, by), _mm256_srl_epi64(before, by));
		unsigned keep = (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(same)) ^ 15u;
		__m256i order = _mm256_load_si256((const __m256i *)(const void *)packed[keep]);
		uint64_t places = packed_places[keep] + i * ONE_IN_EACH;

		_mm256_storeu_si256((__m256i *)(void *)(block->address + kept),
				    _mm256_permutevar8x32_epi32(here, order));
		__builtin_memcpy(block->place + kept, &places, sizeof(places));
		kept += bits_set[keep];
	}
	for (; i < count; i++) {
		block->address[kept] = addresses[i];
		block->place[kept] = (uint16_t)i;
		kept += addresses[i] >> shift != addresses[i - 1] >> shift;
	}
	block->count = kept;
}

AVX2 static void make_keys(struct mmu_block *block, const struct mmu_key_recipe *recipe)
{
	__m256i mask = _mm256_set1_epi64x((long long)recipe->mask);
	__m256i bits = _mm256_set1_epi64x((long long)recipe->bits);
	__m128i by = _mm_cvtsi32_si128((int)recipe->shift);

	for (uint32_t i = 0; i < block->count; i += 4) {
		__m256i address = _mm256_loadu_si256((const __m256i *)(const void *)(block->address + i));
		__m256i page = _mm256_srl_epi64(_mm256_and_si256(address, mask), by);

		_mm256_storeu_si256((__m256i *)(void *)(block->key + i), _mm256_or_si256(page, bits));
	}
}

struct mmu_stages mmu_stages_fastest(void)
{
	if (!__builtin_cpu_supports("avx2"))
		return mmu_stages_portable();
	return (struct mmu_stages){filter, make_keys};
}
