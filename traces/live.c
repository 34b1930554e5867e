#include "config.h"

#include "traces/live.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LEAF_BITS 5
#define LEAF_OBJECTS (1u << LEAF_BITS)
#define BRANCH_BITS 8
#define BRANCH_CHILDREN (1u << BRANCH_BITS)
#define MAX_HEIGHT (LIVE_SET_LEVELS - 1) /* 5 + 7 x 8 bits hold any id below 2^61 */

struct node {
	uint32_t owners;
	uint32_t count; /* live objects of a leaf, children of a branch */
};

struct leaf {
	struct node node;
	struct live_object object[LEAF_OBJECTS];
};

struct branch {
	struct node node;
	void *child[BRANCH_CHILDREN];
};

static unsigned leaf_index(uint64_t key)
{
	return (unsigned)(key & (LEAF_OBJECTS - 1));
}

static unsigned branch_index(uint64_t key, unsigned level)
{
	return (unsigned)(key >> (LEAF_BITS + (level - 1) * BRANCH_BITS)) & (BRANCH_CHILDREN - 1);
}

static bool holds(unsigned height, uint64_t key)
{
	return key >> (LEAF_BITS + height * BRANCH_BITS) == 0;
}

static size_t node_bytes(unsigned level)
{
	return level ? sizeof(struct branch) : sizeof(struct leaf);
}

static void release(void *node, unsigned level)
{
	struct node *head = node;

	if (!head || --head->owners)
		return;
	if (level) {
		struct branch *branch = node;

		for (unsigned i = 0; i < BRANCH_CHILDREN; i++)
			release(branch->child[i], level - 1);
	}
	free(node);
}

static void *copy_node(const void *node, unsigned level)
{
	struct node *copy = malloc(node_bytes(level));

	if (!copy)
		return NULL;
	memcpy(copy, node, node_bytes(level));
	copy->owners = 1;
	if (level) {
		struct branch *branch = (struct branch *)copy;

		for (unsigned i = 0; i < BRANCH_CHILDREN; i++) {
			if (branch->child[i])
				((struct node *)branch->child[i])->owners++;
		}
	}
	return copy;
}

/* An empty node, the spare one if there is one. */
static struct node *empty_node(struct live_set *set, unsigned level)
{
	struct node *node = set->spare[level];

	set->spare[level] = NULL;
	if (!node) {
		node = calloc(1, node_bytes(level));
		if (node)
			node->owners = 1;
	}
	return node;
}

/* Makes the node in *slot present and this set's own. */
static bool own(struct live_set *set, void **slot, unsigned level)
{
	struct node *node = *slot;

	if (!node) {
		node = empty_node(set, level);
		if (!node)
			return false;
	} else if (node->owners > 1) {
		struct node *copy = copy_node(node, level);

		if (!copy)
			return false;
		node->owners--;
		node = copy;
	}
	*slot = node;
	return true;
}

const struct live_object *live_set_find(const struct live_set *set, uint64_t id)
{
	const uint64_t key = id - 1;
	const void *node = set->root;

	if (!holds(set->height, key))
		return NULL;
	for (unsigned level = set->height; node && level; level--)
		node = ((const struct branch *)node)->child[branch_index(key, level)];
	if (!node)
		return NULL;
	const struct live_object *object = &((const struct leaf *)node)->object[leaf_index(key)];

	return object->live ? object : NULL;
}

static bool grow(struct live_set *set, uint64_t key)
{
	while (!holds(set->height, key)) {
		if (set->root) {
			struct branch *branch = (struct branch *)empty_node(set, set->height + 1);

			if (!branch)
				return false;
			branch->node.count = 1;
			branch->child[0] = set->root;
			set->root = branch;
		}
		set->height++;
	}
	return true;
}

/* Takes the nodes on the path that hold nothing out again, from `level` (its slot is path[level]) up. */
static void prune(struct live_set *set, void **path[], unsigned level)
{
	for (; level <= set->height; level++) {
		struct node *node = *path[level];

		if (!node || node->count)
			return;
		if (set->spare[level])
			free(node);
		else
			set->spare[level] = node;
		*path[level] = NULL;
		if (level < set->height)
			((struct node *)*path[level + 1])->count--;
	}
}

/* Owns the nodes from the root to the leaf of `key`; path[level] is the slot that holds the node of that level. */
static struct leaf *own_path(struct live_set *set, uint64_t key, void **path[])
{
	void **slot = &set->root;

	for (unsigned level = set->height;; level--) {
		const bool fresh = !*slot;

		if (!own(set, slot, level)) {
			if (level < set->height && fresh)
				prune(set, path, level + 1);
			return NULL;
		}
		path[level] = slot;
		if (fresh && level < set->height)
			((struct node *)*path[level + 1])->count++;
		if (level == 0)
			return *slot;
		slot = &((struct branch *)*slot)->child[branch_index(key, level)];
	}
}

bool live_set_insert(struct live_set *set, uint64_t id, const struct live_object *object)
{
	void **path[MAX_HEIGHT + 1];

	if (!grow(set, id - 1))
		return false;
	struct leaf *leaf = own_path(set, id - 1, path);

	if (!leaf)
		return false;
	leaf->object[leaf_index(id - 1)] = *object;
	leaf->object[leaf_index(id - 1)].live = 1;
	leaf->node.count++;
	set->objects++;
	set->bytes += object->size_bytes;
	return true;
}

bool live_set_label(struct live_set *set, uint64_t id, uint64_t label)
{
	void **path[MAX_HEIGHT + 1];
	struct leaf *leaf = own_path(set, id - 1, path);

	if (leaf)
		leaf->object[leaf_index(id - 1)].label = label;
	return leaf != NULL;
}

bool live_set_remove(struct live_set *set, uint64_t id)
{
	void **path[MAX_HEIGHT + 1];
	struct leaf *leaf = own_path(set, id - 1, path);

	if (!leaf)
		return false;
	struct live_object *object = &leaf->object[leaf_index(id - 1)];

	set->objects--;
	set->bytes -= object->size_bytes;
	*object = (struct live_object){0};
	leaf->node.count--;
	prune(set, path, 0);
	return true;
}

void live_set_share(struct live_set *copy, const struct live_set *set)
{
	*copy = *set;
	memset(copy->spare, 0, sizeof(copy->spare));
	if (set->root)
		((struct node *)set->root)->owners++;
}

void live_set_clear(struct live_set *set)
{
	release(set->root, set->height);
	for (unsigned level = 0; level < LIVE_SET_LEVELS; level++)
		free(set->spare[level]);
	*set = (struct live_set)LIVE_SET_EMPTY;
}

struct walk {
	bool (*visit)(void *context, uint64_t id, const struct live_object *object);
	void *context;
};

static bool walk_node(const struct walk *walk, const void *node, unsigned level, uint64_t key)
{
	if (!node)
		return true;
	if (level == 0) {
		const struct leaf *leaf = node;

		for (unsigned i = 0; i < LEAF_OBJECTS; i++) {
			if (leaf->object[i].live &&
			    !walk->visit(walk->context, key + i + 1, &leaf->object[i]))
				return false;
		}
		return true;
	}
	const struct branch *branch = node;

	for (uint64_t i = 0; i < BRANCH_CHILDREN; i++) {
		const uint64_t child_key = key + (i << (LEAF_BITS + (level - 1) * BRANCH_BITS));

		if (!walk_node(walk, branch->child[i], level - 1, child_key))
			return false;
	}
	return true;
}

bool live_set_each(const struct live_set *set,
		   bool (*visit)(void *context, uint64_t id, const struct live_object *object), void *context)
{
	const struct walk walk = {visit, context};

	return walk_node(&walk, set->root, set->height, 0);
}

struct audit {
	uint64_t objects;
	uint64_t bytes;
};

static const char *check_leaf(const struct leaf *leaf, struct audit *audit)
{
	uint32_t live = 0;

	for (unsigned i = 0; i < LEAF_OBJECTS; i++) {
		live += leaf->object[i].live;
		audit->bytes += leaf->object[i].live ? leaf->object[i].size_bytes : 0;
	}
	if (live != leaf->node.count || live == 0)
		return "I1: a leaf's count = its live objects, and is not 0";
	audit->objects += live;
	return NULL;
}

static const char *check_node(const void *node, unsigned level, struct audit *audit)
{
	if (level == 0)
		return check_leaf(node, audit);
	const struct branch *branch = node;
	uint32_t children = 0;

	for (unsigned i = 0; i < BRANCH_CHILDREN; i++) {
		const char *broken = branch->child[i] ? check_node(branch->child[i], level - 1, audit) : NULL;

		if (broken)
			return broken;
		children += branch->child[i] != NULL;
	}
	if (children != branch->node.count || children == 0)
		return "I2: a branch's count = its children, and is not 0";
	return NULL;
}

static bool is_blank(const struct node *node, unsigned level)
{
	const unsigned char *bytes = (const unsigned char *)node;

	if (node->owners != 1 || node->count)
		return false;
	for (size_t i = sizeof(*node); i < node_bytes(level); i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

const char *live_set_check(const struct live_set *set)
{
	struct audit audit = {0};
	const char *broken = set->root ? check_node(set->root, set->height, &audit) : NULL;

	if (broken)
		return broken;
	if (set->objects != audit.objects)
		return "I3: objects = the sum of the leaves' counts";
	if (set->bytes != audit.bytes)
		return "I4: bytes = the sum of the live objects' sizes";
	for (unsigned level = 0; level < LIVE_SET_LEVELS; level++) {
		if (set->spare[level] && !is_blank(set->spare[level], level))
			return "I5: a spare node is all zero but for its owner";
	}
	return NULL;
}
