#include "config.h"

#include "engine/virt/key_recipe.h"

#include "engine/base/random.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>

#include <cmocka.h>

#define KEYS 40u

/* Both ways, for every count, into an array of its own and in place: what the recipe says. */
static void test_keys_are_what_the_recipe_says(void **state)
{
	struct random random = {1};

	(void)state;
	for (uint32_t count = 0; count <= KEYS; count++) {
		struct key_recipe recipe = {random_next(&random), random_next(&random),
					    (unsigned)random_below(&random, 64)};
		uint64_t from[KEYS + 1], fast[KEYS + 1] = {0}, slow[KEYS + 1] = {0};

		for (uint32_t i = 0; i <= KEYS; i++)
			from[i] = random_next(&random);
		key_recipe_fastest()(&recipe, from, count, fast);
		key_recipe_portable(&recipe, from, count, slow);
		for (uint32_t i = 0; i < count; i++) {
			assert_true(slow[i] == ((from[i] & recipe.mask) >> recipe.shift | recipe.bits));
			assert_true(fast[i] == slow[i]);
		}
		assert_true(fast[count] == 0 && slow[count] == 0);
		key_recipe_fastest()(&recipe, from, count, from);
		for (uint32_t i = 0; i < count; i++)
			assert_true(from[i] == slow[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys_are_what_the_recipe_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
