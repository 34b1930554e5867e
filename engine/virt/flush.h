/* flush.h: what an operating system has to make processors forget after it changed page tables.
 *
 * A change collects itself in a flush: which kind of change it was, the addresses from the first entry changed to the last,
 * the levels of those entries, and whether page tables were given back. cpu_flush() (cpu.h) then brings it to every
 * processor that may remember the old entries, once per change, as Linux's mmu_gather does:
 *
 *   struct flush flush = flush_begin(FLUSH_UNMAP, table);
 *   ... flush_note(&flush, address, level) for each entry that was present ...
 *   flush_end(&flush, table);
 *   cpu_flush(processors, cpu, &mm->space, &flush);
 *
 * What becomes of it depends on the cause (the rules of Linux 6.x on x86):
 *
 *   unmap, remap, protect,   the range, page by page, if that is at most 33 pages of the largest size that all entries
 *   madvise, migrate         have; otherwise the whole space
 *   copy on write            one page
 *   collapse                 the range in small pages: 512 of them, that is the whole space
 *   split                    one huge page
 *   fork, reclaim, exit      the whole space
 *
 * Nothing is flushed for an entry that was not present, nor where only rights nobody could have used were added
 * (flush_is_needed). Kernel pages (global entries) survive what flushes a whole space.
 *
 * Sources: Linux 6.x, mm/mmu_gather.c; arch/x86/mm/tlb.c: flush_tlb_mm_range, tlb_single_page_flush_ceiling;
 * arch/x86/include/asm/tlbflush.h: pte_flags_need_flush; kernel/fork.c: dup_mmap; mm/khugepaged.c: pmdp_collapse_flush;
 * mm/rmap.c: try_to_unmap_flush.
 *
 * Invariants, proved by flush_check():
 *   I1: an empty flush notes no entry and no level; any other has first <= last
 *   I2: levels are of the page table's leaves, and a flush of one entry spans one leaf of its level
 */
#ifndef FAULTLINE_ENGINE_VIRT_FLUSH_H
#define FAULTLINE_ENGINE_VIRT_FLUSH_H

#include "engine/virt/pagetable.h"

/* More pages than these, and the whole space is flushed: Linux's tlb_single_page_flush_ceiling. */
#define FLUSH_CEILING_PAGES 33u

enum flush_cause {
	FLUSH_UNMAP,	/* munmap, and what brk takes back */
	FLUSH_REMAP,	/* mremap: the old place */
	FLUSH_PROTECT,	/* mprotect */
	FLUSH_MADVISE,	/* DONTNEED, FREE, COLD, PAGEOUT */
	FLUSH_COPY,	/* copy on write: the page has another frame */
	FLUSH_FORK,	/* the parent's pages were write-protected */
	FLUSH_COLLAPSE, /* small pages became a huge one */
	FLUSH_SPLIT,	/* a huge page became small ones */
	FLUSH_MIGRATE,	/* a page moved to another frame */
	FLUSH_RECLAIM,	/* pages were written out; one flush for a batch of them */
	FLUSH_EXIT,	/* the address space ends */
};

#define FLUSH_CAUSES 11u

struct flush {
	enum flush_cause cause;
	uint64_t first;	  /* first byte of the first entry's page */
	uint64_t last;	  /* last byte of the last entry's page; below first when nothing was noted */
	uint64_t entries; /* noted */
	uint8_t levels;	  /* bit l: an entry of level l was noted */
	bool tables_freed;
	uint64_t tables_given_before; /* the page table's count at the beginning */
};

/* What a processor is to do. */
enum flush_scope {
	FLUSH_NOTHING,
	FLUSH_PAGES, /* [first, last], in steps of flush_step() */
	FLUSH_SPACE,
};

/* An empty flush. */
struct flush flush_begin(enum flush_cause cause, const struct pagetable *table);

/* An entry of `level` that maps `address` was present and is changed. */
void flush_note(struct flush *flush, const struct pagetable *table, uint64_t address, unsigned level);

/* The change is done: notes whether tables were given back since the beginning. */
void flush_end(struct flush *flush, const struct pagetable *table);

/* One entry, begun and ended: what copy on write, migration and splitting need. */
struct flush flush_of_entry(enum flush_cause cause, const struct pagetable *table, uint64_t address,
			    unsigned level);

/* True when a processor may act on the old entry in a way that the new one forbids: it was present, and its frame, or its
 * rights, changed, or its accessed, dirty or present bit was cleared. */
bool flush_is_needed(pte_t before, pte_t after);

/* The whole space for a cause that says so, or for more than FLUSH_CEILING_PAGES steps. */
enum flush_scope flush_scope(const struct flush *flush, const struct pagetable *table);

/* Bytes from one page to the next: of the lowest level that was noted; with a collapse the page. */
uint64_t flush_step(const struct flush *flush, const struct pagetable *table);

/* "unmap", "copy" ... */
const char *flush_cause_name(enum flush_cause cause);

/* NULL, or the text of the first invariant that does not hold. */
const char *flush_check(const struct flush *flush, const struct pagetable *table);

#endif
