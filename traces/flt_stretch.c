#include "config.h"

#include "traces/flt_stretch.h"

#include "traces/flt_bytes.h"
#include "traces/flt_stretch_wide.h"

#include <string.h>

#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)
#define NOWHERE UINT32_MAX

/* Less is not worth a stretch. */
#define LEAST 4u

/* What is long enough is not compared with other candidates. */
#define LONG_ENOUGH 32u

/* --- Writing ---------------------------------------------------------------------------------------------------------- */

/* A sequence that is searched: elements of 2 or 4 bytes. */
struct search {
	uint32_t *head;
	const uint8_t *bytes;
	unsigned width_log2;
	size_t count;
	const uint16_t *period; /* or NULL */
	size_t most;		/* the greatest distance */
	size_t last;		/* distance of the last repetition */
};

struct found {
	size_t length;
	size_t distance; /* with FLT_STRETCH_GOES_ON */
};

static inline uint64_t load(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* How many elements from `at` on are those `distance` before. */
static inline size_t repeated(const struct search *search, size_t at, size_t distance)
{
	const uint8_t *here = search->bytes + (at << search->width_log2);
	const uint8_t *const start = here, *const end = search->bytes + (search->count << search->width_log2);
	const size_t back = distance << search->width_log2;

	for (; (size_t)(end - here) >= sizeof(uint64_t); here += sizeof(uint64_t)) {
		if (load(here) != load(here - back))
			break;
	}
	while (here < end && *here == *(here - back))
		here++;
	return (size_t)(here - start) >> search->width_log2;
}

/* How many offsets from `at` on go on. */
static size_t going_on(const struct search *search, size_t at, size_t distance)
{
	const uint16_t *offset = (const uint16_t *)(const void *)search->bytes;
	size_t length = 0;

	if (at < 2 * distance)
		return 0;
	for (size_t i = at; i < search->count; i++, length++) {
		if (offset[i] != (uint16_t)(2 * offset[i - distance] - offset[i - 2 * distance]))
			break;
	}
	return length;
}

/* The slot of the LEAST elements from `at` on. */
static inline uint32_t *slot_of(const struct search *search, size_t at)
{
	const uint8_t *here = search->bytes + (at << search->width_log2);
	uint64_t content = load(here);

	if (search->width_log2 == 2)
		content = content * MULTIPLIER ^ load(here + sizeof(content));
	return &search->head[content * MULTIPLIER >> (64 - FLT_STRETCH_HEADS_LOG2)];
}

static inline void consider(const struct search *search, size_t at, size_t distance, struct found *best)
{
	if (best->length >= LONG_ENOUGH || distance == 0 || distance > at || distance > search->most)
		return;
	const size_t length = repeated(search, at, distance);

	if (length > best->length)
		*best = (struct found){length, distance};
}

static inline void consider_going_on(const struct search *search, size_t at, size_t distance,
				     struct found *best)
{
	if (best->length >= LONG_ENOUGH || distance == 0 || distance > search->most)
		return;
	const size_t length = going_on(search, at, distance);

	if (length > best->length)
		*best = (struct found){length, distance | FLT_STRETCH_GOES_ON};
}

/* The longest of the candidates. */
static inline struct found find(const struct search *search, size_t at)
{
	uint32_t *slot = slot_of(search, at);
	const uint32_t seen = *slot;
	struct found best = {0, 0};

	*slot = (uint32_t)at;
	consider(search, at, search->last, &best);
	if (seen != NOWHERE)
		consider(search, at, at - seen, &best);
	if (search->period) {
		consider_going_on(search, at, search->last, &best);
		if (search->period[at] != search->last) {
			consider(search, at, search->period[at], &best);
			consider_going_on(search, at, search->period[at], &best);
		}
	}
	return best;
}

static uint8_t *put(uint8_t *out, size_t fresh, size_t length, size_t distance)
{
	out[0] = (uint8_t)fresh;
	out[1] = (uint8_t)length;
	return flt_put16(out + 2, (uint16_t)distance);
}

/* As many stretches as it takes. */
static uint8_t *put_stretches(uint8_t *out, size_t fresh, const struct found *found)
{
	size_t left = found->length;

	for (; fresh > FLT_STRETCH_MAX; fresh -= FLT_STRETCH_MAX)
		out = put(out, FLT_STRETCH_MAX, 0, 1);
	for (; left > FLT_STRETCH_MAX; left -= FLT_STRETCH_MAX, fresh = 0)
		out = put(out, fresh, FLT_STRETCH_MAX, found->distance);
	return put(out, fresh, left, found->distance);
}

/* Notes some of the elements that a repetition of `length` from `at` on covers. */
static inline void note(const struct search *search, size_t at, size_t length)
{
	const size_t step = length > 64 ? 8 : 3;

	for (size_t i = at + 2; i < at + length && i + LEAST <= search->count; i += step)
		*slot_of(search, i) = (uint32_t)i;
}

static inline uint8_t *put_all(struct search *search, uint8_t *out)
{
	size_t at = 0, start = 0;

	memset(search->head, 0xff, sizeof(struct flt_stretch_finder));
	while (at + LEAST <= search->count) {
		const struct found found = find(search, at);

		if (found.length < LEAST) {
			at++;
			continue;
		}
		out = put_stretches(out, at - start, &found);
		note(search, at, found.length);
		search->last = found.distance & search->most;
		start = at += found.length;
	}
	if (start < search->count)
		out = put_stretches(out, search->count - start, &(struct found){0, 1});
	return out;
}

uint8_t *flt_stretch_put_steps(struct flt_stretch_finder *finder, const uint32_t *step, size_t count,
			       uint8_t *out)
{
	struct search search = {.head = finder->head,
				.bytes = (const uint8_t *)step,
				.width_log2 = 2,
				.count = count,
				.most = UINT16_MAX,
				.last = 1};

	return put_all(&search, out);
}

uint8_t *flt_stretch_put_offsets(struct flt_stretch_finder *finder, const uint16_t *offset, size_t count,
				 const uint16_t *period, uint8_t *out)
{
	struct search search = {.head = finder->head,
				.bytes = (const uint8_t *)offset,
				.width_log2 = 1,
				.count = count,
				.period = period,
				.most = FLT_STRETCH_DISTANCE,
				.last = 1};

	return put_all(&search, out);
}

/* --- Reading ---------------------------------------------------------------------------------------------------------- */

/* Elements that are copied at once. */
#define WIDE 16u

/* Most repetitions are not longer than this, and copied without a loop. */
#define USUAL 32u

static inline void copy_offsets(uint16_t *to, const uint16_t *from)
{
	memcpy(to, from, WIDE * sizeof(*to));
}

static inline void copy_steps(const struct flt_steps *to, size_t at, const struct flt_steps *from,
			      size_t from_at)
{
	memcpy(to->context + at, from->context + from_at, WIDE * sizeof(*to->context));
	memcpy(to->shape + at, from->shape + from_at, WIDE);
}

/* The smallest multiple of a distance that a wide copy does not overlap. */
static inline size_t far_enough(size_t distance)
{
	return (WIDE + distance - 1) / distance * distance;
}

static inline void repeat_steps(const struct flt_steps *steps, size_t at, size_t length, size_t distance)
{
	size_t done = USUAL;

	if (distance >= WIDE) {
		copy_steps(steps, at, steps, at - distance);
		copy_steps(steps, at + WIDE, steps, at + WIDE - distance);
	} else {
		for (size_t i = at; i < at + length && i < at + USUAL; i++) {
			steps->context[i] = steps->context[i - distance];
			steps->shape[i] = steps->shape[i - distance];
		}
		distance = far_enough(distance);
	}
	for (; done < length; done += WIDE)
		copy_steps(steps, at + done, steps, at + done - distance);
}

static inline void repeat_offsets(uint16_t *offset, size_t length, size_t distance)
{
	size_t done = USUAL;

	if (distance >= WIDE) {
		copy_offsets(offset, offset - distance);
		copy_offsets(offset + WIDE, offset + WIDE - distance);
	} else {
		for (size_t i = 0; i < length && i < USUAL; i++)
			offset[i] = *(offset + i - distance);
		distance = far_enough(distance);
	}
	for (; done < length; done += WIDE)
		copy_offsets(offset + done, offset + done - distance);
}

static inline void add_wide(uint16_t *to, const uint16_t *from, const uint16_t *more)
{
	uint16_t sum[WIDE];

	for (unsigned i = 0; i < WIDE; i++)
		sum[i] = (uint16_t)(from[i] + more[i]);
	memcpy(to, sum, sizeof(sum));
}

/* Those of a short loop: several rounds of it at once. */
static void go_on_short(uint16_t *offset, size_t length, size_t distance)
{
	const size_t rounds = far_enough(distance);
	uint16_t more[2 * WIDE];

	for (size_t i = 0; i < distance; i++)
		more[i] =
		    (uint16_t)(rounds / distance * (*(offset + i - distance) - *(offset + i - 2 * distance)));
	for (size_t i = distance; i < 2 * (size_t)WIDE; i++)
		more[i] = more[i - distance];
	for (size_t i = 0; i < length && i < rounds; i++)
		offset[i] = (uint16_t)(2 * *(offset + i - distance) - *(offset + i - 2 * distance));
	for (size_t done = rounds; done < length; done += rounds) {
		add_wide(offset + done, offset + done - rounds, more);
		add_wide(offset + done + WIDE, offset + done + WIDE - rounds, more + WIDE);
	}
}

static void go_on(uint16_t *offset, size_t length, size_t distance)
{
	uint16_t more[WIDE];

	if (distance < WIDE) {
		go_on_short(offset, length, distance);
		return;
	}
	for (size_t done = 0; done < length; done += WIDE) {
		const uint16_t *before = offset + done - distance;

		for (unsigned i = 0; i < WIDE; i++)
			more[i] = (uint16_t)(before[i] - *(before + i - distance));
		add_wide(offset + done, before, more);
	}
}

/* Where decoding stands. */
struct progress {
	size_t made, used;
};

/* True when a stretch fits what is there and what must come out. */
static inline bool fits(const struct flt_stretches *stretches, const struct progress *progress,
			const uint8_t *stretch, size_t distance)
{
	const size_t made = progress->made + stretch[0];

	return made + stretch[1] <= stretches->elements && progress->used + stretch[0] <= stretches->fresh &&
	       distance - 1 < made;
}

static inline bool is_done(const struct flt_stretches *stretches, const struct progress *progress)
{
	return progress->made == stretches->elements && progress->used == stretches->fresh;
}

static bool get_steps(const struct flt_stretches *stretches, const struct flt_steps *fresh,
		      const struct flt_steps *steps)
{
	struct progress progress = {0, 0};

	for (size_t s = 0; s < stretches->count; s++) {
		const uint8_t *stretch = stretches->bytes + s * FLT_STRETCH_BYTES;
		const size_t distance = flt_get16(stretch + 2);

		if (!fits(stretches, &progress, stretch, distance))
			return false;
		for (size_t i = 0; i < stretch[0]; i += WIDE)
			copy_steps(steps, progress.made + i, fresh, progress.used + i);
		progress.made += stretch[0];
		progress.used += stretch[0];
		repeat_steps(steps, progress.made, stretch[1], distance);
		progress.made += stretch[1];
	}
	return is_done(stretches, &progress);
}

static bool get_offsets(const struct flt_stretches *stretches, const uint16_t *fresh, uint16_t *offset)
{
	struct progress progress = {0, 0};

	for (size_t s = 0; s < stretches->count; s++) {
		const uint8_t *stretch = stretches->bytes + s * FLT_STRETCH_BYTES;
		const size_t mixed = flt_get16(stretch + 2), distance = mixed & FLT_STRETCH_DISTANCE;

		if (!fits(stretches, &progress, stretch, distance))
			return false;
		for (size_t i = 0; i < stretch[0]; i += WIDE)
			copy_offsets(offset + progress.made + i, fresh + progress.used + i);
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
	return is_done(stretches, &progress);
}

struct flt_stretch_readers flt_stretch_portable(void)
{
	return (struct flt_stretch_readers){get_steps, get_offsets};
}

bool flt_stretch_get_steps(const struct flt_stretches *stretches, const struct flt_steps *fresh,
			   const struct flt_steps *steps)
{
	const struct flt_stretch_readers wide = flt_stretch_wide();

	return wide.get_steps ? wide.get_steps(stretches, fresh, steps) : get_steps(stretches, fresh, steps);
}

bool flt_stretch_get_offsets(const struct flt_stretches *stretches, const uint16_t *fresh, uint16_t *offset)
{
	const struct flt_stretch_readers wide = flt_stretch_wide();

	return wide.get_offsets ? wide.get_offsets(stretches, fresh, offset)
				: get_offsets(stretches, fresh, offset);
}
