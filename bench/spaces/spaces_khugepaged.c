#include "config.h"

#include "bench/spaces/spaces_state.h"

size_t spaces_until_khugepaged(const struct spaces *spaces, size_t count)
{
	const struct khugepaged *khugepaged = &spaces->khugepaged;
	uint64_t period = spaces->platform.policy.khugepaged_period;
	uint64_t next = khugepaged->next ? khugepaged->next : period;

	return period != 0 && next - spaces->passed < count ? (size_t)(next - spaces->passed) : count;
}

/* The process whose turn it is: from the last one on, one that has an address space to itself. Those that share one with their parent
 * have had it. */
static struct space *next_space(struct spaces *spaces)
{
	struct khugepaged *khugepaged = &spaces->khugepaged;

	for (uint32_t i = 0; i < spaces->trace->processes; i++) {
		uint32_t number = (khugepaged->process + i) % spaces->trace->processes;
		const struct process *process = &spaces->process[number];

		if (!process->space || process->since.is_known)
			continue;
		if (number != khugepaged->process)
			khugepaged->cursor = 0;
		khugepaged->process = number;
		return process->space;
	}
	return NULL;
}

void spaces_run_khugepaged(struct spaces *spaces)
{
	struct khugepaged *khugepaged = &spaces->khugepaged;
	uint64_t period = spaces->platform.policy.khugepaged_period;
	struct space *space;

	if (khugepaged->next == 0)
		khugepaged->next = period;
	if (period == 0 || spaces->passed < khugepaged->next)
		return;
	khugepaged->next += period;
	spaces_catch_up(spaces);
	space = next_space(spaces);
	if (!space)
		return;
	(void)fault_khugepaged(&space->mm, &khugepaged->cursor);
	if (khugepaged->cursor == 0)
		khugepaged->process = (khugepaged->process + 1) % spaces->trace->processes;
}
