/* machine.h: a machine, as the files of /proc about the whole of it would show it at one event.
 *
 *   trace ──▶ memory (memory.h), slabs and vmalloc (kernel_memory.h), processes ──▶ buddyinfo pagetypeinfo zoneinfo vmstat meminfo
 *                                                                                 slabinfo vmallocinfo iomem extfrag_index unusable_index
 *
 * The views print from the engine's structures and read no event of the trace. What the model does not have (dirty pages, reclaim,
 * devices ...) is as the recording said it, if it does not change while a machine runs; or else it is `unknown`, a text of the user's
 * choice. Which lines there are, where a kernel's configuration decides about that, the recorded text of the same file says; without
 * one they are those of Linux 6.18 on x86-64 with NUMA, huge pages, compaction and without memory for devices.
 */
#ifndef FAULTLINE_BENCH_PROC_MACHINE_H
#define FAULTLINE_BENCH_PROC_MACHINE_H

#include "engine/kernel_memory.h"
#include "engine/virt/frames.h"

#include <stdio.h>

/* The texts of /proc as they were recorded first, each ending with a NUL; NULL: never. */
struct proc_texts {
	const char *meminfo, *vmstat, *zoneinfo, *pagetypeinfo, *iomem;
};

/* What processes have, in pages of PAGE_BYTES and in faults since the beginning. */
struct proc_users {
	const struct frames *frames;
	uint64_t
	    table_pages; /* of page tables, as NR_PAGETABLE counts: roots and what huge pages keep in store, too */
	uint64_t promised_pages; /* Committed_AS */
	uint64_t locked_pages;
	uint64_t minor, major, cow_reuse;
	uint64_t thp, thp_fallback, thp_promoted, thp_split;
};

struct proc_machine {
	const struct memory *memory;
	const struct kernel_memory *kernel; /* NULL: nobody knows what the kernel has */
	const struct proc_users *users;	    /* NULL: nobody knows what processes have */
	struct proc_texts recorded;
	/* The name of a caller of vmalloc; NULL, or it returns NULL: not known. */
	const char *(*caller_name)(const void *context, uint64_t caller);
	const void *caller_context;
	const char *unknown;
};

#endif
