#include "config.h"

#include "engine/phys/vmap_area.h"

#include "engine/base/check.h"

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
	struct vmap_area *area = store->first_free;

	if (area)
		store->first_free = area->left;
	else if (store->used < store->capacity)
		area = &store->slots[store->used++];
	else
		return NULL;
	*area = (struct vmap_area){.start = start, .end = end};
	return area;
}

void vmap_store_give(struct vmap_store *store, struct vmap_area *area)
{
	area->left = store->first_free;
	store->first_free = area;
}

/* --- Balance ------------------------------------------------------------------------------------------------------ */

static int height_of(const struct vmap_area *area)
{
	return area ? area->height : 0;
}

static uint64_t largest_of(const struct vmap_area *area)
{
	return area ? area->largest : 0;
}

static uint64_t size_of(const struct vmap_area *area)
{
	return area->end - area->start;
}

static void renew(struct vmap_area *area)
{
	int left = height_of(area->left);
	int right = height_of(area->right);
	uint64_t largest = largest_of(area->left);

	area->height = (left > right ? left : right) + 1;
	if (largest < largest_of(area->right))
		largest = largest_of(area->right);
	area->largest = largest > size_of(area) ? largest : size_of(area);
}

static struct vmap_area *rotate_right(struct vmap_area *area)
{
	struct vmap_area *top = area->left;

	area->left = top->right;
	top->right = area;
	renew(area);
	renew(top);
	return top;
}

static struct vmap_area *rotate_left(struct vmap_area *area)
{
	struct vmap_area *top = area->right;

	area->right = top->left;
	top->left = area;
	renew(area);
	renew(top);
	return top;
}

static struct vmap_area *balance(struct vmap_area *area)
{
	int lean = height_of(area->left) - height_of(area->right);

	renew(area);
	if (lean > 1) {
		if (height_of(area->left->left) < height_of(area->left->right))
			area->left = rotate_left(area->left);
		return rotate_right(area);
	}
	if (lean < -1) {
		if (height_of(area->right->right) < height_of(area->right->left))
			area->right = rotate_right(area->right);
		return rotate_left(area);
	}
	return area;
}

/* NOLINTBEGIN(misc-no-recursion): as deep as the tree is high */
static struct vmap_area *insert(struct vmap_area *root, struct vmap_area *area)
{
	if (!root)
		return balance(area);
	if (area->start < root->start)
		root->left = insert(root->left, area);
	else
		root->right = insert(root->right, area);
	return balance(root);
}

static struct vmap_area *take_first(struct vmap_area *root, struct vmap_area **first)
{
	if (!root->left) {
		*first = root;
		return root->right;
	}
	root->left = take_first(root->left, first);
	return balance(root);
}

static struct vmap_area *take_out(struct vmap_area *root, struct vmap_area *area)
{
	CHECK(root, "an area that is taken out is in the tree");
	if (area->start < root->start) {
		root->left = take_out(root->left, area);
	} else if (area->start > root->start) {
		root->right = take_out(root->right, area);
	} else if (!root->left || !root->right) {
		return root->left ? root->left : root->right;
	} else {
		struct vmap_area *next;
		struct vmap_area *rest = take_first(root->right, &next);

		next->left = root->left;
		next->right = rest;
		return balance(next);
	}
	return balance(root);
}

/* An area that changed its size without leaving its place: what the ones above say of it. */
static void renew_path(struct vmap_area *root, const struct vmap_area *area)
{
	if (area->start < root->start)
		renew_path(root->left, area);
	else if (area->start > root->start)
		renew_path(root->right, area);
	renew(root);
}

static struct vmap_area *lowest_fit(struct vmap_area *root, const struct vmap_request *request,
				    uint64_t length)
{
	if (!root || root->largest < length)
		return NULL;
	if (request->low < root->start) {
		struct vmap_area *lower = lowest_fit(root->left, request, length);

		if (lower)
			return lower;
	}
	uint64_t from = root->start > request->low ? root->start : request->low;

	if (root->end > from && root->end - from >= length)
		return root;
	return lowest_fit(root->right, request, length);
}
/* NOLINTEND(misc-no-recursion) */

/* --- Trees -------------------------------------------------------------------------------------------------------- */

void vmap_tree_insert(struct vmap_tree *tree, struct vmap_area *area)
{
	area->left = area->right = NULL;
	tree->root = insert(tree->root, area);
	tree->count++;
	tree->bytes += size_of(area);
}

void vmap_tree_remove(struct vmap_tree *tree, struct vmap_area *area)
{
	tree->root = take_out(tree->root, area);
	tree->count--;
	tree->bytes -= size_of(area);
}

struct vmap_area *vmap_tree_find(const struct vmap_tree *tree, uint64_t address)
{
	struct vmap_area *found = NULL;

	for (struct vmap_area *area = tree->root; area;) {
		if (area->end > address) {
			found = area;
			area = area->left;
		} else {
			area = area->right;
		}
	}
	return found;
}

struct vmap_area *vmap_tree_before(const struct vmap_tree *tree, uint64_t address)
{
	struct vmap_area *found = NULL;

	for (struct vmap_area *area = tree->root; area;) {
		if (area->end <= address) {
			found = area;
			area = area->right;
		} else {
			area = area->left;
		}
	}
	return found;
}

uint64_t vmap_tree_lowest_fit(const struct vmap_tree *tree, const struct vmap_request *request,
			      struct vmap_area **found)
{
	bool is_exact = request->alignment <= PAGE_BYTES || request->high - request->low == request->bytes;
	uint64_t length = is_exact ? request->bytes : request->bytes + request->alignment - 1;
	struct vmap_area *area = lowest_fit(tree->root, request, length);

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
	renew_path(tree->root, area);
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

static const char I1[] =
    "I1: start < end, multiples of the page; areas ascend without overlap; free ones do not touch";
static const char I2[] = "I2: the tree is balanced, and height = the greater height of its children + 1";
static const char I3[] = "I3: largest = the size of the largest area of the subtree";
static const char I4[] = "I4: count is the number of areas, bytes the sum of their sizes";

struct walk {
	const struct vmap_area *last;
	uint64_t count, bytes;
	bool may_touch;
};

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree is high */
static const char *check_subtree(const struct vmap_area *area, struct walk *walk)
{
	struct vmap_area copy;

	if (!area)
		return NULL;
	const char *broken = check_subtree(area->left, walk);

	if (broken)
		return broken;
	if (area->start >= area->end || area->start % PAGE_BYTES != 0 || area->end % PAGE_BYTES != 0 ||
	    (walk->last &&
	     (walk->last->end > area->start || (walk->last->end == area->start && !walk->may_touch))))
		return I1;
	walk->last = area;
	walk->count++;
	walk->bytes += size_of(area);
	broken = check_subtree(area->right, walk);
	if (broken)
		return broken;
	int lean = height_of(area->left) - height_of(area->right);

	copy = *area;
	renew(&copy);
	if (lean < -1 || lean > 1 || copy.height != area->height)
		return I2;
	return copy.largest == area->largest ? NULL : I3;
}

const char *vmap_tree_check(const struct vmap_tree *tree, bool may_touch)
{
	struct walk walk = {.may_touch = may_touch};
	const char *broken = check_subtree(tree->root, &walk);

	if (broken)
		return broken;
	return walk.count == tree->count && walk.bytes == tree->bytes ? NULL : I4;
}
