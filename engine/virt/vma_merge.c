#include "config.h"

#include "engine/virt/vma_merge.h"

#define NEVER_MERGED ((uint32_t)(VMA_SPECIAL | VMA_FOREIGN))

struct vma_proposal vma_part(const struct vma *vma, uint64_t start, uint64_t end, uint32_t flags)
{
	return (struct vma_proposal){.start = start,
				     .end = end,
				     .flags = flags,
				     .file = vma->file,
				     .first_page = vma_page_at(vma, start),
				     .anonymous = vma->anonymous,
				     .is_inherited = vma->is_inherited};
}

static bool identities_agree(const struct vma_proposal *proposal, const struct vma *target)
{
	if (!target->anonymous && proposal->anonymous)
		return !proposal->is_inherited;
	if (target->anonymous && !proposal->anonymous)
		return !target->is_inherited;
	return target->anonymous == proposal->anonymous;
}

static bool is_of_a_kind(const struct vma_proposal *proposal, const struct vma *target)
{
	return target->area.flags == proposal->flags && !(proposal->flags & NEVER_MERGED) &&
	       target->file == proposal->file && identities_agree(proposal, target);
}

struct vma_merge vma_merge_with(const struct vma_proposal *proposal, struct vma *previous, struct vma *next)
{
	struct vma_merge merge = {NULL, NULL};
	uint64_t pages = (proposal->end - proposal->start) >> PAGE_SHIFT;

	if (previous && previous->area.end == proposal->start &&
	    previous->area.first_page + vma_pages(previous) == proposal->first_page &&
	    is_of_a_kind(proposal, previous))
		merge.left = previous;
	if (next && next->area.start == proposal->end &&
	    next->area.first_page == proposal->first_page + pages && is_of_a_kind(proposal, next))
		merge.right = next;
	if (merge.left && merge.right && previous->anonymous && next->anonymous &&
	    previous->anonymous != next->anonymous)
		merge.right = NULL;
	return merge;
}

bool vma_may_join(const struct vma *below, const struct vma *above, const struct vma *neighbour)
{
	uint32_t differ = (below->area.flags ^ above->area.flags) & ~(uint32_t)AREA_RIGHTS;

	return neighbour->anonymous && !neighbour->is_inherited && below->area.end == above->area.start &&
	       below->file == above->file && differ == 0 &&
	       above->area.first_page == below->area.first_page + vma_pages(below);
}

void vma_adopt(struct vma *vma, uint64_t identity, bool is_inherited)
{
	if (vma->anonymous || !identity)
		return;
	vma->anonymous = identity;
	vma->is_inherited = is_inherited;
	vma->area.has_anonymous = true;
}
