/* resident.h: the resident set of one address space: its page tables, the frames they name, and everything that puts a page
 * there or takes it away.
 *
 *                    fault, populate                zap, move, exit
 *   area  ---------------------------->  entry  ---------------------->  (empty)
 *                                        |   ^
 *                     fork, protect, free,   | write to a page that others see:
 *                     clean: fewer rights v   | copied, or taken over (reuse)
 *                                        entry without the right
 *
 * This is the part of the page-fault path behind "find the area, check its rights" (fault.h): what Linux does in
 * handle_mm_fault, and the walks over ranges that munmap, madvise, mprotect, mremap, fork and exit make. The rules are
 * Linux's, seen on a 6.18 kernel (docs/fidelity.md says each with the steps that show it):
 *
 *   nothing, read         the zero frame, read-only; a huge one where a huge page may be
 *   nothing, write        a zeroed frame of its own; a huge one where it may be and there is no table for small pages yet
 *   file, read            the file's frame, and those around it that are in memory: the fault_around_bytes-aligned window,
 *                         cut to the area and to the table of the lowest level
 *   file, private write   a copy; one page
 *   file, shared write    the file's frame, dirty; one page. A page that was mapped for reading faults again, but for
 *                         shared memory, which needs no write-back
 *   write to a page that must not be written: zero frame -> a frame of its own; file -> copy; its own frame that nobody else
 *                         can see -> reuse; otherwise copy. A huge page that others see is split, and one page copied
 *
 * Tables are made on the way and stay when they become empty, until what is mapped around them goes (pagetable_release). A
 * huge page keeps the table in store that it will need when it is split: the *deposit*, which counts among the tables.
 *
 * Invariants, proved by resident_check():
 *   I1: pagetable_check() holds
 *   I2: an entry names the zero frame, or a frame in use (anonymous or cached) that counts entries; no free frame
 *   I3: anonymous_pages, file_pages, shared_memory_pages = pages that the entries map, by the kind of their frames
 *   I4: huge_pages = pages of huge anonymous entries; deposits = huge entries
 *   I5: a huge entry names a whole block or the huge zero frame; an entry that may be written names no zero frame
 * and over all address spaces of a machine by resident_check_all():
 *   I6: a frame's mapcount = the entries of level 1 that name it, its huge_mapcount = the huge ones
 */
#ifndef FAULTLINE_ENGINE_VIRT_RESIDENT_H
#define FAULTLINE_ENGINE_VIRT_RESIDENT_H

#include "engine/policy.h"
#include "engine/virt/area.h"
#include "engine/virt/file_pages.h"
#include "engine/virt/flush.h"
#include "engine/virt/pagetable.h"

enum fault_end {
	FAULT_DONE,
	FAULT_SPURIOUS,	 /* the entry already allows the access: a stale TLB entry, or nothing at all */
	FAULT_NO_AREA,	 /* SIGSEGV, SEGV_MAPERR: nothing is mapped there */
	FAULT_NO_RIGHT,	 /* SIGSEGV, SEGV_ACCERR */
	FAULT_BEYOND,	 /* SIGBUS: behind the end of the file */
	FAULT_NO_MEMORY, /* the machine has no frame left */
};

/* What happened, or-ed. */
enum fault_kind {
	FAULT_MAJOR = 1 << 0,	   /* the disk was read */
	FAULT_ZERO_PAGE = 1 << 1,  /* the zero frame was mapped */
	FAULT_ANONYMOUS = 1 << 2,  /* a zeroed frame was mapped */
	FAULT_FILE = 1 << 3,	   /* a file's frame was mapped */
	FAULT_COPY = 1 << 4,	   /* a frame was copied: copy on write */
	FAULT_REUSE = 1 << 5,	   /* the right to write came back without a copy */
	FAULT_FROM_ZERO = 1 << 6,  /* with FAULT_ANONYMOUS: it replaces the zero frame */
	FAULT_DIRTIED = 1 << 7,	   /* a shared file page became writable: its file knows it is dirty */
	FAULT_HUGE = 1 << 8,	   /* what was mapped is a huge page */
	FAULT_FALLBACK = 1 << 9,   /* it would have been, but there was no block */
	FAULT_SPLIT = 1 << 10,	   /* a huge page was split first */
	FAULT_PROMOTED = 1 << 11,  /* small pages became a huge one */
	FAULT_GREW_STACK = 1 << 12 /* the area was extended downwards */
};

struct fault {
	enum fault_end end;
	uint32_t kinds;		/* enum fault_kind, or-ed */
	uint32_t mapped_around; /* pages mapped besides the one */
	unsigned level;		/* of the entry that maps the address now; 0: none does */
	pte_t before;		/* the entry that was there: what a TLB may still hold */
};

/* Since the address space began. Sums of all faults that ended with FAULT_DONE or FAULT_SPURIOUS; the others apart. */
struct fault_counts {
	uint64_t minor, major;
	uint64_t zero_page, anonymous, file; /* by what was mapped, huge ones included */
	uint64_t cow, cow_reuse;	     /* frames copied; writes that needed no copy */
	uint64_t from_zero;		     /* of anonymous: they replaced the zero frame */
	uint64_t dirtied;		     /* shared file pages that became writable */
	uint64_t thp, thp_zero;		     /* huge pages mapped by faults; of zeros */
	uint64_t thp_fallback, thp_split;    /* no block for one; huge entries split, by faults and calls */
	uint64_t thp_promoted;		     /* huge pages made out of small ones */
	uint64_t thp_stalls; /* of the fallbacks: thp_defrag would have waited for compaction */
	uint64_t mapped_around;
	uint64_t spurious;
	uint64_t no_area, no_right, beyond, no_memory;
};

struct resident {
	struct pagetable table;
	struct frames *frames;
	const struct policy *policy;
	unsigned huge_level;   /* level of huge leaves; 0: the machine has none */
	bool huge_is_disabled; /* prctl(PR_SET_THP_DISABLE) */
	uint64_t anonymous_pages, file_pages, shared_memory_pages;
	uint64_t resident_peak_pages; /* of their sum */
	uint64_t huge_pages;	      /* of anonymous_pages */
	pfn_t deposit;		      /* the last table in store; page->index names the one before */
	uint64_t deposits;
	struct fault_counts counts;
	struct flush
	    *flush; /* notes each present entry that is changed or taken away, if not NULL: the caller's */
};

struct resident_options {
	struct table_store *store;
	struct frames *frames;
	const struct policy *policy;
};

/* An empty set with a root table. All that is pointed to must live as long. */
MUST_USE enum pagetable_outcome resident_create(struct resident *resident,
						const struct resident_options *options);

/* Exit: every page and every table goes back. */
void resident_destroy(struct resident *resident);

/* A fault at `address`, which lies in `area`, whose rights allow the access (enum walk_access, or-ed). Counts it. */
struct fault resident_fault(struct resident *resident, struct area *area, uint64_t address, unsigned access);

/* The rights of the area allow the access as x86 asks them at a fault: a read needs any right (PROT_WRITE and PROT_EXEC
 * imply it), a write its own, a fetch is only refused by an entry that is present. */
bool resident_may(const struct area *area, unsigned access, bool is_present);

/* Faults every page of [start, end), part of the area, in: for writing where private writes are allowed (mlock,
 * MAP_POPULATE) or as the caller says (MADV_POPULATE_*). FAULT_DONE, or how the page ended that could not be had; pages
 * before it are there. */
enum populate_for {
	POPULATE_AS_AREA,
	POPULATE_READ,
	POPULATE_WRITE,
};

enum fault_end resident_populate(struct resident *resident, struct area *area, uint64_t start, uint64_t end,
				 enum populate_for access);

/* --- Ranges: [start, end), multiples of the page. Huge pages that lie partly inside are split first ----------------- */

/* Takes all pages away; tables stay. False, and the pages of a huge page at an end stay, when there is no frame for
 * splitting it. */
bool resident_zap(struct resident *resident, uint64_t start, uint64_t end);

/* The same for MADV_DONTNEED: with it go tables for small pages that lie completely inside. */
bool resident_discard(struct resident *resident, uint64_t start, uint64_t end);

/* MADV_FREE: private pages that nobody else maps become clean; a write makes them dirty again without a fault. */
bool resident_free_lazily(struct resident *resident, uint64_t start, uint64_t end);

/* Rights of the entries become those of `area` (which lies around the range and has its new flags): fewer at once; the
 * right to write only where no fault is needed to give it. */
bool resident_protect(struct resident *resident, const struct area *area, uint64_t start, uint64_t end);

/* msync: shared pages of regular files are written back; the next write to each faults. */
void resident_clean(struct resident *resident, const struct area *area, uint64_t start, uint64_t end);

/* A mapping begins or ends at `address` within what was one: a huge page around it is split. False without a frame. */
bool resident_divide(struct resident *resident, uint64_t address);

/* mremap: the entries of [from, from + bytes) go to the range at `to`, which has none. False, and nothing moved, when
 * there is no frame for a table. */
bool resident_move(struct resident *resident, uint64_t from, uint64_t to, uint64_t bytes);

/* munmap, afterwards: tables around [start, end) that serve nothing else go back. `floor` is the end of the mapping
 * before, or 0; `ceiling` the beginning of the one behind, or 0 when there is none. */
void resident_release_tables(struct resident *resident, uint64_t start, uint64_t end, uint64_t floor,
			     uint64_t ceiling);

/* fork: the part of `area` (not MADV_DONTFORK; MADV_WIPEONFORK copies nothing) of the child, which has no entry there yet. Only
 * areas with anonymous pages are copied; others fault anew. False when the child gets no frame for a table: it is then to
 * be destroyed. */
bool resident_copy(struct resident *child, struct resident *parent, const struct area *area);

/* What a collapse puts up with, in small pages. */
struct collapse_limits {
	uint64_t none;	 /* missing ones, or zero pages, that are filled up */
	uint64_t shared; /* ones that others map, too: they are copied, the others keep them */
};

/* Makes the aligned huge page around `address` out of the small pages that are there (khugepaged, MADV_COLLAPSE). False when
 * it does not lie in the area, the area's pages cannot be huge, it is huge already, no small page is there, more than
 * the limits are missing or shared, or there is no block. */
bool resident_collapse(struct resident *resident, struct area *area, uint64_t address,
		       struct collapse_limits limits);

/* The small page at the address, which is there, is in the frame `to` from now on, which was prepared (frames_succeed) and holds
 * its contents. Rights and marks of the entry stay, RSS does not change; the old frame has an entry less. */
void resident_migrate(struct resident *resident, uint64_t address, pfn_t to);

/* --- Questions ------------------------------------------------------------------------------------------------------ */

/* A page is mapped at the address: what mincore says of anonymous memory. */
bool resident_is_mapped(const struct resident *resident, uint64_t address);

/* RSS. */
static inline uint64_t resident_pages(const struct resident *resident)
{
	return resident->anonymous_pages + resident->file_pages + resident->shared_memory_pages;
}

/* Pages of page tables as Linux counts them (VmPTE): without the root, with the deposits. */
uint64_t resident_table_pages(const struct resident *resident);

/* Clean pages after MADV_FREE. Reads the range's entries. */
uint64_t resident_lazy_pages(const struct resident *resident, uint64_t start, uint64_t end);

/* True when the policy and the area allow a huge page around `address`. */
bool resident_may_be_huge(const struct resident *resident, const struct area *area, uint64_t address);

/* NULL, or the text of the first invariant that does not hold. Reads the whole set. */
const char *resident_check(const struct resident *resident);

/* The same for all address spaces of a machine, frames_check() included. */
const char *resident_check_all(const struct resident *const *residents, size_t count);

#endif
