/* cpu.h: the processors of a machine: which address space each one runs, and how changes of page tables reach them.
 *
 *   processor 0             processor 1                         address spaces
 *   cr3 -> space A, tag 1   cr3 -> space B, tag 2               A  generation 7   loaded on 0
 *   tag 1: A, up to 7       tag 1: A, up to 5  <- behind        B  generation 3   loaded on 1, 2
 *   tag 2: B, up to 3       tag 2: B, up to 3
 *   MMU: TLBs, walk caches  MMU
 *
 * A processor with tagged TLBs keeps the entries of the last few spaces, each under a tag (Intel: PCID, Arm: ASID); without
 * tags every load of cr3 flushes all that is not global. Linux gives each processor six tags, which it hands out in turn; a
 * space that lost its tag gets another one, flushed.
 *
 * A change of page tables (flush.h) makes a new generation of its space and is brought to every processor that has the
 * space loaded: the one where it happens flushes by itself, the others are interrupted (a shootdown). A processor that has
 * only a tag left of the space is let alone; when it runs the space again and its tag is behind, the tag is flushed first.
 * The same goes for a processor that is lazy: it runs a kernel thread and keeps the space loaded until it is needed again;
 * it is only interrupted when page tables are given back, which it might still walk.
 *
 * Each processor also has the segments and the tasks of task.h: a process's cr3 is kept there (with i386 in a TSS of its
 * own), and with i386 the 4,091st process finds no place.
 *
 * What happens here does not depend on a TLB, so that every model of an MMU (mmu.h) sees the same flushes and switches.
 *
 * Sources: Linux 6.x arch/x86/mm/tlb.c (choose_new_asid, switch_mm_irqs_off, flush_tlb_func), TLB_NR_DYN_ASIDS; Intel SDM
 * volume 3A, 4.10.
 *
 * Invariants, proved by cpu_set_check():
 *   I1: a processor's bit is set in `loaded` of exactly the space that it has loaded
 *   I2: the tag of a loaded space is the space's, and no generation ahead; behind only on a lazy processor
 *   I3: no two tags of a processor are of one space
 *   I4: the MMU translates by the loaded space's table under its tag, and cr3 of its task names the root
 *   I5: every MMU and every set of tasks holds its own invariants
 */
#ifndef FAULTLINE_ENGINE_VIRT_CPU_H
#define FAULTLINE_ENGINE_VIRT_CPU_H

#include "engine/virt/flush.h"
#include "engine/virt/mmu.h"
#include "engine/virt/task.h"

#define CPU_MAX 64u
#define CPU_TAGS_MAX 64u

/* TLB_NR_DYN_ASIDS. */
#define CPU_TAGS_LINUX 6u

/* What an address space has to do with processors. Whoever owns the space (mm) keeps one of these. */
struct cpu_space {
	const struct pagetable *table;
	uint64_t number;     /* of all spaces ever, from 1; 0 is none */
	uint64_t generation; /* changes that were flushed, from 1 */
	uint64_t loaded;     /* bit c: processor c has it in cr3 */
	uint32_t task;	     /* its slot in the tasks of each processor */
};

struct cpu_tag {
	uint64_t space; /* number of the space whose entries may be there; 0: none */
	uint64_t generation;
};

struct cpu_counts {
	uint64_t switches;	/* loads of cr3 with another space */
	uint64_t tag_flushes;	/* of them, and of returns from laziness: with a tag that had to be flushed */
	uint64_t lazy_returns;	/* from a kernel thread to the space that was still loaded */
	uint64_t shootdowns;	/* interrupts received for another processor's change */
	uint64_t skipped;	/* not interrupted, because lazy */
	uint64_t page_flushes;	/* changes that were flushed page by page */
	uint64_t space_flushes; /* and as a whole space */
};

struct cpu {
	struct mmu mmu;
	struct task_set tasks;
	struct cpu_space *space; /* loaded; NULL: only the kernel's own table */
	bool is_lazy;
	unsigned tag;	   /* of the loaded space: an index of tags[] */
	unsigned next_tag; /* the next one to be handed out */
	struct cpu_tag tags[CPU_TAGS_MAX];
	struct cpu_counts counts;
};

struct cpu_options {
	unsigned processors; /* 1 .. CPU_MAX */
	unsigned tags;	     /* per processor, 1 .. CPU_TAGS_MAX; 0: CPU_TAGS_LINUX */
	enum task_model segments;
	uint64_t gdt_base;
	const struct pagetable *kernel; /* what processors translate by before they run anything */
	const struct tlb_geometry *geometries;
	unsigned models; /* MMU models per processor, up to MMU_MODELS_MAX */
};

struct cpu_set {
	unsigned processors, tags;
	const struct pagetable *kernel;
	uint64_t spaces;		/* numbers given so far */
	uint64_t changes[FLUSH_CAUSES]; /* flushes asked for, by cause, that flushed something */
	struct reservation memory;
	struct cpu *cpu; /* [processors] */
};

enum cpu_outcome {
	CPU_FINE,
	CPU_NO_TASK,   /* the segment model has no place for another process */
	CPU_NO_MEMORY, /* the host gave none */
};

/* STATUS_BAD_ARGUMENT for counts out of bounds, STATUS_NO_MEMORY. */
MUST_USE enum status cpu_set_create(struct cpu_set *set, const struct cpu_options *options);
void cpu_set_destroy(struct cpu_set *set);

/* A new address space of `table`, loaded nowhere. The space must not move while it exists. O(processors). */
MUST_USE enum cpu_outcome cpu_space_create(struct cpu_set *set, struct cpu_space *space,
					   const struct pagetable *table);

/* The address space ends: processors that have it loaded go back to the kernel's table, before its own is destroyed. */
void cpu_space_destroy(struct cpu_set *set, struct cpu_space *space);

/* Processor `number` runs a thread of the space; NULL: a kernel thread, which leaves loaded what is loaded. Nothing happens
 * when it runs the space already. */
void cpu_switch(struct cpu_set *set, unsigned number, struct cpu_space *space);

/* Brings a change, made on processor `origin`, to all that may remember the entries before it. */
void cpu_flush(struct cpu_set *set, unsigned origin, struct cpu_space *space, const struct flush *flush);

/* The kernel changed its own mappings in [address, address + bytes): every processor forgets them, everything when it is
 * more than FLUSH_CEILING_PAGES pages. */
void cpu_flush_kernel(struct cpu_set *set, uint64_t address, uint64_t bytes);

/* References of the thread that `cpu` runs, until one faults: mmu_run(). */
size_t cpu_run(struct cpu_set *set, unsigned cpu, const struct mmu_stream *stream, struct mmu_fault *fault);

/* What the processor's cr3 holds: the root's physical address and, in the low bits, the tag from 1 on. */
uint64_t cpu_cr3(const struct cpu *cpu);

/* The sums of a model over all processors. */
void cpu_set_tlb_counts(const struct cpu_set *set, unsigned model, struct tlb_counts *counts);
void cpu_set_walk_counts(const struct cpu_set *set, unsigned model, struct walk_counts *counts);
struct cpu_counts cpu_set_counts(const struct cpu_set *set);

/* NULL, or the text of the first invariant that does not hold. */
const char *cpu_set_check(const struct cpu_set *set);

#endif
