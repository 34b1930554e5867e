#include "config.h"

#include "bench/proc/code.h"

#include "bench/proc/recorded.h"

#define STAT_START_CODE 26
#define STAT_END_CODE 27

static bool find_recorded(const struct proc_process *process, struct proc_code *code)
{
	return recorded_stat_number(process->stat, STAT_START_CODE, &code->start) &&
	       recorded_stat_number(process->stat, STAT_END_CODE, &code->end) && code->start < code->end &&
	       code->end <= process->mm->layout.task_bytes;
}

static void find_mapped(const struct mm *mm, struct proc_code *code)
{
	const struct vma *vma = mm->tree.first;

	while (vma && !vma->file)
		vma = vma->next;
	const struct open_file *program = vma ? vma->file : NULL;

	for (; vma; vma = vma->next) {
		if (vma->file != program || !(vma->area.flags & AREA_EXECUTE))
			continue;
		if (code->end == 0)
			code->start = vma->area.start;
		code->end = vma->area.end;
	}
}

struct proc_code proc_code(const struct proc_process *process)
{
	struct proc_code code = {0, 0, 0, 0};
	uint64_t executable = process->mm->executable_pages;

	if (!find_recorded(process, &code)) {
		code.start = code.end = 0;
		find_mapped(process->mm, &code);
	}
	code.text_pages = (code.end + PAGE_BYTES - 1) / PAGE_BYTES - code.start / PAGE_BYTES;
	if (code.text_pages > executable)
		code.text_pages = executable;
	code.library_pages = executable - code.text_pages;
	return code;
}
