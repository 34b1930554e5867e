#include "config.h"

#include "bench/spaces/spaces_state.h"

#include <stdlib.h>

void spaces_sum_up(const struct process *process, struct spaces_process *sum)
{
	const struct space *space = process->space;
	const struct resident *resident = &space->pages.resident;
	const struct spaces_process *since = &process->since;
	const uint64_t *now = (const uint64_t *)&resident->counts, *then = (const uint64_t *)&since->faults;
	uint64_t *faults = (uint64_t *)&sum->faults;

	for (size_t i = 0; i < sizeof(sum->faults) / sizeof(uint64_t); i++)
		faults[i] += now[i] - then[i];
	sum->exec_faults += space->exec_faults - since->exec_faults;
	sum->failed_walks += space->pages.failed_walks - since->failed_walks;
	sum->failed_walk_references += space->pages.failed_walk_references - since->failed_walk_references;
	sum->stack_growths += space->pages.stack_growths - since->stack_growths;
	sum->resident_pages = resident_pages(resident);
	sum->anonymous_pages = resident->anonymous_pages;
	sum->file_pages = resident->file_pages;
	sum->shared_memory_pages = resident->shared_memory_pages;
	sum->huge_pages = resident->huge_pages;
	if (resident->resident_peak_pages > sum->resident_peak_pages)
		sum->resident_peak_pages = resident->resident_peak_pages;
	sum->table_pages = resident_table_pages(resident);
	sum->tree_pages = resident->table.table_pages;
	if (resident->table.table_pages_peak > sum->tree_peak_pages)
		sum->tree_peak_pages = resident->table.table_pages_peak;
	sum->mappings = space->mm.tree.count;
}

_Static_assert(sizeof(struct fault_counts) % sizeof(uint64_t) == 0, "all counters of faults have 64 bits");

uint32_t spaces_processes(const struct spaces *spaces)
{
	return spaces->trace->processes;
}

struct mm *spaces_mm(const struct spaces *spaces, uint32_t process)
{
	struct space *space = process < spaces->trace->processes ? spaces->process[process].space : NULL;

	return space ? &space->mm : NULL;
}

struct spaces_beginning spaces_beginning(const struct spaces *spaces, uint32_t process)
{
	const struct space *space = spaces->process[process].space;

	return (struct spaces_beginning){.stack_top = space->stack_top, .has_gate = space->has_gate};
}

uint64_t spaces_address(const struct spaces *spaces, uint32_t process, uint64_t recorded)
{
	const struct space *space =
	    process < spaces->trace->processes ? spaces->process[process].space : NULL;

	return space ? relocation_find(&space->moved, recorded).ours : recorded;
}

size_t spaces_stack_tops(const struct spaces *spaces, uint32_t process, uint64_t *top, size_t room)
{
	const struct process *of = process < spaces->trace->processes ? &spaces->process[process] : NULL;
	size_t count = 0;

	for (uint32_t i = of ? of->last_thread : NO_THREAD; i != NO_THREAD; i = spaces->thread[i].sibling) {
		if (spaces->thread[i].top == 0)
			continue;
		if (count < room)
			top[count] = spaces->thread[i].top;
		count++;
	}
	return count;
}

uint64_t spaces_position(const struct spaces *spaces)
{
	return spaces->position;
}

struct mm_result spaces_call(struct spaces *spaces, uint32_t process, const struct event *call)
{
	spaces_catch_up(spaces);
	return spaces_carry_out_exactly(spaces, spaces->process[process].space, call);
}

struct spaces_process spaces_process(const struct spaces *spaces, uint32_t process)
{
	struct spaces_process sum = {.is_known = false};

	if (process >= spaces->trace->processes)
		return sum;
	sum = spaces->process[process].past;
	if (spaces->process[process].space)
		spaces_sum_up(&spaces->process[process], &sum);
	return sum;
}

static void add_figures(struct spaces_process *total, const struct spaces_process *one)
{
	const uint64_t *from = (const uint64_t *)&one->faults;
	uint64_t *faults = (uint64_t *)&total->faults;

	for (size_t i = 0; i < sizeof(total->faults) / sizeof(uint64_t); i++)
		faults[i] += from[i];
	total->exec_faults += one->exec_faults;
	total->failed_walks += one->failed_walks;
	total->failed_walk_references += one->failed_walk_references;
	total->stack_growths += one->stack_growths;
	if (one->resident_peak_pages > total->resident_peak_pages)
		total->resident_peak_pages = one->resident_peak_pages;
	if (one->tree_peak_pages > total->tree_peak_pages)
		total->tree_peak_pages = one->tree_peak_pages;
}

static void add_memory(struct spaces_process *total, const struct spaces_process *one)
{
	total->resident_pages += one->resident_pages;
	total->anonymous_pages += one->anonymous_pages;
	total->file_pages += one->file_pages;
	total->shared_memory_pages += one->shared_memory_pages;
	total->huge_pages += one->huge_pages;
	total->table_pages += one->table_pages;
	total->tree_pages += one->tree_pages;
	total->mappings += one->mappings;
}

struct spaces_process spaces_total(const struct spaces *spaces)
{
	struct spaces_process total = {.is_known = true};

	for (uint32_t i = 0; i < spaces->trace->processes; i++) {
		struct spaces_process one = spaces_process(spaces, i);

		add_figures(&total, &one);
		/* Of those that share a space, the one that had it to itself counts it. */
		if (spaces->process[i].space && !spaces->process[i].since.is_known)
			add_memory(&total, &one);
	}
	return total;
}

struct spaces_calls spaces_call_counts(const struct spaces *spaces)
{
	return spaces->calls;
}

struct spaces_references spaces_reference_counts(const struct spaces *spaces)
{
	return spaces->references;
}

struct platform *spaces_platform(struct spaces *spaces)
{
	return &spaces->platform;
}

const char *spaces_check(const struct spaces *spaces)
{
	const struct resident **sets =
	    calloc((size_t)spaces->trace->processes + 1, sizeof(struct resident *));
	const char *broken = sets ? NULL : "no memory to look at all address spaces";
	size_t count = 0;

	for (uint32_t i = 0; i < spaces->trace->processes && !broken; i++) {
		const struct space *space = spaces->process[i].space;
		bool is_new = space != NULL;

		for (size_t other = 0; other < count && is_new; other++)
			is_new = sets[other] != &space->pages.resident;
		if (!is_new)
			continue;
		broken = fault_check(&space->mm);
		sets[count++] = &space->pages.resident;
	}
	if (!broken)
		broken = resident_check_all(sets, count);
	free(sets);
	return broken ? broken : platform_check(&spaces->platform);
}
