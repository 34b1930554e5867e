#include "config.h"

#include "engine/phys/node.h"

#include "engine/base/check.h"
#include "engine/base/random.h"
#include "engine/phys/gfp.h"
#include "tests/unit/death.h"

#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GIB_PAGES ((uint64_t)1 << 18)

static void make(struct node *node, uint64_t pages, enum node_layout layout, enum arena_backing backing)
{
	struct node_shape shape = {
	    .pages = pages, .layout = layout, .backing = backing, .max_order = BUDDY_KERNEL_ORDER, .cpus = 2};

	assert_int_equal(node_create(node, &shape), STATUS_OK);
	assert_null(node_check(node));
}

/*  [rrr|DMA     |DMA32            |Normal      ]   of 5 GiB  */
static void test_zones_of_x86_64(void **state)
{
	struct node node;

	(void)state;
	make(&node, 5 * GIB_PAGES, NODE_X86_64, ARENA_NONE);
	assert_int_equal(node.zones, 3);
	assert_string_equal(node.zone[2].name, "Normal");
	assert_int_equal(node.zone[0].boot_pages, 4096 - 256);
	assert_int_equal(node.zone[1].boot_pages, 4 * GIB_PAGES - 4096);
	assert_int_equal(node.zone[2].boot_pages, GIB_PAGES);
	assert_ptr_equal(node_zone_of(&node, 4 * GIB_PAGES), &node.zone[2]);
	assert_null(node_zone_of(&node, 5 * GIB_PAGES));
	assert_int_equal(page_of_pfn(&node.pages, 255)->flags, PAGE_RESERVED);
	assert_int_equal(page_of_pfn(&node.pages, 256)->flags, 0);
	for (unsigned i = 0; i < node.zones; i++) {
		assert_true(node.zone[i].watermark[WATERMARK_MIN] > 0);
		assert_true(node.zone[i].watermark[WATERMARK_LOW] > node.zone[i].watermark[WATERMARK_MIN]);
	}
	node_destroy(&node);
}

/* [3 GiB, 3 GiB + 896 MiB) <-> [0, 896 MiB); above there are frames without an address. */
static void test_direct_map_of_i386(void **state)
{
	pfn_t mapped = NODE_I386_MAPPED_BYTES >> PAGE_SHIFT;
	struct gfp high = {GFP_HIGHMEM, -1};
	struct gfp low = {GFP_KERNEL, -1};
	struct node node;

	(void)state;
	make(&node, GIB_PAGES, NODE_I386, ARENA_NONE);
	assert_int_equal(page_address(&node, 0), (uintptr_t)3 << 30);
	assert_int_equal(page_address(&node, mapped - 1),
			 NODE_I386_BASE + NODE_I386_MAPPED_BYTES - PAGE_BYTES);
	assert_int_equal(page_address(&node, mapped), 0);
	assert_ptr_equal(virt_to_page(&node, NODE_I386_BASE + 5 * PAGE_BYTES + 7),
			 page_of_pfn(&node.pages, 5));
	assert_null(virt_to_page(&node, NODE_I386_BASE - 1));
	assert_null(virt_to_page(&node, NODE_I386_BASE + NODE_I386_MAPPED_BYTES));
	struct page *page = alloc_pages(&node, &high, 0);

	assert_true(pfn_of_page(&node.pages, page) >= mapped);
	free_pages_of(&node, -1, page, 0);
	page = alloc_pages(&node, &low, 0);
	assert_true(pfn_of_page(&node.pages, page) < mapped);
	free_pages_of(&node, -1, page, 0);
	assert_null(node_check(&node));
	node_destroy(&node);
}

/* page_address and virt_to_page are inverse, with both backings, and a zeroed page is one. */
static void test_get_free_pages(void **state)
{
	struct gfp gfp = {GFP_KERNEL | GFP_ZERO, 0};
	struct node node;

	(void)state;
	make(&node, 16384, NODE_X86_64, ARENA_REAL);
	for (unsigned order = 0; order <= 10; order++) {
		uintptr_t address = get_free_pages(&node, &gfp, order);
		struct page *page = virt_to_page(&node, address);

		assert_int_not_equal(address, 0);
		assert_int_equal(address % (PAGE_BYTES << order), 0);
		assert_int_equal(page_address(&node, pfn_of_page(&node.pages, page)), address);
		assert_int_equal(page->count, 1);
		assert_int_equal(page->private, order);
		assert_ptr_equal(page_head(&node, pfn_of_page(&node.pages, page) + ((1u << order) - 1)),
				 page);
		for (size_t byte = 0; byte < PAGE_BYTES << order; byte += 512)
			assert_int_equal(((unsigned char *)address)[byte], 0);
		memset((void *)address, 0xff, PAGE_BYTES << order);
		free_pages(&node, 0, address, order);
		assert_null(page_head(&node, pfn_of_page(&node.pages, page)));
	}
	assert_int_equal(get_free_pages(&node, &gfp, 11), 0);
	assert_null(node_check(&node));
	node_destroy(&node);
}

/* The zones are used up from the best one down, each to its watermark; GFP_HIGH digs deeper. */
static void test_fallback_and_watermarks(void **state)
{
	struct gfp dma = {GFP_DMA, -1};
	struct gfp any = {GFP_KERNEL, -1};
	struct gfp dig = {GFP_HIGH, -1};
	struct node node;
	uint64_t taken = 0;

	(void)state;
	make(&node, 16384, NODE_X86_64, ARENA_NONE);
	assert_int_equal(alloc_pages(&node, &dma, 0)->zone, 0);
	while (alloc_pages(&node, &any, 0))
		taken++;
	for (unsigned i = 0; i < node.zones; i++)
		assert_int_equal(node.zone[i].buddy.free_pages, node.zone[i].watermark[WATERMARK_MIN]);
	assert_int_equal(taken + 1, node.zone[0].boot_pages + node.zone[1].boot_pages -
					node.zone[0].watermark[WATERMARK_MIN] -
					node.zone[1].watermark[WATERMARK_MIN]);
	assert_true(node.zone[0].refusals > 0);
	while (alloc_pages(&node, &dig, 0))
		taken++;
	assert_int_equal(zone_free_pages(&node.zone[0]) + zone_free_pages(&node.zone[1]), 0);
	assert_null(node_check(&node));
	node_destroy(&node);
}

/* 63 frames per lock: a batch in, and a batch out when more than `high` are there. */
static void test_per_cpu_lists_save_locks(void **state)
{
	struct gfp gfp = {GFP_KERNEL, 1};
	struct page *page[1000];
	struct node node;

	(void)state;
	make(&node, 16384, NODE_X86_64, ARENA_NONE);
	struct zone *zone = &node.zone[1];
	uint64_t taken = zone->lock.taken;

	for (size_t i = 0; i < 1000; i++)
		page[i] = alloc_pages(&node, &gfp, 0);
	assert_int_equal(zone->lock.taken - taken, (1000 + PCP_BATCH - 1) / PCP_BATCH);
	assert_null(node_check(&node));
	for (size_t i = 0; i < 1000; i++)
		free_pages_of(&node, 1, page[i], 0);
	assert_in_range(zone->pcp[1].count, PCP_HIGH - PCP_BATCH, PCP_HIGH);
	assert_null(node_check(&node));
	zone_drain(zone, 1);
	assert_int_equal(zone->pcp[1].count, 0);
	assert_int_equal(zone->buddy.free_pages, zone->boot_pages);
	assert_null(node_check(&node));
	node_destroy(&node);
}

static void test_shapes_out_of_bounds(void **state)
{
	static const uint64_t bad[] = {0, 1024, 16383, 16385, (uint64_t)1 << 32};
	struct node node;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct node_shape shape = {.pages = bad[i], .max_order = 10};

		assert_int_equal(node_create(&node, &shape), STATUS_BAD_ARGUMENT);
	}
	struct node_shape shape = {.pages = 16384, .max_order = 8};

	assert_int_equal(node_create(&node, &shape), STATUS_BAD_ARGUMENT);
}

struct mistake {
	struct node *node;
	struct page *page;
	unsigned order;
};

static void commit(void *argument)
{
	struct mistake *mistake = argument;

	free_pages_of(mistake->node, 0, mistake->page, mistake->order);
}

static void test_mistakes_die(void **state)
{
	struct gfp gfp = {GFP_KERNEL, 0};
	struct node node;

	(void)state;
	make(&node, 16384, NODE_X86_64, ARENA_NONE);
	struct page *page = alloc_pages(&node, &gfp, 0);
	struct mistake order = {&node, page, 1};
	struct mistake reserved = {&node, page_of_pfn(&node.pages, 0), 0};
	struct mistake twice = {&node, page, 0};

	assert_dies(commit, &order, "wrong order");
	assert_dies(commit, &reserved, "first of an allocated block");
	page->mapcount = 1;
	assert_dies(commit, &twice, "is not mapped");
	page->mapcount = 0;
	free_pages_of(&node, 0, page, 0);
	assert_dies(commit, &twice, "double free");
	node_destroy(&node);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct node node;

	(void)state;
	make(&node, 16384, NODE_X86_64, ARENA_NONE);
	node.zone[1].watermark[WATERMARK_MIN] = UINT64_MAX;
	assert_memory_equal(node_check(&node), "I1", 2);
	assert_memory_equal(zone_check(&node.zone[1]), "I2", 2);
	node.zone[1].watermark[WATERMARK_MIN] = 0;
	node.zone[1].pcp[0].frame[0] = 5000;
	node.zone[1].pcp[0].count = 1;
	assert_memory_equal(zone_check(&node.zone[1]), "I3", 2);
	node.zone[1].pcp[0].count = 0;
	node.zone[1].boot_pages++;
	assert_memory_equal(zone_check(&node.zone[1]), "I4", 2);
	node.zone[1].boot_pages--;
	node.zone[1].buddy.free_pages++;
	assert_memory_equal(zone_check(&node.zone[1]), "I1", 2);
	node.zone[1].buddy.free_pages--;
	node.pages.pages++;
	assert_memory_equal(node_check(&node), "I2", 2);
	node.pages.pages--;
	node.memblock.reserved.range[0].end++;
	assert_memory_equal(node_check(&node), "I3", 2);
	node.memblock.reserved.range[0].end--;
	assert_null(node_check(&node));
	node.zone[0].pcp[0].count = PCP_HIGH + 2;
	assert_memory_equal(pcp_check(&node.zone[0].pcp[0]), "I1", 2);
	node.zone[0].pcp[0].count = 2;
	node.zone[0].pcp[0].frame[0] = node.zone[0].pcp[0].frame[1] = 7;
	assert_memory_equal(pcp_check(&node.zone[0].pcp[0]), "I2", 2);
	node_destroy(&node);
}

/* --- Two CPUs at once; the address and thread sanitizers watch --------------------------------------------------------- */

struct worker {
	struct node *node;
	int cpu;
	uint64_t live_pages;
	struct page *page[400];
	unsigned order[400];
};

/* Random orders; every page a worker holds carries its number, which nobody else may change. */
static void *work(void *argument)
{
	struct worker *worker = argument;
	struct random random = {.state = (uint64_t)worker->cpu + 1};
	struct gfp gfp = {GFP_KERNEL, worker->cpu};

	for (int i = 0; i < 40000; i++) {
		size_t slot = random_below(&random, 400);
		struct page *page = worker->page[slot];

		if (page) {
			CHECK(page->index == (uint64_t)worker->cpu, "a page is its owner's alone");
			worker->live_pages -= (uint64_t)1 << worker->order[slot];
			free_pages_of(worker->node, worker->cpu, page, worker->order[slot]);
			worker->page[slot] = NULL;
			continue;
		}
		worker->order[slot] = random_order(&random, 4);
		page = alloc_pages(worker->node, &gfp, worker->order[slot]);
		worker->page[slot] = page;
		if (page) {
			page->index = (uint64_t)worker->cpu;
			worker->live_pages += (uint64_t)1 << worker->order[slot];
		}
	}
	return NULL;
}

static void test_two_cpus_at_once(void **state)
{
	static struct worker workers[2];
	pthread_t threads[2];
	struct node node;
	uint64_t used = 0;

	(void)state;
	make(&node, 16384, NODE_X86_64, ARENA_NONE);
	for (int i = 0; i < 2; i++) {
		workers[i] = (struct worker){.node = &node, .cpu = i};
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		used += workers[i].live_pages;
	}
	assert_null(node_check(&node));
	for (unsigned i = 0; i < node.zones; i++)
		used += zone_free_pages(&node.zone[i]) - node.zone[i].boot_pages;
	assert_int_equal(used, 0);
	assert_true(node.zone[1].lock.taken > 0);
	node_destroy(&node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_zones_of_x86_64),
	    cmocka_unit_test(test_direct_map_of_i386),
	    cmocka_unit_test(test_get_free_pages),
	    cmocka_unit_test(test_fallback_and_watermarks),
	    cmocka_unit_test(test_per_cpu_lists_save_locks),
	    cmocka_unit_test(test_shapes_out_of_bounds),
	    cmocka_unit_test(test_mistakes_die),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	    cmocka_unit_test(test_two_cpus_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
