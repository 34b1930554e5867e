#include "config.h"

#include "engine/policy.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_shipped_policy_is_sound(void **state)
{
	const struct policy_named *named;
	size_t count = 0;

	(void)state;
	for (; (named = policy_at(count)); count++) {
		assert_null(policy_check(&named->policy));
		assert_ptr_equal(policy_find(named->name), &named->policy);
		assert_true(strlen(named->help) > 0);
	}
	assert_int_equal(count, 6);
	assert_non_null(policy_find("default"));
	assert_null(policy_find("defaul"));
	assert_null(policy_find(""));
}

static void a_key_is_set_from_text(void **state)
{
	struct policy policy = *policy_find("default");

	(void)state;
	assert_int_equal(policy_set(&policy, "page_placement=fullest-block"), STATUS_OK);
	assert_int_equal(policy.page_placement, PLACEMENT_FULLEST_BLOCK);
	assert_int_equal(policy_set(&policy, "per_cpu_lists=off"), STATUS_OK);
	assert_int_equal(policy.per_cpu_lists, 0);
	assert_int_equal(policy_set(&policy, "purge_delay=4294967295"), STATUS_OK);
	assert_int_equal(policy.purge_delay, UINT32_MAX);
}

static void what_is_not_allowed_is_refused(void **state)
{
	static const char *const wrong[] = {
	    "",
	    "page_placement",
	    "page_placement=",
	    "page_placement=fullest",
	    "no_such_key=1",
	    "slab_order=6",
	    "slab_order=-1",
	    "slab_order=1x",
	    "slab_order=",
	    "small_bytes=1023",
	    "small_bytes=32769",
	    "=1",
	    "slab_order =1",
	    "purge_delay=4294967296",
	    "magazine_blocks=99999999999999999999",
	};
	struct policy policy = *policy_find("default");

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(policy_set(&policy, wrong[i]), STATUS_BAD_POLICY);
		assert_memory_equal(&policy, policy_find("default"), sizeof(policy));
	}
}

static void a_policy_is_parsed_from_text(void **state)
{
	struct policy policy;

	(void)state;
	assert_int_equal(policy_parse(&policy, ""), STATUS_OK);
	assert_memory_equal(&policy, policy_find("default"), sizeof(policy));
	assert_int_equal(policy_parse(&policy, "linux"), STATUS_OK);
	assert_memory_equal(&policy, policy_find("linux"), sizeof(policy));
	assert_int_equal(policy_parse(&policy, "linux,slab_order=1,freelist_order=random"), STATUS_OK);
	assert_int_equal(policy.slab_order, 1);
	assert_int_equal(policy.freelist_order, FREELIST_RANDOM);
	assert_int_equal(policy.size_classes, SIZE_CLASSES_KMALLOC);
	assert_int_equal(policy_parse(&policy, "slab_order=2"), STATUS_OK);
	assert_int_equal(policy.slab_order, 2);
	assert_int_equal(policy_parse(&policy, "linux,"), STATUS_BAD_POLICY);
	assert_int_equal(policy_parse(&policy, "slab_order=2,linux"), STATUS_BAD_POLICY);
	assert_int_equal(policy_parse(&policy, "linux,,slab_order=2"), STATUS_BAD_POLICY);
	assert_int_equal(policy_parse(&policy, "magazine_bytes=0"), STATUS_BAD_POLICY);
	assert_int_equal(policy.slab_order, 2);
}

static void values_print_as_they_are_set(void **state)
{
	const struct policy_named *named;
	const struct policy_key *key;
	char buffer[POLICY_VALUE_BYTES];
	char item[64];

	(void)state;
	for (size_t i = 0; (named = policy_at(i)); i++) {
		for (size_t k = 0; (key = policy_key_at(k)); k++) {
			struct policy policy = *policy_find("default");

			(void)snprintf(item, sizeof(item), "%s=%s", key->name,
				       policy_value_text(&named->policy, key, buffer));
			assert_int_equal(policy_set(&policy, item), STATUS_OK);
			assert_int_equal(policy_value(&policy, key), policy_value(&named->policy, key));
		}
	}
}

static void broken_invariants_are_named(void **state)
{
	struct policy policy = *policy_find("default");

	(void)state;
	policy.size_classes = 4;
	assert_string_equal(policy_check(&policy), "I1: a key's value is outside its limits");
	policy = *policy_find("default");
	policy.small_bytes = 16;
	assert_string_equal(policy_check(&policy), "I1: a key's value is outside its limits");
	policy = *policy_find("default");
	policy.magazine_bytes = 0;
	assert_string_equal(policy_check(&policy), "I2: a magazine may hold blocks but no bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_shipped_policy_is_sound),  cmocka_unit_test(a_key_is_set_from_text),
	    cmocka_unit_test(what_is_not_allowed_is_refused), cmocka_unit_test(a_policy_is_parsed_from_text),
	    cmocka_unit_test(values_print_as_they_are_set),   cmocka_unit_test(broken_invariants_are_named),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
