/* fault_world.h: a small machine on which the steps of kernel_child.h are done by the model: one or two address spaces, a list
 * of areas each, one file. It does what the system calls do around the resident set, as far as these tests need it. */
#ifndef FAULTLINE_TESTS_UNIT_FAULT_WORLD_H
#define FAULTLINE_TESTS_UNIT_FAULT_WORLD_H

#include "engine/virt/resident.h"
#include "tests/unit/kernel_child.h"

#define WORLD_AREAS 64u
#define WORLD_PROCESSES KERNEL_CHILD_PROCESSES

struct world_process {
	bool exists;
	struct resident resident;
	unsigned areas;
	struct area area[WORLD_AREAS]; /* in rising order, merged where they can be */
};

struct world {
	void *buddy_memory;
	struct buddy buddy;
	struct page_array array;
	struct table_store store;
	struct paging paging;
	struct frames frames;
	struct policy policy;
	struct file_pages *file;
	struct world_process process[WORLD_PROCESSES];
	struct fault last; /* fault of the last touch */
};

/* A machine of `frames` frames (a multiple of 1,024) with one process and a file of `file_pages`. */
void world_make(struct world *world, uint64_t frames, uint64_t file_pages);
void world_drop(struct world *world);

/* Does one step; the figures as the kernel's child reports them, but errno, which is 0. */
struct step_figures world_step(struct world *world, const struct step *step);

/* NULL, or what of the whole machine is broken: sets, frames, file, page allocator. */
const char *world_check(const struct world *world);

struct area *world_area(struct world_process *process, uint64_t address);

#endif
