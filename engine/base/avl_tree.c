#include "config.h"

#include "engine/base/avl_tree.h"

#include "engine/base/check.h"

#define FOUND "a node that is changed or taken out is in the tree"

/* --- Balance ------------------------------------------------------------------------------------------------------ */

static int height_of(const struct avl_node *node)
{
	return node ? node->height : 0;
}

static int height_above(const struct avl_node *node)
{
	int left = height_of(node->left), right = height_of(node->right);

	return 1 + (left > right ? left : right);
}

static uint64_t largest_above(const struct avl_node *node, const struct avl_kind *kind)
{
	uint64_t largest = kind->size(node);

	if (node->left && node->left->largest > largest)
		largest = node->left->largest;
	if (node->right && node->right->largest > largest)
		largest = node->right->largest;
	return largest;
}

static void renew(struct avl_node *node, const struct avl_kind *kind)
{
	node->height = height_above(node);
	node->largest = largest_above(node, kind);
}

static struct avl_node *rotate_right(struct avl_node *node, const struct avl_kind *kind)
{
	struct avl_node *top = node->left;

	node->left = top->right;
	top->right = node;
	renew(node, kind);
	renew(top, kind);
	return top;
}

static struct avl_node *rotate_left(struct avl_node *node, const struct avl_kind *kind)
{
	struct avl_node *top = node->right;

	node->right = top->left;
	top->left = node;
	renew(node, kind);
	renew(top, kind);
	return top;
}

static struct avl_node *balance(struct avl_node *node, const struct avl_kind *kind)
{
	int lean = height_of(node->left) - height_of(node->right);

	if (lean > 1) {
		if (height_of(node->left->left) < height_of(node->left->right))
			node->left = rotate_left(node->left, kind);
		return rotate_right(node, kind);
	}
	if (lean < -1) {
		if (height_of(node->right->right) < height_of(node->right->left))
			node->right = rotate_right(node->right, kind);
		return rotate_left(node, kind);
	}
	renew(node, kind);
	return node;
}

/* --- Paths -------------------------------------------------------------------------------------------------------- */

/* The links from the root down to a place in the tree: *link[0] is the root. */
struct path {
	struct avl_node **link[AVL_HEIGHT_MAX + 1];
	unsigned length;
};

static void path_extend(struct path *path, struct avl_node **link)
{
	CHECK(path->length <= AVL_HEIGHT_MAX, "I2: a tree is no higher than a balanced one");
	path->link[path->length++] = link;
}

/* To the link that leads to `node`, or to the one that would. */
static void path_find(struct path *path, struct avl_tree *tree, const struct avl_kind *kind,
		      const struct avl_node *node)
{
	uint64_t key = kind->key(node);
	struct avl_node **link = &tree->root;

	path->length = 0;
	path_extend(path, link);
	while (*link && *link != node) {
		link = key < kind->key(*link) ? &(*link)->left : &(*link)->right;
		path_extend(path, link);
	}
}

static void path_balance(struct path *path, const struct avl_kind *kind)
{
	while (path->length > 0) {
		struct avl_node **link = path->link[--path->length];

		*link = balance(*link, kind);
	}
}

/* --- Trees -------------------------------------------------------------------------------------------------------- */

void avl_tree_insert(struct avl_tree *tree, const struct avl_kind *kind, struct avl_node *node)
{
	struct path path;

	path_find(&path, tree, kind, node);
	CHECK(!*path.link[path.length - 1], "a node is put into a tree once");
	*node = (struct avl_node){0};
	*path.link[path.length - 1] = node;
	path_balance(&path, kind);
}

/* Puts the node's successor, which is below it on its right, in its place. */
static void replace_by_successor(struct path *path, struct avl_node *node)
{
	unsigned place = path->length - 1;

	path_extend(path, &node->right);
	while ((*path->link[path->length - 1])->left)
		path_extend(path, &(*path->link[path->length - 1])->left);
	struct avl_node **link = path->link[path->length - 1];
	struct avl_node *heir = *link;

	*link = heir->right;
	heir->left = node->left;
	heir->right = node->right;
	*path->link[place] = heir;
	path->link[place + 1] = &heir->right;
}

void avl_tree_remove(struct avl_tree *tree, const struct avl_kind *kind, struct avl_node *node)
{
	struct path path;

	path_find(&path, tree, kind, node);
	struct avl_node **link = path.link[path.length - 1];

	CHECK(*link == node, FOUND);
	if (node->left && node->right)
		replace_by_successor(&path, node);
	else
		*link = node->left ? node->left : node->right;
	path.length--;
	path_balance(&path, kind);
	node->left = node->right = NULL;
}

void avl_tree_renew(struct avl_tree *tree, const struct avl_kind *kind, const struct avl_node *node)
{
	struct path path;

	path_find(&path, tree, kind, node);
	while (path.length > 0) {
		struct avl_node *above = *path.link[--path.length];

		CHECK(above, FOUND);
		uint64_t largest = largest_above(above, kind);

		if (above->largest == largest)
			return;
		above->largest = largest;
	}
}

struct avl_node *avl_tree_at_least(const struct avl_tree *tree, const struct avl_kind *kind, uint64_t key)
{
	struct avl_node *found = NULL;

	for (struct avl_node *node = tree->root; node;) {
		if (kind->key(node) >= key) {
			found = node;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return found;
}

/* --- Proof -------------------------------------------------------------------------------------------------------- */

struct walk {
	const struct avl_kind *kind;
	const struct avl_node *last; /* the one before in the order */
};

/* As deep as the heights say, which fall from node to node or else I2 does not hold. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static const char *check_below(const struct avl_node *node, int height_max, struct walk *walk)
{
	static const char i2[] =
	    "I2: height = 1 + the greater height of the children, which differ by at most one";

	if (!node)
		return NULL;
	if (node->height > height_max || node->height < 1)
		return i2;
	const char *broken = check_below(node->left, node->height - 1, walk);

	if (broken)
		return broken;
	if (walk->last && walk->kind->key(walk->last) >= walk->kind->key(node))
		return "I1: keys ascend from left to right, no two are equal";
	walk->last = node;
	broken = check_below(node->right, node->height - 1, walk);
	if (broken)
		return broken;
	int lean = height_of(node->left) - height_of(node->right);

	if (lean < -1 || lean > 1 || node->height != height_above(node))
		return i2;
	return node->largest == largest_above(node, walk->kind)
		   ? NULL
		   : "I3: largest = the greatest size in the subtree";
}

const char *avl_tree_check(const struct avl_tree *tree, const struct avl_kind *kind)
{
	struct walk walk = {kind, NULL};

	return check_below(tree->root, AVL_HEIGHT_MAX, &walk);
}
