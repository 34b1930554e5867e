/* mmu.h: the memory-management unit of a processor: a stream of addresses goes in, TLB misses, walks and faults come out.
 *
 *   addresses --> last-page filter --> page table --> for each model:  TLB level 1 --> level 2 --> walk caches
 *                                      (which page,                         (misses only)
 *                                       which size, may it?)
 *
 * What the operating system sees (faults, accessed and dirty bits) does not depend on a TLB, so that any number of
 * models, each a TLB with its walker, share one pass over the stream. The stream goes through in blocks, one stage after
 * the other: no stage has a branch that depends on a reference, which is what makes it fast.
 *
 * The filter drops references that hit level 1 and change nothing, in it or in the page table, under every replacement
 * policy: those to the very page of the one before, which is cheap and enough for loops over arrays; or those to the page
 * that was used last in its set (mmu_recent.h), as long as the stream is on pages of the smallest size. Now and then the
 * kinds are tried against each other; where neither drops much, none is used. It forgets when anything is flushed.
 *
 * Rounds of a loop that leave every model as they found it are counted and not modelled again (mmu_loop.h).
 *
 * Behind the page table, where pages of any size have become keys, sieves (mmu_sieve.h) do the same for each model.
 *
 * A reference that faults stops the stream. Nothing of it is counted; when the fault has been handled, the caller goes on
 * with the same reference.
 *
 * With a nested geometry every walk is walked (nested.h), one after the other, which is slower.
 *
 * Walk cycles and walk-cache hits are a model, not a measurement.
 */
#ifndef FAULTLINE_ENGINE_VIRT_MMU_H
#define FAULTLINE_ENGINE_VIRT_MMU_H

#include "engine/virt/mmu_block.h"
#include "engine/virt/mmu_loop.h"
#include "engine/virt/mmu_recent.h"
#include "engine/virt/mmu_regions.h"
#include "engine/virt/mmu_sieve.h"
#include "engine/virt/mmu_state.h"
#include "engine/virt/nested.h"
#include "engine/virt/tlb.h"

#define MMU_MODELS_MAX 16u

struct mmu_model {
	struct tlb tlb;
	unsigned sieve_shift;	   /* its sieve has 2^sieve_shift sets */
	unsigned lacks[TLB_KINDS]; /* bit l: it has no part of level 1 for leaves of level l */
	struct walker walker;
	struct nested *host; /* NULL: not nested */
	struct reservation host_memory;
};

/* How a block's references are filtered. */
enum mmu_filter_kind {
	MMU_BY_PAGE, /* those to the page of the one before are dropped */
	MMU_BY_SET,  /* those to the last page of their set are */
	MMU_WHOLE,   /* none is */
};

struct mmu {
	const struct pagetable *table; /* of the running process */
	uint16_t space;		       /* its tag, below TLB_GLOBAL */
	bool is_filtering;	       /* true; false for comparison */
	enum mmu_filter_kind filter;   /* of the next block */
	uint32_t patience;	       /* blocks until another one is tried */
	struct mmu_recent recent;      /* one set: MMU_BY_SET is not used */
	bool lacks_part[TLB_KINDS];    /* a model has no part of level 1 for some size: that misses, always */
	bool lacks_fetch;	       /* one has none for fetches of the smallest size */
	struct mmu_sieve sieve;
	struct mmu_loop loop;
	struct mmu_state state; /* before a round of it */
	uint64_t references;	/* done so far */
	uint64_t faults;	/* times the stream stopped */
	struct mmu_stages stages;
	key_maker *make_keys;
	struct mmu_regions regions;
	unsigned models;
	struct mmu_model model[MMU_MODELS_MAX];
	uint8_t order[MMU_MODELS_MAX]; /* the models by sieve_shift */
};

/* An MMU that translates by `table`, with one model per geometry. All tables that it ever uses have the same shape.
 * STATUS_LIMIT with more than MMU_MODELS_MAX; STATUS_NO_MEMORY. */
MUST_USE enum status mmu_create(struct mmu *mmu, const struct pagetable *table,
				const struct tlb_geometry *geometries, unsigned models);
void mmu_destroy(struct mmu *mmu);

struct mmu_stream {
	const uint64_t *addresses;
	const uint8_t *accesses; /* enum walk_access of each, or-ed; NULL: all reads from user mode */
	size_t count;
};

/* Why a stream stopped. */
struct mmu_fault {
	enum walk_outcome outcome; /* WALK_FINE: it did not */
	unsigned level;		   /* of the entry that says so */
};

/* Takes references in until one faults: returns how many were done, the fault in *fault. */
size_t mmu_run(struct mmu *mmu, const struct mmu_stream *stream, struct mmu_fault *fault);

/* The same for columns. */
size_t mmu_run_columns(struct mmu *mmu, const struct mmu_columns *columns, struct mmu_fault *fault);

/* cr3 is loaded: with tagged TLBs nothing is flushed, without them all that is not global. */
void mmu_switch(struct mmu *mmu, const struct pagetable *table, uint16_t space);

/* Forget in every model: one page of the running space; every page that touches a range of it; a space, its walk caches
 * included; everything. The walk caches of the running space are emptied when tables were freed, and otherwise where the
 * processor empties them with any page (walk_shape). */
void mmu_flush_page(struct mmu *mmu, uint64_t address);
void mmu_flush_range(struct mmu *mmu, uint64_t address, uint64_t bytes, bool tables_freed);
void mmu_flush_space(struct mmu *mmu, uint16_t space);
void mmu_flush_all(struct mmu *mmu);

/* NULL, or the text of the first invariant of a model's TLB that does not hold. */
const char *mmu_check(const struct mmu *mmu);

#endif
