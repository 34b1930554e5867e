#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/physical/physical_verdict.h"

#include <stdlib.h>
#include <string.h>

struct row {
	const char *target;
	int huge, kernel, refused; /* kernel -1: not known */
};

static json_t *runs_of(const struct row *row, size_t rows, int huge_requests)
{
	json_t *runs = json_array();

	for (size_t i = 0; i < rows; i++) {
		json_t *outcome =
		    json_pack("{s:i, s:o, s:i, s:i, s:i}", "huge_blocks", row[i].huge, "kernel_huge_blocks",
			      row[i].kernel < 0 ? json_null() : json_integer(row[i].kernel), "refused",
			      row[i].refused, "huge_requests", huge_requests, "huge_refused", row[i].refused);

		assert_int_equal(
		    json_array_append_new(runs, json_pack("{s:s, s:{s:{s:o}}}", "target", row[i].target,
							  "model", "physical", "outcome", outcome)),
		    0);
	}
	return runs;
}

static const char *text_of(const json_t *verdicts, size_t index, const char *key)
{
	return json_string_value(json_object_get(json_array_get(verdicts, index), key));
}

static const struct row rows[] = {{"recorded", 90, -1, 0},
				  {"engine:linux", 80, 10, 0},
				  {"engine", 85, 12, 0},
				  {"engine:order-first", 85, 12, 0}};

static void test_rankings(void **state)
{
	json_t *runs = runs_of(rows, 4, 0), *verdicts = json_array();
	const struct physical_verdicts how = {.runs = runs, .trace = "K.flt"};

	(void)state;
	assert_true(physical_verdicts_make(&how, verdicts, NULL));
	assert_int_equal(json_array_size(verdicts), 3);
	assert_string_equal(
	    text_of(verdicts, 0, "sentence"),
	    "engine and engine:order-first leave the most 2 MiB blocks free at the end: 85; recorded "
	    "90, engine:linux 80");
	assert_string_equal(text_of(verdicts, 0, "trace"), "K.flt");
	assert_true(json_is_null(json_object_get(json_array_get(verdicts, 0), "winner")));
	assert_string_equal(text_of(verdicts, 1, "sentence"),
			    "engine:linux keeps kernel pages in the fewest 2 MiB blocks: 10; engine 12, "
			    "engine:order-first 12");
	assert_string_equal(text_of(verdicts, 1, "winner"), "engine:linux");
	assert_string_equal(text_of(verdicts, 1, "other"), "engine");
	assert_string_equal(text_of(verdicts, 2, "sentence"),
			    "no difference in requests refused: 0 under every policy, recorded 0");
	json_decref(verdicts);
	json_decref(runs);
}

/* Only the runs from `first` on, and refusals of 2 MiB only where somebody asked for them. */
static void test_a_second_trace(void **state)
{
	static const struct row both[] = {
	    {"engine", 1, 1, 1}, {"recorded", 5, -1, 2}, {"engine", 5, 5, 3}, {"engine:linux", 5, 5, 2}};
	json_t *runs = runs_of(both, 4, 100), *verdicts = json_array();
	const struct physical_verdicts how = {.runs = runs, .first = 1, .trace = "B.flt"};

	(void)state;
	assert_true(physical_verdicts_make(&how, verdicts, NULL));
	assert_int_equal(json_array_size(verdicts), 4);
	assert_string_equal(
	    text_of(verdicts, 0, "sentence"),
	    "no difference in 2 MiB blocks free at the end: 5 under every policy, recorded 5");
	assert_string_equal(text_of(verdicts, 3, "sentence"),
			    "engine:linux refuses the fewest requests of 2 MiB: 2; recorded 2, engine 3");
	assert_string_equal(text_of(verdicts, 3, "winner"), "engine:linux");
	json_decref(verdicts);
	json_decref(runs);
}

static void test_against(void **state)
{
	json_t *runs = runs_of(rows, 3, 0), *verdicts = json_array();
	const struct physical_verdicts how = {.runs = runs, .trace = "K.flt", .against = "engine:linux"};
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	assert_true(physical_verdicts_make(&how, verdicts, out));
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text_of(verdicts, 0, "sentence"),
			    "engine beside engine:linux, 2 MiB blocks free at the end: 85, 80 (+5)");
	assert_string_equal(text_of(verdicts, 0, "winner"), "engine");
	assert_string_equal(text_of(verdicts, 2, "sentence"),
			    "engine beside engine:linux, 2 MiB blocks with kernel pages: 12, 10 (+2)");
	assert_string_equal(text_of(verdicts, 2, "winner"), "engine:linux");
	assert_int_equal(json_array_size(verdicts), 6);
	assert_ptr_equal(strstr(text, "K.flt: engine beside engine:linux, 2 MiB"), text);
	free(text);
	json_decref(verdicts);
	json_decref(runs);
}

/* One policy alone, or runs that tell nothing, are not compared. */
static void test_nothing_to_compare(void **state)
{
	json_t *runs = runs_of(rows, 2, 0), *verdicts = json_array();
	const struct physical_verdicts how = {.runs = runs, .trace = "K.flt"};

	(void)state;
	assert_int_equal(json_array_append_new(runs, json_pack("{s:s}", "target", "engine")), 0);
	assert_int_equal(json_array_append_new(runs, json_null()), 0);
	assert_true(physical_verdicts_make(&how, verdicts, NULL));
	assert_int_equal(json_array_size(verdicts), 0);
	json_decref(verdicts);
	json_decref(runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rankings), cmocka_unit_test(test_a_second_trace),
	    cmocka_unit_test(test_against), cmocka_unit_test(test_nothing_to_compare)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
