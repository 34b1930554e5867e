#include "config.h"

#include "bench/spaces/spaces_state.h"

#include <inttypes.h>

#define GIB ((uint64_t)1 << 30)

enum trace_status spaces_no_machine(const struct spaces *spaces, struct trace_error *error)
{
	const struct address_layout *layout = spaces->platform.layout;

	if (!layout)
		return trace_fail(error, TRACE_UNSUPPORTED,
				  "the policy's memory_layout and page_levels are no machine together; "
				  "there are %s",
				  address_layout_choice());
	return trace_fail(error, TRACE_UNSUPPORTED,
			  "a machine of layout %s has a multiple of 4 MiB of memory, from 64 MiB to %" PRIu64
			  " GiB",
			  layout->name, layout->memory_max_bytes / GIB);
}

enum trace_status spaces_no_space(const struct spaces *spaces, struct trace_error *error)
{
	const struct task_set *tasks = &spaces->platform.processors.cpu[0].tasks;

	if (tasks->processes < task_limit(tasks->model))
		return trace_fail(error, TRACE_NO_MEMORY,
				  "the simulated machine has no memory left for another address space; "
				  "--memory gives it more");
	return trace_fail(error, TRACE_UNSUPPORTED,
			  "event %" PRIu64
			  ": the machine has no place for another process: its segments allow "
			  "%" PRIu32 " (each of i386 has a TSS and an LDT in the GDT; page_levels=3 has "
			  "segments without that limit)",
			  spaces->position, task_limit(tasks->model));
}

enum trace_status spaces_no_address(const struct spaces *spaces, uint64_t address, struct trace_error *error)
{
	const struct address_layout *layout = spaces->platform.layout;

	return trace_fail(
	    error, TRACE_UNSUPPORTED,
	    "event %" PRIu64 ": the recorded address 0x%" PRIx64 " lies beyond the %" PRIu64
	    " GiB that a program has on machine %s. Such a machine takes "
	    "recordings of 32-bit programs (under `setarch linux32 --3gb`: a 64-bit kernel gives them "
	    "4 GiB), and with --addresses free those of `record --accesses`; others need "
	    "memory_layout=x86-64",
	    spaces->position, address, layout->mm.task_bytes / GIB, layout->name);
}
