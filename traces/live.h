/* live.h: the live set of one process: which objects are alive, and what is known of each.
 *
 * A radix tree over object ids, because ids are dense and mostly young: 32 objects to a leaf, 256 children to a branch,
 * as many levels as the highest id needs. A leaf without a live object is given back, so that memory follows the live
 * set and not the length of the trace; one empty node per level is kept at hand, because the next id wants it at once. Nodes are counted and shared: a fork copies one pointer, and a node is copied
 * when one of its owners first changes it (copy on write, as the kernel does with the pages of the same fork).
 *
 *        branch [0 | 1 | ... | 255]           id = 1 + (branch index, branch index, ..., leaf index)
 *               /            \
 *          branch           branch     <- may belong to several live sets
 *          /    \
 *       leaf    leaf [32 objects]
 *
 * Invariants
 *   I1  a leaf's count = its live objects, and is not 0
 *   I2  a branch's count = its children, and is not 0
 *   I3  objects = the sum of the leaves' counts
 *   I4  bytes = the sum of the live objects' sizes
 *   I5  a spare node is all zero but for its owner
 */
#ifndef FAULTLINE_TRACES_LIVE_H
#define FAULTLINE_TRACES_LIVE_H

#include <stdbool.h>
#include <stdint.h>

struct live_object {
	uint64_t size_bytes; /* requested; 0 for a foreign object */
	uint64_t
	    label; /* whatever the owner of the set keeps with an object: its address, its id in another trace */
	uint32_t thread; /* that created it */
	uint32_t live;	 /* 1, or 0 for a slot without object */
};

#define LIVE_SET_LEVELS 8 /* of nodes: leaves and at most seven levels of branches */

struct live_set {
	void *root;		      /* branch or leaf, NULL when empty */
	void *spare[LIVE_SET_LEVELS]; /* an empty node of each level, or NULL; never shared */
	unsigned height;	      /* levels of branches above the leaves */
	uint64_t objects;
	uint64_t bytes;
};

/* An empty set: all zero. */
#define LIVE_SET_EMPTY                                                                                       \
	{                                                                                                    \
		0                                                                                            \
	}

/* The object `id` (at least 1), or NULL when it is not alive. Valid until the set changes. Cost: one step per level. */
const struct live_object *live_set_find(const struct live_set *set, uint64_t id);

/* Makes `id`, which must not be alive, alive. False when memory is short; the set is then as before. */
bool live_set_insert(struct live_set *set, uint64_t id, const struct live_object *object);

/* Gives `id`, which must be alive, another label. False when memory for a private copy of a shared node is short. */
bool live_set_label(struct live_set *set, uint64_t id, uint64_t label);

/* Ends `id`, which must be alive. False when memory for a private copy of a shared node is short. */
bool live_set_remove(struct live_set *set, uint64_t id);

/* Makes `copy`, whatever it holds (it is not freed), equal to `set`. Cost: constant. */
void live_set_share(struct live_set *copy, const struct live_set *set);

/* Empties the set. Cost: the nodes that it alone owns. */
void live_set_clear(struct live_set *set);

/* Calls `visit` for every live object by rising id until it returns false; returns false in that case. */
bool live_set_each(const struct live_set *set,
		   bool (*visit)(void *context, uint64_t id, const struct live_object *object),
		   void *context);

/* NULL, or the text of the first broken invariant. */
const char *live_set_check(const struct live_set *set);

#endif
