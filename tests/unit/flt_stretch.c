#include "config.h"

#include "traces/flt_stretch.h"
#include "traces/flt_stretch_wide.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT 3000u

static struct flt_stretch_finder finder;
static uint64_t random_state;

/* The portable readers, and those that the format uses. */
static struct flt_stretch_readers readers[2];

static int find_readers(void **state)
{
	(void)state;
	readers[0] = flt_stretch_portable();
	readers[1] = (struct flt_stretch_readers){flt_stretch_get_steps, flt_stretch_get_offsets};
	return 0;
}

static uint32_t random_below(uint32_t bound)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) % bound;
}

/* What a reader gets: fresh elements one after the other, as the stretches say. */
struct coded {
	uint8_t bytes[FLT_STRETCH_BOUND(COUNT)];
	struct flt_stretches stretches;
	uint16_t fresh[COUNT + FLT_STRETCH_SLACK];
	uint8_t fresh_shape[COUNT + FLT_STRETCH_SLACK];
};

static void finish(struct coded *coded, const uint8_t *end, size_t count)
{
	coded->stretches =
	    (struct flt_stretches){coded->bytes, (size_t)(end - coded->bytes) / FLT_STRETCH_BYTES, 0, count};
	assert_true((size_t)(end - coded->bytes) <= FLT_STRETCH_BOUND(count));
}

static void code_offsets(struct coded *coded, const uint16_t *offset, size_t count, const uint16_t *period)
{
	size_t at = 0;

	finish(coded, flt_stretch_put_offsets(&finder, offset, count, period, coded->bytes), count);
	for (size_t s = 0; s < coded->stretches.count; s++) {
		const uint8_t *stretch = coded->bytes + s * FLT_STRETCH_BYTES;

		for (unsigned i = 0; i < stretch[0]; i++)
			coded->fresh[coded->stretches.fresh++] = offset[at + i];
		at += (size_t)stretch[0] + stretch[1];
	}
	assert_int_equal(at, count);
}

static void code_steps(struct coded *coded, const uint32_t *step, size_t count)
{
	size_t at = 0;

	finish(coded, flt_stretch_put_steps(&finder, step, count, coded->bytes), count);
	for (size_t s = 0; s < coded->stretches.count; s++) {
		const uint8_t *stretch = coded->bytes + s * FLT_STRETCH_BYTES;

		for (unsigned i = 0; i < stretch[0]; i++) {
			coded->fresh[coded->stretches.fresh] = (uint16_t)step[at + i];
			coded->fresh_shape[coded->stretches.fresh++] = (uint8_t)(step[at + i] >> 16);
		}
		at += (size_t)stretch[0] + stretch[1];
	}
	assert_int_equal(at, count);
}

/* The loop of docs/trace-format.md: six times a load from an array and a store to the stack. */
static void test_example(void **state)
{
	static const uint8_t steps[] = {0x02, 0x0a, 0x02, 0x00}, offsets[] = {0x04, 0x08, 0x02, 0x80};
	static const uint16_t fresh[] = {0, 0xfff0, 8, 0xfff0};
	static struct coded coded;
	uint32_t step[12];
	uint16_t offset[12], period[12];

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		step[i] = i % 2 ? 1u << 16 | 1 : 0;
		offset[i] = (uint16_t)(i % 2 ? 0xfff0 : i / 2 * 8);
		period[i] = i < 2 ? 0 : 2;
	}
	code_steps(&coded, step, 12);
	assert_int_equal(coded.stretches.count, 1);
	assert_memory_equal(coded.bytes, steps, sizeof(steps));
	coded = (struct coded){0};
	code_offsets(&coded, offset, 12, period);
	assert_int_equal(coded.stretches.count, 1);
	assert_memory_equal(coded.bytes, offsets, sizeof(offsets));
	assert_int_equal(coded.stretches.fresh, 4);
	assert_memory_equal(coded.fresh, fresh, sizeof(fresh));
}

/* Loops of `period` references with strides, jumps between them, and noise. */
static void make_loops(uint16_t *offset, uint16_t *periods, uint32_t *step, uint32_t noise)
{
	size_t at = 0;

	while (at < COUNT) {
		const uint32_t period = 1 + random_below(40), rounds = 1 + random_below(30);
		uint16_t start[40], stride[40];

		for (unsigned i = 0; i < period; i++) {
			start[i] = (uint16_t)random_below(65536);
			stride[i] = (uint16_t)(random_below(2) ? 0 : random_below(100) - 50);
		}
		for (uint32_t i = 0; i < period * rounds && at < COUNT; i++, at++) {
			offset[at] = (uint16_t)(start[i % period] + i / period * stride[i % period]);
			step[at] = start[i % period] & 0x0f0fff;
			if (random_below(noise) == 0)
				offset[at]++;
			if (random_below(noise) == 0)
				step[at]++;
			periods[at] = (uint16_t)(i < period ? 0 : period);
		}
	}
}

static void test_round_trip(void **state)
{
	static uint16_t offset[COUNT + 1], period[COUNT], got[COUNT + FLT_STRETCH_SLACK];
	static uint16_t context[COUNT + FLT_STRETCH_SLACK];
	static uint8_t shape[COUNT + FLT_STRETCH_SLACK];
	static uint32_t step[COUNT];
	static struct coded coded;

	(void)state;
	random_state = 1;
	for (unsigned round = 0; round < 300; round++) {
		const size_t count = round < 50 ? 1 + round : 1 + random_below(COUNT);
		const struct flt_steps steps = {context, shape}, fresh = {coded.fresh, coded.fresh_shape};

		make_loops(offset, period, step, 1 + (round % 10) * (round % 10) * 10);
		coded = (struct coded){0};
		code_offsets(&coded, offset, count, round % 3 ? period : NULL);
		for (unsigned r = 0; r < 2; r++) {
			assert_true(readers[r].get_offsets(&coded.stretches, coded.fresh, got));
			assert_memory_equal(got, offset, count * sizeof(*got));
		}
		coded = (struct coded){0};
		code_steps(&coded, step, count);
		for (unsigned r = 0; r < 2; r++) {
			assert_true(readers[r].get_steps(&coded.stretches, &fresh, &steps));
			for (size_t i = 0; i < count; i++)
				assert_int_equal(context[i] | (uint32_t)shape[i] << 16, step[i]);
		}
	}
}

/* Long loops of every period cost next to nothing. */
static void test_loops_are_short(void **state)
{
	static uint16_t offset[COUNT], period[COUNT];
	static struct coded coded;

	(void)state;
	for (unsigned length = 1; length <= 64; length++) {
		for (size_t i = 0; i < COUNT; i++) {
			offset[i] = (uint16_t)(i % length * 1000 + i / length * (i % length) * 8);
			period[i] = (uint16_t)(i < length ? 0 : length);
		}
		coded = (struct coded){0};
		code_offsets(&coded, offset, COUNT, period);
		assert_true(coded.stretches.count <= COUNT / FLT_STRETCH_MAX + 3);
		assert_true(coded.stretches.fresh <= 2 * (size_t)length + 3);
	}
}

static void test_refused(void **state)
{
	static const struct {
		uint8_t bytes[2 * FLT_STRETCH_BYTES];
		size_t stretches, fresh, elements;
		bool offsets, steps;
	} cases[] = {
	    {{2, 4, 2, 0}, 1, 2, 6, true, true},
	    {{2, 4, 0, 0}, 1, 2, 6, false, false},			 /* distance 0 */
	    {{2, 4, 3, 0}, 1, 2, 6, false, false},			 /* before the first */
	    {{0, 4, 1, 0}, 1, 0, 4, false, false},			 /* of nothing */
	    {{2, 4, 2, 0}, 1, 1, 6, false, false},			 /* more fresh than there is */
	    {{2, 4, 2, 0}, 1, 3, 6, false, false},			 /* some left */
	    {{2, 4, 2, 0}, 1, 2, 5, false, false},			 /* too many */
	    {{2, 4, 2, 0}, 1, 2, 7, false, false},			 /* too few */
	    {{2, 0, 1, 0, 0, 4, 2, 0}, 2, 2, 6, true, true},		 /* fresh, then repeated */
	    {{4, 4, 2, 0x80}, 1, 4, 8, true, false},			 /* goes on; a step does not */
	    {{3, 4, 2, 0x80}, 1, 3, 7, false, false},			 /* from before the first */
	    {{255, 0, 1, 0, 255, 255, 255, 0}, 2, 510, 765, true, true}, /* the greatest numbers */
	};
	static uint16_t fresh[600 + FLT_STRETCH_SLACK], offset[800 + FLT_STRETCH_SLACK];
	static uint8_t fresh_shape[600 + FLT_STRETCH_SLACK], shape[800 + FLT_STRETCH_SLACK];
	const struct flt_steps from = {fresh, fresh_shape}, to = {offset, shape};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct flt_stretches stretches = {cases[i].bytes, cases[i].stretches, cases[i].fresh,
							cases[i].elements};

		for (unsigned r = 0; r < 2; r++) {
			assert_int_equal(readers[r].get_offsets(&stretches, fresh, offset), cases[i].offsets);
			assert_int_equal(readers[r].get_steps(&stretches, &from, &to), cases[i].steps);
		}
	}
}

/* Any bytes: an answer, and nothing outside the arrays (which sanitizers see). */
static void test_any_bytes(void **state)
{
	(void)state;
	random_state = 3;
	for (unsigned round = 0; round < 20000; round++) {
		const size_t elements = 1 + random_below(300), count = 1 + random_below(12);
		const size_t slack = FLT_STRETCH_SLACK;
		uint16_t *fresh = calloc(elements + slack, sizeof(*fresh));
		uint16_t *offset = calloc(elements + slack, sizeof(*offset));
		uint16_t *again = calloc(elements + slack, sizeof(*again));
		uint8_t *shapes = calloc(2 * (elements + slack), 1);
		const struct flt_steps from = {fresh, shapes}, to = {offset, shapes + elements + slack};
		uint8_t bytes[12 * FLT_STRETCH_BYTES];

		assert_true(fresh && offset && again && shapes);
		for (size_t i = 0; i < sizeof(bytes); i += FLT_STRETCH_BYTES) {
			bytes[i] = (uint8_t)random_below(i == 0 ? 60 : 10);
			bytes[i + 1] = (uint8_t)random_below(80);
			bytes[i + 2] = (uint8_t)random_below(40);
			bytes[i + 3] = random_below(2) ? 0x80 : 0;
		}
		const struct flt_stretches stretches = {bytes, count, random_below((uint32_t)elements + 1),
							elements};

		for (size_t i = 0; i < elements; i++)
			fresh[i] = (uint16_t)random_below(65536);
		const bool is_good = readers[0].get_offsets(&stretches, fresh, offset);

		assert_int_equal(readers[1].get_offsets(&stretches, fresh, again), is_good);
		if (is_good)
			assert_memory_equal(again, offset, elements * sizeof(*offset));
		assert_int_equal(readers[0].get_steps(&stretches, &from, &to),
				 readers[1].get_steps(&stretches, &from, &to));
		free(fresh);
		free(offset);
		free(again);
		free(shapes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_example),	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_loops_are_short), cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, find_readers, NULL);
}
