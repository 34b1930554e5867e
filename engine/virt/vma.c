#include "config.h"

#include "engine/virt/vma.h"

#include "engine/base/check.h"

#include <string.h>

#define STORE_SLOTS_MAX ((uint64_t)1 << 28)

enum status vma_store_create(struct vma_store *store, uint64_t capacity)
{
	*store = (struct vma_store){.capacity = capacity};
	if (capacity == 0 || capacity > STORE_SLOTS_MAX)
		return STATUS_BAD_ARGUMENT;
	enum status status = reservation_create(&store->memory, capacity * sizeof(struct vma), PAGE_BYTES);

	store->slots = store->memory.memory;
	return status;
}

void vma_store_destroy(struct vma_store *store)
{
	reservation_destroy(&store->memory);
	*store = (struct vma_store){0};
}

struct vma *vma_store_take(struct vma_store *store)
{
	struct vma *vma = store->first_free;

	if (vma)
		store->first_free = vma->next;
	else if (store->next < store->capacity)
		vma = &store->slots[store->next++];
	else
		return NULL;
	memset(vma, 0, sizeof(*vma));
	store->in_use++;
	return vma;
}

void vma_store_give(struct vma_store *store, struct vma *vma)
{
	CHECK(store->in_use > 0, "a mapping is given back once");
	vma->next = store->first_free;
	store->first_free = vma;
	store->in_use--;
}

uint64_t vma_store_identity(struct vma_store *store)
{
	return ++store->identities;
}

static int height_of(const struct vma *node)
{
	return node ? node->height : 0;
}

static uint64_t largest_of(const struct vma *node)
{
	return node ? node->largest_gap : 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void node_update(struct vma *node)
{
	int left = height_of(node->left), right = height_of(node->right);

	node->height = 1 + (left > right ? left : right);
	node->largest_gap = larger(vma_gap(node), larger(largest_of(node->left), largest_of(node->right)));
}

static struct vma *rotate_right(struct vma *node)
{
	struct vma *top = node->left;

	node->left = top->right;
	top->right = node;
	node_update(node);
	node_update(top);
	return top;
}

static struct vma *rotate_left(struct vma *node)
{
	struct vma *top = node->right;

	node->right = top->left;
	top->left = node;
	node_update(node);
	node_update(top);
	return top;
}

static struct vma *node_balance(struct vma *node)
{
	int lean = height_of(node->left) - height_of(node->right);

	node_update(node);
	if (lean > 1) {
		if (height_of(node->left->left) < height_of(node->left->right))
			node->left = rotate_left(node->left);
		return rotate_right(node);
	}
	if (lean < -1) {
		if (height_of(node->right->right) < height_of(node->right->left))
			node->right = rotate_right(node->right);
		return rotate_left(node);
	}
	return node;
}

/* The depth of the recursion is that of an AVL tree: at most 1.44 log2(2^28) = 41. */
static struct vma *node_insert(struct vma *node, struct vma *vma)
{
	if (!node) {
		vma->left = vma->right = NULL;
		node_update(vma);
		return vma;
	}
	if (vma->area.start < node->area.start)
		node->left = node_insert(node->left, vma);
	else
		node->right = node_insert(node->right, vma);
	return node_balance(node);
}

/* Takes the first node of the subtree out of it. */
static struct vma *node_remove_first(struct vma *node, struct vma **first)
{
	if (!node->left) {
		*first = node;
		return node->right;
	}
	node->left = node_remove_first(node->left, first);
	return node_balance(node);
}

static struct vma *node_remove(struct vma *node, struct vma *vma)
{
	CHECK(node, "I2: a mapping of the tree is found in it");
	if (node == vma) {
		struct vma *heir = NULL;

		if (!vma->right)
			return vma->left;
		struct vma *right = node_remove_first(vma->right, &heir);

		heir->right = right;
		heir->left = vma->left;
		return node_balance(heir);
	}
	if (vma->area.start < node->area.start)
		node->left = node_remove(node->left, vma);
	else
		node->right = node_remove(node->right, vma);
	return node_balance(node);
}

/* Computes anew what the nodes from the root down to `vma` know of their subtrees. */
static void node_refresh(struct vma *node, const struct vma *vma)
{
	CHECK(node, "I2: a mapping of the tree is found in it");
	if (node != vma)
		node_refresh(vma->area.start < node->area.start ? node->left : node->right, vma);
	node_update(node);
}

void vma_tree_insert(struct vma_tree *tree, struct vma *vma)
{
	struct vma *next = vma_tree_find(tree, vma->area.start);

	CHECK(vma->area.start < vma->area.end && (!next || vma->area.end <= next->area.start),
	      "I1: mappings are ranges and do not overlap");
	vma->next = next;
	vma->previous = next ? next->previous : tree->last;
	*(vma->previous ? &vma->previous->next : &tree->first) = vma;
	*(next ? &next->previous : &tree->last) = vma;
	tree->root = node_insert(tree->root, vma);
	if (next)
		node_refresh(tree->root, next);
	tree->count++;
}

void vma_tree_remove(struct vma_tree *tree, struct vma *vma)
{
	struct vma *next = vma->next;

	*(vma->previous ? &vma->previous->next : &tree->first) = next;
	*(next ? &next->previous : &tree->last) = vma->previous;
	tree->root = node_remove(tree->root, vma);
	if (next)
		node_refresh(tree->root, next);
	vma->previous = vma->next = vma->left = vma->right = NULL;
	tree->count--;
}

void vma_tree_resize(struct vma_tree *tree, struct vma *vma, uint64_t start, uint64_t end)
{
	CHECK(start < end && (!vma->previous || vma->previous->area.end <= start) &&
		  (!vma->next || end <= vma->next->area.start),
	      "I1: mappings are ranges and do not overlap");
	vma->area.start = start;
	vma->area.end = end;
	node_refresh(tree->root, vma);
	if (vma->next)
		node_refresh(tree->root, vma->next);
}

struct vma *vma_tree_find(const struct vma_tree *tree, uint64_t address)
{
	struct vma *found = NULL;

	for (struct vma *node = tree->root; node;) {
		if (node->area.end > address) {
			found = node;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return found;
}

struct vma *vma_tree_find_overlap(const struct vma_tree *tree, uint64_t start, uint64_t end)
{
	struct vma *vma = vma_tree_find(tree, start);

	return vma && vma->area.start < end ? vma : NULL;
}

struct gap_search {
	uint64_t low, high, bytes;
};

static bool gap_fits(const struct gap_search *search, uint64_t start, uint64_t end,
		     struct vma_gap_found *found)
{
	start = larger(start, search->low);
	end = smaller(end, search->high);
	if (start >= end || end - start < search->bytes)
		return false;
	found->start = start;
	found->end = end;
	return true;
}

static bool gap_below(struct vma *vma, const struct gap_search *search, struct vma_gap_found *found)
{
	found->above = vma;
	return gap_fits(search, vma->area.start - vma_gap(vma), vma->area.start, found);
}

static bool highest_in(struct vma *node, const struct gap_search *search, struct vma_gap_found *found)
{
	if (!node || node->largest_gap < search->bytes)
		return false;
	if (node->area.end < search->high && highest_in(node->right, search, found))
		return true;
	if (gap_below(node, search, found))
		return true;
	return node->area.start > search->low && highest_in(node->left, search, found);
}

static bool lowest_in(struct vma *node, const struct gap_search *search, struct vma_gap_found *found)
{
	if (!node || node->largest_gap < search->bytes)
		return false;
	if (node->area.start > search->low && lowest_in(node->left, search, found))
		return true;
	if (gap_below(node, search, found))
		return true;
	return node->area.end < search->high && lowest_in(node->right, search, found);
}

static bool gap_at_top(const struct vma_tree *tree, const struct gap_search *search,
		       struct vma_gap_found *found)
{
	found->above = NULL;
	return gap_fits(search, tree->last ? tree->last->area.end : 0, UINT64_MAX, found);
}

struct vma_gap_found vma_tree_highest_gap(const struct vma_tree *tree, uint64_t low, uint64_t high,
					  uint64_t bytes)
{
	struct gap_search search = {low, high, bytes};
	struct vma_gap_found found = {0};

	if (bytes > 0 && low < high &&
	    (gap_at_top(tree, &search, &found) || highest_in(tree->root, &search, &found)))
		return found;
	return (struct vma_gap_found){0};
}

struct vma_gap_found vma_tree_lowest_gap(const struct vma_tree *tree, uint64_t low, uint64_t high,
					 uint64_t bytes)
{
	struct gap_search search = {low, high, bytes};
	struct vma_gap_found found = {0};

	if (bytes > 0 && low < high &&
	    (lowest_in(tree->root, &search, &found) || gap_at_top(tree, &search, &found)))
		return found;
	return (struct vma_gap_found){0};
}

static const char *vma_check(const struct vma *vma)
{
	const struct area *area = &vma->area;
	uint64_t offset_bits = PAGE_BYTES - 1;

	if (area->start >= area->end || ((area->start | area->end) & offset_bits) ||
	    (vma->next && area->end > vma->next->area.start))
		return "I1: start < end, both multiples of the page; each VMA ends at or below its "
		       "successor's start";
	if (area->has_anonymous != (vma->anonymous != 0))
		return "I5: has_anonymous <=> anonymous != 0";
	if (area->file != (vma->file ? vma->file->pages : NULL) || (!vma->file && area->flags & AREA_SHARED))
		return "I6: area.file = the file's pages; a VMA is shared only with a file";
	return NULL;
}

struct tree_count {
	const struct vma *expected; /* the next one by address */
	uint64_t nodes;
	bool sorted, balanced, gaps;
};

/* Bounded in depth by the heights, which fall from node to node or else the tree is not balanced. */
static void count_nodes(const struct vma *node, int height_below, struct tree_count *count)
{
	if (!node)
		return;
	if (node->height >= height_below || node->height < 1) {
		count->balanced = false;
		return;
	}
	count_nodes(node->left, node->height, count);
	count->sorted = count->sorted && node == count->expected;
	count->expected = count->expected ? count->expected->next : NULL;
	count->nodes++;
	count_nodes(node->right, node->height, count);
	int left = height_of(node->left), right = height_of(node->right);

	count->balanced = count->balanced && node->height == 1 + (left > right ? left : right) &&
			  left - right < 2 && right - left < 2;
	count->gaps =
	    count->gaps && node->largest_gap ==
			       larger(vma_gap(node), larger(largest_of(node->left), largest_of(node->right)));
}

const char *vma_tree_check(const struct vma_tree *tree)
{
	struct tree_count count = {tree->first, 0, true, true, true};
	const struct vma *before = NULL;
	uint64_t ring = 0;

	for (const struct vma *vma = tree->first; vma && ring <= tree->count; vma = vma->next, ring++) {
		const char *broken = vma_check(vma);

		if (broken)
			return broken;
		if (vma->previous != before)
			break;
		before = vma;
	}
	if (ring != tree->count || tree->last != before)
		return "I4: previous and next are the neighbours by address; first and last are the ends; "
		       "count is their number";
	count_nodes(tree->root, 64, &count);
	if (!count.sorted || !count.balanced || count.nodes != tree->count)
		return "I2: the tree is sorted by address, and balanced: heights of two children differ by "
		       "at most one";
	if (!count.gaps)
		return "I3: largest_gap = the largest gap of the subtree";
	return NULL;
}
