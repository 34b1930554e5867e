#include "config.h"

#include "engine/phys/gfp.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/death.h"

#include <cmocka.h>

/* The mistakes that were reported, the last one in full. */
struct reports {
	unsigned count;
	struct page_misuse last;
};

static void report(void *receiver, const struct page_misuse *misuse)
{
	struct reports *reports = receiver;

	reports->count++;
	reports->last = *misuse;
}

static void make(struct memory *memory, struct reports *reports)
{
	struct memory_shape shape = {
	    .size = {.pages = 16384}, .max_order = BUDDY_KERNEL_ORDER, .cpus = 2, .remembers_owners = true};

	assert_int_equal(memory_create(memory, &shape), STATUS_OK);
	*reports = (struct reports){.count = 0};
	memory->misuse = (struct page_misuse_handler){report, reports};
}

/* Nothing is allocated any more, and nothing is wrong. */
static void drop(struct memory *memory)
{
	uint64_t missing = 0;

	assert_null(memory_check(memory));
	for (unsigned i = 0; i < memory->zones; i++)
		missing += memory->zone[i].managed_pages - zone_free_pages(&memory->zone[i]);
	assert_int_equal(missing, 0);
	memory_destroy(memory);
}

#define KERNEL(on) ((struct gfp){.flags = GFP_KERNEL, .cpu = (on), .caller = "test"})

static void expect(struct reports *reports, enum page_mistake mistake)
{
	assert_int_equal(reports->count, 1);
	assert_int_equal(reports->last.mistake, mistake);
	reports->count = 0;
}

/* Every function that takes a block back names what is wrong with it, and changes nothing. */
static void test_misuse_of_blocks(void **state)
{
	struct reports reports;
	struct memory memory;
	struct gfp gfp = KERNEL(0);

	(void)state;
	make(&memory, &reports);
	struct page *page = alloc_pages(&memory, &gfp, 2);
	uintptr_t address = page_address(&memory, pfn_of_page(&memory.pages, page));

	free_pages_of(&memory, 0, page, 1);
	expect(&reports, MISTAKE_ORDER);
	assert_int_equal(reports.last.block_order, 2);
	assert_string_equal(reports.last.owner.caller, "test");
	free_page_of(&memory, 0, page);
	expect(&reports, MISTAKE_ORDER);
	free_pages(&memory, 0, address, 3);
	expect(&reports, MISTAKE_ORDER);
	free_page(&memory, 0, address + PAGE_BYTES);
	expect(&reports, MISTAKE_INSIDE);
	free_pages(&memory, 0, address + 8, 2);
	expect(&reports, MISTAKE_MISALIGNED);
	free_pages(&memory, 0, 4096, 2);
	expect(&reports, MISTAKE_FOREIGN);
	free_pages_of(&memory, 0, (struct page *)&memory, 2);
	expect(&reports, MISTAKE_FOREIGN);
	free_pages_exact(&memory, 0, address, PAGE_BYTES);
	expect(&reports, MISTAKE_ORDER);
	split_page(&memory, page, 3);
	expect(&reports, MISTAKE_ORDER);
	page->mapcount = 1;
	free_pages_of(&memory, 0, page, 2);
	expect(&reports, MISTAKE_MAPPED);
	page->mapcount = 0;
	free_pages_of(&memory, 0, page_of_pfn(&memory.pages, 3), 0);
	expect(&reports, MISTAKE_RESERVED);
	free_pages_of(&memory, 0, page, 2);
	free_pages_of(&memory, 0, page, 2);
	expect(&reports, MISTAKE_DOUBLE_FREE);
	assert_string_equal(reports.last.owner.caller, "test");
	free_pages(&memory, 0, address, 2);
	expect(&reports, MISTAKE_DOUBLE_FREE);
	drop(&memory);
}

static void test_misuse_of_references(void **state)
{
	struct reports reports;
	struct memory memory;
	struct gfp gfp = {.flags = GFP_KERNEL | GFP_COMP, .cpu = 0};

	(void)state;
	make(&memory, &reports);
	struct page *page = alloc_pages(&memory, &gfp, 2);

	split_page(&memory, page, 2);
	expect(&reports, MISTAKE_COMPOUND);
	put_page(&memory, 0, page);
	put_page(&memory, 0, page);
	expect(&reports, MISTAKE_DOUBLE_FREE);
	get_page(&memory, page);
	expect(&reports, MISTAKE_DOUBLE_FREE);
	drop(&memory);
}

static void test_misuse_of_flags(void **state)
{
	struct reports reports;
	struct memory memory;
	struct gfp two_zones = {.flags = GFP_KERNEL | GFP_DMA | GFP_DMA32, .cpu = 0};
	struct gfp two_types = {.flags = GFP_KERNEL | GFP_MOVABLE | GFP_RECLAIMABLE, .cpu = 0};
	struct gfp high = {.flags = GFP_HIGHUSER, .cpu = 0};
	struct page *page[2] = {NULL, NULL};

	(void)state;
	make(&memory, &reports);
	assert_null(alloc_pages(&memory, &two_zones, 0));
	expect(&reports, MISTAKE_FLAGS);
	assert_null(alloc_page(&memory, &two_types));
	expect(&reports, MISTAKE_FLAGS);
	assert_int_equal(alloc_pages_bulk(&memory, &two_types, 2, page), 0);
	expect(&reports, MISTAKE_FLAGS);
	assert_int_equal(alloc_pages_exact(&memory, &two_types, 1), 0);
	expect(&reports, MISTAKE_FLAGS);
	assert_int_equal(get_free_pages(&memory, &high, 1), 0);
	expect(&reports, MISTAKE_NO_ADDRESS);
	assert_int_equal(get_free_page(&memory, &high), 0);
	expect(&reports, MISTAKE_NO_ADDRESS);
	assert_int_equal(get_zeroed_page(&memory, &high), 0);
	expect(&reports, MISTAKE_NO_ADDRESS);
	drop(&memory);
}

struct mistake {
	struct memory *memory;
	struct page *page;
	unsigned order;
};

static void commit(void *argument)
{
	struct mistake *mistake = argument;

	free_pages_of(mistake->memory, 0, mistake->page, mistake->order);
}

/* Without a handler the program dies, in words that name the mistake and, where it is remembered, the owner. */
static void test_mistakes_die(void **state)
{
	struct reports reports;
	struct memory memory;
	struct gfp gfp = KERNEL(0);

	(void)state;
	make(&memory, &reports);
	memory.misuse.report = NULL;
	struct page *page = alloc_pages(&memory, &gfp, 0);
	struct mistake order = {&memory, page, 1};
	struct mistake reserved = {&memory, page_of_pfn(&memory.pages, 0), 0};
	struct mistake twice = {&memory, page, 0};

	assert_dies(commit, &order, "wrong order");
	assert_dies(commit, &order, "last allocated by test, order 0, GFP_KERNEL");
	assert_dies(commit, &reserved, "reserved at boot");
	page->mapcount = 1;
	assert_dies(commit, &twice, "still mapped");
	page->mapcount = 0;
	free_pages_of(&memory, 0, page, 0);
	assert_dies(commit, &twice, "double free");
	drop(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_misuse_of_blocks),
	    cmocka_unit_test(test_misuse_of_references),
	    cmocka_unit_test(test_misuse_of_flags),
	    cmocka_unit_test(test_mistakes_die),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
