#include "config.h"

#include "engine/base/avl_tree.h"

#include "tests/unit/death.h"
#include "tests/unit/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

#define MEMBERS 97u

struct member {
	uint64_t key;
	struct avl_node node;
	uint64_t size;
};

static uint64_t key_of(const struct avl_node *node)
{
	return avl_entry_const(node, struct member, node)->key;
}

static uint64_t size_of(const struct avl_node *node)
{
	return avl_entry_const(node, struct member, node)->size;
}

static const struct avl_kind kind = {key_of, size_of};

/* The oracle: member i has the key 2i + 1, and is in the tree or not. */
struct world {
	struct avl_tree tree;
	struct member member[MEMBERS];
	bool is_in[MEMBERS];
};

static const char *compare(const struct world *world)
{
	const char *broken = avl_tree_check(&world->tree, &kind);
	uint64_t largest = 0;
	const struct avl_node *above = NULL;

	for (size_t i = MEMBERS; i-- > 0 && !broken;) {
		const struct avl_node *at_least = avl_tree_at_least(&world->tree, &kind, 2 * i + 1);

		if (avl_tree_at_least(&world->tree, &kind, 2 * i + 2) != above)
			broken = "the next key is another's";
		if (world->is_in[i]) {
			above = &world->member[i].node;
			largest = world->member[i].size > largest ? world->member[i].size : largest;
		}
		if (at_least != above)
			broken = "a node is not found";
	}
	if (!broken && (world->tree.root ? world->tree.root->largest : 0) != largest)
		broken = "the largest is another";
	return broken;
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	struct world world = {0};
	const char *broken = NULL;

	(void)context;
	for (size_t i = 0; i < count && !broken; i++) {
		uint64_t number = operations[i] >> 8;
		size_t which = number % MEMBERS;
		struct member *member = &world.member[which];

		if (!world.is_in[which]) {
			member->key = 2 * which + 1;
			member->size = number / MEMBERS % 1000;
			avl_tree_insert(&world.tree, &kind, &member->node);
			world.is_in[which] = true;
		} else if (operations[i] & 1) {
			member->size = number / MEMBERS % 1000;
			avl_tree_renew(&world.tree, &kind, &member->node);
		} else {
			avl_tree_remove(&world.tree, &kind, &member->node);
			world.is_in[which] = false;
		}
		broken = compare(&world);
	}
	return broken;
}

static void test_tree_against_an_array(void **state)
{
	(void)state;
	model_test(&(struct model){"AVL tree", run, NULL, 400, 40});
}

/* `count` members with ascending keys, or descending ones. */
static struct member *fill(struct avl_tree *tree, size_t count, bool ascending)
{
	struct member *member = calloc(count, sizeof(*member));

	assert_non_null(member);
	*tree = (struct avl_tree){0};
	for (size_t i = 0; i < count; i++) {
		member[i].key = ascending ? i : count - i;
		member[i].size = i % 1000;
		avl_tree_insert(tree, &kind, &member[i].node);
	}
	return member;
}

/* In order they come in the worst order for a tree without balance; 2^16 - 1 of them fill 16 levels. */
static void test_order_of_insertion_makes_no_tower(void **state)
{
	const size_t count = (1u << 16) - 1;

	(void)state;
	for (unsigned ascending = 0; ascending < 2; ascending++) {
		struct avl_tree tree;
		struct member *member = fill(&tree, count, ascending != 0);

		assert_null(avl_tree_check(&tree, &kind));
		assert_int_equal(tree.root->height, 16);
		assert_int_equal(tree.root->largest, 999);
		for (size_t i = 0; i < count; i++) {
			if (i % 4096 != 0)
				avl_tree_remove(&tree, &kind, &member[i].node);
		}
		assert_null(avl_tree_check(&tree, &kind));
		assert_true(tree.root->height <= 5); /* 16 nodes */
		for (size_t i = 0; i < count; i += 4096)
			avl_tree_remove(&tree, &kind, &member[i].node);
		assert_null(tree.root);
		free(member);
	}
}

#define I1 "I1: keys ascend from left to right, no two are equal"
#define I2 "I2: height = 1 + the greater height of the children, which differ by at most one"
#define I3 "I3: largest = the greatest size in the subtree"

static void test_corruption(void **state)
{
	struct avl_tree tree;
	struct member *member = fill(&tree, 7, true);
	struct avl_node *root = tree.root, *left = root->left;

	(void)state;
	assert_null(avl_tree_check(&tree, &kind));
	member[2].key = 1;
	assert_string_equal(avl_tree_check(&tree, &kind), I1);
	member[2].key = 3;
	assert_string_equal(avl_tree_check(&tree, &kind), I1);
	member[2].key = 2;

	root->height++;
	assert_string_equal(avl_tree_check(&tree, &kind), I2);
	root->height = 0;
	assert_string_equal(avl_tree_check(&tree, &kind), I2);
	root->height = 3;
	left->right->right = root;
	assert_string_equal(avl_tree_check(&tree, &kind), I2);
	left->right->right = NULL;
	root->left = NULL;
	assert_string_equal(avl_tree_check(&tree, &kind), I2);
	root->left = left;

	left->largest++;
	assert_string_equal(avl_tree_check(&tree, &kind), I3);
	left->largest--;
	member[6].size = 7;
	assert_string_equal(avl_tree_check(&tree, &kind), I3);
	avl_tree_renew(&tree, &kind, &member[6].node);
	assert_null(avl_tree_check(&tree, &kind));
	free(member);
}

struct mistake {
	struct avl_tree tree;
	struct member *member;
};

static void insert_twice(void *argument)
{
	struct mistake *mistake = argument;

	avl_tree_insert(&mistake->tree, &kind, &mistake->member[1].node);
}

static void remove_a_stranger(void *argument)
{
	struct mistake *mistake = argument;
	struct member stranger = {.key = 2};

	avl_tree_remove(&mistake->tree, &kind, &stranger.node);
}

static void renew_a_stranger(void *argument)
{
	struct mistake *mistake = argument;
	struct member stranger = {.key = 2};

	avl_tree_renew(&mistake->tree, &kind, &stranger.node);
}

static void test_mistakes(void **state)
{
	struct mistake mistake;

	(void)state;
	mistake.member = fill(&mistake.tree, 5, true);
	assert_dies(insert_twice, &mistake, "a node is put into a tree once");
	assert_dies(remove_a_stranger, &mistake, "a node that is changed or taken out is in the tree");
	assert_dies(renew_a_stranger, &mistake, "a node that is changed or taken out is in the tree");
	free(mistake.member);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tree_against_an_array),
	    cmocka_unit_test(test_order_of_insertion_makes_no_tower),
	    cmocka_unit_test(test_corruption),
	    cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
