#include "config.h"

#include "traces/generate/workloads.h"

#include "tests/unit/generated.h"

#include <inttypes.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const no_settings[] = {NULL};

/* What each workload gives with its defaults and seed 1, on every compiler and machine. To renew after a
 * wanted change: the test prints the values it found. */
struct golden {
	const char *workload;
	uint64_t events, hash;
};

static void golden_traces(void **state)
{
	static const struct golden goldens[] = {
	    {"larson", 804081, UINT64_C(0xe98a090c4596f85c)},
	    {"fragmenter-a", 425955, UINT64_C(0x0031a109fb83504c)},
	    {"fragmenter-b", 500000, UINT64_C(0x4a1eafaa4de55675)},
	    {"binary-tree", 1348957, UINT64_C(0x1353ebcab19e37a2)},
	    {"queue", 1000004, UINT64_C(0x59a462a863ccbf39)},
	    {"realloc-growth", 500000, UINT64_C(0x6b34b712ee36929b)},
	    {"uniform", 1000000, UINT64_C(0x1852198dc3c6415b)},
	    {"phases", 1004140, UINT64_C(0xe2c727b96292dc80)},
	    {"page-fragmenter-a", 1408907, UINT64_C(0x35a810169865415b)},
	    {"page-fragmenter-b", 1075156, UINT64_C(0x1e33df28514b4b1d)},
	};
	bool all = true;

	(void)state;
	for (size_t index = 0; index < sizeof(goldens) / sizeof(goldens[0]); index++) {
		struct generated generated = {0};

		generated_play(&generated, goldens[index].workload, no_settings, 1);
		if (generated.census.events != goldens[index].events ||
		    generated.hash != goldens[index].hash) {
			print_message("# {\"%s\", %" PRIu64 ", UINT64_C(0x%016" PRIx64 ")},\n",
				      goldens[index].workload, generated.census.events, generated.hash);
			all = false;
		}
		generated_drop(&generated);
	}
	assert_true(all);
}

static void a_seed_decides(void **state)
{
	const struct workload *workload;

	(void)state;
	for (size_t index = 0; (workload = workload_at(index)); index++) {
		struct generated one = {0}, same = {0}, other = {0};

		if (workload->key[0].is_text)
			continue;
		generated_play(&one, workload->name, no_settings, 2);
		generated_play(&same, workload->name, no_settings, 2);
		generated_play(&other, workload->name, no_settings, 3);
		assert_true(one.hash == same.hash);
		if (strcmp(workload->name, "binary-tree") != 0) /* the only one without chance */
			assert_true(one.hash != other.hash);
		generated_drop(&one);
		generated_drop(&same);
		generated_drop(&other);
	}
}

static void larson_hands_blocks_over(void **state)
{
	static const char *const sets[] = {
	    "threads=3",    "objects=50", "operations=500", "generations=4", "min_bytes=10",
	    "max_bytes=20", NULL};
	struct generated generated = {0};

	(void)state;
	generated_play(&generated, "larson", sets, 1);
	assert_int_equal(generated.census.threads, 1 + 3 * 4);
	assert_int_equal(generated.census.kinds[EVENT_THREAD_START], 13);
	assert_int_equal(generated.census.kinds[EVENT_THREAD_EXIT], 12);
	assert_int_equal(generated.census.kinds[EVENT_FREE], 3 * 4 * 500);
	assert_int_equal(generated.census.live_objects, 150);
	/* With 10 visits to a slot on average, nearly every slot is first freed by its heir: 150 a
	 * generation. */
	assert_in_range(generated.census.cross_thread_frees, 590, 600);
	assert_int_equal(generated.census.sizes[4] + generated.census.sizes[5], generated.census.objects);
	generated_drop(&generated);
}

static void fragmenter_a_keeps_its_share(void **state)
{
	static const char *const sets[] = {"heap_mib=4",   "block_bytes=4096", "keep_percent=25",
					   "iterations=8", "churn_percent=10", NULL};
	struct generated generated = {0};

	(void)state;
	generated_play(&generated, "fragmenter-a", sets, 1);
	assert_int_equal(generated.census.live_peak_bytes, 4 << 20);
	assert_int_equal(generated.census.live_objects, 256);
	assert_int_equal(generated.census.kinds[EVENT_MARKER], 8);
	assert_int_equal(generated.census.kinds[EVENT_MALLOC], 1024 + 8 * 25);
	generated_drop(&generated);
}

static void page_fragmenter_a_churns_half_of_the_memory(void **state)
{
	static const char *const sets[] = {"memory_mib=4", "rounds=10", "churn_percent=20", NULL};
	struct generated generated = {0};

	(void)state;
	generated_play(&generated, "page-fragmenter-a", sets, 1);
	assert_int_equal(generated.census.kinds[EVENT_PAGE_ALLOC], 1024 + 10 * 102);
	assert_int_equal(generated.census.kinds[EVENT_PAGE_FREE], 512 + 10 * 102);
	assert_int_equal(generated.census.kinds[EVENT_MARKER], 10);
	assert_int_equal(generated.census.kinds[EVENT_SWITCH], 1);
	generated_drop(&generated);
}

/* As many bytes of both orders are asked for, and every request is served. */
static void page_fragmenter_b_asks_for_both_orders(void **state)
{
	static const char *const sets[] = {"memory_mib=1024", "allocations=400000", NULL};
	struct generated generated = {0};

	(void)state;
	generated_play(&generated, "page-fragmenter-b", sets, 1);
	const uint64_t huge = generated.census.kernel.page_allocs[9];

	assert_in_range(huge * 512, 350000, 450000);
	assert_int_equal(generated.census.kernel.page_allocs[0] + huge, 400000);
	assert_int_equal(generated.census.failed, 0);
	generated_drop(&generated);
}

static void fragmenter_b_gives_both_sizes_the_same_bytes(void **state)
{
	static const char *const sets[] = {"heap_mib=64", "events=400000", NULL};
	struct generated generated = {0};
	uint64_t small, huge;

	(void)state;
	generated_play(&generated, "fragmenter-b", sets, 1);
	small = generated.census.sizes_bytes[13];
	huge = generated.census.sizes_bytes[22];
	assert_int_equal(small + huge, generated.census.requested_bytes);
	assert_in_range(huge * 100 / small, 75, 125);
	assert_in_range(generated.census.live_peak_bytes, (64 << 20) / 100 * 90 - (2 << 20),
			(64 << 20) / 100 * 90);
	generated_drop(&generated);
}

static void binary_tree_is_exact(void **state)
{
	static const char *const sets[] = {"depth=6", "node_bytes=24", NULL};
	/* 2^8 - 1 nodes first, 2^7 - 1 that stay, 64 trees of 2^5 - 1 and 16 of 2^7 - 1. */
	const uint64_t nodes = 255 + 127 + 64 * 31 + 16 * 127;
	struct generated generated = {0};

	(void)state;
	generated_play(&generated, "binary-tree", sets, 1);
	assert_int_equal(generated.census.kinds[EVENT_MALLOC], nodes);
	assert_int_equal(generated.census.kinds[EVENT_FREE], nodes);
	assert_int_equal(generated.census.live_objects, 0);
	assert_int_equal(generated.census.live_peak_objects, 255);
	generated_drop(&generated);
}

static void queue_is_bounded_and_drained(void **state)
{
	static const char *const sets[] = {"messages=20000", "capacity=64", "producers=3",
					   "consumers=2",    "burst=100",   NULL};
	struct generated generated = {0};

	(void)state;
	generated_play(&generated, "queue", sets, 1);
	assert_int_equal(generated.census.threads, 5);
	assert_int_equal(generated.census.kinds[EVENT_MALLOC], 20000);
	assert_int_equal(generated.census.cross_thread_frees, 20000);
	assert_int_equal(generated.census.live_objects, 0);
	assert_int_equal(generated.census.live_peak_objects, 64);
	generated_drop(&generated);
}

struct growth {
	uint64_t size[100000];
	uint64_t largest;
	bool only_grows;
};

static void growth_each(void *context, const struct event *event)
{
	struct growth *growth = context;

	if (event->kind == EVENT_REALLOC && event->size <= growth->size[event->old_object])
		growth->only_grows = false;
	if (event->kind != EVENT_FREE)
		growth->size[event->object] = event->size;
	if (event->size > growth->largest)
		growth->largest = event->size;
}

static void realloc_growth_only_grows(void **state)
{
	static const char *const sets[] = {"events=50000", "buffers=20", "max_bytes=64K", NULL};
	static struct growth growth = {.only_grows = true};
	struct generated generated = {.each = growth_each, .context = &growth};

	(void)state;
	generated_play(&generated, "realloc-growth", sets, 1);
	assert_int_equal(generated.census.events, 50000);
	assert_true(growth.only_grows);
	assert_int_equal(growth.largest, 64 << 10);
	assert_in_range(generated.census.live_peak_objects, 15, 20);
	assert_true(generated.census.kinds[EVENT_REALLOC] > generated.census.kinds[EVENT_MALLOC] * 5);
	generated_drop(&generated);
}

static void uniform_is_steady(void **state)
{
	static const char *const sets[] = {
	    "events=100000",	  "objects=1000",  "threads=4",	    "cross_percent=25",
	    "realloc_percent=10", "min_bytes=100", "max_bytes=100", NULL};
	struct generated generated = {0};

	(void)state;
	generated_play(&generated, "uniform", sets, 1);
	assert_int_equal(generated.census.events, 100000);
	assert_int_equal(generated.census.live_peak_objects, 1000);
	assert_in_range(generated.census.live_objects, 999, 1000);
	assert_in_range(generated.census.cross_thread_frees * 100 / generated.census.kinds[EVENT_FREE], 23,
			27);
	assert_in_range(generated.census.kinds[EVENT_REALLOC] * 100 /
			    (generated.census.kinds[EVENT_REALLOC] + generated.census.kinds[EVENT_FREE]),
			9, 11);
	generated_drop(&generated);
}

static void phases_leave_survivors(void **state)
{
	static const char *const sets[] = {"heap_mib=8", "phases=4", "first_bytes=64", "survivor_percent=5",
					   NULL};
	struct generated generated = {0};

	(void)state;
	generated_play(&generated, "phases", sets, 1);
	assert_int_equal(generated.census.kinds[EVENT_MARKER], 4);
	assert_in_range(generated.census.live_peak_bytes, (8 << 20) - 1024, 8 << 20);
	/* 5 % of each phase, which fills what the survivors before it left. */
	assert_in_range(generated.census.live_bytes * 100 / (8 << 20), 16, 20);
	generated_drop(&generated);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(golden_traces),
	    cmocka_unit_test(a_seed_decides),
	    cmocka_unit_test(larson_hands_blocks_over),
	    cmocka_unit_test(page_fragmenter_a_churns_half_of_the_memory),
	    cmocka_unit_test(page_fragmenter_b_asks_for_both_orders),
	    cmocka_unit_test(fragmenter_a_keeps_its_share),
	    cmocka_unit_test(fragmenter_b_gives_both_sizes_the_same_bytes),
	    cmocka_unit_test(binary_tree_is_exact),
	    cmocka_unit_test(queue_is_bounded_and_drained),
	    cmocka_unit_test(realloc_growth_only_grows),
	    cmocka_unit_test(uniform_is_steady),
	    cmocka_unit_test(phases_leave_survivors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
