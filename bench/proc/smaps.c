#include "config.h"

#include "bench/proc/smaps.h"

#include "bench/proc/mapping.h"
#include "bench/proc/page_sums.h"

#include <string.h>

struct letters {
	char text[4];
	uint32_t flags;	  /* all of them must be set ... */
	uint32_t without; /* ... and none of these */
};

/* In the order of the kernel's VM_ bits. Of the kernel's own mappings, vvar and its like have no pages of their own (pf, io). */
static const struct letters letters[] = {
    {"rd", AREA_READ, 0},
    {"wr", AREA_WRITE, 0},
    {"ex", AREA_EXECUTE, 0},
    {"sh", AREA_SHARED | VMA_MAY_WRITE, 0},
    {"mr", VMA_MAY_READ, 0},
    {"mw", VMA_MAY_WRITE, 0},
    {"me", VMA_MAY_EXECUTE, 0},
    {"ms", AREA_SHARED, 0},
    {"gd", AREA_GROWS_DOWN, 0},
    {"pf", VMA_SPECIAL, VMA_MAY_EXECUTE},
    {"lo", AREA_LOCKED, 0},
    {"io", VMA_SPECIAL, VMA_MAY_EXECUTE},
    {"sr", VMA_SEQUENTIAL, 0},
    {"rr", AREA_RANDOM, 0},
    {"dc", AREA_NO_FORK, 0},
    {"de", VMA_SPECIAL, 0},
    {"lf", AREA_LOCKED_ON_FAULT, 0},
    {"ac", VMA_ACCOUNTED, 0},
    {"nr", VMA_NO_RESERVE, 0},
    {"sf", VMA_SYNC, 0},
    {"wf", AREA_WIPE_ON_FORK, 0},
    {"dd", VMA_NO_DUMP, 0},
    {"dd", VMA_SPECIAL, VMA_MAY_EXECUTE | VMA_NO_DUMP},
    {"hg", AREA_HUGE, 0},
    {"nh", AREA_NO_HUGE, 0},
    {"mg", VMA_MERGEABLE, 0},
    {"dp", VMA_DROPPABLE, 0},
};

/* The flags as the kernel would have them: the rights that mprotect may still give to its own mappings are what each was made with. */
static uint32_t kernel_flags(const struct vma *vma)
{
	uint32_t flags = vma->area.flags;

	if (!(flags & VMA_SPECIAL))
		return flags;
	flags &= ~(uint32_t)VMA_MAY_RIGHTS;
	return flags | VMA_MAY_READ | (flags & AREA_EXECUTE ? VMA_MAY_WRITE | VMA_MAY_EXECUTE : 0);
}

static void print_flags(const struct vma *vma, FILE *out)
{
	const uint32_t flags = kernel_flags(vma);

	(void)fputs("VmFlags: ", out);
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if ((flags & letters[i].flags) == letters[i].flags && !(flags & letters[i].without))
			(void)fprintf(out, "%s ", letters[i].text);
	}
	(void)fputc('\n', out);
}

static bool may_be_huge(const struct proc_process *process, const struct vma *vma)
{
	const struct resident *resident = proc_resident(process);

	if (!resident->huge_level)
		return false;
	uint64_t bytes = paging_leaf_bytes(resident->table.paging, resident->huge_level);
	uint64_t first = (vma->area.start + bytes - 1) & ~(bytes - 1);

	return first < vma->area.end && resident_may_be_huge(resident, &vma->area, first);
}

static void print_sums(uint64_t bytes, const struct page_sums *sums, FILE *out)
{
	page_sums_line("Size:", bytes, out);
	page_sums_line("KernelPageSize:", PAGE_BYTES, out);
	page_sums_line("MMUPageSize:", PAGE_BYTES, out);
	page_sums_print(sums, false, out);
}

void proc_smaps(const struct proc_process *process, FILE *out)
{
	const struct page_sums nothing = {.resident = 0};

	for (const struct vma *vma = process->mm->tree.first; vma; vma = vma->next) {
		struct page_sums sums = nothing;

		page_sums_add(&sums, process, vma);
		proc_mapping_line(process, vma, out);
		print_sums(vma->area.end - vma->area.start, &sums, out);
		(void)fprintf(out, "THPeligible:    %8u\n", (unsigned)may_be_huge(process, vma));
		print_flags(vma, out);
	}
	if (!process->beginning.has_gate)
		return;
	proc_range_line(&proc_gate, out);
	print_sums(proc_gate.end - proc_gate.start, &nothing, out);
	(void)fputs("THPeligible:           0\nVmFlags: ex \n", out);
}
