#include "config.h"

#include "engine/phys/highmem.h"

#include "engine/phys/gfp.h"
#include "tests/unit/death.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PAGES ((uint64_t)3 << 17) /* 1.5 GiB */

static const struct gfp low = {.flags = GFP_KERNEL, .cpu = 0};
static const struct gfp high = {.flags = GFP_HIGHUSER, .cpu = 0};

static void make(struct memory *memory, enum memory_layout_name layout, enum arena_backing backing)
{
	const struct memory_shape shape = {
	    .size = {.layout = layout, .pages = PAGES}, .backing = backing, .max_order = 10, .cpus = 2};

	assert_int_equal(memory_create(memory, &shape), STATUS_OK);
}

/* Only of i386, and only what lies above 896 MiB, has no address of its own. */
static void test_who_has_windows(void **state)
{
	struct memory memory;

	(void)state;
	make(&memory, MEMORY_I386, ARENA_NONE);
	assert_int_equal(memory.kmap.first, 229376);
	assert_int_equal(memory.kmap.frames, PAGES - 229376);
	struct page *page = alloc_page(&memory, &high), *below = alloc_page(&memory, &low);

	assert_true(page_is_highmem(&memory, page));
	assert_false(page_is_highmem(&memory, below));
	assert_null(memory_check(&memory));
	memory_destroy(&memory);
	make(&memory, MEMORY_X86_64, ARENA_NONE);
	page = alloc_page(&memory, &high);
	assert_false(page_is_highmem(&memory, page));
	assert_int_equal(kmap(&memory, page), page_address(&memory, pfn_of_page(&memory.pages, page)));
	kunmap(&memory, page);
	assert_int_equal(kmap_local_opens(&memory.kmap), 0);
	memory_destroy(&memory);
}

/* page_address() of such a page is its window, as long as it has one. */
static void test_address_of_a_page(void **state)
{
	struct memory memory;

	(void)state;
	make(&memory, MEMORY_I386, ARENA_NONE);
	struct page *page = alloc_page(&memory, &high), *below = alloc_page(&memory, &low);
	pfn_t pfn = pfn_of_page(&memory.pages, page);

	assert_int_equal(page_address(&memory, pfn), 0);
	uintptr_t address = kmap(&memory, page);

	assert_true(address >= KMAP_START);
	assert_int_equal(page_address(&memory, pfn), address);
	assert_ptr_equal(kmap_to_page(&memory, address + 100), page);
	assert_null(virt_to_page(&memory, address));
	assert_int_equal(kmap(&memory, page), address);
	kunmap(&memory, page);
	kunmap(&memory, page);
	assert_null(kmap_to_page(&memory, address));
	uintptr_t mapped = kmap(&memory, below);

	assert_int_equal(mapped, page_address(&memory, pfn_of_page(&memory.pages, below)));
	assert_ptr_equal(kmap_to_page(&memory, mapped), below);
	kunmap(&memory, below);
	assert_int_equal(memory.kmap.opens, 2);
	assert_null(memory_check(&memory));
	memory_destroy(&memory);
}

static void test_windows_of_a_cpu(void **state)
{
	struct memory memory;

	(void)state;
	make(&memory, MEMORY_I386, ARENA_NONE);
	struct page *page = alloc_page(&memory, &high), *below = alloc_page(&memory, &low);
	uintptr_t first = kmap_local_page(&memory, 1, page), second = kmap_local_page(&memory, 1, below);
	uintptr_t third = kmap_local_page(&memory, 1, page);

	assert_true(first < KMAP_START && third == first - PAGE_BYTES);
	assert_ptr_equal(kmap_to_page(&memory, third), page);
	kunmap_local(&memory, 1, third);
	kunmap_local(&memory, 1, second);
	kunmap_local(&memory, 1, first + 12);
	assert_int_equal(kmap_local_opens(&memory.kmap), 2);
	assert_int_equal(memory.kmap.local[2].depth, 0);
	memory_destroy(&memory);
}

/* The allocator clears what it hands out through a window of the CPU; every page of a block has one. */
static void test_zeroed_pages_are_cleared_through_windows(void **state)
{
	const struct gfp zeroed = {.flags = GFP_HIGHUSER | GFP_ZERO, .cpu = 1};
	struct memory memory;

	(void)state;
	make(&memory, MEMORY_I386, ARENA_NONE);
	struct page *block = alloc_pages(&memory, &zeroed, 3);

	assert_true(page_is_highmem(&memory, block));
	assert_int_equal(kmap_local_opens(&memory.kmap), 8);
	assert_int_equal(memory.kmap.local[2].opens, 8);
	assert_int_equal(memory.kmap.local[2].deepest, 1);
	assert_int_equal(memory.kmap.opens, 0);
	free_pages_of(&memory, 1, block, 3);
	memory_destroy(&memory);
}

/* Where memory is, it is copied and cleared; a page above it has none. */
static void test_contents_where_there_are_some(void **state)
{
	struct memory memory;

	(void)state;
	make(&memory, MEMORY_I386, ARENA_REAL);
	struct page *from = alloc_page(&memory, &low), *to = alloc_page(&memory, &low);
	const struct page *above = alloc_page(&memory, &high);
	unsigned char *source = (unsigned char *)kmap(&memory, from);
	unsigned char *target = (unsigned char *)kmap(&memory, to);

	memset(source, 0x5c, PAGE_BYTES);
	copy_highpage(&memory, 0, to, from);
	assert_memory_equal(target, source, PAGE_BYTES);
	copy_highpage(&memory, 0, above, from);
	copy_highpage(&memory, 0, to, above);
	assert_int_equal(target[7], 0x5c);
	clear_highpage(&memory, 0, above);
	clear_highpage(&memory, 0, to);
	assert_int_equal(target[0] | target[PAGE_BYTES - 1], 0);
	assert_int_equal(kmap_local_opens(&memory.kmap), 3);
	memory_destroy(&memory);
}

static void close_what_is_not_open(void *context)
{
	struct memory *memory = context;

	kunmap(memory, alloc_page(memory, &high));
}

static void close_locally_what_is_not_open(void *context)
{
	kunmap_local(context, 0, KMAP_START - PAGE_BYTES);
}

static void clear_without_a_window(void *context)
{
	struct memory *memory = context;
	const struct page *page = alloc_page(memory, &high);

	for (unsigned i = 0; i < KMAP_LOCAL_WINDOWS; i++)
		(void)kmap_local_page(memory, 0, page);
	clear_highpage(memory, 0, page);
}

static void test_mistakes_die(void **state)
{
	struct memory memory;

	(void)state;
	make(&memory, MEMORY_I386, ARENA_NONE);
	assert_dies(close_what_is_not_open, &memory, "a frame's window is closed as often as it was opened");
	assert_dies(close_locally_what_is_not_open, &memory,
		    "a CPU closes first the window that it opened last");
	assert_dies(clear_without_a_window, &memory, "a CPU that clears a page has a window for it");
	memory_destroy(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_who_has_windows),
	    cmocka_unit_test(test_address_of_a_page),
	    cmocka_unit_test(test_windows_of_a_cpu),
	    cmocka_unit_test(test_zeroed_pages_are_cleared_through_windows),
	    cmocka_unit_test(test_contents_where_there_are_some),
	    cmocka_unit_test(test_mistakes_die),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
