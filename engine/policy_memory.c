#include "config.h"

#include "engine/policy_memory.h"

enum buddy_placement policy_placement(const struct policy *policy)
{
	switch ((enum page_placement)policy->page_placement) {
	case PLACEMENT_LOWEST_ADDRESS:
		return BUDDY_LOWEST_ADDRESS;
	case PLACEMENT_FULLEST_BLOCK:
		return BUDDY_FULLEST_BLOCK;
	case PLACEMENT_ORDER_FIRST:
		break;
	}
	return BUDDY_ORDER_FIRST;
}

static enum zone_keeper keeper_of(const struct policy *policy)
{
	switch ((enum free_block_keeper)policy->free_blocks) {
	case FREE_BLOCKS_LISTS:
		return ZONE_LISTS;
	case FREE_BLOCKS_TYPED:
		return ZONE_TYPED;
	case FREE_BLOCKS_BITMAPS:
		break;
	}
	return ZONE_BITMAPS;
}

struct memory_shape policy_memory_shape(const struct policy *policy)
{
	return (struct memory_shape){
	    .size = {.layout = policy->memory_layout == LAYOUT_I386 ? MEMORY_I386 : MEMORY_X86_64},
	    .backing = ARENA_NONE,
	    .placement =
		policy->free_blocks == FREE_BLOCKS_TYPED ? BUDDY_ORDER_FIRST : policy_placement(policy),
	    .max_order = BUDDY_KERNEL_ORDER,
	    .cpus = policy->per_cpu_lists ? 1 : 0,
	    .tuning = policy->pcp_tuning == PAGE_SETS_TUNED ? PCP_TUNED : PCP_FIXED,
	    .keeper = keeper_of(policy),
	    .watermarks = {.min_free_kbytes = policy->min_free_kbytes,
			   .scale_factor = policy->watermark_scale_factor,
			   .huge_pages = policy->thp != THP_NEVER},
	    .remembers_owners = policy->page_owner != 0,
	};
}
