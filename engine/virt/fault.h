/* fault.h: page faults: from the processor that finds no translation to the access that succeeds, or the signal.
 *
 *    access --> walk --> entry allows it? --yes--> done
 *      ^                       | no: exception
 *      |                       v
 *      |               find the VMA (mm.h) --none--> below a stack: grow it --no--> SIGSEGV, SEGV_MAPERR
 *      |                       |
 *      |               its rights allow it? --no--> SIGSEGV, SEGV_ACCERR
 *      |                       |
 *      |               the entry is made (resident.h) --behind the file's end--> SIGBUS
 *      |                       |                      --no frame--> out of memory
 *      |               identity of the first anonymous page; processors forget the old entry (flush.h)
 *      +-----------------------+   restart: the second walk of the same access
 *
 * An address space (struct mm) with pages has a fault_space as its pages_owner and fault_pages as its class: then the
 * system calls of mm.h take pages away, copy, move and populate them by resident.h, and every change is brought to the
 * processors that run the space, once per call, as Linux does it.
 *
 * Invariants, proved by fault_check():
 *   I1: mm_check() and resident_check() hold
 *   I2: every entry lies in a VMA
 *   I3: an entry gives no right that its VMA does not have; one that may be written to is shared, or its frame is exclusive
 *   I4: an anonymous page lies only in a private VMA that knows it (has_anonymous), a file's page only in a VMA of that
 *       file, in its place
 */
#ifndef FAULTLINE_ENGINE_VIRT_FAULT_H
#define FAULTLINE_ENGINE_VIRT_FAULT_H

#include "engine/virt/cpu.h"
#include "engine/virt/mm.h"
#include "engine/virt/resident.h"

struct fault_space {
	struct resident resident;
	struct cpu_set *processors; /* NULL: nobody has to forget anything */
	unsigned cpu;		    /* where the space's calls and faults happen now */
	struct cpu_space cpu_space; /* with processors */
	struct flush pending;	    /* of the call that is going on */
	bool is_pending;
	uint64_t failed_walks;		 /* walks that ended in a fault */
	uint64_t failed_walk_references; /* entries that they read, without walk caches */
	uint64_t stack_growths;
};

struct fault_space_options {
	struct resident_options resident;
	struct cpu_set *processors; /* or NULL */
	unsigned cpu;
};

/* What mm_options.pages of an address space with pages is. */
extern const struct mm_pages_class fault_pages;

/* Empty, to be the pages_owner of an mm that is created next. The space must not move. STATUS_NO_MEMORY when there is no frame for
 * the root table, or the host has no room; STATUS_LIMIT when the processors' segments have no place for a process. */
MUST_USE enum status fault_space_create(struct fault_space *space, const struct fault_space_options *options);

/* After the last user left its mm (mm_leave). */
void fault_space_destroy(struct fault_space *space);

static inline struct fault_space *fault_space_of(const struct mm *mm)
{
	return mm->pages_owner;
}

/* One page fault: an access (enum walk_access, or-ed) to the address found no entry that allows it. */
struct fault fault_handle(struct mm *mm, uint64_t address, unsigned access);

/* A whole access, without a processor: walks, and faults until it succeeds. */
struct fault_access {
	enum fault_end end; /* FAULT_DONE: it succeeded */
	unsigned walks;	    /* one more than faults, if it succeeded */
	struct fault last;  /* of the last fault, if there was any */
};
struct fault_access fault_access(struct mm *mm, uint64_t address, unsigned access);

/* The references of the thread that space->cpu runs, which has the space loaded: each that faults is handled and restarted. The
 * number done; fewer than the stream's when one ended in a signal or without memory: *last says which. */
size_t fault_run(struct mm *mm, const struct mmu_stream *stream, struct fault *last);

/* fork: mm_fork() with the flush of the parent that belongs to it. `space` is the child's, created and empty. */
struct mm_result fault_fork(struct mm *child, struct mm *parent, struct fault_space *space);

/* mmap and brk under policy `paging`: with eager, private memory that may be written to gets its pages at once, as far as there are
 * frames. */
struct mm_result fault_map(struct mm *mm, const struct mm_mapping *mapping);
struct mm_result fault_set_brk(struct mm *mm, uint64_t brk);

/* One step of khugepaged over the address space: looks at up to khugepaged_scan_pages pages of memory that may be huge from *cursor on
 * (an address; back to 0 at the end) and collapses what it finds, if at most khugepaged_max_ptes_none pages are missing, at most
 * khugepaged_max_ptes_shared are others' too, and one is there. Returns the huge pages made. */
unsigned fault_khugepaged(struct mm *mm, uint64_t *cursor);

/* NULL, or the text of the first invariant that does not hold. */
const char *fault_check(const struct mm *mm);

#endif
