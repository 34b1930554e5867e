/* mmu_pass.h: a pass of a trace's references through simulated address spaces and MMUs: page faults, page tables, TLB misses,
 * walks. The part of a run that needs recorded references (`record --accesses`, imported streams).
 *
 *   trace ──▶ spaces.h: calls carried out, references placed ──▶ page faults, page tables      once
 *     ▲                                                     └──▶ TLBs and walkers, one per --mmu   in the same pass
 *     └── placer: where the blocks lie (engine, a live allocator's placement), or nobody: as recorded
 *
 * All targets of a comparison see the same references, of the same process, on the same operating system (policy linux with
 * the keys that were set), so that what differs is where their blocks lie and what they ask of the system.
 *
 * The same trace, options and placement give the same figures to the byte. Walk references and cycles, and everything that
 * comes from walk caches, are a model, not a measurement.
 */
#ifndef FAULTLINE_BENCH_MMU_PASS_H
#define FAULTLINE_BENCH_MMU_PASS_H

#include "bench/mmu_series.h"
#include "bench/space_map.h"
#include "bench/spaces/spaces.h"

#include <jansson.h>

struct mmu_pass_options {
	const char *trace;	     /* its path */
	const struct policy *policy; /* of the operating system */
	enum spaces_addresses addresses;
	const char *const *names; /* of the MMUs, as the user wrote them */
	const struct tlb_geometry *geometries;
	unsigned mmus;		/* 1 .. MMU_MODELS_MAX */
	bool has_sizes;		/* the ladder of TLB sizes too, if there is room for it */
	bool without_allocator; /* leave out the recorded allocator's references for every target */
	uint32_t process;	/* whose references; or SPACES_ALL_PROCESSES */
	struct placer *placer;	/* NULL: blocks lie where nobody knows */
	uint64_t memory_bytes;	/* of the machine; 0: what its layout has */
	unsigned processors;	/* 0: one */
	unsigned
	    samples; /* of the series, at most, besides the one at the end; their distance is a power of two */
	uint64_t
	    check; /* the invariants at every sample: not 0. Below UINT64_MAX, a sample comes after so many references
			 * or calls at least */
};

/* How far passes of one target are apart, whose allocator places blocks otherwise in every run. */
struct mmu_spread {
	char hash[17];	/* of the placement; "": there is none */
	unsigned takes; /* passes; the one that is shown has the median of the first MMU's walks */
	uint64_t minor[2];
	uint64_t walks[MMU_MODELS_MAX][2]; /* lowest and highest */
};

/* Of a machine whose direct map does not have all pages. */
struct mmu_highmem {
	uint64_t pages;		 /* without a direct map; 0: it has all */
	uint64_t used_pages;	 /* of them, at the end */
	uint64_t windows_opened; /* to clear such pages (kmap.h) */
};

/* What it brought. */
struct mmu_pass {
	unsigned mmus, levels, processors;
	char **names;
	struct mmu_counts model[MMU_MODELS_MAX]; /* the MMUs, then the ladder */
	struct cpu_counts cpu;
	bool has_level_2[MMU_MODELS_MAX], has_fetches;
	enum spaces_addresses addresses;
	uint32_t process;
	struct spaces_process figures; /* of the process, or the sums of all */
	struct spaces_references references;
	struct spaces_calls calls;
	struct mmu_highmem highmem;
	struct mmu_series *series;
	struct space_map *map; /* at the process's end */
	struct mmu_spread spread;
};

/* TRACE_UNSUPPORTED when the trace has no references, with words on how to record some. */
enum trace_status mmu_pass_run(struct mmu_pass **pass, const struct mmu_pass_options *options,
			       struct trace_error *error) TRACE_MUST_USE;
void mmu_pass_destroy(struct mmu_pass *pass);

/* A pass of a trace that is still being made: who makes it drives the address spaces (spaces_grow, spaces_next_event,
 * spaces_next_references). The figures and series are those that mmu_pass_run would bring of the whole. */
struct mmu_pass_live;

/* `trace` says what is known already, perhaps nothing; options->trace is not used, and names must stay until the end. */
enum trace_status mmu_pass_begin(struct mmu_pass_live **live, const struct mmu_pass_options *options,
				 const struct flt_summary *trace, struct trace_error *error) TRACE_MUST_USE;
struct spaces *mmu_pass_spaces(const struct mmu_pass_live *live);

/* That was all; or, without result, enough. Both free `live`. */
enum trace_status mmu_pass_end(struct mmu_pass_live *live, struct mmu_pass **pass,
			       struct trace_error *error) TRACE_MUST_USE;
void mmu_pass_abandon(struct mmu_pass_live *live);

/* Of `count` passes of one target, which become those of one placement: the one to show, its spread filled in; the others are
 * destroyed. */
struct mmu_pass *mmu_pass_choose(struct mmu_pass **passes, unsigned count, const char *hash);

/* Puts the keys faults, page_tables, tlb, resident, references, calls, highmem and placement into `model` of run.json. False: no memory. */
bool mmu_pass_json(const struct mmu_pass *pass, json_t *model);

/* Misses of the level (1 or 2) per 1,000 references, of data or fetches; NaN where there is no such level, or no reference. Level
 * 2's are walks; without a level 2, level 1's are. */
double mmu_pass_misses(const struct mmu_pass *pass, unsigned mmu, unsigned level, enum tlb_kind kind);
double mmu_pass_walks(const struct mmu_pass *pass, unsigned mmu);

/* `count` per 1,000 references that were made; NaN without any. */
double mmu_pass_per_thousand(const struct mmu_pass *pass, uint64_t count);

#endif
