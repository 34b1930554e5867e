#include "config.h"

#include "engine/virt/associative_wide.h"

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE __attribute__((target("avx2"), always_inline)) static inline

/* Up to so many ways the vectors of a set are kept in registers. */
#define UNROLLED_WAYS_MAX 16u

/* A window of -1 lanes: loaded at 16 - n, the first n lanes of 16 are set. */
static const int64_t window[32] = {
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
};

AVX2_INLINE __m256i load(const uint64_t *tags)
{
	return _mm256_load_si256((const __m256i *)(const void *)tags);
}

AVX2_INLINE void store(uint64_t *tags, __m256i vector)
{
	_mm256_store_si256((__m256i *)(void *)tags, vector);
}

AVX2_INLINE unsigned equal_lanes(__m256i tags, __m256i key)
{
	return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(tags, key)));
}

/* The tags of a vector, one way on, with the last of the vector before in front. */
AVX2_INLINE __m256i turn(__m256i tags)
{
	return _mm256_permute4x64_epi64(tags, 0x93);
}

/* No tag: of a class that no key has. */
#define NO_TAG (-2LL)

/* One set of at most four ways, LRU: the key moves to the front, or comes in there and pushes out the last. The next key of
 * the same set waits for what is stored here, so that the way from load to store is kept short: a tag stays where it is when
 * the key was in one of the ways before it, and to know that the key is compared with the tags moved on by one, two and three
 * ways at once. `beyond` has the lanes that are no ways, which stay as they are. */
AVX2_INLINE uint32_t step_4(uint64_t *tags, __m256i beyond, uint64_t key)
{
	__m256i keys = _mm256_set1_epi64x((long long)key);
	__m256i none = _mm256_set1_epi64x(NO_TAG);
	__m256i old = load(tags);
	__m256i by_one = turn(old);
	__m256i in_1 = _mm256_cmpeq_epi64(by_one, _mm256_blend_epi32(keys, none, 0x03));
	__m256i in_2 =
	    _mm256_cmpeq_epi64(_mm256_permute4x64_epi64(old, 0x4e), _mm256_blend_epi32(keys, none, 0x0f));
	__m256i in_3 =
	    _mm256_cmpeq_epi64(_mm256_permute4x64_epi64(old, 0x39), _mm256_blend_epi32(keys, none, 0x3f));
	__m256i stays = _mm256_or_si256(_mm256_or_si256(in_1, beyond), _mm256_or_si256(in_2, in_3));

	store(tags, _mm256_blend_epi32(_mm256_blendv_epi8(by_one, old, stays), keys, 0x03));
	return equal_lanes(old, keys) == 0;
}

/* Stores a vector of which the lanes that `moved` points to come from one way before. `before` is the vector before, or
 * the key, turned. */
AVX2_INLINE void move(uint64_t *tags, __m256i old, __m256i before, const int64_t *moved)
{
	__m256i shifted = _mm256_blend_epi32(turn(old), before, 0x03);
	__m256i mask = _mm256_loadu_si256((const __m256i *)(const void *)moved);

	store(tags, _mm256_blendv_epi8(old, shifted, mask));
}

/* The steps of 5 .. 16 ways are written out, because a loop over vectors would keep them in memory. */
AVX2_INLINE uint32_t step_8(uint64_t *tags, unsigned last, uint64_t key)
{
	__m256i keys = _mm256_set1_epi64x((long long)key);
	__m256i a = load(tags), b = load(tags + 4);
	unsigned hit = equal_lanes(a, keys) | equal_lanes(b, keys) << 4;
	const int64_t *moved = window + 15 - __builtin_ctz(hit | last);

	move(tags, a, keys, moved);
	move(tags + 4, b, turn(a), moved + 4);
	return hit == 0;
}

AVX2_INLINE uint32_t step_12(uint64_t *tags, unsigned last, uint64_t key)
{
	__m256i keys = _mm256_set1_epi64x((long long)key);
	__m256i a = load(tags), b = load(tags + 4), c = load(tags + 8);
	unsigned hit = equal_lanes(a, keys) | equal_lanes(b, keys) << 4 | equal_lanes(c, keys) << 8;
	const int64_t *moved = window + 15 - __builtin_ctz(hit | last);

	move(tags, a, keys, moved);
	move(tags + 4, b, turn(a), moved + 4);
	move(tags + 8, c, turn(b), moved + 8);
	return hit == 0;
}

AVX2_INLINE uint32_t step_16(uint64_t *tags, unsigned last, uint64_t key)
{
	__m256i keys = _mm256_set1_epi64x((long long)key);
	__m256i a = load(tags), b = load(tags + 4), c = load(tags + 8), d = load(tags + 12);
	unsigned hit = equal_lanes(a, keys) | equal_lanes(b, keys) << 4 | equal_lanes(c, keys) << 8 |
		       equal_lanes(d, keys) << 12;
	const int64_t *moved = window + 15 - __builtin_ctz(hit | last);

	move(tags, a, keys, moved);
	move(tags + 4, b, turn(a), moved + 4);
	move(tags + 8, c, turn(b), moved + 8);
	move(tags + 12, d, turn(c), moved + 12);
	return hit == 0;
}

/* A set of any number of ways: moves on one vector after the other until the key is found. */
AVX2_INLINE uint32_t step_long(uint64_t *tags, unsigned ways, uint64_t key)
{
	__m256i keys = _mm256_set1_epi64x((long long)key);
	__m256i before = keys;

	for (unsigned way = 0; way < ways; way += 4) {
		__m256i old = load(tags + way);
		__m256i shifted = _mm256_blend_epi32(turn(old), before, 0x03);
		unsigned hit = equal_lanes(old, keys);
		unsigned left = ways - way;
		unsigned stop = left < 4 ? hit | 1u << (left - 1) : hit;

		if (stop != 0) {
			const int64_t *moved = window + 15 - __builtin_ctz(stop);
			__m256i mask = _mm256_loadu_si256((const __m256i *)(const void *)moved);

			store(tags + way, _mm256_blendv_epi8(old, shifted, mask));
			return hit == 0;
		}
		store(tags + way, shifted);
		before = turn(old);
	}
	return 1;
}

struct batch {
	struct associative *array;
	const uint64_t *keys;
	uint32_t count;
	uint16_t *missed;
};

/* The loop over the keys, instantiated for constant `lanes` (0: any number) and `odd` (the sets are a power of two times
 * 1 or another odd number). */
AVX2_INLINE uint32_t run_sets(const struct batch *batch, unsigned lanes, bool odd)
{
	uint64_t *tag = batch->array->tag;
	const uint64_t *keys = batch->keys;
	uint16_t *missed = batch->missed;
	unsigned ways = batch->array->ways;
	unsigned stride = lanes > 0 ? lanes : batch->array->lanes;
	unsigned last = 1u << ((ways - 1) & 15);
	__m256i beyond = _mm256_cmpgt_epi64(_mm256_setr_epi64x(1, 2, 3, 4), _mm256_set1_epi64x(ways));
	uint64_t low = ((uint64_t)1 << batch->array->even_shift) - 1;
	uint32_t misses = 0;

	for (uint32_t i = 0; i < batch->count; i++) {
		uint64_t set = odd ? associative_set_of(batch->array, keys[i]) : keys[i] & low;
		uint64_t *tags = tag + set * stride;

		missed[misses] = (uint16_t)i;
		if (lanes == 4)
			misses += step_4(tags, beyond, keys[i]);
		else if (lanes == 8)
			misses += step_8(tags, last, keys[i]);
		else if (lanes == 12)
			misses += step_12(tags, last, keys[i]);
		else if (lanes == 16)
			misses += step_16(tags, last, keys[i]);
		else
			misses += step_long(tags, ways, keys[i]);
	}
	return misses;
}

AVX2 static uint32_t run_4(struct associative *array, const uint64_t *keys, uint32_t count, uint16_t *missed)
{
	return run_sets(&(struct batch){array, keys, count, missed}, 4, false);
}

AVX2 static uint32_t run_8(struct associative *array, const uint64_t *keys, uint32_t count, uint16_t *missed)
{
	return run_sets(&(struct batch){array, keys, count, missed}, 8, false);
}

AVX2 static uint32_t run_12(struct associative *array, const uint64_t *keys, uint32_t count, uint16_t *missed)
{
	return run_sets(&(struct batch){array, keys, count, missed}, 12, false);
}

AVX2 static uint32_t run_16(struct associative *array, const uint64_t *keys, uint32_t count, uint16_t *missed)
{
	return run_sets(&(struct batch){array, keys, count, missed}, 16, false);
}

AVX2 static uint32_t run_long(struct associative *array, const uint64_t *keys, uint32_t count,
			      uint16_t *missed)
{
	return run_sets(&(struct batch){array, keys, count, missed}, 0, false);
}

AVX2 static uint32_t run_4_odd(struct associative *array, const uint64_t *keys, uint32_t count,
			       uint16_t *missed)
{
	return run_sets(&(struct batch){array, keys, count, missed}, 4, true);
}

AVX2 static uint32_t run_8_odd(struct associative *array, const uint64_t *keys, uint32_t count,
			       uint16_t *missed)
{
	return run_sets(&(struct batch){array, keys, count, missed}, 8, true);
}

AVX2 static uint32_t run_12_odd(struct associative *array, const uint64_t *keys, uint32_t count,
				uint16_t *missed)
{
	return run_sets(&(struct batch){array, keys, count, missed}, 12, true);
}

AVX2 static uint32_t run_16_odd(struct associative *array, const uint64_t *keys, uint32_t count,
				uint16_t *missed)
{
	return run_sets(&(struct batch){array, keys, count, missed}, 16, true);
}

AVX2 static uint32_t run_long_odd(struct associative *array, const uint64_t *keys, uint32_t count,
				  uint16_t *missed)
{
	return run_sets(&(struct batch){array, keys, count, missed}, 0, true);
}

associative_batch *associative_wide(const struct associative *array)
{
	static associative_batch *const batches[2][5] = {
	    {run_long, run_4, run_8, run_12, run_16},
	    {run_long_odd, run_4_odd, run_8_odd, run_12_odd, run_16_odd},
	};
	unsigned which = array->ways <= UNROLLED_WAYS_MAX ? array->lanes / 4 : 0;

	if (array->replace != REPLACE_LRU || !__builtin_cpu_supports("avx2"))
		return NULL;
	return batches[array->odd != 1][which];
}
