#include "config.h"

#include "engine/phys/free_lists_step.h"

#include "tests/unit/death.h"
#include "tests/unit/free_lists_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define U MIGRATE_UNMOVABLE
#define M MIGRATE_MOVABLE
#define R MIGRATE_RECLAIMABLE

/* Four pageblocks, 0 .. 2047, of which the first `used` frames are taken one by one. */
static void make_four(struct free_lists_rig *rig, unsigned used)
{
	rig_make(rig, 0, 2048);
	free_lists_add(&rig->lists, 0, 2048);
	for (unsigned i = 0; i < used; i++)
		assert_int_equal(rig_take(rig, rig_request(0, M, 0)), i);
}

/* --- Mistakes ------------------------------------------------------------------------------------------------------- */

static void free_twice(void *rig)
{
	rig_give(rig, 0, 0, 0);
	free_lists_free(&((struct free_lists_rig *)rig)->lists, 0, 0, 0);
}

static void free_askew(void *rig)
{
	free_lists_free(&((struct free_lists_rig *)rig)->lists, 1, 1, 0);
}

static void free_beyond(void *rig)
{
	free_lists_free(&((struct free_lists_rig *)rig)->lists, 2048, 0, 0);
}

static void free_too_large(void *rig)
{
	free_lists_free(&((struct free_lists_rig *)rig)->lists, 0, 11, 0);
}

static void take_what_is_used(void *rig)
{
	free_lists_take(&((struct free_lists_rig *)rig)->lists, 0, 0);
}

static void request_another_type(void *rig)
{
	(void)rig_take(rig, rig_request(0, MIGRATE_CMA, 0));
}

static void remove_what_is_used(void *argument)
{
	struct free_lists_rig *rig = argument;

	(void)free_lists_isolate(&rig->lists, 0);
	free_lists_remove(&rig->lists, 0);
}

static void mistakes_are_found(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	make_four(&rig, 2);
	assert_dies(free_twice, &rig, "double free");
	assert_dies(free_askew, &rig, "misaligned");
	assert_dies(free_beyond, &rig, "foreign pfn");
	assert_dies(free_too_large, &rig, "wrong order");
	assert_dies(take_what_is_used, &rig, "what is taken is a free block");
	assert_dies(request_another_type, &rig, "a type that falls back");
	assert_dies(remove_what_is_used, &rig, "all of a pageblock that is removed is free");
	rig_drop(&rig);
}

/* --- Corruption ----------------------------------------------------------------------------------------------------- */

static const char I1[] = "I1: list_check() of every list";
static const char I2[] =
    "I2: what is in the list of an order and type lies in the range, is aligned to its order, and has "
    "PAGE_FREE and the order in its page, whose pageblocks have the list's type";
static const char I3[] = "I3: every page with PAGE_FREE is in a list, and no two free blocks overlap";
static const char I4[] =
    "I4: blocks[type] = length of the list; bit k of nonempty[type] is set <=> the list of order k is "
    "not empty";
static const char I5[] = "I5: below order 9, a free block's buddy is not a free block of the same order";
static const char I6[] =
    "I6: free_pages = frames in lists other than Isolate, free_cma_pages and free_highatomic_pages "
    "those in these types, free_huge_pages those of free_pages in blocks of order 9 and 10; "
    "free_pages is at most managed_pages";
static const char I7[] =
    "I7: highatomic_pages = frames of pageblocks whose type is HighAtomic, isolated_blocks = "
    "pageblocks that are isolated";

static void expect(const struct free_lists_rig *rig, const char *text)
{
	const char *broken = free_lists_check(&rig->lists);

	assert_non_null(broken);
	assert_string_equal(broken, text);
}

static void broken_links_and_members_are_found(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	make_four(&rig, 1);
	struct page *one = page_of_pfn(&rig.array, 1);
	struct list *kept = one->lru.previous;

	one->lru.previous = &one->lru;
	expect(&rig, I1);
	one->lru.previous = kept;
	one->private = 1;
	expect(&rig, I2);
	one->private = 0;
	one->flags = 0;
	expect(&rig, I2);
	one->flags = PAGE_FREE;
	pageblock_set_type(&rig.pageblocks, 0, R);
	expect(&rig, I2);
	pageblock_set_type(&rig.pageblocks, 0, M);
	page_of_pfn(&rig.array, 0)->flags = PAGE_FREE;
	expect(&rig, I3);
	page_of_pfn(&rig.array, 0)->flags = 0;
	assert_null(free_lists_check(&rig.lists));
	rig_drop(&rig);
}

static void broken_sums_are_found(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	make_four(&rig, 2);
	rig.lists.order[3].blocks[M]++;
	expect(&rig, I4);
	rig.lists.order[3].blocks[M]--;
	rig.lists.nonempty[U] |= 1;
	expect(&rig, I4);
	rig.lists.nonempty[U] = 0;
	uint64_t *const sums[] = {&rig.lists.free_pages, &rig.lists.free_huge_pages,
				  &rig.lists.free_cma_pages, &rig.lists.free_highatomic_pages};

	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		++*sums[i];
		expect(&rig, I6);
		--*sums[i];
	}
	rig.lists.managed_pages = 2045;
	expect(&rig, I6);
	rig.lists.managed_pages = 2048;
	rig.lists.highatomic_pages++;
	expect(&rig, I7);
	rig.lists.highatomic_pages--;
	rig.lists.isolated_blocks++;
	expect(&rig, I7);
	rig.lists.isolated_blocks--;
	free_lists_enter(&rig.lists, (struct free_block){0, 0, M}, false);
	free_lists_enter(&rig.lists, (struct free_block){1, 0, M}, false);
	expect(&rig, I5);
	rig_drop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mistakes_are_found),
	    cmocka_unit_test(broken_links_and_members_are_found),
	    cmocka_unit_test(broken_sums_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
