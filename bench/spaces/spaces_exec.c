#include "config.h"

#include "bench/spaces/exec_pages.h"
#include "bench/spaces/spaces_state.h"

/* Where the program's first reference to its stack goes: right below what exec wrote. 0: none of its run is one, whatever part of that
 * comes first. */
static uint64_t first_stack_address(const struct spaces *spaces, const struct spaces_stretch *stretch)
{
	const struct access_batch *batch = stretch->batch;
	const struct access_run *run = &batch->run[stretch->run];

	for (size_t i = stretch->first; i < (size_t)run->first + run->count; i++) {
		const struct access_context *context = &batch->contexts_table[batch->context[i]];
		const struct window *window = &spaces->window[batch->context[i]];

		if (context->place == ACCESS_STACK && window->bound != 0)
			return window->where + batch->offset[i] + batch->shapes_table[batch->shape[i]].size;
	}
	return 0;
}

/* Initialised data, which memory follows that begins as zeros: exec clears the rest of its last page. */
static bool is_data_before_zeros(const struct vma *vma)
{
	const struct vma *next = vma->next;

	return vma->file && area_copies_on_write(&vma->area) && next && !next->file &&
	       next->area.start == vma->area.end && area_copies_on_write(&next->area);
}

static void touch_data(struct mm *mm)
{
	for (struct vma *vma = mm->tree.first, *next; vma; vma = next) {
		uint64_t end = vma->area.end;

		next = vma->next;
		if (is_data_before_zeros(vma))
			(void)exec_pages_touch_range(mm, end - PAGE_BYTES, end);
	}
}

void spaces_touch_exec_pages(struct spaces *spaces, struct space *space, const struct spaces_stretch *stretch)
{
	const struct fault_counts *counts = &space->pages.resident.counts;
	uint64_t before, stack;

	spaces_catch_up(spaces);
	before = counts->minor;
	space->is_touched = true;
	if (space->first_pages) {
		(void)exec_pages_touch(&space->mm, space->first_pages);
	} else if (space->has_arguments) {
		stack = first_stack_address(spaces, stretch);
		if (stack != 0 && stack < space->stack_top)
			(void)exec_pages_touch_range(&space->mm, stack, space->stack_top);
		touch_data(&space->mm);
	}
	space->exec_faults = counts->minor - before;
}
