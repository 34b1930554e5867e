#include "config.h"

#include "traces/flt_stretch_wide.h"

#include "traces/flt_bytes.h"

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE __attribute__((target("avx2"), always_inline)) static inline

/* Elements that are copied at once. */
#define WIDE 16u

/* Most stretches have no more fresh elements than WIDE and no more repeated ones than this: they are copied without a loop. */
#define USUAL 32u

/* [d][i]: i mod d, the place in a loop of d elements. */
static const uint8_t place_in_loop[WIDE][WIDE] __attribute__((aligned(16))) = {
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1},
    {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0},
    {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3},
    {0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0},
    {0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3},
    {0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0, 1},
    {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 6},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 1, 2, 3, 4},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 1, 2},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0},
};

/* [d][i]: i / d + 1, the round of a loop of d elements. */
static const uint8_t round_of_loop[WIDE][WIDE] __attribute__((aligned(16))) = {
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    {1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8}, {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6},
    {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4}, {1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4},
    {1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3}, {1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3, 3},
    {1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2},
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2},
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2},
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2},
};

/* [d]: rounds of a loop of d elements that fit into WIDE. */
static const uint8_t whole_rounds[WIDE] = {0, 16, 8, 5, 4, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1};

AVX2_INLINE __m256i load_wide(const uint16_t *from)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

AVX2_INLINE void store_wide(uint16_t *to, __m256i elements)
{
	_mm256_storeu_si256((__m256i *)(void *)to, elements);
}

AVX2_INLINE __m128i load_bytes(const uint8_t *from)
{
	return _mm_loadu_si128((const __m128i *)(const void *)from);
}

AVX2_INLINE void store_bytes(uint8_t *to, __m128i bytes)
{
	_mm_storeu_si128((__m128i *)(void *)to, bytes);
}

/* WIDE elements that go round in the loop of `distance` elements at `from`. */
AVX2_INLINE __m256i loop_wide(const uint16_t *from, size_t distance)
{
	__m256i loop = load_wide(from);
	__m256i place = _mm256_cvtepu8_epi16(load_bytes(place_in_loop[distance]));
	__m256i bytes =
	    _mm256_add_epi16(_mm256_mullo_epi16(place, _mm256_set1_epi16(0x0202)), _mm256_set1_epi16(0x0100));
	__m256i first = _mm256_permute2x128_si256(loop, loop, 0x00);
	__m256i second = _mm256_permute2x128_si256(loop, loop, 0x11);

	/* A byte of the other half gets its highest bit set, which makes 0 of it. */
	first = _mm256_shuffle_epi8(first, _mm256_adds_epu8(bytes, _mm256_set1_epi8(0x70)));
	second = _mm256_shuffle_epi8(second, _mm256_sub_epi8(bytes, _mm256_set1_epi8(0x10)));
	return _mm256_or_si256(first, second);
}

AVX2_INLINE void copy_steps(const struct flt_steps *to, size_t at, const struct flt_steps *from,
			    size_t from_at)
{
	store_wide(to->context + at, load_wide(from->context + from_at));
	store_bytes(to->shape + at, load_bytes(from->shape + from_at));
}

AVX2_INLINE void repeat_short_steps(const struct flt_steps *steps, size_t at, size_t length, size_t distance)
{
	const size_t step = whole_rounds[distance] * distance;
	__m256i contexts = loop_wide(steps->context + at - distance, distance);
	__m128i shapes =
	    _mm_shuffle_epi8(load_bytes(steps->shape + at - distance), load_bytes(place_in_loop[distance]));

	for (size_t done = 0; done < length; done += step) {
		store_wide(steps->context + at + done, contexts);
		store_bytes(steps->shape + at + done, shapes);
	}
}

AVX2_INLINE void repeat_steps(const struct flt_steps *steps, size_t at, size_t length, size_t distance)
{
	if (distance < WIDE) {
		repeat_short_steps(steps, at, length, distance);
		return;
	}
	copy_steps(steps, at, steps, at - distance);
	copy_steps(steps, at + WIDE, steps, at + WIDE - distance);
	for (size_t done = USUAL; done < length; done += WIDE)
		copy_steps(steps, at + done, steps, at + done - distance);
}

AVX2_INLINE void repeat_offsets(uint16_t *offset, size_t length, size_t distance)
{
	if (distance < WIDE) {
		const size_t step = whole_rounds[distance] * distance;
		__m256i elements = loop_wide(offset - distance, distance);

		for (size_t done = 0; done < length; done += step)
			store_wide(offset + done, elements);
		return;
	}
	store_wide(offset, load_wide(offset - distance));
	store_wide(offset + WIDE, load_wide(offset + WIDE - distance));
	for (size_t done = USUAL; done < length; done += WIDE)
		store_wide(offset + done, load_wide(offset + done - distance));
}

AVX2_INLINE void go_on_short(uint16_t *offset, size_t length, size_t distance)
{
	const size_t rounds = whole_rounds[distance];
	__m256i before = loop_wide(offset - distance, distance);
	__m256i more = _mm256_sub_epi16(before, loop_wide(offset - 2 * distance, distance));
	__m256i round = _mm256_cvtepu8_epi16(load_bytes(round_of_loop[distance]));
	__m256i elements = _mm256_add_epi16(before, _mm256_mullo_epi16(more, round));

	more = _mm256_mullo_epi16(more, _mm256_set1_epi16((short)rounds));
	for (size_t done = 0; done < length; done += rounds * distance) {
		store_wide(offset + done, elements);
		elements = _mm256_add_epi16(elements, more);
	}
}

AVX2_INLINE void go_on(uint16_t *offset, size_t length, size_t distance)
{
	if (distance < WIDE) {
		go_on_short(offset, length, distance);
		return;
	}
	for (size_t done = 0; done < length; done += WIDE) {
		const uint16_t *before = offset + done - distance;
		__m256i last = load_wide(before);

		store_wide(offset + done,
			   _mm256_sub_epi16(_mm256_add_epi16(last, last), load_wide(before - distance)));
	}
}

/* Where decoding stands. */
struct progress {
	size_t made, used;
};

/* True when a stretch fits what is there and what must come out. */
AVX2_INLINE bool fits(const struct flt_stretches *stretches, const struct progress *progress,
		      const uint8_t *stretch, size_t distance)
{
	const size_t made = progress->made + stretch[0];

	return made + stretch[1] <= stretches->elements && progress->used + stretch[0] <= stretches->fresh &&
	       distance - 1 < made;
}

AVX2 static bool get_steps(const struct flt_stretches *stretches, const struct flt_steps *fresh,
			   const struct flt_steps *steps)
{
	struct progress progress = {0, 0};

	for (size_t s = 0; s < stretches->count; s++) {
		const uint8_t *stretch = stretches->bytes + s * FLT_STRETCH_BYTES;
		const size_t distance = flt_get16(stretch + 2);

		if (!fits(stretches, &progress, stretch, distance))
			return false;
		copy_steps(steps, progress.made, fresh, progress.used);
		for (size_t i = WIDE; i < stretch[0]; i += WIDE)
			copy_steps(steps, progress.made + i, fresh, progress.used + i);
		progress.made += stretch[0];
		progress.used += stretch[0];
		repeat_steps(steps, progress.made, stretch[1], distance);
		progress.made += stretch[1];
	}
	return progress.made == stretches->elements && progress.used == stretches->fresh;
}

AVX2 static bool get_offsets(const struct flt_stretches *stretches, const uint16_t *fresh, uint16_t *offset)
{
	struct progress progress = {0, 0};

	for (size_t s = 0; s < stretches->count; s++) {
		const uint8_t *stretch = stretches->bytes + s * FLT_STRETCH_BYTES;
		const size_t mixed = flt_get16(stretch + 2), distance = mixed & FLT_STRETCH_DISTANCE;

		if (!fits(stretches, &progress, stretch, distance))
			return false;
		store_wide(offset + progress.made, load_wide(fresh + progress.used));
		for (size_t i = WIDE; i < stretch[0]; i += WIDE)
			store_wide(offset + progress.made + i, load_wide(fresh + progress.used + i));
		progress.made += stretch[0];
		progress.used += stretch[0];
		if (!(mixed & FLT_STRETCH_GOES_ON))
			repeat_offsets(offset + progress.made, stretch[1], distance);
		else if (2 * distance <= progress.made)
			go_on(offset + progress.made, stretch[1], distance);
		else
			return false;
		progress.made += stretch[1];
	}
	return progress.made == stretches->elements && progress.used == stretches->fresh;
}

struct flt_stretch_readers flt_stretch_wide(void)
{
	if (!__builtin_cpu_supports("avx2"))
		return (struct flt_stretch_readers){NULL, NULL};
	return (struct flt_stretch_readers){get_steps, get_offsets};
}
