#include "config.h"

#include "engine/phys/vmap_area.h"

#include "engine/base/check.h"

static struct vmap_area *area_of(struct avl_node *node)
{
	return avl_entry(node, struct vmap_area, node);
}

static uint64_t size_of(const struct vmap_area *area)
{
	return area->end - area->start;
}

static uint64_t start_of_node(const struct avl_node *node)
{
	return avl_entry_const(node, struct vmap_area, node)->start;
}

static uint64_t size_of_node(const struct avl_node *node)
{
	return size_of(avl_entry_const(node, struct vmap_area, node));
}

static const struct avl_kind kind = {start_of_node, size_of_node};

/* --- Memory ------------------------------------------------------------------------------------------------------- */

enum status vmap_store_create(struct vmap_store *store, uint64_t capacity)
{
	*store = (struct vmap_store){.capacity = capacity};
	enum status status =
	    reservation_create(&store->memory, capacity * sizeof(struct vmap_area), PAGE_BYTES);

	store->slots = store->memory.memory;
	return status;
}

void vmap_store_destroy(struct vmap_store *store)
{
	reservation_destroy(&store->memory);
}

struct vmap_area *vmap_store_take(struct vmap_store *store, uint64_t start, uint64_t end)
{
	struct vmap_area *area;

	if (store->first_free) {
		area = area_of(store->first_free);
		store->first_free = area->node.left;
	} else if (store->used < store->capacity) {
		area = &store->slots[store->used++];
	} else {
		return NULL;
	}
	*area = (struct vmap_area){.start = start, .end = end};
	return area;
}

void vmap_store_give(struct vmap_store *store, struct vmap_area *area)
{
	area->node.left = store->first_free;
	store->first_free = &area->node;
}

/* --- Trees -------------------------------------------------------------------------------------------------------- */

void vmap_tree_insert(struct vmap_tree *tree, struct vmap_area *area)
{
	avl_tree_insert(&tree->by_address, &kind, &area->node);
	tree->count++;
	tree->bytes += size_of(area);
}

void vmap_tree_remove(struct vmap_tree *tree, struct vmap_area *area)
{
	avl_tree_remove(&tree->by_address, &kind, &area->node);
	tree->count--;
	tree->bytes -= size_of(area);
}

struct vmap_area *vmap_tree_find(const struct vmap_tree *tree, uint64_t address)
{
	struct vmap_area *found = NULL;

	for (struct avl_node *node = tree->by_address.root; node;) {
		if (area_of(node)->end > address) {
			found = area_of(node);
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return found;
}

struct vmap_area *vmap_tree_before(const struct vmap_tree *tree, uint64_t address)
{
	struct vmap_area *found = NULL;

	for (struct avl_node *node = tree->by_address.root; node;) {
		if (area_of(node)->end <= address) {
			found = area_of(node);
			node = node->right;
		} else {
			node = node->left;
		}
	}
	return found;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree is high */
static struct vmap_area *lowest_fit(struct avl_node *node, const struct vmap_request *request,
				    uint64_t length)
{
	if (!node || node->largest < length)
		return NULL;
	struct vmap_area *area = area_of(node);

	if (request->low < area->start) {
		struct vmap_area *lower = lowest_fit(node->left, request, length);

		if (lower)
			return lower;
	}
	uint64_t from = area->start > request->low ? area->start : request->low;

	if (area->end > from && area->end - from >= length)
		return area;
	return lowest_fit(node->right, request, length);
}

uint64_t vmap_tree_lowest_fit(const struct vmap_tree *tree, const struct vmap_request *request,
			      struct vmap_area **found)
{
	bool is_exact = request->alignment <= PAGE_BYTES || request->high - request->low == request->bytes;
	uint64_t length = is_exact ? request->bytes : request->bytes + request->alignment - 1;
	struct vmap_area *area = lowest_fit(tree->by_address.root, request, length);

	*found = area;
	if (!area)
		return 0;
	uint64_t from = area->start > request->low ? area->start : request->low;
	uint64_t start = round_up(from, request->alignment);

	return start + request->bytes <= area->end && start + request->bytes <= request->high ? start : 0;
}

/* Gives an area of the tree another range in its old place. */
static void resize(struct vmap_tree *tree, struct vmap_area *area, uint64_t start, uint64_t end)
{
	tree->bytes += (end - start) - size_of(area);
	area->end = end;
	area->start = start;
	avl_tree_renew(&tree->by_address, &kind, &area->node);
}

void vmap_tree_free(struct vmap_tree *tree, struct vmap_store *store, struct vmap_area *area)
{
	struct vmap_area *lower = vmap_tree_before(tree, area->start);
	struct vmap_area *upper = vmap_tree_find(tree, area->end);
	bool joins_lower = lower && lower->end == area->start;
	bool joins_upper = upper && upper->start == area->end;

	CHECK(!upper || upper->start >= area->end, "a freed range was not free");
	if (joins_lower && joins_upper) {
		uint64_t end = upper->end;

		vmap_tree_remove(tree, upper);
		vmap_store_give(store, upper);
		resize(tree, lower, lower->start, end);
	} else if (joins_lower) {
		resize(tree, lower, lower->start, area->end);
	} else if (joins_upper) {
		resize(tree, upper, area->start, upper->end);
	} else {
		vmap_tree_insert(tree, area);
		return;
	}
	vmap_store_give(store, area);
}

bool vmap_tree_cut(struct vmap_tree *tree, struct vmap_store *store, struct vmap_area *area,
		   const struct vmap_request *piece)
{
	uint64_t end = area->end;

	if (piece->low == area->start && piece->high == end) {
		vmap_tree_remove(tree, area);
		vmap_store_give(store, area);
	} else if (piece->low == area->start) {
		resize(tree, area, piece->high, end);
	} else if (piece->high == end) {
		resize(tree, area, area->start, piece->low);
	} else {
		struct vmap_area *rest = vmap_store_take(store, piece->high, end);

		if (!rest)
			return false;
		resize(tree, area, area->start, piece->low);
		vmap_tree_insert(tree, rest);
	}
	return true;
}

/* --- Proof -------------------------------------------------------------------------------------------------------- */

static bool is_sound(const struct vmap_area *area, const struct vmap_area *last, bool may_touch)
{
	return area->start < area->end && area->start % PAGE_BYTES == 0 && area->end % PAGE_BYTES == 0 &&
	       (!last || last->end < area->start || (last->end == area->start && may_touch));
}

const char *vmap_tree_check(const struct vmap_tree *tree, bool may_touch)
{
	const struct vmap_area *last = NULL;
	uint64_t count = 0, bytes = 0;

	for (struct avl_node *node = avl_tree_at_least(&tree->by_address, &kind, 0); node;
	     node = avl_tree_at_least(&tree->by_address, &kind, last->start + 1)) {
		if (!is_sound(area_of(node), last, may_touch))
			return "I1: start < end, multiples of the page; areas ascend without overlap; free "
			       "ones do not touch";
		last = area_of(node);
		count++;
		bytes += size_of(last);
	}
	if (avl_tree_check(&tree->by_address, &kind))
		return "I2: avl_tree_check() holds of the tree, with the bytes of areas as sizes";
	if (count != tree->count || bytes != tree->bytes)
		return "I3: count is the number of areas, bytes the sum of their sizes";
	return NULL;
}
