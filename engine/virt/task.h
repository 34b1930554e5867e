/* task.h: the set of segments of an operating system, and what of it belongs to each process: its TSS and its LDT.
 *
 *      linux64 (default)           linux32                      i386
 *    1  kernel code, 32 bit     6..8  thread-local storage     2  kernel code      12  TSS of process 0
 *    2  kernel code            12  kernel code                 3  kernel data      13  LDT of process 0
 *    3  kernel data            13  kernel data                 4  user code        14  TSS of process 1
 *    4  user code, 32 bit      14  user code                   5  user data        15  LDT of process 1
 *    5  user data              15  user data                   8..11  BIOS         ...
 *    6  user code              16  TSS of the processor                          8190  TSS of process 4,089
 *    8  TSS of the processor   17  LDT of the process                            8191  LDT of process 4,089
 *   10  LDT of the process     31  double-fault TSS
 *   12..14  thread-local storage
 *   15  processor number
 *
 * In linux64 and linux32 the processor has one TSS, and the LDT's entry is written at each switch. All processes share
 * one empty LDT (the entry is then cleared); a process that asks for entries gets its own. The old i386 way gives every
 * process a TSS and an LDT entry in the GDT: (8,192 - 12) / 2 = 4,090 processes, and the next one has no place.
 *
 * Sources: Linux arch/x86/include/asm/segment.h (6.x) for the numbers of linux64 and linux32; Linux 2.2 asm-i386/desc.h
 * and linux/tasks.h for i386; Intel SDM volume 3A, chapter 8 (TSS).
 *
 * Invariants, proved by task_set_check():
 *   I1: segment_check() holds for the processor
 *   I2: with i386, GDT entries 12+2n and 13+2n are in use exactly when process n exists, and name its TSS and LDT
 *   I3: processes = the slots in use <= the model's limit
 *   I4: the loaded LDT is the running process's; its entry has its base and limit, or is clear when it is the empty one
 *   I5: a process's LDT has entries only if it is private
 */
#ifndef FAULTLINE_ENGINE_VIRT_TASK_H
#define FAULTLINE_ENGINE_VIRT_TASK_H

#include "engine/base/reservation.h"
#include "engine/base/status.h"
#include "engine/virt/segment.h"

/* Entries before the first process's in model i386, and the processes that fit behind them. */
#define TASK_I386_RESERVED 12u
#define TASK_I386_MAX 4090u

/* Processes of the other models, where no table sets the limit: Linux's PID_MAX_LIMIT on 64 and on 32 bits. */
#define TASK_LINUX_MAX 4194304u
#define TASK_LINUX32_MAX 32768u

enum task_model {
	TASK_LINUX64,
	TASK_LINUX32,
	TASK_I386,
};

/* The 32-bit task state segment as it lies in memory. */
struct tss {
	uint32_t back_link;
	uint32_t esp0, ss0, esp1, ss1, esp2, ss2; /* stacks of the inner privilege levels */
	uint32_t cr3;				  /* physical address of the page directory */
	uint32_t eip, eflags;
	uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
	uint32_t es, cs, ss, ds, fs, gs;
	uint32_t ldt; /* selector of the LDT in the GDT */
	uint16_t trap;
	uint16_t io_map_base;
};

#define TSS_BYTES 104u
_Static_assert(sizeof(struct tss) == TSS_BYTES, "a 32-bit TSS has 104 bytes");

struct task {
	bool exists;
	uint64_t cr3;	/* physical address of the root table; what does not fit in tss.cr3, too */
	struct tss tss; /* with i386: its own; else a copy to switch to */
	struct descriptor_table ldt; /* entries 0 and entry NULL: the empty one, shared */
	struct reservation ldt_memory;
};

enum task_outcome {
	TASK_FINE,
	TASK_NO_SLOT,	/* every process that the model allows exists */
	TASK_NO_MEMORY, /* the host gave no memory */
	TASK_NO_ENTRY,	/* an LDT has no such entry: beyond 8,191 */
};

struct task_set {
	enum task_model model;
	struct segment_unit unit; /* the processor */
	struct descriptor_table gdt;
	struct descriptor_table empty_ldt; /* shared by all that have no entries */
	struct reservation gdt_memory, task_memory;
	struct task *task;  /* slot i is process i */
	uint32_t slots;	    /* slots ever used: the others are all zero */
	uint32_t free_slot; /* no slot below it is free */
	uint32_t processes; /* slots in use */
	uint32_t running;   /* slot of the process that the processor runs, or TASK_NONE */
	uint64_t cr3;	    /* of the processor */
	uint64_t switches;  /* times that another process began to run */
};

#define TASK_NONE UINT32_MAX

/* Makes the GDT with the model's segments at linear address `gdt_base`, no process, privilege level 3, user segments
 * loaded. STATUS_NO_MEMORY when the host gives none. */
MUST_USE enum status task_set_create(struct task_set *set, enum task_model model, uint64_t gdt_base);
void task_set_destroy(struct task_set *set);

/* A new process with the empty LDT, its number in *task. The lowest free slot is taken. */
MUST_USE enum task_outcome task_create(struct task_set *set, uint64_t cr3, uint32_t *task);

/* The process ends; its private LDT is given back. It may be running: then no process is. */
void task_exit(struct task_set *set, uint32_t task);

/* Writes an entry of a process's LDT, which becomes private with the first one (it takes effect at once when the
 * process runs). 0 clears an entry. */
MUST_USE enum task_outcome task_set_ldt_entry(struct task_set *set, uint32_t task, unsigned index,
					      uint64_t descriptor);

/* The processor runs this process: cr3 and LDT are loaded; with i386 the old TSS becomes available, the new one busy. */
void task_switch(struct task_set *set, uint32_t task);

/* Selectors of a process's TSS and LDT in the GDT. */
uint16_t task_tss_selector(const struct task_set *set, uint32_t task);
uint16_t task_ldt_selector(const struct task_set *set, uint32_t task);

/* Processes that the model allows: 4,090 with i386. */
uint32_t task_limit(enum task_model model);

/* What a GDT entry is for in this model: "kernel code" ..., "TSS of process 7" is "TSS of a process". Never NULL. */
const char *task_entry_purpose(enum task_model model, unsigned index);

/* NULL, or the text of the first invariant that does not hold. */
const char *task_set_check(const struct task_set *set);

#endif
