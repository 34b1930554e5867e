#include "config.h"

#include "engine/virt/mmu_loop.h"

#include <endian.h>
#include <string.h>

/* References that are compared together. */
#define CHUNK 64u

/* The first one is always modelled. */
#define ROUNDS_LEAST 2u

/* How far a loop's next rounds may begin from where they are looked for, in periods, and how many references before them may be
 * others: an index that reaches its next page is read and written at some places of a round. */
#define PERIODS_AHEAD 4u
#define OTHERS_MOST 96u

/* Failures until a loop is given up. */
#define PATIENCE 8u

/* References between two searches for a loop. */
#define WAIT_LEAST 4096u
#define WAIT_MOST 65536u

/* A loop is looked for by the newest context among so many, which is rare, and known by so many references around it. */
#define RARE_AMONG 256u
#define AROUND 32u

/* --- Comparing ---------------------------------------------------------------------------------------------------------- */

/* What a chunk has in common with the one a period before. */
struct likeness {
	bool same_steps; /* contexts and shapes */
	bool same_offsets;
};

static inline struct likeness compare(const struct mmu_columns *columns, size_t at, size_t period)
{
	const uint16_t *context = columns->context + at, *context_before = context - period;
	const uint16_t *offset = columns->offset + at, *offset_before = offset - period;
	const uint8_t *shape = columns->shape + at, *shape_before = shape - period;
	uint16_t contexts = 0, offsets = 0;
	uint8_t shapes = 0;

	for (unsigned i = 0; i < CHUNK; i++)
		contexts |= context[i] ^ context_before[i];
	for (unsigned i = 0; i < CHUNK; i++)
		offsets |= offset[i] ^ offset_before[i];
	for (unsigned i = 0; i < CHUNK; i++)
		shapes |= shape[i] ^ shape_before[i];
	return (struct likeness){(contexts | shapes) == 0, offsets == 0};
}

static inline uint64_t page_of(const struct mmu_columns *columns, size_t i, unsigned shift)
{
	return (columns->where[columns->context[i]] + columns->offset[i]) >> shift;
}

static inline bool repeats(const struct mmu_columns *columns, size_t i, size_t period, unsigned shift)
{
	return columns->context[i] == columns->context[i - period] &&
	       columns->shape[i] == columns->shape[i - period] &&
	       (columns->offset[i] == columns->offset[i - period] ||
		page_of(columns, i, shift) == page_of(columns, i - period, shift));
}

/* How many from `at` on repeat, at most `most`, one by one. */
static size_t reach_slowly(const struct mmu_columns *columns, size_t at, size_t period, size_t most,
			   unsigned shift)
{
	size_t reached = 0;

	while (reached < most && repeats(columns, at + reached, period, shift))
		reached++;
	return reached;
}

/* The first of a chunk of the same steps that goes to another page, or CHUNK. */
static size_t first_elsewhere(const struct mmu_columns *columns, size_t at, size_t period, unsigned shift)
{
	const uint16_t *offset = columns->offset + at, *before = offset - period;
	uint8_t differs[CHUNK];

	for (unsigned i = 0; i < CHUNK; i++)
		differs[i] = offset[i] != before[i];
	for (unsigned eight = 0; eight < CHUNK; eight += 8) {
		uint64_t bytes;

		memcpy(&bytes, differs + eight, sizeof(bytes));
		for (bytes = le64toh(bytes); bytes != 0; bytes &= bytes - 1) {
			size_t i = eight + (size_t)__builtin_ctzll(bytes) / 8;
			uint64_t where = columns->where[columns->context[at + i]];

			if (((where + offset[i]) ^ (where + before[i])) >> shift != 0)
				return i;
		}
	}
	return CHUNK;
}

/* How many from `at` on repeat what was `period` before; `at` is not before `period`. */
static size_t reach(const struct mmu_columns *columns, size_t at, size_t period, unsigned shift)
{
	size_t here = at;

	for (; columns->count - here >= CHUNK; here += CHUNK) {
		const struct likeness like = compare(columns, here, period);

		if (!like.same_steps)
			return here - at + reach_slowly(columns, here, period, CHUNK, shift);
		if (like.same_offsets)
			continue;
		size_t same = first_elsewhere(columns, here, period, shift);

		if (same < CHUNK)
			return here - at + same;
	}
	return here - at + reach_slowly(columns, here, period, columns->count - here, shift);
}

/* --- Finding ------------------------------------------------------------------------------------------------------------ */

/* The place of the highest context, the one that was used first last, among RARE_AMONG from `at` on. */
static size_t rarest(const uint16_t *context, size_t at)
{
	size_t place = at;
	uint16_t highest = 0;

	for (size_t i = at; i < at + RARE_AMONG; i++)
		highest = context[i] > highest ? context[i] : highest;
	while (context[place] != highest)
		place++;
	return place;
}

static bool is_in(const uint16_t *context, uint16_t wanted)
{
	uint16_t found = 0;

	for (unsigned i = 0; i < CHUNK; i++)
		found |= context[i] == wanted;
	return found != 0;
}

/* A period with which one round at least repeats from `at` on, or 0. */
static size_t find_period(const struct mmu_columns *columns, size_t at, unsigned shift)
{
	const uint16_t *context = columns->context;

	if (columns->count - at < RARE_AMONG + AROUND || at < MMU_LOOP_PERIOD_MAX + CHUNK)
		return 0;
	const size_t place = rarest(context, at);

	for (size_t end = place; place - end < MMU_LOOP_PERIOD_MAX; end -= CHUNK) {
		if (!is_in(context + end - CHUNK, context[place]))
			continue;
		for (size_t i = end; i-- > end - CHUNK;) {
			const size_t period = place - i;

			if (memcmp(context + i, context + place, AROUND * sizeof(*context)) == 0 &&
			    period <= MMU_LOOP_PERIOD_MAX && reach(columns, at, period, shift) >= period)
				return period;
		}
	}
	return 0;
}

/* The rounds of a loop of the known period: count 0 when there are none; then `first` says how far there was a look. */
static struct mmu_rounds find_rounds(const struct mmu_loop *loop, const struct mmu_columns *columns,
				     size_t at, size_t least, unsigned shift)
{
	const size_t period = (least + loop->period - 1) / loop->period * loop->period;
	const size_t end = at + PERIODS_AHEAD * period;
	unsigned others = 0;

	if (at < loop->period)
		at = loop->period;
	while (at < end && at < columns->count && others++ < OTHERS_MOST) {
		const size_t reached = reach(columns, at, loop->period, shift);

		if (reached >= ROUNDS_LEAST * period)
			return (struct mmu_rounds){at, period, reached / period};
		at += reached + 1;
	}
	return (struct mmu_rounds){at < columns->count ? at : columns->count, 0, 0};
}

/* A search for another loop. */
static struct mmu_rounds find_loop(struct mmu_loop *loop, const struct mmu_columns *columns, size_t at,
				   size_t least, unsigned shift)
{
	struct mmu_rounds rounds = {at, 0, 0};

	loop->period = find_period(columns, at, shift);
	if (loop->period > 0)
		rounds = find_rounds(loop, columns, at, least, shift);
	if (rounds.count > 0)
		return rounds;
	loop->period = 0;
	loop->wait = loop->wait < WAIT_MOST / 2 ? loop->wait * 2 + WAIT_LEAST : WAIT_MOST;
	rounds.first +=
	    columns->count - rounds.first < loop->wait ? columns->count - rounds.first : loop->wait;
	return rounds;
}

struct mmu_rounds mmu_loop_next(struct mmu_loop *loop, const struct mmu_columns *columns, size_t at,
				size_t least, unsigned shift)
{
	struct mmu_rounds rounds;

	if (loop->period == 0) {
		rounds = find_loop(loop, columns, at, least, shift);
	} else {
		rounds = find_rounds(loop, columns, at, least, shift);
		if (++loop->failures > PATIENCE)
			loop->period = 0;
	}
	if (rounds.count > 0) {
		loop->failures = 0;
		loop->wait = 0;
	}
	return rounds;
}
