#include "config.h"

#include "engine/virt/vma.h"

#include "engine/base/random.h"
#include "tests/unit/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SPACE_PAGES 256u
#define CAPACITY 512u

/* The oracle: an owner per page. */
struct rig {
	struct vma_store store;
	struct vma_tree tree;
	struct vma *owner[SPACE_PAGES];
};

static struct vma *put(struct rig *rig, uint64_t first, uint64_t pages)
{
	struct vma *vma = vma_store_take(&rig->store);

	vma->area.start = first << PAGE_SHIFT;
	vma->area.end = (first + pages) << PAGE_SHIFT;
	vma_tree_insert(&rig->tree, vma);
	for (uint64_t i = 0; i < pages; i++)
		rig->owner[first + i] = vma;
	return vma;
}

static void take(struct rig *rig, struct vma *vma)
{
	for (uint64_t i = 0; i < SPACE_PAGES; i++)
		if (rig->owner[i] == vma)
			rig->owner[i] = NULL;
	vma_tree_remove(&rig->tree, vma);
	vma_store_give(&rig->store, vma);
}

static void resize(struct rig *rig, struct vma *vma, uint64_t number)
{
	uint64_t first = vma->area.start >> PAGE_SHIFT, end = vma->area.end >> PAGE_SHIFT;

	if (number & 1 && first > 0 && !rig->owner[first - 1])
		rig->owner[--first] = vma;
	else if (number & 2 && end < SPACE_PAGES && !rig->owner[end])
		rig->owner[end++] = vma;
	else if (end - first > 1)
		rig->owner[number & 4 ? first++ : --end] = NULL;
	vma_tree_resize(&rig->tree, vma, first << PAGE_SHIFT, end << PAGE_SHIFT);
}

/* The oracle's gap: the first or last place where `pages` free ones lie in a row, cut to [low, high). */
static uint64_t naive_gap(const struct rig *rig, uint64_t low, uint64_t high, uint64_t pages, bool highest)
{
	uint64_t found = UINT64_MAX;

	for (uint64_t at = low; at + pages <= high; at++) {
		uint64_t free = 0;

		while (free < pages && !rig->owner[at + free])
			free++;
		if (free == pages && (highest || found == UINT64_MAX))
			found = at;
	}
	return found;
}

static bool gaps_agree(const struct rig *rig, uint64_t number)
{
	uint64_t pages = 1 + number % 7, low = number / 7 % 64, high = SPACE_PAGES - number / 448 % 64;
	uint64_t down = naive_gap(rig, low, high, pages, true), up = naive_gap(rig, low, high, pages, false);
	struct vma_gap_found highest =
	    vma_tree_highest_gap(&rig->tree, low << PAGE_SHIFT, high << PAGE_SHIFT, pages << PAGE_SHIFT);
	struct vma_gap_found lowest =
	    vma_tree_lowest_gap(&rig->tree, low << PAGE_SHIFT, high << PAGE_SHIFT, pages << PAGE_SHIFT);

	if (down == UINT64_MAX)
		return highest.start == highest.end && lowest.start == lowest.end;
	return (highest.end >> PAGE_SHIFT) - pages == down && lowest.start >> PAGE_SHIFT == up;
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	struct rig rig = {0};
	const char *broken = NULL;

	(void)context;
	if (vma_store_create(&rig.store, CAPACITY) != STATUS_OK)
		return "no store";
	for (size_t i = 0; i < count && !broken; i++) {
		uint64_t number = operations[i] >> 8, page = number % SPACE_PAGES, pages = 0;
		struct vma *vma = rig.owner[page];

		while (page + pages < SPACE_PAGES && !rig.owner[page + pages] && pages < number / 256 % 6)
			pages++;
		if (!vma && pages > 0)
			(void)put(&rig, page, pages);
		else if (vma && operations[i] & 1)
			take(&rig, vma);
		else if (vma)
			resize(&rig, vma, number >> 16);
		broken = vma_tree_check(&rig.tree);
		if (!broken && !gaps_agree(&rig, number >> 20))
			broken = "a gap is not where the oracle sees it";
		struct vma *found = vma_tree_find(&rig.tree, page << PAGE_SHIFT);

		if (!broken && rig.owner[page] && found != rig.owner[page])
			broken = "a mapping is not found";
	}
	vma_store_destroy(&rig.store);
	return broken;
}

static void test_tree_against_an_array(void **state)
{
	(void)state;
	model_test(&(struct model){"VMA tree", run, NULL, 400, 40});
}

/* A hundred thousand mappings: the tree is as flat as its invariant says, and gaps are found at once. */
static void test_many(void **state)
{
	struct vma_store store;
	struct vma_tree tree = {0};

	(void)state;
	assert_int_equal(vma_store_create(&store, 100000), STATUS_OK);
	for (uint64_t i = 0; i < 100000; i++) {
		struct vma *vma = vma_store_take(&store);

		vma->area.start = (i + 1) * 2 << PAGE_SHIFT;
		vma->area.end = vma->area.start + PAGE_BYTES;
		vma_tree_insert(&tree, vma);
	}
	assert_null(vma_store_take(&store));
	assert_null(vma_tree_check(&tree));
	assert_true(tree.by_address.root->height <= 20);
	struct vma_gap_found gap = vma_tree_highest_gap(&tree, 0, tree.last->area.end, PAGE_BYTES);

	assert_int_equal(gap.end, tree.last->area.start);
	assert_ptr_equal(gap.above, tree.last);
	vma_store_destroy(&store);
}

static void test_store(void **state)
{
	struct vma_store store;

	(void)state;
	assert_int_equal(vma_store_create(&store, 0), STATUS_BAD_ARGUMENT);
	assert_int_equal(vma_store_create(&store, (uint64_t)1 << 29), STATUS_BAD_ARGUMENT);
	assert_int_equal(vma_store_create(&store, 2), STATUS_OK);
	struct vma *first = vma_store_take(&store), *second = vma_store_take(&store);

	first->anonymous = 7;
	assert_null(vma_store_take(&store));
	vma_store_give(&store, first);
	assert_ptr_equal(vma_store_take(&store), first);
	assert_int_equal(first->anonymous, 0);
	assert_true(vma_store_identity(&store) != vma_store_identity(&store));
	vma_store_give(&store, second);
	assert_int_equal(store.in_use, 1);
	vma_store_destroy(&store);
}

#define I1 "I1: start < end, both multiples of the page; each VMA ends at or below its successor's start"
#define I2 "I2: avl_tree_check() holds of the tree, with the gaps as sizes; its nodes are those of the ring"
#define I3                                                                                                   \
	"I3: previous and next are the neighbours by address; first and last are the ends; count is their "  \
	"number"

/* Each field is broken once, and its invariant is named; put right again, all hold. */
static void test_corruption(void **state)
{
	struct rig rig = {0};
	struct vma *vma[5];
	struct open_file file = {.pages = NULL};

	(void)state;
	assert_int_equal(vma_store_create(&rig.store, CAPACITY), STATUS_OK);
	for (unsigned i = 0; i < 5; i++)
		vma[i] = put(&rig, 10 * i + 10, 5);
	assert_null(vma_tree_check(&rig.tree));

	vma[1]->area.end = vma[1]->area.start;
	assert_string_equal(vma_tree_check(&rig.tree), I1);
	vma[1]->area.end = vma[2]->area.start + PAGE_BYTES;
	assert_string_equal(vma_tree_check(&rig.tree), I1);
	vma[1]->area.end = vma[1]->area.start + 5 * PAGE_BYTES + 1;
	assert_string_equal(vma_tree_check(&rig.tree), I1);
	vma[1]->area.end--;

	rig.tree.by_address.root->height++;
	assert_string_equal(vma_tree_check(&rig.tree), I2);
	rig.tree.by_address.root->height--;
	struct avl_node *left = rig.tree.by_address.root->left;

	rig.tree.by_address.root->left = NULL;
	assert_string_equal(vma_tree_check(&rig.tree), I2);
	rig.tree.by_address.root->left = left;

	vma[3]->next = NULL;
	rig.tree.last = vma[3];
	rig.tree.count--;
	assert_string_equal(vma_tree_check(&rig.tree), I2);
	vma[3]->next = vma[4];
	rig.tree.last = vma[4];
	rig.tree.count++;

	rig.tree.by_address.root->largest++;
	assert_string_equal(vma_tree_check(&rig.tree), I2);
	rig.tree.by_address.root->largest--;

	rig.tree.count++;
	assert_string_equal(vma_tree_check(&rig.tree), I3);
	rig.tree.count--;
	rig.tree.last = vma[3];
	assert_string_equal(vma_tree_check(&rig.tree), I3);
	rig.tree.last = vma[4];
	vma[2]->previous = vma[0];
	assert_string_equal(vma_tree_check(&rig.tree), I3);
	vma[2]->previous = vma[1];

	vma[3]->anonymous = 1;
	assert_string_equal(vma_tree_check(&rig.tree), "I4: has_anonymous <=> anonymous != 0");
	vma[3]->anonymous = 0;
	vma[3]->area.flags = AREA_SHARED;
	assert_string_equal(vma_tree_check(&rig.tree),
			    "I5: area.file = the file's pages; a VMA is shared only with a file");
	vma[3]->file = &file;
	assert_null(vma_tree_check(&rig.tree));
	vma[3]->area.file = (struct file_pages *)(void *)&file;
	assert_string_equal(vma_tree_check(&rig.tree),
			    "I5: area.file = the file's pages; a VMA is shared only with a file");
	vma_store_destroy(&rig.store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_store),
	    cmocka_unit_test(test_tree_against_an_array),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_corruption),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
