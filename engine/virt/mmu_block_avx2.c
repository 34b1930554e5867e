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
#define ONE_IN_EACH_BYTE 0x01010101u

/* The same for four bytes: what brings those whose bit is set to the front. */
static const uint32_t packed_bytes[16] = {
    0x00000000, 0x00000000, 0x00000001, 0x00000100, 0x00000002, 0x00000200, 0x00000201, 0x00020100,
    0x00000003, 0x00000300, 0x00000301, 0x00030100, 0x00000302, 0x00030200, 0x00030201, 0x03020100,
};

AVX2 static __m128i load_bytes(const uint8_t *bytes)
{
	uint32_t four;

	__builtin_memcpy(&four, bytes, sizeof(four));
	return _mm_cvtsi32_si128((int)(four & MMU_ACCESS_MASK * ONE_IN_EACH_BYTE));
}

/* In each of four lanes all bits when the access adds nothing to the one before (mmu_access_adds_nothing). */
AVX2 static __m256i nothing_added(__m128i before, __m128i here)
{
	__m128i gone = _mm_and_si128(_mm_andnot_si128(here, before), _mm_set1_epi8(WALK_EXECUTE));
	__m128i added = _mm_or_si128(_mm_andnot_si128(before, here), gone);

	return _mm256_cvtepi8_epi64(_mm_cmpeq_epi8(added, _mm_setzero_si128()));
}

AVX2 static void filter(struct mmu_block *block, const struct mmu_references *references, unsigned shift)
{
	const uint64_t *addresses = references->addresses;
	const uint8_t *accesses = references->accesses;
	uint32_t count = references->count;
	__m128i by = _mm_cvtsi32_si128((int)shift);
	uint32_t kept = 1;
	uint32_t i = 1;

	block->address[0] = addresses[0];
	block->place[0] = 0;
	block->access[0] = accesses[0] & MMU_ACCESS_MASK;
	for (; i + 4 <= count; i += 4) {
		__m256i here = _mm256_loadu_si256((const __m256i *)(const void *)(addresses + i));
		__m256i before = _mm256_loadu_si256((const __m256i *)(const void *)(addresses + i - 1));
		__m256i same = _mm256_cmpeq_epi64(_mm256_srl_epi64(here, by), _mm256_srl_epi64(before, by));
		__m128i access = load_bytes(accesses + i);
		__m256i drop = _mm256_and_si256(same, nothing_added(load_bytes(accesses + i - 1), access));
		unsigned keep = (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(drop)) ^ 15u;
		__m256i order = _mm256_load_si256((const __m256i *)(const void *)packed[keep]);
		uint64_t places = packed_places[keep] + i * ONE_IN_EACH;
		uint32_t packed_access = (uint32_t)_mm_cvtsi128_si32(
		    _mm_shuffle_epi8(access, _mm_cvtsi32_si128((int)packed_bytes[keep])));

		_mm256_storeu_si256((__m256i *)(void *)(block->address + kept),
				    _mm256_permutevar8x32_epi32(here, order));
		__builtin_memcpy(block->place + kept, &places, sizeof(places));
		__builtin_memcpy(block->access + kept, &packed_access, sizeof(packed_access));
		kept += bits_set[keep];
	}
	for (; i < count; i++) {
		block->address[kept] = addresses[i];
		block->place[kept] = (uint16_t)i;
		block->access[kept] = accesses[i] & MMU_ACCESS_MASK;
		kept += (addresses[i] >> shift != addresses[i - 1] >> shift) |
			!mmu_access_adds_nothing(accesses[i - 1], accesses[i]);
	}
	block->count = kept;
}

struct mmu_stages mmu_stages_fastest(void)
{
	if (!__builtin_cpu_supports("avx2"))
		return mmu_stages_portable();
	return (struct mmu_stages){filter};
}
