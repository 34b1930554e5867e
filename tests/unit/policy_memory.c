#include "config.h"

#include "engine/policy_memory.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static struct memory_shape shape_of(const char *text)
{
	struct policy policy;

	assert_int_equal(policy_parse(&policy, text), STATUS_OK);
	return policy_memory_shape(&policy);
}

static void test_default(void **state)
{
	struct memory_shape shape = shape_of("default");

	(void)state;
	assert_int_equal(shape.keeper, ZONE_BITMAPS);
	assert_int_equal(shape.placement, BUDDY_ORDER_FIRST);
	assert_int_equal(shape.size.layout, MEMORY_X86_64);
	assert_int_equal(shape.max_order, BUDDY_KERNEL_ORDER);
	assert_int_equal(shape.cpus, 1);
	assert_int_equal(shape.tuning, PCP_FIXED);
	assert_int_equal(shape.watermarks.min_free_kbytes, 0);
	assert_int_equal(shape.watermarks.scale_factor, WATERMARK_SCALE_FACTOR);
	assert_true(shape.watermarks.huge_pages);
	assert_false(shape.remembers_owners);
}

static void test_linux_and_i386(void **state)
{
	struct memory_shape shape = shape_of("linux");

	(void)state;
	assert_int_equal(shape.keeper, ZONE_LISTS);
	assert_int_equal(shape.tuning, PCP_TUNED);
	assert_int_equal(shape.cpus, 1);
	shape = shape_of("i386");
	assert_int_equal(shape.size.layout, MEMORY_I386);
	assert_int_equal(shape.keeper, ZONE_BITMAPS);
}

static void test_keys(void **state)
{
	struct memory_shape shape =
	    shape_of("default,free_blocks=lists,per_cpu_lists=off,pcp_tuning=tuned,page_owner=on,thp=never,"
		     "min_free_kbytes=12345,watermark_scale_factor=3000");

	(void)state;
	assert_int_equal(shape.keeper, ZONE_LISTS);
	assert_int_equal(shape.cpus, 0);
	assert_int_equal(shape.tuning, PCP_TUNED);
	assert_true(shape.remembers_owners);
	assert_int_equal(shape.watermarks.min_free_kbytes, 12345);
	assert_int_equal(shape.watermarks.scale_factor, 3000);
	assert_false(shape.watermarks.huge_pages);
	assert_int_equal(shape_of("free_blocks=typed").keeper, ZONE_TYPED);
	assert_int_equal(shape_of("free_blocks=typed,page_placement=lowest-address").placement,
			 BUDDY_ORDER_FIRST);
	assert_int_equal(shape_of("page_placement=lowest-address").placement, BUDDY_LOWEST_ADDRESS);
	assert_int_equal(shape_of("page_placement=fullest-block").placement, BUDDY_FULLEST_BLOCK);
}

/* Every shipped policy means a machine that boots, with the watermarks that its keys say. */
static void test_shipped_policies_boot(void **state)
{
	const struct policy_named *named;

	(void)state;
	for (size_t i = 0; (named = policy_at(i)) != NULL; i++) {
		struct memory_shape shape = policy_memory_shape(&named->policy);
		struct policy policy = named->policy;
		struct memory memory;

		shape.size.pages = 262144;
		assert_int_equal(memory_create(&memory, &shape), STATUS_OK);
		assert_null(memory_check(&memory));
		assert_int_equal(memory.zone[0].lists != NULL,
				 named->policy.free_blocks == FREE_BLOCKS_LISTS);
		memory_destroy(&memory);
		assert_int_equal(policy_set(&policy, "min_free_kbytes=40000"), STATUS_OK);
		shape = policy_memory_shape(&policy);
		shape.size.pages = 262144;
		assert_int_equal(memory_create(&memory, &shape), STATUS_OK);
		assert_int_equal(memory.min_free_kbytes, 40000);
		memory_destroy(&memory);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_default),
	    cmocka_unit_test(test_linux_and_i386),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_shipped_policies_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
