/* mmu_series.h: what happened in TLBs, page-table walks and page faults over a trace, as series of the run directory.
 *
 *   a pass through MMUs                               run directory
 *   ---o-------o-------o-------o--> references        tlb.tsv, faults.tsv, pages.tsv    a row per sampling point
 *      |       |       |       |                      walks.tsv, tlb_sizes.tsv          the sums at the last one
 *      `- mmu_series_add: the counters so far
 *
 *   tlb.tsv         mmu references event l1d_misses l1i_misses l2_misses walks walk_references walk_cycles
 *                   l1_misses_per_1000 walks_per_1000
 *   faults.tsv      references event minor major cow zero_page thp resident_pages page_table_pages huge_pages
 *   pages.tsv       references event small_pages huge_pages small_references huge_references huge_page_share
 *                   huge_reference_share
 *   walks.tsv       mmu level references references_per_1000
 *   tlb_sizes.tsv   entries ways misses references miss_rate
 *
 * Counters count from the beginning; pages are those there at the moment. *_per_1000 and huge_reference_share are of the
 * references since the row before. Pages have 4 KiB, those of huge pages too. What does not exist is `?`: misses of fetches in
 * a trace without fetches, level 2 of an MMU without one. In walks.tsv level 1 is the lowest and level 0 stands for the
 * entries that a nested walk reads from the host's tables. Walk references and cycles are a model, not a measurement.
 *
 * The last models of a pass may be a ladder of TLB sizes (mmu_series_sizes): they have rows in tlb_sizes.tsv only.
 */
#ifndef FAULTLINE_BENCH_MMU_SERIES_H
#define FAULTLINE_BENCH_MMU_SERIES_H

#include "engine/virt/resident.h"
#include "engine/virt/tlb.h"
#include "engine/virt/walk.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Rungs of the ladder: 16 to 16,384 entries. */
#define MMU_SERIES_SIZES 11u

#define MMU_SERIES_ASSOCIATIVITY 4u

/* One model at a sampling point, summed over the processors (cpu_set_tlb_counts, cpu_set_walk_counts). */
struct mmu_counts {
	struct tlb_counts tlb;
	struct walk_counts walk;
};

/* Everything at a sampling point. */
struct mmu_point {
	uint64_t references;		   /* made so far, in all processes */
	uint64_t event;			   /* of the trace */
	const struct mmu_counts *model;	   /* [mmus + sizes]: the MMUs in order, then the ladder */
	const struct fault_counts *faults; /* of all address spaces, those that ended too */
	uint64_t resident_pages, huge_pages,
	    page_table_pages; /* of all address spaces now; huge_pages in pages of 4 KiB */
};

struct mmu_series_options {
	const char *const *names; /* of the MMUs, as run.json has them; at most TLB_TEXT_MAX bytes each */
	const struct tlb_geometry *geometries; /* [mmus + sizes] */
	unsigned mmus;			       /* 1 .. */
	unsigned sizes;			       /* models of the ladder: 0 or MMU_SERIES_SIZES */
	unsigned levels; /* of the page tables that all of them walk, whatever the geometries say of theirs */
};

struct mmu_series;

/* An empty series; the options are copied. NULL without memory. */
struct mmu_series *mmu_series_create(const struct mmu_series_options *options);
void mmu_series_destroy(struct mmu_series *series);

/* Takes a row. Points come in the order of references; of those with the same references the last is written. False without
 * memory. */
bool mmu_series_add(struct mmu_series *series, const struct mmu_point *point);

/* Points taken and kept. */
size_t mmu_series_points(const struct mmu_series *series);

/* Forgets every second point: the first, the third ... For a pass that does not know how long it will be. */
void mmu_series_thin(struct mmu_series *series);

/* Writes a series: the line of column names, then the rows. */
void mmu_series_write_tlb(const struct mmu_series *series, FILE *file);
void mmu_series_write_faults(const struct mmu_series *series, FILE *file);
void mmu_series_write_pages(const struct mmu_series *series, FILE *file);
void mmu_series_write_walks(const struct mmu_series *series, FILE *file);
void mmu_series_write_sizes(const struct mmu_series *series, FILE *file);

/* Whether there is a ladder. */
bool mmu_series_has_sizes(const struct mmu_series *series);

/* The ladder: TLBs of one level for pages of every size, 16, 32 ... 16,384 entries, 4 ways, LRU. To be simulated beside the
 * MMUs in the same pass, where MMU_MODELS_MAX leaves room for them. */
void mmu_series_sizes(struct tlb_geometry geometries[MMU_SERIES_SIZES]);

/* Entries read at each level of the page table, from the counts of a model whose walks all succeeded: a walk that begins
 * below a cached entry of level b (b = levels + 1: at the root) and ends at a leaf of level e reads one entry each of levels
 * b - 1 .. e, so that references[l] = walks with b > l - walks with e > l. [0] is what is left: the host's, when nested. */
void mmu_series_walk_references(const struct mmu_counts *counts, unsigned levels,
				uint64_t references[PAGING_LEVELS_MAX + 1]);

#endif
