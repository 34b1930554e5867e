#include "config.h"

#include "engine/base/random.h"

#include "engine/base/list.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>

#include <cmocka.h>

/* The published first outputs of splitmix64 for the seed 1234567. */
static void test_known_numbers(void **state)
{
	static const uint64_t known[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
					 4593380528125082431u, 16408922859458223821u};
	struct random random = {.state = 1234567};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_true(random_next(&random) == known[i]);
}

static void test_below_stays_below_and_reaches_all(void **state)
{
	struct random random = {.state = 1};
	unsigned seen[7] = {0};

	(void)state;
	for (int i = 0; i < 7000; i++)
		seen[random_below(&random, 7)]++;
	for (int i = 0; i < 7; i++)
		assert_in_range(seen[i], 800, 1200);
	for (int i = 0; i < 1000; i++) {
		assert_true(random_below(&random, UINT64_MAX) < UINT64_MAX);
		assert_true(random_below(&random, ((uint64_t)1 << 40) + 1) <= (uint64_t)1 << 40);
		assert_true(random_below(&random, 1) == 0);
	}
}

/* Half of them 0, a quarter 1, ... and the rest at the largest. */
static void test_orders_halve(void **state)
{
	struct random random = {.state = 2};
	unsigned seen[4] = {0};

	(void)state;
	for (int i = 0; i < 8000; i++)
		seen[random_order(&random, 3)]++;
	assert_in_range(seen[0], 3800, 4200);
	assert_in_range(seen[1], 1850, 2150);
	assert_in_range(seen[2], 850, 1150);
	assert_in_range(seen[3], 850, 1150);
}

static void test_list(void **state)
{
	struct list head, links[5];

	(void)state;
	list_create(&head);
	assert_true(list_is_empty(&head));
	assert_null(list_check(&head, 1));
	list_push(&head, &links[1]);
	list_push(&head, &links[0]);
	list_append(&head, &links[2]);
	size_t at = 0;

	for (struct list *link = head.next; link != &head; link = link->next)
		assert_ptr_equal(link, &links[at++]);
	assert_int_equal(at, 3);
	list_remove(&links[1]);
	assert_ptr_equal(links[0].next, &links[2]);
	assert_null(list_check(&head, 4));
	assert_non_null(list_check(&head, 2));
	links[2].previous = &head;
	assert_string_equal(list_check(&head, 4), "I1: every link's neighbours point back at it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_known_numbers),
	    cmocka_unit_test(test_below_stays_below_and_reaches_all),
	    cmocka_unit_test(test_orders_halve),
	    cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
