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

/* --- Tree --------------------------------------------------------------------------------------------------------- */

static struct vma *vma_of(struct avl_node *node)
{
	return avl_entry(node, struct vma, node);
}

static uint64_t start_of(const struct avl_node *node)
{
	return avl_entry_const(node, struct vma, node)->area.start;
}

static uint64_t gap_of(const struct avl_node *node)
{
	return vma_gap(avl_entry_const(node, struct vma, node));
}

static const struct avl_kind kind = {start_of, gap_of};

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
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
	avl_tree_insert(&tree->by_address, &kind, &vma->node);
	if (next)
		avl_tree_renew(&tree->by_address, &kind, &next->node);
	tree->count++;
}

void vma_tree_remove(struct vma_tree *tree, struct vma *vma)
{
	struct vma *next = vma->next;

	*(vma->previous ? &vma->previous->next : &tree->first) = next;
	*(next ? &next->previous : &tree->last) = vma->previous;
	avl_tree_remove(&tree->by_address, &kind, &vma->node);
	if (next)
		avl_tree_renew(&tree->by_address, &kind, &next->node);
	vma->previous = vma->next = NULL;
	tree->count--;
}

void vma_tree_resize(struct vma_tree *tree, struct vma *vma, uint64_t start, uint64_t end)
{
	CHECK(start < end && (!vma->previous || vma->previous->area.end <= start) &&
		  (!vma->next || end <= vma->next->area.start),
	      "I1: mappings are ranges and do not overlap");
	vma->area.start = start;
	vma->area.end = end;
	avl_tree_renew(&tree->by_address, &kind, &vma->node);
	if (vma->next)
		avl_tree_renew(&tree->by_address, &kind, &vma->next->node);
}

struct vma *vma_tree_find(const struct vma_tree *tree, uint64_t address)
{
	struct vma *found = NULL;

	for (struct avl_node *node = tree->by_address.root; node;) {
		if (vma_of(node)->area.end > address) {
			found = vma_of(node);
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

static bool highest_in(struct avl_node *node, const struct gap_search *search, struct vma_gap_found *found)
{
	if (!node || node->largest < search->bytes)
		return false;
	if (vma_of(node)->area.end < search->high && highest_in(node->right, search, found))
		return true;
	if (gap_below(vma_of(node), search, found))
		return true;
	return vma_of(node)->area.start > search->low && highest_in(node->left, search, found);
}

static bool lowest_in(struct avl_node *node, const struct gap_search *search, struct vma_gap_found *found)
{
	if (!node || node->largest < search->bytes)
		return false;
	if (vma_of(node)->area.start > search->low && lowest_in(node->left, search, found))
		return true;
	if (gap_below(vma_of(node), search, found))
		return true;
	return vma_of(node)->area.end < search->high && lowest_in(node->right, search, found);
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
	    (gap_at_top(tree, &search, &found) || highest_in(tree->by_address.root, &search, &found)))
		return found;
	return (struct vma_gap_found){0};
}

struct vma_gap_found vma_tree_lowest_gap(const struct vma_tree *tree, uint64_t low, uint64_t high,
					 uint64_t bytes)
{
	struct gap_search search = {low, high, bytes};
	struct vma_gap_found found = {0};

	if (bytes > 0 && low < high &&
	    (lowest_in(tree->by_address.root, &search, &found) || gap_at_top(tree, &search, &found)))
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
		return "I4: has_anonymous <=> anonymous != 0";
	if (area->file != (vma->file ? vma->file->pages : NULL) || (!vma->file && area->flags & AREA_SHARED))
		return "I5: area.file = the file's pages; a VMA is shared only with a file";
	return NULL;
}

/* The VMAs of the tree, from one to the next by address, are those of the ring. */
static bool has_the_ring(const struct vma_tree *tree)
{
	struct avl_node *node = avl_tree_at_least(&tree->by_address, &kind, 0);
	const struct vma *vma = tree->first;

	for (; vma && node == &vma->node; vma = vma->next)
		node = avl_tree_at_least(&tree->by_address, &kind, vma->area.end);
	return !vma && !node;
}

const char *vma_tree_check(const struct vma_tree *tree)
{
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
		return "I3: previous and next are the neighbours by address; first and last are the ends; "
		       "count is their number";
	if (avl_tree_check(&tree->by_address, &kind) || !has_the_ring(tree))
		return "I2: avl_tree_check() holds of the tree, with the gaps as sizes; its nodes are those "
		       "of the ring";
	return NULL;
}
