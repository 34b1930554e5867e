/* platform.h: the machine under the address spaces of a trace: frames in zones, page tables, processors.
 *
 *   zones (memory.h) ──▶ frames of user pages, page tables ──▶ address spaces ──▶ processors with their TLB models
 *
 * One of each for all processes: they compete for the same memory. There is no swap and no reclaim: a machine without a free
 * frame refuses.
 */
#ifndef FAULTLINE_BENCH_SPACES_PLATFORM_H
#define FAULTLINE_BENCH_SPACES_PLATFORM_H

#include "bench/spaces/address_layout.h"
#include "engine/phys/memory.h"
#include "engine/policy.h"
#include "engine/virt/cpu.h"
#include "engine/virt/fault.h"

struct platform_options {
	const struct policy *policy; /* NULL: linux */
	uint64_t memory_bytes;	     /* a multiple of 4 MiB, at least 64 MiB; 0: its layout's */
	unsigned processors;	     /* 0: one */
	const struct tlb_geometry *geometries;
	unsigned models; /* MMU models, up to MMU_MODELS_MAX; 0: faults alone */
};

struct platform {
	struct policy policy;
	const struct address_layout *layout; /* NULL: the policy's keys mean no machine */
	struct memory memory;
	struct paging paging;
	struct table_store store;
	struct frames frames;
	struct vma_store vmas;
	struct mm_promise promise;
	struct pagetable kernel; /* what processors translate by when they run nobody */
	struct cpu_set processors;
	unsigned built; /* parts that exist, in the order of building */
};

/* STATUS_BAD_ARGUMENT when the options describe no machine: `layout` is then NULL, or the memory is none that it can have;
 * STATUS_NO_MEMORY. It must not move. */
MUST_USE enum status platform_create(struct platform *platform, const struct platform_options *options);

/* All address spaces are gone. */
void platform_destroy(struct platform *platform);

/* An empty address space on it, its pages and its calls, with the limits of a fresh Linux. STATUS_LIMIT when the layout's segments
 * have no place for another process; STATUS_NO_MEMORY. */
MUST_USE enum status platform_space_create(struct platform *platform, struct mm *mm,
					   struct fault_space *space);

/* NULL, or the first broken invariant of frames, tables and processors. */
const char *platform_check(const struct platform *platform);

#endif
