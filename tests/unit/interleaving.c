#include "config.h"

#include "traces/record/interleaving.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define WORDS ((size_t)200)

/* Words say whose they are and the how-manieth: thread x 1000 + number. */
static void add(struct interleaving *interleaving, uint32_t thread, uint64_t first, uint64_t until)
{
	uint64_t words[WORDS];
	const struct interleaving_piece piece = {.word = words, .count = WORDS, .thread = thread};

	for (uint64_t i = 0; i < WORDS; i++)
		words[i] = thread * UINT64_C(1000) + first + i;
	assert_true(interleaving_add(interleaving, &piece, until));
	memset(words, 0, sizeof(words)); /* a copy was taken */
	assert_null(interleaving_check(interleaving));
}

/* Appends what comes next; false when nothing does. */
static bool take(struct interleaving *interleaving, uint64_t *order, size_t *taken)
{
	struct interleaving_piece piece;

	if (!interleaving_next(interleaving, &piece))
		return false;
	assert_in_range(piece.count, 1, INTERLEAVING_PIECE_MAX);
	for (size_t i = 0; i < piece.count; i++) {
		assert_int_equal(piece.word[i] / 1000, piece.thread);
		order[(*taken)++] = piece.word[i];
	}
	assert_null(interleaving_check(interleaving));
	return true;
}

/* Thread 1 hands over at 10 and 12, thread 2 at 11, thread 3, which began at 10, at 13. */
static void run(uint64_t seed, uint64_t order[4 * WORDS])
{
	struct interleaving interleaving;
	size_t taken = 0;

	interleaving_start(&interleaving, seed);
	add(&interleaving, 1, 0, 10);
	add(&interleaving, 2, 0, 11);
	while (interleaving_precedes(&interleaving, 10))
		assert_true(take(&interleaving, order, &taken));
	add(&interleaving, 1, WORDS, 12);
	assert_false(interleaving_precedes(&interleaving, 10));
	add(&interleaving, 3, 0, 13);
	while (take(&interleaving, order, &taken))
		continue;
	assert_int_equal(taken, 4 * WORDS);
	assert_int_equal(interleaving.words, 0);
	interleaving_end(&interleaving);
}

static size_t place_of(const uint64_t *order, uint64_t word)
{
	for (size_t i = 0; i < 4 * WORDS; i++) {
		if (order[i] == word)
			return i;
	}
	fail_msg("%llu is missing", (unsigned long long)word);
	return 0;
}

static unsigned turns(const uint64_t *order)
{
	unsigned count = 0;

	for (size_t i = 1; i < 4 * WORDS; i++)
		count += order[i] / 1000 != order[i - 1] / 1000;
	return count;
}

static void possible_orders_only(void **unused)
{
	unsigned changes = 0;

	(void)unused;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		uint64_t order[4 * WORDS], next[4] = {0};
		run(seed, order);
		for (size_t i = 0; i < 4 * WORDS; i++)
			assert_int_equal(order[i] % 1000, next[order[i] / 1000]++);
		assert_true(place_of(order, 1000 + WORDS - 1) < place_of(order, 3000));
		changes += turns(order);
	}
	assert_true(changes > 50 * 5);
}

static void the_seed_decides(void **unused)
{
	uint64_t one[4 * WORDS], same[4 * WORDS], other[4 * WORDS];

	(void)unused;
	run(7, one);
	run(7, same);
	run(8, other);
	assert_memory_equal(one, same, sizeof(one));
	assert_memory_not_equal(one, other, sizeof(one));
}

static void nothing_makes_no_block(void **unused)
{
	struct interleaving interleaving;
	struct interleaving_piece piece = {.word = NULL};

	(void)unused;
	interleaving_start(&interleaving, 1);
	assert_false(interleaving_next(&interleaving, &piece));
	assert_true(interleaving_add(&interleaving, &piece, 5));
	assert_false(interleaving_precedes(&interleaving, 5));
	assert_false(interleaving_next(&interleaving, &piece));
	interleaving_end(&interleaving);
}

static void check_tells(void **unused)
{
	static const char i1[] = "I1: a block's words are given out in order, and no thread has two blocks";
	static const char i2[] = "I2: words = the sum of what the blocks still hold, and is at most "
				 "INTERLEAVING_WORDS_MAX";
	struct interleaving interleaving;

	(void)unused;
	interleaving_start(&interleaving, 1);
	add(&interleaving, 1, 0, 1);
	add(&interleaving, 2, 0, 2);
	interleaving.block[0].next = WORDS + 1;
	assert_string_equal(interleaving_check(&interleaving), i1);
	interleaving.block[0].next = 0;
	interleaving.block[1].thread = 1;
	assert_string_equal(interleaving_check(&interleaving), i1);
	interleaving.block[1].thread = 2;
	interleaving.words++;
	assert_string_equal(interleaving_check(&interleaving), i2);
	interleaving_end(&interleaving);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(possible_orders_only),
	    cmocka_unit_test(the_seed_decides),
	    cmocka_unit_test(nothing_makes_no_block),
	    cmocka_unit_test(check_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
