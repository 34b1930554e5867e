#include "config.h"

#include "engine/phys/mempolicy.h"

#include "engine/base/check.h"

unsigned mempolicy_node(struct mempolicy *policy, unsigned local)
{
	if (policy->mode == MEMPOLICY_LOCAL || policy->mode == MEMPOLICY_BIND)
		return local;
	CHECK(policy->nodes != 0, "a memory policy names at least one node");
	unsigned first = (unsigned)__builtin_ctz(policy->nodes);

	if (policy->mode == MEMPOLICY_PREFERRED)
		return first;
	uint32_t later = policy->next < 32 ? policy->nodes >> policy->next << policy->next : 0;
	unsigned node = later != 0 ? (unsigned)__builtin_ctz(later) : first;

	policy->next = node + 1;
	return node;
}
