/* fault_rig.h: a small machine with whole address spaces: the system calls of mm.h over the pages of fault.h, for one or two
 * processes and one file, and with a processor if it is wanted. Does the steps of kernel_child.h, and any other call. */
#ifndef FAULTLINE_TESTS_UNIT_FAULT_RIG_H
#define FAULTLINE_TESTS_UNIT_FAULT_RIG_H

#include "engine/virt/fault.h"
#include "tests/unit/kernel_child.h"

#define RIG_PROCESSES KERNEL_CHILD_PROCESSES

struct rig_process {
	bool exists;
	struct mm mm;
	struct fault_space space;
};

struct fault_rig {
	void *buddy_memory;
	struct buddy buddy;
	struct page_array array;
	struct table_store store;
	struct paging paging;
	struct frames frames;
	struct policy policy;
	struct vma_store vmas;
	struct mm_promise promise;
	struct open_file file;
	bool has_processors;
	struct pagetable kernel;
	struct cpu_set processors;
	struct rig_process process[RIG_PROCESSES];
};

struct rig_options {
	uint64_t frames;     /* of the machine, a multiple of 1,024 */
	uint64_t file_pages; /* of its file */
	bool has_processors; /* one, with one TLB model */
};

/* False when the host, or the frames, do not suffice. */
bool rig_make(struct fault_rig *rig, const struct rig_options *options);
void rig_drop(struct fault_rig *rig);

/* One step; errno and signals as the program would see them. Without memory a touch ends with signal 9. */
struct step_figures rig_step(struct fault_rig *rig, const struct step *step);

/* Process 0 makes process 1, or it ends. 0 or an errno. */
int rig_fork(struct fault_rig *rig);
void rig_exit(struct fault_rig *rig, unsigned number);

/* NULL, or what is broken: every address space, all frames, the file, tables, processors. */
const char *rig_check(const struct fault_rig *rig);

#endif
