/* access_merge.h: what the emulator's plugin recorded, as references and events of the trace.
 *
 *   ordered records ──▶ heap_merge ──▶ events ─────────────────────────▶ sink
 *          │                             │ blocks come and go, forks        ▲
 *          │                             ▼                                  │
 *          ├── memory system calls ──▶ spaces (one per process) ── events, regions, files
 *          │                             │                                  │
 *          └── words of a chunk  ────────┴── place, base, offset ── references
 *
 * Stands between the ordering and the heap_merge, whose output it takes: so it knows each block's address and number, and
 * keeps for each process which block or mapping lies where (space.h). References are looked up at the place in the order
 * at which their words were handed over: those of one thread stand exactly where they were made between the thread's own
 * calls; those of several threads are in order as finely as the plugin cuts its blocks (plugin/vcpu.h), between which a seed
 * may choose another of the possible orders (interleaving.h).
 *
 * Most references are like others before them: to the same page or block, of the same size and kind. The numbers that the receiver's
 * block (flt_access.h) has for these are kept where the page or block was found (space.h), so that such a reference is found and put into
 * the block in one go; a receiver without a block gets arrays of struct access.
 *
 * Between the allocator's enter and exit, what is not on the stack is the allocator's.
 */
#ifndef FAULTLINE_TRACES_RECORD_ACCESS_MERGE_H
#define FAULTLINE_TRACES_RECORD_ACCESS_MERGE_H

#include "traces/access.h"
#include "traces/event.h"
#include "traces/record/access_output.h"
#include "traces/record/heap_merge.h"
#include "traces/record/interleaving.h"
#include "traces/record/space.h"

#include <stdbool.h>
#include <stdint.h>

#define ACCESS_MERGE_BATCH 512u
#define ACCESS_MERGE_PATH_BYTES 4104u

struct access_counts {
	uint64_t references;
	uint64_t kinds[ACCESS_KINDS]; /* of these, loads, stores ..., the kernel's among them */
	uint64_t kernel;	      /* of these, by the kernel */
	uint64_t freed;		      /* of these, to blocks that had been given back */
	uint64_t beyond;	      /* past the bytes that were asked for */
	uint64_t wild;		      /* to nothing that is known */
	uint64_t skipped;	      /* made and not recorded */
	uint64_t calls;		      /* memory system calls */
};

/* What a thread's records have said and not used yet. */
struct access_thread {
	uint64_t argument[6];
	uint64_t realloc[MERGE_NESTING]; /* old addresses of reallocs in progress */
	unsigned arguments, reallocs;
	uint32_t file;	      /* number of the file of the next call or mapping, 0 = none */
	uint64_t handed_over; /* order number of its last block */
	bool in_allocator;
	bool kernel; /* the next word is the kernel's reference */
};

struct access_process {
	struct space *space;  /* NULL = none yet, or ended */
	uint64_t break_start; /* where the heap of brk begins; 0 = not known */
	uint64_t break_end;
	uint32_t break_region;	/* 0 = none yet */
	uint32_t forked_thread; /* the parent's thread that forked, until its own first thread is known */
	bool forked;
	bool has_stack;	   /* the first thread's stack is known */
	uint64_t executed; /* 1 + position of the exec event of its program; 0 = none was recorded */
};

struct access_merge {
	struct event_sink own; /* the heap_merge's output */
	struct access_output output;
	struct heap_merge *merge;
	const struct ordered_record *record; /* being merged */
	struct access_counts counts;
	struct access_thread *thread; /* by number */
	struct access_process *process;
	size_t threads, processes; /* room for so many */
	uint32_t *consumed;	   /* words taken, per chunk */
	struct access *batch;	   /* ACCESS_MERGE_BATCH of them; `filled` are waiting */
	size_t filled;
	char path[ACCESS_MERGE_PATH_BYTES]; /* being told */
	size_t path_bytes;
	bool interleaves; /* by a seed; its threads are indices into merge->thread */
	struct interleaving interleaving;
};

/* Prepares; `merge` is to be started with access_merge_output as its output. */
enum trace_status access_merge_start(struct access_merge *accesses, struct heap_merge *merge, uint32_t chunks,
				     const struct access_output *output,
				     struct trace_error *error) TRACE_MUST_USE;
/* References of several threads are put in an order that this seed chooses, and not in that of their blocks. */
void access_merge_seed(struct access_merge *accesses, uint64_t seed);
void access_merge_output(struct access_merge *accesses, struct merge_output *output);
void access_merge_end(struct access_merge *accesses);

/* As heap_merge_put, which it calls. */
enum trace_status access_merge_put(struct access_merge *accesses, const struct ordered_record *record,
				   struct trace_error *error) TRACE_MUST_USE;

/* The process of that serial is gone and all its records are taken: what it wrote and did not hand over follows, unless it
 * goes on as another program. Its chunks below `limit` go back. */
enum trace_status access_merge_process_gone(struct access_merge *accesses, uint64_t serial, uint32_t limit,
					    struct trace_error *error) TRACE_MUST_USE;

/* The recording ends: what threads that still run wrote and did not hand over follows. Chunks below `limit` are looked at. */
enum trace_status access_merge_finish(struct access_merge *accesses, uint32_t limit,
				      struct trace_error *error) TRACE_MUST_USE;

#endif
