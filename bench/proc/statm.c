#include "config.h"

#include "bench/proc/statm.h"

#include "bench/proc/code.h"

#include <inttypes.h>

void proc_statm(const struct proc_process *process, FILE *out)
{
	const struct mm *mm = process->mm;
	const struct resident *resident = proc_resident(process);

	(void)fprintf(out, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " 0 %" PRIu64 " 0\n",
		      mm->total_pages, resident_pages(resident),
		      resident->file_pages + resident->shared_memory_pages, proc_code(process).text_pages,
		      mm->data_pages + mm->stack_pages);
}
