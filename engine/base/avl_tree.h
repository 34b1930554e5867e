/* avl_tree.h: balanced trees of members that carry their own nodes, sorted by a number; each node knows the greatest size
 * in its subtree.
 *
 *               key 8 (2)  largest 5                 the number and the size of a member: its owner says them
 *                /            \                      (struct avl_kind), they are stored nowhere twice
 *      key 1 (5)  largest 5   key 12 (1)  largest 1
 *
 * With the greatest size the first or last member that is large enough is found in O(log n): a subtree whose largest is too
 * small is not entered. Such searches, and those by key, are the owner's: they follow left and right.
 *
 * (Adelson-Velsky and Landis, 1962: the heights of two children differ by at most one; a tree of n nodes is at most
 * 1.44 log2(n + 2) high.)
 *
 * Invariants, proved by avl_tree_check():
 *   I1: keys ascend from left to right, no two are equal
 *   I2: height = 1 + the greater height of the children, which differ by at most one
 *   I3: largest = the greatest size in the subtree
 */
#ifndef FAULTLINE_ENGINE_BASE_AVL_TREE_H
#define FAULTLINE_ENGINE_BASE_AVL_TREE_H

#include <stddef.h>
#include <stdint.h>

/* More than any tree in memory can have: 1.44 log2(2^44). */
#define AVL_HEIGHT_MAX 64

struct avl_node {
	struct avl_node *left, *right;
	int height;	  /* of the subtree: 1 for a leaf */
	uint64_t largest; /* size, in the subtree */
};

/* Zeroed: an empty one. */
struct avl_tree {
	struct avl_node *root;
};

/* What the members of a tree are. */
struct avl_kind {
	uint64_t (*key)(
	    const struct avl_node *node); /* while the node is in a tree its place among the others stays */
	uint64_t (*size)(const struct avl_node *node); /* after a change: avl_tree_renew() */
};

/* The structure of `type` whose member `member` is the node. */
#define avl_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))
#define avl_entry_const(node, type, member)                                                                  \
	((const type *)(const void *)((const char *)(node)-offsetof(type, member)))

/* Puts a node in, whose key no other has; what its fields were does not matter. O(log n). */
void avl_tree_insert(struct avl_tree *tree, const struct avl_kind *kind, struct avl_node *node);

/* Takes one out, which is in the tree: left and right are NULL then. O(log n). */
void avl_tree_remove(struct avl_tree *tree, const struct avl_kind *kind, struct avl_node *node);

/* The size of a node of the tree has changed: what those above it know. O(log n). */
void avl_tree_renew(struct avl_tree *tree, const struct avl_kind *kind, const struct avl_node *node);

/* The node with the lowest key that is at least `key`, or NULL. O(log n). */
struct avl_node *avl_tree_at_least(const struct avl_tree *tree, const struct avl_kind *kind, uint64_t key);

/* NULL, or the text of the first invariant that does not hold. */
const char *avl_tree_check(const struct avl_tree *tree, const struct avl_kind *kind);

#endif
