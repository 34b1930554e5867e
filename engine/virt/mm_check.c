#include "config.h"

#include "engine/virt/mm.h"

struct sums {
	uint64_t total, data, stack, executable, accounted;
};

static void add(struct sums *sums, const struct vma *vma)
{
	uint32_t kind = vma->area.flags & (AREA_WRITE | AREA_EXECUTE | AREA_GROWS_DOWN | AREA_SHARED);
	uint64_t pages = vma_pages(vma);

	sums->total += pages;
	if (kind & AREA_GROWS_DOWN)
		sums->stack += pages;
	else if ((kind & (AREA_WRITE | AREA_EXECUTE)) == AREA_EXECUTE)
		sums->executable += pages;
	else if ((kind & (AREA_WRITE | AREA_SHARED)) == AREA_WRITE)
		sums->data += pages;
	if (vma->area.flags & VMA_ACCOUNTED)
		sums->accounted += pages;
}

const char *mm_check(const struct mm *mm)
{
	struct sums sums = {0, 0, 0, 0, 0};

	if (vma_tree_check(&mm->tree))
		return "I1: vma_tree_check() holds";
	for (const struct vma *vma = mm->tree.first; vma; vma = vma->next) {
		uint32_t flags = vma->area.flags;

		if (vma->area.end > mm->layout.task_bytes)
			return "I2: every VMA lies below task_bytes";
		if (flags & AREA_RIGHTS & ~(flags >> VMA_MAY_SHIFT))
			return "I7: a VMA's rights are rights that it may have";
		add(&sums, vma);
	}
	if (sums.total != mm->total_pages || sums.total > mm->total_peak_pages)
		return "I3: total_pages = sum of the VMAs' pages, at most total_peak_pages";
	if (sums.data != mm->data_pages || sums.stack != mm->stack_pages ||
	    sums.executable != mm->executable_pages)
		return "I4: data_pages, stack_pages, executable_pages = those of private writable, growing, "
		       "executable unwritable VMAs";
	if (sums.accounted != mm->accounted_pages || sums.accounted > mm->promise->promised_pages)
		return "I5: accounted_pages = pages of VMAs that are VMA_ACCOUNTED, charged to `promise`";
	if (mm->brk < mm->layout.start_brk)
		return "I6: start_brk <= brk";
	return NULL;
}
