#include "config.h"

#include "engine/virt/associative_wide.h"

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE __attribute__((target("avx2"), always_inline)) static inline

/* Up to so many ways the vectors of a set are kept in registers. */
#define UNROLLED_WAYS_MAX 16u

/* A window of -1 lanes: loaded at 16 - n, the first n lanes of 16 are set. */
static const int32_t window[32] = {
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
};

AVX2_INLINE __m256i load(const uint32_t *tags)
{
	return _mm256_load_si256((const __m256i *)(const void *)tags);
}

AVX2_INLINE void store(uint32_t *tags, __m256i vector)
{
	_mm256_store_si256((__m256i *)(void *)tags, vector);
}

AVX2_INLINE unsigned equal_lanes(__m256i tags, __m256i tag)
{
	return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(tags, tag)));
}

/* One set of at most four ways, LRU: the tag moves to the front, or comes in there and pushes out the last. The next tag of
 * the same set waits for what is stored here, so that the way from load to store is kept short: a tag stays where it is when
 * the one looked for was in one of the ways before it. `beyond` has the lanes that are no ways, which stay as they are. */
AVX2_INLINE uint32_t step_4(uint32_t *tags, __m128i beyond, uint32_t tag)
{
	__m128i wanted = _mm_set1_epi32((int)tag);
	__m128i old = _mm_load_si128((const __m128i *)(const void *)tags);
	__m128i found = _mm_cmpeq_epi32(old, wanted);
	__m128i in_1 = _mm_slli_si128(found, 4);
	__m128i in_2_or_3 = _mm_or_si128(_mm_slli_si128(found, 8), _mm_slli_si128(found, 12));
	__m128i stays = _mm_or_si128(_mm_or_si128(in_1, beyond), in_2_or_3);
	__m128i moved = _mm_alignr_epi8(old, wanted, 12);

	_mm_store_si128((__m128i *)(void *)tags, _mm_blendv_epi8(moved, old, stays));
	return _mm_movemask_epi8(found) == 0;
}

/* Stores a vector of which the lanes that `moving` points to come from one way before. `before` is the vector before, or
 * the tag that comes in. */
AVX2_INLINE void move(uint32_t *tags, __m256i old, __m256i before, const int32_t *moving)
{
	__m256i moved = _mm256_alignr_epi8(old, _mm256_permute2x128_si256(before, old, 0x21), 12);
	__m256i mask = _mm256_loadu_si256((const __m256i *)(const void *)moving);

	store(tags, _mm256_blendv_epi8(old, moved, mask));
}

/* The steps of 5 .. 16 ways are written out, because a loop over vectors would keep them in memory. `last` has the bit of the
 * last way. */
AVX2_INLINE uint32_t step_8(uint32_t *tags, unsigned last, uint32_t tag)
{
	__m256i wanted = _mm256_set1_epi32((int)tag);
	__m256i a = load(tags);
	unsigned hit = equal_lanes(a, wanted);

	move(tags, a, wanted, window + 15 - __builtin_ctz(hit | last));
	return hit == 0;
}

AVX2_INLINE uint32_t step_16(uint32_t *tags, unsigned last, uint32_t tag)
{
	__m256i wanted = _mm256_set1_epi32((int)tag);
	__m256i a = load(tags), b = load(tags + 8);
	unsigned hit = equal_lanes(a, wanted) | equal_lanes(b, wanted) << 8;
	const int32_t *moving = window + 15 - __builtin_ctz(hit | last);

	move(tags, a, wanted, moving);
	move(tags + 8, b, a, moving + 8);
	return hit == 0;
}

/* A set of any number of ways: moves on one vector after the other until the tag is found. */
AVX2_INLINE uint32_t step_long(uint32_t *tags, unsigned ways, uint32_t tag)
{
	__m256i wanted = _mm256_set1_epi32((int)tag);
	__m256i before = wanted;

	for (unsigned way = 0; way < ways; way += 8) {
		__m256i old = load(tags + way);
		unsigned hit = equal_lanes(old, wanted);
		unsigned left = ways - way;
		unsigned stop = left <= 8 ? hit | 1u << (left - 1) : hit;

		if (stop != 0) {
			move(tags + way, old, before, window + 15 - __builtin_ctz(stop));
			return hit == 0;
		}
		move(tags + way, old, before, window + 8);
		before = old;
	}
	return 1;
}

struct batch {
	struct associative *array;
	const uint64_t *keys;
	uint32_t count;
	uint16_t *missed; /* or NULL */
	uint64_t *passed; /* otherwise */
};

/* The low halves of eight keys. */
AVX2_INLINE __m256i low_halves(__m256i first, __m256i second)
{
	__m256 both = _mm256_shuffle_ps(_mm256_castsi256_ps(first), _mm256_castsi256_ps(second), 0x88);

	return _mm256_permute4x64_epi64(_mm256_castps_si256(both), 0xd8);
}

/* The tags of keys that may all lie in one window: then they differ from the keys' low halves by the same bits. True when
 * they do. */
AVX2 static bool make_tags_of_one_window(const struct batch *batch, uint32_t *tags)
{
	const struct associative *array = batch->array;
	const uint64_t *keys = batch->keys;
	uint32_t count = batch->count;
	uint32_t first = tag_windows_find(&array->windows, keys[0]);
	uint32_t change = first ^ (uint32_t)keys[0];
	__m256i changes = _mm256_set1_epi32((int)change);
	__m256i key_0 = _mm256_set1_epi64x((long long)keys[0]);
	__m256i differs = _mm256_setzero_si256();
	uint64_t rest = 0;
	uint32_t i = 0;

	for (; i + 8 <= count; i += 8) {
		__m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(keys + i));
		__m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(keys + i + 4));

		differs = _mm256_or_si256(
		    differs, _mm256_or_si256(_mm256_xor_si256(a, key_0), _mm256_xor_si256(b, key_0)));
		_mm256_storeu_si256((__m256i *)(void *)(tags + i),
				    _mm256_xor_si256(low_halves(a, b), changes));
	}
	for (; i < count; i++) {
		rest |= keys[i] ^ keys[0];
		tags[i] = (uint32_t)keys[i] ^ change;
	}
	__m256i low = _mm256_set1_epi64x((long long)(((uint64_t)1 << array->windows.low_bits) - 1));

	return first != TAG_NONE && _mm256_testc_si256(low, differs) && rest >> array->windows.low_bits == 0;
}

AVX2 static void make_tags(const struct batch *batch, uint32_t *tags)
{
	struct tag_windows *windows = &batch->array->windows;

	associative_make_room(batch->array);
	if (make_tags_of_one_window(batch, tags) ||
	    tag_windows_make_all(windows, batch->keys, batch->count, tags))
		return;
	for (uint32_t i = 0; i < batch->count; i++)
		tags[i] = tag_windows_make(windows, batch->keys[i]);
}

/* What a loop over the keys is instantiated for: `lanes` of a set (0: any number); `by_key`: a tag's low bits do not say its
 * set; `passes` on the keys, or says which ones missed. */
struct instance {
	unsigned lanes;
	bool by_key, passes;
};

AVX2_INLINE uint32_t run_sets(const struct batch *batch, const uint32_t *tags, struct instance instance)
{
	struct associative *array = batch->array;
	uint32_t *tag = array->tag;
	const uint64_t *keys = batch->keys;
	uint16_t *missed = batch->missed;
	uint64_t *passed = batch->passed;
	unsigned ways = array->ways;
	size_t stride = instance.lanes > 0 ? instance.lanes : array->lanes;
	unsigned last = 1u << ((ways - 1) & 15);
	__m128i beyond = _mm_cmpgt_epi32(_mm_setr_epi32(1, 2, 3, 4), _mm_set1_epi32((int)ways));
	uint32_t low = ((uint32_t)1 << array->even_shift) - 1;
	size_t count = batch->count;
	size_t misses = 0;

	for (size_t i = 0; i < count; i++) {
		size_t set = instance.by_key ? associative_set_of(array, keys[i]) : tags[i] & low;
		uint32_t *way = tag + set * stride;

		if (instance.passes)
			passed[misses] = keys[i];
		else
			missed[misses] = (uint16_t)i;
		if (instance.lanes == 4)
			misses += step_4(way, beyond, tags[i]);
		else if (instance.lanes == 8)
			misses += step_8(way, last, tags[i]);
		else if (instance.lanes == 16)
			misses += step_16(way, last, tags[i]);
		else
			misses += step_long(way, ways, tags[i]);
	}
	return (uint32_t)misses;
}

AVX2_INLINE uint32_t run(const struct batch *batch, struct instance instance)
{
	uint32_t tags[ASSOCIATIVE_RUN_MAX];

	if (batch->count == 0)
		return 0;
	make_tags(batch, tags);
	return run_sets(batch, tags, instance);
}

/* The two batches of one kind of shape. */
#define INSTANTIATE(shape, lanes, by_key)                                                                    \
	AVX2 static uint32_t run_##shape(struct associative *array, const uint64_t *keys, uint32_t count,    \
					 uint16_t *missed)                                                   \
	{                                                                                                    \
		return run(&(struct batch){array, keys, count, missed, NULL},                                \
			   (struct instance){lanes, by_key, false});                                         \
	}                                                                                                    \
	AVX2 static uint32_t pass_##shape(struct associative *array, const uint64_t *keys, uint32_t count,   \
					  uint64_t *passed)                                                  \
	{                                                                                                    \
		return run(&(struct batch){array, keys, count, NULL, passed},                                \
			   (struct instance){lanes, by_key, true});                                          \
	}

INSTANTIATE(4, 4, false)
INSTANTIATE(8, 8, false)
INSTANTIATE(16, 16, false)
INSTANTIATE(long, 0, false)
INSTANTIATE(4_by_key, 4, true)
INSTANTIATE(8_by_key, 8, true)
INSTANTIATE(16_by_key, 16, true)
INSTANTIATE(long_by_key, 0, true)

bool associative_is_wide(const struct associative *array)
{
	return array->replace == REPLACE_LRU && __builtin_cpu_supports("avx2");
}

struct associative_batches associative_wide(const struct associative *array)
{
	static const struct associative_batches batches[2][4] = {
	    {{run_long, pass_long}, {run_4, pass_4}, {run_8, pass_8}, {run_16, pass_16}},
	    {{run_long_by_key, pass_long_by_key},
	     {run_4_by_key, pass_4_by_key},
	     {run_8_by_key, pass_8_by_key},
	     {run_16_by_key, pass_16_by_key}},
	};
	bool by_key = array->odd != 1 || array->even_shift > array->windows.low_bits;
	unsigned which = array->ways > UNROLLED_WAYS_MAX ? 0 : 1 + array->lanes / 8;

	return batches[by_key][which];
}
