/* spaces_state.h: how the parts of spaces.h share their state. For them alone.
 *
 *   spaces.c             life, processes, events
 *   spaces_tables.c      what the trace's tables say, as they grow
 *   spaces_run.c         the order of events and references
 *   spaces_figures.c     what there is
 *   spaces_start.c       the first mappings of a program
 *   spaces_exec.c        what exec itself touched
 *   spaces_calls.c       memory calls
 *   spaces_references.c  references
 *   spaces_khugepaged.c  huge pages made meanwhile
 *   spaces_limits.c      what a machine has no room for
 */
#ifndef FAULTLINE_BENCH_SPACES_SPACES_STATE_H
#define FAULTLINE_BENCH_SPACES_SPACES_STATE_H

#include "bench/spaces/mapped_files.h"
#include "bench/spaces/relocation.h"
#include "bench/spaces/spaces.h"

#define NO_THREAD UINT32_MAX

/* An address space, of one process or several. Does not move. */
struct space {
	struct mm mm;
	struct fault_space pages;
	struct relocation moved;
	uint64_t stack_top;	 /* ours, of the program's first thread; 0: none known */
	uint64_t break_recorded; /* where the heap of brk began; our mm says where it does here */
	bool knows_break;
	bool has_gate;	    /* the page of vsyscall, which is no mapping, is there */
	bool is_started;    /* its program has its first mappings */
	bool has_arguments; /* its stack is one that exec made, as far as the trace says */
	bool is_touched;    /* and the pages that exec touched, or is no program's beginning */
	bool was_executed;  /* by the event at `executed` */
	uint64_t executed;
	const char *first_pages; /* snapshot "pages" after exec; NULL: there is none */
	uint64_t exec_faults;	 /* minor faults of exec itself */
};

struct process {
	struct space *space;	     /* NULL: not begun, or ended */
	struct spaces_process past;  /* sums of the spaces it left */
	struct spaces_process since; /* of the space's sums: what it had when the process joined it */
	uint32_t first_thread;	     /* NO_THREAD: it has none */
	uint32_t last_thread;	     /* head of the list of its threads */
	uint64_t first_top; /* ours: behind the stack that its first thread has from a fork; 0: from nobody */
};

struct thread {
	uint64_t top;	       /* ours: behind its stack; 0: not known yet */
	uint32_t stack_region; /* number; 0: the trace has none */
	uint32_t cpu;
	uint32_t sibling; /* the next thread of its process, or NO_THREAD */
	bool in_allocator;
};

/* A System V segment. */
struct segment_slot {
	uint32_t identifier;
	uint64_t bytes;
	struct open_file *file; /* NULL: the slot is empty */
};

#define SEGMENT_SLOTS 256u

/* Where a context's references go: where + offset, if the offset is below `bound`. */
struct window {
	uint64_t where;
	uint32_t
	    bound; /* in the block; 0: its addresses have moved in parts or are too high, and where is the recorded one */
	uint32_t sums; /* what a reference adds to the sums of a stretch */
};

/* Sums of up to STREAM_MAX references in one number: 1 for each that is made, WINDOW_UNPLACED for each to an object that lies
 * nowhere, 0 for those of the allocator that are left out. */
#define WINDOW_MADE 1u
#define WINDOW_UNPLACED (1u << 16)
#define WINDOW_ALLOCATOR 0u

/* What references of a shape ask for. */
struct reach {
	int16_t room;	/* offset in a page up to which the reference ends in it; -1: it never does */
	uint8_t access; /* enum walk_access, or-ed */
};

/* References that go to the processor together. */
#define STREAM_MAX 4096u
#define REFERENCE_PAGES_MAX (ACCESS_MAX_BYTES / PAGE_BYTES + 2)

/* Where khugepaged stands. */
struct khugepaged {
	uint32_t process;
	uint64_t cursor; /* in its address space */
	uint64_t next;	 /* references of the trace gone by when its next step is due */
};

struct spaces {
	struct spaces_options options;
	struct flt_summary tables; /* of the trace, as far as spaces_grow has told; the arrays are its */
	const struct flt_summary *trace;  /* &tables */
	const struct spaces_watch *watch; /* from spaces_begin to spaces_end, or NULL */
	struct platform platform;
	struct mapped_files files;
	struct process *process;
	struct thread *thread;
	uint32_t *region; /* numbers less 1 of all, by process, event and number */
	size_t process_room, thread_room, region_room;
	struct placed *object; /* by id */
	uint64_t objects;      /* room for ids below */
	struct segment_slot segment[SEGMENT_SLOTS];
	uint64_t position; /* of the event that is being carried out, or was last */
	struct spaces_calls calls;
	struct spaces_references references;

	struct window *window;	   /* by context of the batch */
	size_t windows;		   /* looked up */
	uint64_t batch_first;	   /* of the batch that they belong to */
	uint64_t relocations_seen; /* changes of all relocations when they were looked up */
	uint64_t relocations;
	uint64_t too_high;     /* an address beyond a 32-bit program's that a reference went to; 0: none */
	uint64_t passed;       /* references of the trace gone by */
	uint64_t events;       /* of the trace gone by */
	uint64_t sample_every; /* references from sample to sample; 0: never */
	uint64_t sample_next;  /* references after which one is due; UINT64_MAX: never */
	struct khugepaged khugepaged;
	struct reach reach[ACCESS_BATCH_SHAPES]; /* by shape of the batch */
	size_t reaches;				 /* looked up */

	/* References on their way to the processor: no event since the first of them changed an address space. */
	struct space *stream_space;
	unsigned stream_cpu;
	size_t filled;
	uint64_t address[STREAM_MAX + REFERENCE_PAGES_MAX];
	uint8_t access[STREAM_MAX + REFERENCE_PAGES_MAX];
};

enum trace_status spaces_no_memory(struct trace_error *error);

/* What the machine has no room for (spaces_limits.c), always a failure: the machine itself, as the platform was not created;
 * another address space; an address of the recording. */
enum trace_status spaces_no_machine(const struct spaces *spaces, struct trace_error *error);
enum trace_status spaces_no_space(const struct spaces *spaces, struct trace_error *error);
enum trace_status spaces_no_address(const struct spaces *spaces, uint64_t address, struct trace_error *error);

/* The machine's programs can have a mapping that ends there. Always true of 64-bit machines: what lies beyond there is refused
 * when it is referred to, as it was when it was recorded. */
static inline bool spaces_reaches(const struct spaces *spaces, uint64_t end)
{
	const struct address_layout *layout = spaces->platform.layout;

	return !layout->is_32_bit || end <= layout->mm.task_bytes;
}

/* The region at `index` in the order of `region`, and where those of the process begin that the event made (spaces_tables.c). */
static inline const struct event_region *spaces_region(const struct spaces *spaces, size_t index)
{
	return &spaces->trace->region[spaces->region[index]];
}
size_t spaces_find_regions(const struct spaces *spaces, uint32_t process, uint64_t event);

/* The process's space, made and started if it has none yet. */
enum trace_status spaces_need(struct spaces *spaces, uint32_t number, struct space **found,
			      struct trace_error *error) TRACE_MUST_USE;

/* Adds what the process's space counted since the process joined it, and says what the space has now. */
void spaces_sum_up(const struct process *process, struct spaces_process *sum);

/* spaces_references(), but the processor may get the references later. */
enum trace_status spaces_feed(struct spaces *spaces, const struct spaces_stretch *stretch,
			      struct trace_error *error) TRACE_MUST_USE;

/* The processor has got all references that were fed: to be called before an address space changes or is looked at. */
void spaces_catch_up(struct spaces *spaces);

/* Calls and faults of the space happen on the thread's processor from now on. */
void spaces_settle(struct spaces *spaces, struct space *space, uint32_t thread);

/* The first mappings of the program that runs in the process's space (spaces_start.c): of a snapshot of its maps, or of
 * regions. */
enum trace_status spaces_start_from_maps(struct spaces *spaces, uint32_t process,
					 const struct event_snapshot *snapshot,
					 struct trace_error *error) TRACE_MUST_USE;
enum trace_status spaces_start_from_regions(struct spaces *spaces, uint32_t process,
					    struct trace_error *error) TRACE_MUST_USE;
void spaces_take_limits(struct space *space, const struct event_snapshot *snapshot);

/* A mapping before any call, with the rights PROT_*. False: it overlaps others, or is no range; counted. */
struct start_mapping {
	uint64_t start, end;
	uint64_t offset; /* in the file, bytes */
	uint32_t protection;
	uint32_t flags;		       /* enum area_flag and vma_flag besides rights */
	uint32_t file;		       /* number; 0: none */
	bool has_file;		       /* also with number 0 */
	struct mapped_file_name known; /* of a file without number */
};
bool spaces_place(struct spaces *spaces, struct space *space, const struct start_mapping *mapping);

/* Before the program's first references, which are looked up: the pages that exec touched, as a snapshot says, or else from the
 * first reference to the stack up, and the end of initialised data (spaces_exec.c). */
void spaces_touch_exec_pages(struct spaces *spaces, struct space *space,
			     const struct spaces_stretch *stretch);

/* A memory call (spaces_calls.c): of the recording, or at exactly the addresses it says. */
enum trace_status spaces_carry_out(struct spaces *spaces, struct space *space, const struct event *event,
				   struct trace_error *error) TRACE_MUST_USE;
struct mm_result spaces_carry_out_exactly(struct spaces *spaces, struct space *space,
					  const struct event *event);
void spaces_forget_segments(struct spaces *spaces);

/* Top of the thread's stack in its process's space, made if there is none. 0: there is no room. (spaces_references.c) */
uint64_t spaces_stack_top(struct spaces *spaces, struct space *space, uint32_t thread);

/* How many of `count` references may go by before khugepaged is due, at least one; and its step, if it is (spaces_khugepaged.c). */
size_t spaces_until_khugepaged(const struct spaces *spaces, size_t count);
void spaces_run_khugepaged(struct spaces *spaces);

#endif
