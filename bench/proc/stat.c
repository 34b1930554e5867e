#include "config.h"

#include "bench/proc/stat.h"

#include "bench/proc/code.h"
#include "bench/proc/recorded.h"

#include <inttypes.h>

#define FIELDS 52u

/* Fields by their numbers in proc(5). */
enum field {
	FIELD_PARENT = 4,
	FIELD_MINOR = 10,
	FIELD_MAJOR = 12,
	FIELD_THREADS = 20,
	FIELD_NOTHING = 21, /* was the time to the next alarm: 0 since Linux 2.6.17 */
	FIELD_SIZE = 23,
	FIELD_RESIDENT = 24,
	FIELD_START_CODE = 26,
	FIELD_END_CODE = 27,
	FIELD_SWAPPED = 36, /* never counted by Linux: 0 */
	FIELD_CHILDREN_SWAPPED = 37,
	FIELD_START_BREAK = 47,
};

/* What exec and the parent decided, and stays. */
static bool is_lasting(unsigned field)
{
	static const uint64_t lasting =
	    UINT64_C(1) << 5 | UINT64_C(1) << 6 | UINT64_C(1) << 7 | UINT64_C(1) << 9 | UINT64_C(1) << 18 |
	    UINT64_C(1) << 19 | UINT64_C(1) << 22 | UINT64_C(1) << 25 | UINT64_C(1) << 28 |
	    UINT64_C(1) << 38 | UINT64_C(1) << 40 | UINT64_C(1) << 41 | UINT64_C(1) << 45 |
	    UINT64_C(1) << 46 | UINT64_C(1) << 48 | UINT64_C(1) << 49 | UINT64_C(1) << 50 | UINT64_C(1) << 51;

	return lasting >> field & 1;
}

static bool find(const struct proc_process *process, unsigned field, uint64_t *value)
{
	const struct proc_code code = proc_code(process);

	switch (field) {
	case FIELD_PARENT:
		*value = process->parent_pid;
		return process->parent_pid != 0;
	case FIELD_MINOR:
		*value = process->faults.minor;
		return true;
	case FIELD_MAJOR:
		*value = process->faults.major;
		return true;
	case FIELD_THREADS:
		*value = process->threads;
		return true;
	case FIELD_SIZE:
		*value = process->mm->total_pages << PAGE_SHIFT;
		return true;
	case FIELD_RESIDENT:
		*value = resident_pages(proc_resident(process));
		return true;
	case FIELD_START_CODE:
		*value = code.start;
		return code.end != 0;
	case FIELD_END_CODE:
		*value = code.end;
		return code.end != 0;
	case FIELD_START_BREAK:
		*value = process->mm->layout.start_brk;
		return true;
	default:
		*value = 0;
		return field == FIELD_NOTHING || field == FIELD_SWAPPED || field == FIELD_CHILDREN_SWAPPED;
	}
}

void proc_stat(const struct proc_process *process, FILE *out)
{
	char recorded[RECORDED_FIELD_BYTES];
	uint64_t value;

	if (process->pid)
		(void)fprintf(out, "%" PRIu64, process->pid);
	else
		(void)fputs(process->unknown, out);
	(void)fprintf(out, " (%s)", process->name);
	for (unsigned field = 3; field <= FIELDS; field++) {
		if (find(process, field, &value))
			(void)fprintf(out, " %" PRIu64, value);
		else if ((is_lasting(field) || field == FIELD_PARENT) &&
			 recorded_stat_field(process->stat, field, recorded))
			(void)fprintf(out, " %s", recorded);
		else
			(void)fprintf(out, " %s", process->unknown);
	}
	(void)fputc('\n', out);
}
