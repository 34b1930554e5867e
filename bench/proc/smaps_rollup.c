#include "config.h"

#include "bench/proc/smaps_rollup.h"

#include "bench/proc/mapping.h"
#include "bench/proc/page_sums.h"

void proc_smaps_rollup(const struct proc_process *process, FILE *out)
{
	const struct vma_tree *tree = &process->mm->tree;
	struct page_sums sums = {.resident = 0};

	if (!tree->first)
		return;
	const struct proc_range range = {tree->first->area.start, tree->last->area.end, "---p", "[rollup]"};

	for (const struct vma *vma = tree->first; vma; vma = vma->next)
		page_sums_add(&sums, process, vma);
	proc_range_line(&range, out);
	page_sums_print(&sums, true, out);
}
