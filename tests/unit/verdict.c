#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/verdict.h"

#include <math.h>
#include <string.h>

#define ROUNDS 7

static const double slow[ROUNDS] = {40, 44, 80, 41, 43, 40, 42};
static const double fast[ROUNDS] = {30, 33, 60, 31, 33, 30, 31};
static const double alike[ROUNDS] = {31, 32, 61, 30, 34, 30, 30};
static const double missing[ROUNDS] = {NAN, NAN, NAN, NAN, 5, NAN, NAN};

static void the_faster_one_wins(void **state)
{
	const struct contender contenders[] = {{"slow", slow}, {"fast", fast}};
	struct verdict verdict = verdict_of("net time", contenders, 2, ROUNDS);

	(void)state;
	assert_true(verdict.wins);
	assert_string_equal(verdict.best, "fast");
	assert_string_equal(verdict.other, "slow");
	assert_true(verdict.ratio.median > 0.7 && verdict.ratio.high < 0.8);
	assert_non_null(strstr(verdict.sentence, "fast wins on net time: 0.750 of slow"));
}

/* It must win against everybody, the nearest included. */
static void nobody_wins_among_equals(void **state)
{
	const struct contender contenders[] = {{"slow", slow}, {"fast", fast}, {"alike", alike}};
	struct verdict verdict = verdict_of("net time", contenders, 3, ROUNDS);

	(void)state;
	assert_false(verdict.wins);
	assert_non_null(strstr(verdict.sentence, "no difference on net time between"));
	assert_null(strstr(verdict.sentence, "slow"));
}

static void few_rounds_are_no_verdict(void **state)
{
	const struct contender contenders[] = {{"slow", slow}, {"fast", fast}};
	struct verdict verdict = verdict_of("net time", contenders, 2, 5);

	(void)state;
	assert_false(verdict.wins);
	assert_non_null(strstr(verdict.sentence, "too few rounds"));
}

/* Against a baseline the ratio is said whichever is better, and whether there is a winner. */
static void a_baseline_may_win_or_lose(void **state)
{
	const struct contender slower = {"slow", slow}, faster = {"fast", fast}, none = {"missing", missing};
	struct verdict lost = verdict_against("net time", &slower, &faster, ROUNDS);
	struct verdict won = verdict_against("net time", &faster, &slower, ROUNDS);
	json_t *json = verdict_json(&lost, "t.flt");

	(void)state;
	assert_false(lost.wins);
	assert_true(lost.ratio.low > 1);
	assert_string_equal(json_string_value(json_object_get(json, "winner")), "fast");
	assert_non_null(strstr(won.sentence, "fast is at 0.750 of slow on net time"));
	assert_true(won.wins);
	assert_non_null(
	    strstr(verdict_against("net time", &none, &slower, ROUNDS).sentence, "cannot be held"));
	json_decref(json);
}

static void without_figures_there_is_no_race(void **state)
{
	const struct contender contenders[] = {{"slow", slow}, {"missing", missing}};
	struct verdict verdict = verdict_of("net time", contenders, 2, ROUNDS);

	(void)state;
	assert_null(verdict.best);
	assert_string_equal(verdict.sentence, "nothing to compare on net time");
	json_t *json = verdict_json(&verdict, "t.flt");

	assert_true(json_is_null(json_object_get(json, "winner")) &&
		    json_is_null(json_object_get(json, "ratio")));
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_faster_one_wins),
	    cmocka_unit_test(nobody_wins_among_equals),
	    cmocka_unit_test(few_rounds_are_no_verdict),
	    cmocka_unit_test(a_baseline_may_win_or_lose),
	    cmocka_unit_test(without_figures_there_is_no_race),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
