/* mempolicy.h: from which nodes a process wants its memory (Documentation/admin-guide/mm/numa_memory_policy.rst).
 *
 *   local        the node of the calling CPU first, then its fallback order
 *   preferred    the lowest of `nodes` first, then that one's fallback order
 *   bind         only `nodes`, in the fallback order of the calling CPU's node
 *   interleave   one of `nodes` after the other, page by page; then that one's fallback order
 *
 * Like Linux 6.18 (mm/mempolicy.c: apply_policy_zone), bind does not hold for requests that ask for a lower zone than the
 * machine's best one: only one node may have it.
 */
#ifndef FAULTLINE_ENGINE_PHYS_MEMPOLICY_H
#define FAULTLINE_ENGINE_PHYS_MEMPOLICY_H

#include <stdbool.h>
#include <stdint.h>

enum mempolicy_mode {
	MEMPOLICY_LOCAL,
	MEMPOLICY_PREFERRED,
	MEMPOLICY_BIND,
	MEMPOLICY_INTERLEAVE,
};

struct mempolicy {
	enum mempolicy_mode mode;
	uint32_t nodes; /* bit n: node n; at least one but for local */
	unsigned next;	/* interleave: the node after the one used last */
};

#define MEMPOLICY_ANY_NODE UINT32_MAX

/* The node whose fallback order a request follows. Interleave moves on by one. */
unsigned mempolicy_node(struct mempolicy *policy, unsigned local);

/* The nodes that a request may use. */
static inline uint32_t mempolicy_allowed(const struct mempolicy *policy, bool is_best_zone)
{
	return policy && policy->mode == MEMPOLICY_BIND && is_best_zone ? policy->nodes : MEMPOLICY_ANY_NODE;
}

#endif
