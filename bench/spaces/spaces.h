/* spaces.h: the address spaces of a recorded trace, rebuilt on the engine.
 *
 *   trace                          here                                               engine
 *   fork, exec, exit        --->   processes, each with a space (or sharing one)  --> struct mm, fault_space
 *   maps at exec, regions   --->   the start of a program                         --> mm_place
 *   mmap, munmap, brk ...   --->   carried out: forced or free                    --> mm_*, fault_map
 *   references              --->   placed: object, stack, region, address         --> fault_run: faults, TLBs, walks
 *
 * Every recorded process becomes an address space with page tables and frames of one machine (platform.h). A program
 * starts with what a snapshot of its maps says, taken right after exec, or else with the regions that were there before
 * its recording began. Its memory calls are then carried out one by one.
 *
 * Addresses are *forced* (each mapping comes where it was when it was recorded) or *free* (our own gap search decides;
 * recorded addresses are translated, relocation.h). What a call returns is compared with what it returned then, and counted.
 *
 * Before a program's first reference comes what its exec touched itself, as far as it is known (exec_pages.h): those faults are
 * counted, and said apart.
 *
 * Where a reference goes (access.h):
 *   region      where the address that the region had is now
 *   stack       below the top of the thread's stack: its region of kind stack says where that was; a child of a fork goes
 *               on with the stack of the thread that forked; a thread of whom nothing is known gets a mapping of 8 MiB
 *   object      the address that the placer gave it (placer.h), clamped to the block's bytes. Without a placer nothing is
 *               known of it, and the reference is left out
 *   allocator   the recorded address, as for regions; left out where a placer places the blocks
 *   wild, absolute   the recorded address
 * References are placed when their turn comes, context by context, and go to the processor in streams: a stream ends where an
 * event or a placer changes an address space, where another thread's begins on another processor or in another space, and where
 * somebody looks. Heap calls do not end it, so that a program that allocates all the time is as fast as one that does not.
 *
 * A reference that goes beyond its page is one to each of the pages. What was referred to was mapped when it was recorded: if
 * nothing is mapped there (imported streams say nothing of mappings), the aligned 2 MiB around it, as far as they are free,
 * become private anonymous memory with all rights, counted as made; a file that ends before it grows. A reference whose
 * rights are refused, or for which there is no memory, is skipped and counted.
 *
 * With policy key khugepaged_period, khugepaged looks at one address space after the other meanwhile: a step of
 * khugepaged_scan_pages after each so many references of the trace, whoever made them.
 *
 * Traces are not trusted: calls may overlap, wrap, be unaligned or ask for 2^64 bytes.
 *
 * The same trace and options give the same figures, to the last bit.
 */
#ifndef FAULTLINE_BENCH_SPACES_SPACES_H
#define FAULTLINE_BENCH_SPACES_SPACES_H

#include "bench/spaces/placer.h"
#include "bench/spaces/platform.h"
#include "engine/virt/fault.h"
#include "traces/flt.h"

#define SPACES_ALL_PROCESSES UINT32_MAX

enum spaces_addresses {
	SPACES_FORCED,
	SPACES_FREE,
};

struct spaces_options {
	struct flt_reader
	    *reader; /* its cursors are the driver's while spaces_run runs; or NULL, and then: */
	const struct flt_summary
	    *trace; /* the tables of a trace that is still being made, as far as they go */
	struct platform_options platform;
	enum spaces_addresses addresses;
	uint32_t process; /* whose references are run and whose blocks are placed; SPACES_ALL_PROCESSES */
	struct placer *placer;	/* NULL: nobody knows where blocks lie. Needs a process */
	bool without_allocator; /* its references are left out also where no placer places the blocks */
	bool files_are_absent;	/* no page of a file is in memory at the start: its first fault is major */
	bool files_are_aligned; /* large file mappings are placed on 2 MiB, as ext4, xfs and btrfs do */
	bool faults_touch; /* recorded page faults are carried out as references: for a trace without any */
};

/* What became of memory calls. */
struct spaces_calls {
	uint64_t carried_out;
	uint64_t moved;		    /* of them: returned another address than recorded */
	uint64_t failed_otherwise;  /* failed both times, with another errno */
	uint64_t failed_only_here;  /* and so the mapping is not there */
	uint64_t failed_only_there; /* what it did here is undone, if it is a mapping */
	uint64_t dropped;	    /* the recorded allocator's own: a placer takes its place */
	uint64_t unplaced;	    /* mappings of a start that overlap others */
	uint64_t
	    forks_refused; /* of failed_only_here: the segments have no place for another process, and what it did is left out */
};

/* What became of references. */
struct spaces_references {
	uint64_t done;		   /* of the trace */
	uint64_t crossings;	   /* further pages that they reached */
	uint64_t of_others;	   /* left out: another process's */
	uint64_t objects_unplaced; /* left out: nobody knows where the block lies */
	uint64_t
	    allocator_left_out; /* left out: made by the allocator that was recorded, or, on a 32-bit machine, to its memory */
	uint64_t clamped;	/* beyond their block's bytes */
	uint64_t refused;	/* skipped: no right, or no user's address */
	uint64_t out_of_memory; /* skipped */
	uint64_t mappings_made; /* because nothing was mapped at a reference */
	uint64_t files_grown;
};

/* A process; of one that has ended, what it had at its end. Faults are summed over the programs that it executed. */
struct spaces_process {
	bool is_known;	/* it had an event or a reference */
	bool has_ended; /* exit */
	struct fault_counts faults;
	uint64_t exec_faults; /* of faults.minor, those that the kernel's exec itself made */
	uint64_t failed_walks, failed_walk_references, stack_growths;
	uint64_t resident_pages, anonymous_pages, file_pages, shared_memory_pages, huge_pages;
	uint64_t resident_peak_pages;
	uint64_t table_pages; /* as VmPTE counts: without the root, with deposits */
	uint64_t tree_pages;  /* of the same tables, with the root, without deposits */
	uint64_t tree_peak_pages;
	uint64_t mappings;
};

struct spaces;

/* All of it, or nothing. TRACE_NO_MEMORY; TRACE_UNSUPPORTED when policy and memory are no machine (address_layout.h).
 *
 * A 32-bit machine gives programs 3 GiB. Addresses of the recording that lie beyond, and that nothing has moved, end the run with
 * TRACE_UNSUPPORTED: forced ones; mappings that a snapshot of maps names; absolute ones that a reference goes to. A recording of
 * a 64-bit program whose references are relative to regions can be placed there, as long as all of it fits. */
enum trace_status spaces_create(struct spaces **spaces, const struct spaces_options *options,
				struct trace_error *error) TRACE_MUST_USE;
void spaces_destroy(struct spaces *spaces);

/* --- The whole trace -------------------------------------------------------------------------------------------------- */

/* Who looks on; each may be NULL. A status other than TRACE_OK ends the run and is handed back. */
struct spaces_watch {
	void *context;
	/* The event at `position` is about to be carried out: at an exit or exec everything is still there. Before a heap
	 * event or a mark of the allocator the last references may not have reached the address space yet. */
	enum trace_status (*before)(void *context, struct spaces *spaces, const struct event *event,
				    uint64_t position, struct trace_error *error);
	/* The process's program has its first mappings and has done nothing yet: the place for what the kernel's exec
	 * touches, and for another layout. */
	enum trace_status (*started)(void *context, struct spaces *spaces, uint32_t process,
				     struct trace_error *error);
	/* After each `every` references (0: never) of the trace, those left out included, and at the end. */
	uint64_t every;
	enum trace_status (*sample)(void *context, struct spaces *spaces, uint64_t position,
				    struct trace_error *error);
};

/* Carries out the trace from its beginning, events and references in their order. `watch` may be NULL. */
enum trace_status spaces_run(struct spaces *spaces, const struct spaces_watch *watch,
			     struct trace_error *error) TRACE_MUST_USE;

/* The same up to the event with this number, which is not carried out; the references that stand before it are. */
enum trace_status spaces_run_until(struct spaces *spaces, const struct spaces_watch *watch, uint64_t event,
				   struct trace_error *error) TRACE_MUST_USE;

/* --- Bit by bit: a trace that is still being made ------------------------------------------------------------------------- */

/* The trace has the threads, processes, files and regions of `now`: those that are known, and perhaps more. To be told before an
 * event or a reference names them. The arrays must stay until the next call. Cost: what is new. */
enum trace_status spaces_grow(struct spaces *spaces, const struct flt_summary *now,
			      struct trace_error *error) TRACE_MUST_USE;

/* Begins; `watch` may be NULL and must stay until spaces_end. */
void spaces_begin(struct spaces *spaces, const struct spaces_watch *watch);

/* From now on there is a sample wherever a multiple of `every` references of the trace have gone by; 0: only at the end. May be
 * called by `sample`. */
void spaces_sample_every(struct spaces *spaces, uint64_t every);

/* What spaces_run does with one event, and with references of a run that no event comes between. */
struct spaces_stretch;
enum trace_status spaces_next_event(struct spaces *spaces, const struct event *event,
				    struct trace_error *error) TRACE_MUST_USE;
enum trace_status spaces_next_references(struct spaces *spaces, const struct spaces_stretch *stretch,
					 struct trace_error *error) TRACE_MUST_USE;

/* That was all: the sample at the end. */
enum trace_status spaces_end(struct spaces *spaces, struct trace_error *error) TRACE_MUST_USE;

/* --- Step by step ------------------------------------------------------------------------------------------------------- */

/* The event at `position` of the trace. Events come in order. */
enum trace_status spaces_event(struct spaces *spaces, const struct event *event, uint64_t position,
			       struct trace_error *error) TRACE_MUST_USE;

/* References [first, first + count) of the batch, which belong to its run number `run`. Runs come in order, and when the events
 * before them are done. */
struct spaces_stretch {
	const struct access_batch *batch;
	size_t run, first, count;
};
enum trace_status spaces_references(struct spaces *spaces, const struct spaces_stretch *stretch,
				    struct trace_error *error) TRACE_MUST_USE;

/* --- What there is ------------------------------------------------------------------------------------------------------ */

/* Processes that are known: their numbers are below. */
uint32_t spaces_processes(const struct spaces *spaces);

/* The address space of a process; NULL before it begins and after its end. Processes may share one. */
struct mm *spaces_mm(const struct spaces *spaces, uint32_t process);

/* What only the start of the process's program said of its address space. The process has one. */
struct spaces_beginning {
	uint64_t stack_top; /* behind the stack of its first thread; 0: not known */
	bool has_gate;	    /* the page of vsyscall was there, which is no mapping */
};
struct spaces_beginning spaces_beginning(const struct spaces *spaces, uint32_t process);

/* Where the recorded address of the process is now. */
uint64_t spaces_address(const struct spaces *spaces, uint32_t process, uint64_t recorded);

/* The addresses behind the stacks of the process's threads, as far as they are known: puts up to `room` of them into `top` (which may
 * then be NULL) and returns how many there are. */
size_t spaces_stack_tops(const struct spaces *spaces, uint32_t process, uint64_t *top, size_t room);

/* Position of the event that is being carried out, or was last. */
uint64_t spaces_position(const struct spaces *spaces);

/* The object lies there from now on, and its first `bytes` may be used. For placers. */
struct placed {
	uint64_t address; /* 0: it lies nowhere */
	uint64_t bytes;
};
enum trace_status spaces_put_block(struct spaces *spaces, uint64_t object, struct placed placed,
				   struct trace_error *error) TRACE_MUST_USE;

/* A memory call that no event of the trace made (a placer's, an experiment's) in the process's address space, at
 * exactly the addresses it says. */
struct mm_result spaces_call(struct spaces *spaces, uint32_t process, const struct event *call);

struct spaces_process spaces_process(const struct spaces *spaces, uint32_t process);

/* The sums over all processes, each address space once; peaks are of single processes. */
struct spaces_process spaces_total(const struct spaces *spaces);
struct spaces_calls spaces_call_counts(const struct spaces *spaces);
struct spaces_references spaces_reference_counts(const struct spaces *spaces);
struct platform *spaces_platform(struct spaces *spaces);

/* NULL, or the text of the first invariant of the engine that does not hold: every address space, all frames, tables and
 * processors. */
const char *spaces_check(const struct spaces *spaces);

#endif
