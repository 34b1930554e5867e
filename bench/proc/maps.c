#include "config.h"

#include "bench/proc/maps.h"

#include "bench/proc/mapping.h"

void proc_maps(const struct proc_process *process, FILE *out)
{
	for (const struct vma *vma = process->mm->tree.first; vma; vma = vma->next)
		proc_mapping_line(process, vma, out);
	if (process->beginning.has_gate)
		proc_range_line(&proc_gate, out);
}
