#include "config.h"

#include "bench/page_fragmenter.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct page_fragmenter_load load = {
    .seed = 1, .rounds = PAGE_FRAGMENTER_ROUNDS, .steps = 600000};

static struct policy policy_of(const char *name)
{
	struct policy policy;

	assert_int_equal(policy_parse(&policy, name), STATUS_OK);
	return policy;
}

/* At least 250 of 256 huge pages in A, and at most one in a hundred refused in B. */
static void one_policy_is_good_at_both(void **state)
{
	const struct policy policy = policy_of("fullest-block");
	struct page_fragmenter_a a;
	struct page_fragmenter_b b;

	(void)state;
	assert_int_equal(page_fragmenter_run_a(&policy, &load, &a), STATUS_OK);
	assert_int_equal(a.possible, 256);
	assert_in_range(a.huge, 250, 256);
	assert_int_equal(page_fragmenter_run_b(&policy, &load, &b), STATUS_OK);
	assert_int_equal(b.requests + b.huge_requests, load.steps);
	assert_in_range(b.huge_requests, 1000, 1400);
	assert_true(100 * b.huge_failures <= b.huge_requests);
	assert_int_equal(b.failures, 0);
}

/* Each of these is good at one, and shows that the load bites. */
static void others_are_good_at_one(void **state)
{
	const struct policy first = policy_of("order-first"), lowest = policy_of("lowest-address");
	const struct page_fragmenter_load brief = {
	    .seed = 1, .rounds = PAGE_FRAGMENTER_SAMPLES, .steps = 600000};
	struct page_fragmenter_a a;
	struct page_fragmenter_b b;

	(void)state;
	assert_int_equal(page_fragmenter_run_a(&first, &brief, &a), STATUS_OK);
	assert_in_range(a.huge, 0, 2);
	assert_int_equal(page_fragmenter_run_b(&first, &load, &b), STATUS_OK);
	assert_true(100 * b.huge_failures <= b.huge_requests);
	assert_int_equal(page_fragmenter_run_b(&lowest, &load, &b), STATUS_OK);
	assert_true(10 * b.huge_failures > b.huge_requests);
}

static void a_seed_decides(void **state)
{
	const struct policy policy = policy_of("linux");
	const struct page_fragmenter_load brief = {
	    .seed = 7, .rounds = PAGE_FRAGMENTER_SAMPLES, .steps = 3000};
	struct page_fragmenter_a once, again;

	(void)state;
	assert_int_equal(page_fragmenter_run_a(&policy, &brief, &once), STATUS_OK);
	assert_int_equal(page_fragmenter_run_a(&policy, &brief, &again), STATUS_OK);
	assert_memory_equal(&once, &again, sizeof(once));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_policy_is_good_at_both),
	    cmocka_unit_test(others_are_good_at_one),
	    cmocka_unit_test(a_seed_decides),
	};

	return cmocka_run_group_tests_name("page_fragmenter", tests, NULL, NULL);
}
