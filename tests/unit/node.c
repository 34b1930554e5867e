#include "config.h"

#include "engine/base/random.h"
#include "engine/phys/gfp.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*  four nodes of 128 MiB in a row; CPU c is near to node c; neighbours are at 15, others at 30
 *
 *     0 --15-- 1 --15-- 2 --15-- 3
 *
 *  node 0: DMA, DMA32, Movable; the others: DMA32, Movable */
static void describe(struct memory_description *description)
{
	struct memory_size size = {.pages = (uint64_t)4 * 32768, .nodes = 4, .movable_pages = 4096};

	assert_int_equal(memory_describe(description, &size), STATUS_OK);
	for (int from = 0; from < 4; from++) {
		for (int to = 0; to < 4; to++)
			description->distance[from][to] = from == to ? 10 : abs(from - to) == 1 ? 15 : 30;
	}
}

static void make(struct memory *memory)
{
	struct memory_description description;
	struct memory_shape shape = {.description = &description, .max_order = 10, .cpus = 4};

	describe(&description);
	assert_int_equal(memory_create(memory, &shape), STATUS_OK);
	assert_null(memory_check(memory));
}

static unsigned node_of(const struct memory *memory, const struct page *page)
{
	assert_non_null(page);
	return memory->zone[page->zone].node;
}

/* The nodes of a fallback order, one after the other. */
static void list_nodes(const struct memory *memory, unsigned of, unsigned *nodes)
{
	unsigned count = 0;

	for (unsigned i = 0; i < memory->node[of].fallbacks; i++) {
		unsigned node = memory->zone[memory->node[of].fallback[i]].node;

		if (count == 0 || nodes[count - 1] != node)
			nodes[count++] = node;
	}
	assert_int_equal(count, memory->nodes);
}

static void test_fallback_orders(void **state)
{
	static const unsigned expected[4][4] = {{0, 1, 2, 3}, {1, 2, 0, 3}, {2, 3, 1, 0}, {3, 2, 1, 0}};
	struct memory memory;
	unsigned nodes[MEMORY_ZONES];

	(void)state;
	make(&memory);
	for (unsigned of = 0; of < 4; of++) {
		list_nodes(&memory, of, nodes);
		for (unsigned i = 0; i < 2; i++)
			assert_int_equal(nodes[i], expected[of][i]);
		assert_int_equal(memory.zone[memory.node[of].fallback[0]].kind, ZONE_MOVABLE);
	}
	assert_int_equal(memory.node[0].zones, 3);
	assert_int_equal(memory.node[1].zones, 2);
	memory_destroy(&memory);
}

/* A node's own memory first, then its neighbour's; with __GFP_THISNODE nothing else. */
static void test_local_first(void **state)
{
	struct gfp local = {.flags = GFP_KERNEL, .cpu = 3};
	struct gfp only = {.flags = GFP_KERNEL | GFP_THISNODE, .cpu = 3};
	unsigned nodes[MEMORY_ZONES];
	struct memory memory;
	struct page *page;
	unsigned place = 0;

	(void)state;
	make(&memory);
	list_nodes(&memory, 3, nodes);
	while ((page = alloc_pages(&memory, &only, 0)))
		assert_int_equal(node_of(&memory, page), 3);
	/* Until all zones are down to their low watermarks: then it begins again. */
	memory.shortage.slow = 0;
	while ((page = alloc_pages(&memory, &local, 0)) && memory.shortage.slow == 0) {
		while (place < 4 && nodes[place] != node_of(&memory, page))
			place++;
		assert_true(place < 4);
	}
	assert_int_equal(place, 3);
	assert_null(memory_check(&memory));
	memory_destroy(&memory);
}

static void test_policies(void **state)
{
	struct mempolicy interleave = {.mode = MEMPOLICY_INTERLEAVE, .nodes = 0xb};
	struct mempolicy bind = {.mode = MEMPOLICY_BIND, .nodes = 0x6};
	struct mempolicy preferred = {.mode = MEMPOLICY_PREFERRED, .nodes = 0xc};
	struct mempolicy local = {.mode = MEMPOLICY_LOCAL};
	struct gfp gfp = {.flags = GFP_HIGHUSER, .cpu = 0, .policy = &interleave};
	static const unsigned turns[] = {0, 1, 3, 0, 1, 3};
	struct memory memory;
	struct page *page;

	(void)state;
	make(&memory);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(node_of(&memory, alloc_pages(&memory, &gfp, 0)), turns[i]);
	gfp.policy = &preferred;
	assert_int_equal(node_of(&memory, alloc_pages(&memory, &gfp, 0)), 2);
	gfp.policy = &local;
	assert_int_equal(node_of(&memory, alloc_pages(&memory, &gfp, 0)), 0);
	gfp.policy = &bind;
	assert_int_equal(node_of(&memory, alloc_pages(&memory, &gfp, 0)), 1);
	while ((page = alloc_pages(&memory, &gfp, 0)))
		assert_in_range(node_of(&memory, page), 1, 2);
	/* Only node 0 has what is asked for, so the policy does not hold. */
	gfp.flags = GFP_KERNEL | GFP_DMA;
	assert_int_equal(node_of(&memory, alloc_pages(&memory, &gfp, 0)), 0);
	memory_destroy(&memory);
}

/* Random requests beside the rule: the first zone of the order that would stay above its low watermark serves it. */
static void test_model_of_fallback(void **state)
{
	struct random random = {.state = 7};
	struct memory memory;
	unsigned served = 0;

	(void)state;
	make(&memory);
	for (int i = 0; i < 6000; i++) {
		struct mempolicy bind = {.mode = MEMPOLICY_BIND,
					 .nodes = 1 + (uint32_t)random_below(&random, 15)};
		struct gfp gfp = {.flags = GFP_NOWAIT | GFP_NOMEMALLOC, .cpu = -1, .policy = &bind};
		struct zone *expected = NULL;

		gfp.flags |= random_below(&random, 2) ? GFP_HIGHMEM | GFP_MOVABLE : 0;
		for (unsigned z = 0; z < memory.node[0].fallbacks && !expected; z++) {
			struct zone *zone = &memory.zone[memory.node[0].fallback[z]];
			bool suits = (zone->kind != ZONE_MOVABLE || (gfp.flags & GFP_MOVABLE)) &&
				     (bind.nodes >> zone->node & 1);
			uint64_t kept =
			    zone->lowmem_reserve[gfp.flags & GFP_MOVABLE ? ZONE_MOVABLE : ZONE_NORMAL];

			if (suits && zone->buddy.free_pages > zone->watermark[WATERMARK_LOW] + kept + 15 &&
			    zone->buddy.nonempty >> 4 != 0)
				expected = zone;
		}
		struct page *page = expected ? alloc_pages(&memory, &gfp, 4) : NULL;

		if (expected)
			assert_ptr_equal(&memory.zone[page->zone], expected);
		served += expected != NULL;
	}
	assert_true(served > 3000 && served < 6000);
	assert_null(memory_check(&memory));
	memory_destroy(&memory);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct memory memory;
	struct node *node = &memory.node[0];

	(void)state;
	make(&memory);
	uint8_t first = node->fallback[0];

	node->fallback[0] = node->fallback[1];
	assert_memory_equal(node_check(node, memory.zone, memory.zones), "I1", 2);
	node->fallback[0] = node->fallback[3];
	node->fallback[3] = first;
	assert_memory_equal(node_check(node, memory.zone, memory.zones), "I1", 2);
	node->fallback[3] = node->fallback[0];
	node->fallback[0] = node->fallback[1];
	node->fallback[1] = first;
	assert_memory_equal(node_check(node, memory.zone, memory.zones), "I2", 2);
	memory_destroy(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fallback_orders),
	    cmocka_unit_test(test_local_first),
	    cmocka_unit_test(test_policies),
	    cmocka_unit_test(test_model_of_fallback),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
