#include "config.h"

#include "engine/phys/gfp.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GIB_PAGES ((uint64_t)1 << 18)

static void make(struct memory *memory, enum memory_layout_name layout, uint64_t pages, unsigned cpus)
{
	struct memory_shape shape = {
	    .size = {.layout = layout, .pages = pages}, .max_order = BUDDY_KERNEL_ORDER, .cpus = cpus};

	assert_int_equal(memory_create(memory, &shape), STATUS_OK);
	assert_null(memory_check(memory));
}

/*  [rrr|DMA     |DMA32            |Normal      ]   of 5 GiB  */
static void test_zones_of_x86_64(void **state)
{
	struct memory memory;

	(void)state;
	make(&memory, MEMORY_X86_64, 5 * GIB_PAGES, 2);
	assert_int_equal(memory.zones, 3);
	assert_string_equal(memory.zone[2].name, "Normal");
	assert_int_equal(memory.zone[0].managed_pages, 4096 - 256);
	assert_int_equal(memory.zone[0].present_pages, 4096);
	assert_int_equal(memory.zone[1].managed_pages, 4 * GIB_PAGES - 4096);
	assert_int_equal(memory.zone[2].managed_pages, GIB_PAGES);
	assert_ptr_equal(memory_zone_of(&memory, 4 * GIB_PAGES), &memory.zone[2]);
	assert_null(memory_zone_of(&memory, 5 * GIB_PAGES));
	assert_int_equal(page_of_pfn(&memory.pages, 255)->flags, PAGE_RESERVED);
	assert_int_equal(page_of_pfn(&memory.pages, 256)->flags, 0);
	memory_destroy(&memory);
}

/* [3 GiB, 3 GiB + 896 MiB) <-> [0, 896 MiB); above there are frames without an address. */
static void test_direct_map_of_i386(void **state)
{
	pfn_t mapped = MEMORY_I386_MAPPED_BYTES >> PAGE_SHIFT;
	struct gfp high = {.flags = GFP_HIGHUSER, .cpu = -1};
	struct gfp low = {.flags = GFP_KERNEL, .cpu = -1};
	struct memory memory;

	(void)state;
	make(&memory, MEMORY_I386, GIB_PAGES, 0);
	assert_string_equal(memory.zone[2].name, "HighMem");
	assert_int_equal(page_address(&memory, 0), (uintptr_t)3 << 30);
	assert_int_equal(page_address(&memory, mapped - 1),
			 MEMORY_I386_BASE + MEMORY_I386_MAPPED_BYTES - PAGE_BYTES);
	assert_int_equal(page_address(&memory, mapped), 0);
	assert_ptr_equal(virt_to_page(&memory, MEMORY_I386_BASE + 5 * PAGE_BYTES + 7),
			 page_of_pfn(&memory.pages, 5));
	assert_null(virt_to_page(&memory, MEMORY_I386_BASE - 1));
	assert_null(virt_to_page(&memory, MEMORY_I386_BASE + MEMORY_I386_MAPPED_BYTES));
	struct page *page = alloc_pages(&memory, &high, 0);

	assert_true(pfn_of_page(&memory.pages, page) >= mapped);
	free_pages_of(&memory, -1, page, 0);
	page = alloc_pages(&memory, &low, 0);
	assert_true(pfn_of_page(&memory.pages, page) < mapped);
	free_pages_of(&memory, -1, page, 0);
	assert_null(memory_check(&memory));
	memory_destroy(&memory);
}

/*  node 0 [DMA|DMA32.......|Movable]  node 1 [DMA32.......|Movable]   of 256 MiB */
static void test_nodes_with_movable_zones(void **state)
{
	struct memory_shape shape = {
	    .size = {.pages = 65536, .nodes = 2, .movable_pages = 8192}, .max_order = 10, .cpus = 4};
	struct memory memory;

	(void)state;
	assert_int_equal(memory_create(&memory, &shape), STATUS_OK);
	assert_null(memory_check(&memory));
	assert_int_equal(memory.zones, 5);
	assert_int_equal(memory.zone[2].kind, ZONE_MOVABLE);
	assert_int_equal(memory.zone[2].first, 32768 - 8192);
	assert_int_equal(memory.zone[3].node, 1);
	assert_int_equal(memory.zone[3].first, 32768);
	assert_int_equal(memory_node_of_cpu(&memory, 1), 0);
	assert_int_equal(memory_node_of_cpu(&memory, 2), 1);
	assert_int_equal(memory.zone[4].local_cpus, 2);
	memory_destroy(&memory);
}

/* A hole, ranges that boot keeps, and a zone that has fewer frames than are free: those at its end come later. */
static void describe_late(struct memory_description *description)
{
	*description = (struct memory_description){
	    .nodes = 1,
	    .zones = 2,
	    .zone = {{ZONE_DMA, 0, 1, 4095, MEMORY_MANAGED_ALL}, {ZONE_DMA32, 0, 4096, 61440, 20000}},
	    .present = {3, {{1, 159}, {256, 20000}, {30000, 50000}}},
	    .reserved = {2, {{0, 256}, {5000, 6000}}},
	};
	description->distance[0][0] = MEMORY_LOCAL_DISTANCE;
}

static void test_memory_that_is_initialised_late(void **state)
{
	struct memory_description description;
	struct memory_shape shape = {.description = &description, .max_order = 10, .cpus = 1};
	struct memory memory;

	(void)state;
	describe_late(&description);
	assert_int_equal(memory_create(&memory, &shape), STATUS_OK);
	assert_null(memory_check(&memory));
	struct zone *zone = &memory.zone[1];

	assert_int_equal(memory.zone[0].present_pages, 158 + 4096 - 256);
	assert_int_equal(memory.zone[0].managed_pages, 4096 - 256);
	assert_int_equal(zone->present_pages, 20000 - 4096 + 20000);
	assert_int_equal(zone->managed_pages, 20000);
	assert_int_equal(zone->buddy.free_pages, 20000);
	uint64_t low = zone->watermark[WATERMARK_LOW];

	assert_int_equal(memory_grow_zone(&memory, zone, 10000), 10000);
	assert_int_equal(zone->managed_pages, 30000);
	assert_true(zone->watermark[WATERMARK_LOW] > low);
	assert_null(memory_check(&memory));
	assert_int_equal(memory_grow_zone(&memory, zone, 10000), 34904 - 30000);
	assert_int_equal(memory_grow_zone(&memory, zone, 1), 0);
	assert_null(memory_check(&memory));
	memory_destroy(&memory);
}

static void test_shapes_out_of_bounds(void **state)
{
	static const uint64_t bad[] = {0, 1024, 16383, 16385, (uint64_t)1 << 32};
	struct memory_description description;
	struct memory memory;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct memory_shape shape = {.size = {.pages = bad[i]}, .max_order = 10};

		assert_int_equal(memory_create(&memory, &shape), STATUS_BAD_ARGUMENT);
	}
	struct memory_shape shapes[] = {
	    {.size = {.pages = 16384}, .max_order = 8},
	    {.size = {.pages = 16384, .nodes = 9}, .max_order = 10},
	    {.size = {.pages = 16384, .movable_pages = 16384}, .max_order = 10},
	    {.size = {.pages = 16384}, .max_order = 10, .watermarks = {.scale_factor = 3001}},
	    {.description = &description, .max_order = 10},
	};

	describe_late(&description);
	description.zone[1].managed_pages = 34905;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		assert_int_equal(memory_create(&memory, &shapes[i]), STATUS_BAD_ARGUMENT);
}

static void test_description_check(void **state)
{
	struct memory_description description;

	(void)state;
	describe_late(&description);
	assert_null(memory_description_check(&description));
	description.nodes = 0;
	assert_memory_equal(memory_description_check(&description), "I1", 2);
	describe_late(&description);
	description.zone[1].first--;
	assert_memory_equal(memory_description_check(&description), "I2", 2);
	describe_late(&description);
	description.zone[1].kind = ZONE_DMA;
	assert_memory_equal(memory_description_check(&description), "I2", 2);
	describe_late(&description);
	description.present.range[2].end = 65537;
	assert_memory_equal(memory_description_check(&description), "I3", 2);
	describe_late(&description);
	description.distance[0][0] = 9;
	assert_memory_equal(memory_description_check(&description), "I4", 2);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct memory memory;

	(void)state;
	make(&memory, MEMORY_X86_64, 16384, 1);
	memory.zone[1].watermark[WATERMARK_MIN] = UINT64_MAX;
	assert_memory_equal(memory_check(&memory), "I1", 2);
	memory.zone[1].watermark[WATERMARK_MIN] = 0;
	memory.node[0].fallback[0] = 0;
	assert_memory_equal(memory_check(&memory), "I1", 2);
	memory.node[0].fallback[0] = 1;
	memory.pages.pages++;
	assert_memory_equal(memory_check(&memory), "I2", 2);
	memory.pages.pages--;
	memory.memblock.reserved.range[0].end++;
	assert_memory_equal(memory_check(&memory), "I3", 2);
	memory.memblock.reserved.range[0].end--;
	assert_null(memory_check(&memory));
	memory_destroy(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_zones_of_x86_64),
	    cmocka_unit_test(test_direct_map_of_i386),
	    cmocka_unit_test(test_nodes_with_movable_zones),
	    cmocka_unit_test(test_memory_that_is_initialised_late),
	    cmocka_unit_test(test_shapes_out_of_bounds),
	    cmocka_unit_test(test_description_check),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
