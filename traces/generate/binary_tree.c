#include "config.h"

#include "traces/generate/binary_tree.h"

#include <stdlib.h>

#define SMALLEST_DEPTH 4u
#define DEEPEST_DEPTH 26u

enum { TREE_DEPTH, TREE_NODE };

static const struct workload_key binary_tree_keys[] = {
    [TREE_DEPTH] = {"depth", "levels of edges of the tree that stays", 12, SMALLEST_DEPTH, DEEPEST_DEPTH,
		    false},
    [TREE_NODE] = {"node_bytes", "size of a node", 32, 0, UINT64_C(1) << 30, false},
    {0},
};

static size_t nodes_of(unsigned depth)
{
	return ((size_t)2 << depth) - 1;
}

/* `node` gets the ids in preorder: the left subtree begins at 1, the right one behind it. */
static void build(struct generation *generation, uint64_t *node, unsigned depth)
{
	for (size_t index = 0; index < nodes_of(depth); index++)
		node[index] = emitter_malloc(&generation->emitter, 0, generation->settings->value[TREE_NODE]);
}

static void drop(struct generation *generation, const uint64_t *node, unsigned depth)
{
	if (depth > 0) {
		drop(generation, node + 1, depth - 1);
		drop(generation, node + 1 + nodes_of(depth - 1), depth - 1);
	}
	emitter_free(&generation->emitter, 0, node[0]);
}

static void binary_tree_play(struct generation *generation)
{
	uint64_t wanted = generation->settings->value[TREE_DEPTH];
	unsigned deepest = wanted < DEEPEST_DEPTH ? (unsigned)wanted : DEEPEST_DEPTH;
	uint64_t *lasting = generation_array(generation, nodes_of(deepest), sizeof(*lasting));
	uint64_t *passing = generation_array(generation, nodes_of(deepest + 1), sizeof(*passing));

	if (lasting && passing) {
		(void)emitter_thread(&generation->emitter, "main");
		build(generation, passing, deepest + 1);
		drop(generation, passing, deepest + 1);
		build(generation, lasting, deepest);
		for (unsigned depth = SMALLEST_DEPTH; depth <= deepest; depth += 2) {
			uint64_t trees = UINT64_C(1) << (deepest - depth + SMALLEST_DEPTH);

			for (uint64_t tree = 0;
			     tree < trees && emitter_goes_on(&generation->emitter, UINT64_MAX); tree++) {
				build(generation, passing, depth);
				drop(generation, passing, depth);
			}
		}
		drop(generation, lasting, deepest);
	}
	free(passing);
	free(lasting);
}

const struct workload binary_tree_workload = {
    .name = "binary-tree",
    .summary = "perfect binary trees built and dropped (GCBench, binary-trees)",
    .key = binary_tree_keys,
    .play = binary_tree_play,
};
