/* event.h: one thing that a program did to memory. (Loads, stores and fetches, of which there are far too many to be events,
 * are in access.h.)
 *
 * Events come in one global order (their position in the trace). Time is data beside it and may be absent.
 *
 * Objects (heap blocks) have dense ids: the first object that a trace creates is 1, the next 2, and so on over all threads
 * and processes; 0 is NULL. `realloc` always makes a new id from an old one, even when the block does not move. A fork
 * copies the live set: in the child the same ids name the child's copies, so an object is identified by (process, id).
 * An object born before the recording began gets the next id, with EVENT_FOREIGN, from the event that first names it; a
 * realloc of one first gives the old object the next id, then the new object the one after it. EVENT_FOREIGN is not
 * repeated: after a failed realloc of a foreign object its id is known.
 *
 * Threads and processes have dense numbers from 0, global over the trace, in order of appearance: a number not seen
 * before is one above the highest so far. A thread belongs to one process for good (after a fork the child's first thread
 * is a new one). The numbers that the operating system gave them are in the trace's tables (flt.h).
 *
 *   kind            object       old_object   size                    count       alignment
 *   malloc          new          -            requested bytes         -           -
 *   calloc          new          -            count x element bytes   elements    -
 *   realloc         new          old, 0=NULL  requested bytes         -           -
 *   memalign        new          -            requested bytes         -           power of two
 *   free            freed, 0=NULL -           -                       -           -
 *   free_sized      freed        -            size the caller gave    -           what it gave, 0 = none
 *   thread_start    -            -            -                       -           -       first event of a thread
 *   thread_exit     -            -            -                       -           -       last event of a thread
 *   fork            -            -            -                       child       -       count = number of the child process
 *   exec            -            -            -                       -           -       the process's live set vanishes
 *   exit            -            -            status                  -           -       the process is gone
 *   marker          -            -            user's number           -           -
 *
 *   vfork           -            -            -                       child       -       as fork, memory shared till exec
 *   clone           -            -            -                       child       -       as fork; with CLONE_VM shared
 *   allocator_enter -            -            -                       -           -       the thread goes into the allocator
 *   allocator_exit  -            -            -                       -           -       and comes out again
 *   switch          -            -            -                       cpu         -       the thread runs on that cpu now
 *   snapshot        -            -            -                       snapshot    -       number of an event_snapshot
 *
 * An allocation that failed (returned NULL for a non-zero request) has EVENT_FAILED and object 0. realloc(p, 0) that freed p
 * has object 0 without EVENT_FAILED, as has any allocation of 0 bytes that returned NULL. A failed realloc leaves
 * `old_object` alive. calloc whose product overflows has size UINT64_MAX and EVENT_FAILED.
 *
 * A clone with CLONE_THREAD is no clone here but the thread_start of the new thread. A fork that failed is a clone with
 * EVENT_FAILED and count 0. A child that shares memory (vfork, clone with CLONE_VM) gets no copy of the live set: the heap
 * it works on is its parent's, under whose number recorders report it.
 *
 * System calls, and faults, have their arguments in event.call (struct event_call), as the kernel got them; the fields of
 * the table above that they do not use are 0. `result` is what the call returned, or its errno (1 ... 4095) with
 * EVENT_FAILED. Values of protection, flags and advice are those of Linux on x86-64.
 *
 *   kind              address  length  new_length  new_address  offset  protection  flags             file  result
 *   clone             -        -       -           -            -       -           CLONE_*           -     0, errno
 *   exec              -        -       -           -            -       -           -                 what  0, errno
 *   mmap              hint     bytes   -           -            bytes   PROT_*      MAP_*             of fd address
 *   munmap            start    bytes   -           -            -       -           -                 -     0
 *   mremap            old      old     new bytes   with FIXED   -       -           MREMAP_*          -     address
 *   brk               wanted   -       -           -            -       -           -                 -     the break
 *   mprotect          start    bytes   -           -            -       PROT_*      -                 -     0
 *   pkey_mprotect     start    bytes   -           -            -       PROT_*      key               -     0
 *   madvise           start    bytes   -           -            -       -           advice            -     0
 *   mlock, munlock    start    bytes   -           -            -       -           -                 -     0
 *   mlock2            start    bytes   -           -            -       -           MLOCK_*           -     0
 *   mlockall          -        -       -           -            -       -           MCL_*             -     0
 *   munlockall        -        -       -           -            -       -           -                 -     0
 *   msync             start    bytes   -           -            -       -           MS_*              -     0
 *   mincore           start    bytes   -           -            -       -           -                 -     0
 *   remap_file_pages  start    bytes   -           -            pages   PROT_*      MAP_*             -     0
 *   shmget            key      bytes   -           -            -       -           IPC_*, SHM_*      -     identifier
 *   shmat             hint     -       identifier  -            -       -           SHM_*             seg.  address
 *   shmdt             start    -       -           -            -       -           -                 -     0
 *   shmctl            -        -       identifier  -            -       -           command           -     value
 *   ftruncate         -        bytes   -           -            -       -           -                 of fd 0
 *   prctl             2nd      3rd     4th         5th          -       -           option            -     value
 *   fault             where    -       -           -            -       -           EVENT_FAULT_*     -     -
 *
 * `offset` of mmap is in bytes, of remap_file_pages in pages, as the kernel gets them. `file` is the number of an
 * event_file, 0 for none (anonymous memory, or not known); a System V segment is a file too. brk has no errno: where
 * `result` is not `address` (and that is not 0) the kernel refused. prctl is recorded for options that concern memory
 * (PR_SET_THP_DISABLE, PR_SET_MM, PR_SET_VMA). The instruction that faulted is the innermost address of the event's stack.
 * System calls that are not in the table are not events: an importer counts a warning.
 *
 * What the kernel's own allocators did is in event.kernel (struct event_kernel), under the thread on whose processor time they
 * did it (an interrupt's is that of the thread it came upon), on the processor that the thread's last `switch` named. Numbers of
 * frames are page frame numbers of the recorded machine; `count` is the event's.
 *
 *   kind               frame    order  migrate_type  and
 *   page_alloc         first    yes    yes           gfp; with EVENT_FAILED there was none (frame 0)
 *   page_free          first    yes    -
 *   page_free_batched  the page -      -             a page_free of it, of order 0 or more, came before: the same page again
 *   zone_locked        first    yes    yes           off the zone's free lists, under its lock; EVENT_KERNEL_REFILL: onto a per-CPU list
 *   pcpu_drain         first    yes    yes           off a per-CPU list, back to the zone
 *   extfrag            first    asked  asked         fallback_order, fallback_type: of the block that was taken; EVENT_KERNEL_OWNERSHIP
 *   kmem_alloc         -        -      -             address, bytes asked for, granted bytes, gfp, cache (0: kmalloc)
 *   kmem_free          -        -      -             address (0: kfree(NULL)), cache (0: kfree, or not known)
 *   vmalloc            -        log2   -             address, bytes (guard page included), order: log2 of its alignment in bytes;
 *                                                    EVENT_FAILED: no room (address 0)
 *   vfree              -        -      -             address; the range stays unusable until a vmap_purge over it
 *   vmap_purge         -        -      -             address, bytes; count = ranges that became usable again
 *   zone_grow          -        -      -             node, code = EVENT_ZONE_*; count = pages that the zone manages from now on
 *   reclaim_begin      -        yes    -             gfp; the thread itself reclaims
 *   reclaim_end        -        -      -             count = pages reclaimed
 *   kswapd_wake        -        yes    -             node
 *   kswapd_sleep       -        -      -             node
 *   compact_begin      scanner  -      -             pages from the migrate scanner to the free scanner; EVENT_KERNEL_SYNC
 *   compact_end        scanner  -      -             the same; code = its status
 *   migrate            -        -      -             count = pages moved, pages = those that stayed; code = its reason
 *
 * What one can rely on. The events are in the order of their times, and those of one processor in the order in which they
 * happened. A page is freed after its page_free and taken before its page_alloc, so a frame that goes from one
 * processor to another is freed first, then allocated, also here. What has no event of its own: pages that alloc_pages_bulk
 * hands out (their frees are seen); the pieces of a block that split_page or the splitting of a huge page makes (allocated
 * as one of a high order, freed as many); blocks that compaction, contiguous allocation or offlining isolates (some come back by page_free);
 * frees of pages whose last reference another holder drops later (the free is seen then, under that holder). So a free of a
 * frame that seems free is an allocation that was not seen. What happened before the recording, and events that were lost, leave
 * such gaps too. Migrate types, statuses and reasons have the recorded kernel's numbers.
 *
 * A field that the tables mark `-` is 0. No event follows the exit of its process or of its thread.
 */
#ifndef FAULTLINE_TRACES_EVENT_H
#define FAULTLINE_TRACES_EVENT_H

#include "traces/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
	EVENT_MALLOC = 1,
	EVENT_CALLOC,
	EVENT_REALLOC,
	EVENT_MEMALIGN,
	EVENT_FREE,
	EVENT_FREE_SIZED,
	EVENT_THREAD_START,
	EVENT_THREAD_EXIT,
	EVENT_FORK,
	EVENT_EXEC,
	EVENT_EXIT,
	EVENT_MARKER,
	EVENT_VFORK,
	EVENT_CLONE,
	EVENT_ALLOCATOR_ENTER,
	EVENT_ALLOCATOR_EXIT,
	EVENT_SWITCH,
	EVENT_SNAPSHOT,
	EVENT_MMAP = 32, /* to 95: address spaces */
	EVENT_MUNMAP,
	EVENT_MREMAP,
	EVENT_BRK,
	EVENT_MPROTECT,
	EVENT_PKEY_MPROTECT,
	EVENT_MADVISE,
	EVENT_MLOCK,
	EVENT_MLOCK2,
	EVENT_MUNLOCK,
	EVENT_MLOCKALL,
	EVENT_MUNLOCKALL,
	EVENT_MSYNC,
	EVENT_MINCORE,
	EVENT_REMAP_FILE_PAGES,
	EVENT_SHMGET,
	EVENT_SHMAT,
	EVENT_SHMDT,
	EVENT_SHMCTL,
	EVENT_FTRUNCATE,
	EVENT_PRCTL,
	EVENT_FAULT = 96,	/* to 103: faults */
	EVENT_PAGE_ALLOC = 104, /* to 127: the kernel's allocators */
	EVENT_PAGE_FREE,
	EVENT_PAGE_FREE_BATCHED,
	EVENT_ZONE_LOCKED,
	EVENT_PCPU_DRAIN,
	EVENT_EXTFRAG,
	EVENT_KMEM_ALLOC,
	EVENT_KMEM_FREE,
	EVENT_VMALLOC,
	EVENT_VFREE,
	EVENT_VMAP_PURGE,
	EVENT_ZONE_GROW,
	EVENT_RECLAIM_BEGIN,
	EVENT_RECLAIM_END,
	EVENT_KSWAPD_WAKE,
	EVENT_KSWAPD_SLEEP,
	EVENT_COMPACT_BEGIN,
	EVENT_COMPACT_END,
	EVENT_MIGRATE,
	EVENT_KINDS /* one past the last; numbers between that no kind has are unknown kinds */
};

/* What every recorder and importer calls a warning of events that there were and that the trace does not have. */
#define EVENT_LOST_WARNING "events that were lost"
/* Of those that came after the recorder had no room any more: the trace ends before they began. */
#define EVENT_CUT_WARNING "events after the memory for them was used up"

/* The kinds of the heap and of the life of processes that every trace counts, also those that did not happen. */
#define EVENT_HEAP_KINDS (EVENT_MARKER + 1)

/* Flags of an event. */
#define EVENT_FAILED 0x01u  /* NULL although bytes were asked for; or a system call with an errno */
#define EVENT_FOREIGN 0x02u /* object (free) or old_object (realloc) was born before the recording */

/* Bounds that every reader and importer enforces before it believes a number. */
#define EVENT_MAX_THREADS (1u << 20)
#define EVENT_MAX_PROCESSES (1u << 20)
#define EVENT_MAX_OBJECTS (UINT64_C(1) << 40)
#define EVENT_MAX_FILES (1u << 20)
#define EVENT_MAX_REGIONS (1u << 24)
#define EVENT_MAX_SNAPSHOTS (1u << 16)
#define EVENT_MAX_SNAPSHOT_BYTES (1u << 24)
#define EVENT_MAX_CPUS (1u << 16)
#define EVENT_MAX_ERRNO 4095u
#define EVENT_MAX_FRAMES (UINT64_C(1) << 52)
#define EVENT_MAX_ORDERS 64u /* orders of pages, and logarithms of alignments */
#define EVENT_MAX_MIGRATE_TYPES 16u
#define EVENT_MAX_NODES 1024u
#define EVENT_MAX_NAMES (1u << 16) /* of each table of names */

/* What a kind's events carry: the columns of the table above. */
#define EVENT_CREATES 0x01u  /* object is a new id */
#define EVENT_RELEASES 0x02u /* object (free, free_sized) or old_object (realloc) ends */
#define EVENT_HAS_SIZE 0x04u
#define EVENT_HAS_COUNT 0x08u
#define EVENT_HAS_ALIGNMENT 0x10u
#define EVENT_HAS_ADDRESS 0x20u
#define EVENT_HAS_LENGTH 0x40u
#define EVENT_HAS_NEW_LENGTH 0x80u
#define EVENT_HAS_NEW_ADDRESS 0x100u
#define EVENT_HAS_OFFSET 0x200u
#define EVENT_HAS_PROTECTION 0x400u
#define EVENT_HAS_FLAGS 0x800u
#define EVENT_HAS_FILE 0x1000u
#define EVENT_HAS_RESULT 0x2000u
#define EVENT_HAS_CALL 0x3fe0u	 /* any field of event.call */
#define EVENT_HAS_CHILD 0x4000u	 /* count is the number of a new process */
#define EVENT_HAS_KERNEL 0x8000u /* event.kernel; its fields are told by event_kernel_carries */

/* What of event.kernel a kind carries: the columns of its table above. */
#define EVENT_KERNEL_HAS_FRAME 0x01u
#define EVENT_KERNEL_HAS_PAGES 0x02u
#define EVENT_KERNEL_HAS_ADDRESS 0x04u
#define EVENT_KERNEL_HAS_BYTES 0x08u
#define EVENT_KERNEL_HAS_GRANTED 0x10u
#define EVENT_KERNEL_HAS_GFP 0x20u
#define EVENT_KERNEL_HAS_CACHE 0x40u
#define EVENT_KERNEL_HAS_NODE 0x80u
#define EVENT_KERNEL_HAS_ORDER 0x100u
#define EVENT_KERNEL_HAS_MIGRATE_TYPE 0x200u
#define EVENT_KERNEL_HAS_FALLBACK 0x400u /* order and type */
#define EVENT_KERNEL_HAS_FLAGS 0x800u
#define EVENT_KERNEL_HAS_CODE 0x1000u
#define EVENT_KERNEL_MAY_FAIL 0x2000u

/* call.flags of a fault: what was tried, and what is known of how it was served. */
#define EVENT_FAULT_WRITE 0x01u /* else a read, or with the next flag a fetch */
#define EVENT_FAULT_EXECUTE 0x02u
#define EVENT_FAULT_KERNEL 0x04u /* the kernel touched the user's address; else user mode */
#define EVENT_FAULT_PROTECTION                                                                               \
	0x08u			/* the page was there: rights, or copy on write (bit 0 of x86's error code) */
#define EVENT_FAULT_MINOR 0x10u /* served without reading a file; neither this nor the next: not known */
#define EVENT_FAULT_MAJOR 0x20u /* the page was read from a file or swap */
#define EVENT_FAULT_ACCESS_UNKNOWN 0x40u /* the source does not say read, write or execute */
/* Which source saw it; they count different things (perf's event counts the kernel's faults and repeated ones). */
#define EVENT_FAULT_SOURCE 0xf00u
#define EVENT_FAULT_FROM_TRACEPOINT 0x100u /* exceptions:page_fault_user, page_fault_kernel */
#define EVENT_FAULT_FROM_SOFTWARE 0x200u   /* perf's page-faults, minor-faults, major-faults */
#define EVENT_FAULT_FROM_OTHER 0x300u

/* The arguments and the result of a system call, or of a fault. */
struct event_call {
	uint64_t address;    /* bytes, as all addresses */
	uint64_t length;     /* bytes */
	uint64_t new_length; /* bytes */
	uint64_t new_address;
	uint64_t offset; /* into the file, bytes (mmap) or pages (remap_file_pages) */
	uint64_t result; /* what the call returned; its errno with EVENT_FAILED */
	uint32_t protection;
	uint32_t flags;
	uint32_t file; /* number of an event_file, from 1; 0 = none */
};

/* kernel.flags */
#define EVENT_KERNEL_REFILL 0x01u    /* zone_locked: the page goes onto a per-CPU list */
#define EVENT_KERNEL_OWNERSHIP 0x02u /* extfrag: the pageblock takes the asked-for type */
#define EVENT_KERNEL_SYNC 0x04u	     /* compaction waits for pages that are in use */

/* kernel.code of zone_grow: the zone's name, whatever its number in that kernel. */
enum event_zone {
	EVENT_ZONE_DMA,
	EVENT_ZONE_DMA32,
	EVENT_ZONE_NORMAL,
	EVENT_ZONE_HIGHMEM,
	EVENT_ZONE_MOVABLE,
	EVENT_ZONE_DEVICE,
	EVENT_ZONES
};

/* What the kernel's allocators did. */
struct event_kernel {
	uint64_t frame;	  /* page frame number, of the first page */
	uint64_t pages;	  /* compaction: frames between its scanners; migrate: pages that stayed */
	uint64_t address; /* of the kernel, as the recording names it (a trace as text has hashed ones) */
	uint64_t bytes;	  /* asked for */
	uint64_t granted; /* bytes that the cache, or kmalloc's size class, gives */
	uint32_t gfp;	  /* number of a name in EVENT_NAMES_GFP, from 1; 0 = "none" */
	uint32_t cache;	  /* number of a name in EVENT_NAMES_CACHE, from 1 */
	uint16_t node;
	uint8_t order;
	uint8_t migrate_type;
	uint8_t fallback_order, fallback_type;
	uint8_t flags; /* EVENT_KERNEL_REFILL ... */
	uint8_t code;
};

struct event {
	uint64_t time_ns; /* since the start of the recording; 0 throughout where the trace has no time */
	uint64_t object;
	uint64_t old_object;
	uint64_t size;
	uint64_t count;
	uint64_t alignment;
	uint32_t stack; /* index + 1 into the trace's call stacks; 0 = not recorded */
	uint32_t thread;
	uint32_t process;
	uint8_t kind; /* enum event_kind */
	uint8_t flags;
	struct event_call call;	    /* all 0 but for kinds with EVENT_HAS_CALL */
	struct event_kernel kernel; /* all 0 but for kinds with EVENT_HAS_KERNEL */
};

/* The kind's name as the command line writes it ("malloc"); "unknown" outside the enum. */
const char *event_kind_name(unsigned kind);

/* Whether the enum has the kind. */
bool event_kind_is_known(unsigned kind);

/* The kind with this name; 0 when there is none. */
unsigned event_kind_find(const char *name);

/* The EVENT_CREATES ... EVENT_HAS_KERNEL of a kind; 0 outside the enum. */
unsigned event_kind_carries(unsigned kind);

/* The EVENT_KERNEL_HAS_FRAME ... EVENT_KERNEL_MAY_FAIL of a kind; 0 for those without EVENT_HAS_KERNEL. */
unsigned event_kernel_carries(unsigned kind);

/* Whether the event made the process `count`: a fork, vfork or clone that did not fail. */
bool event_makes_child(const struct event *event);

/* Whether that child got a copy of its parent's memory, and with it of the live set, instead of the memory itself. */
bool event_copies_memory(const struct event *event);

/* Whether a field of event.call is not 0. */
bool event_has_call(const struct event *event);

/* Whether all fields of event.call that the kind does not carry are 0. */
bool event_call_fits(const struct event *event);

/* Whether a field of event.kernel is not 0. */
bool event_has_kernel(const struct event *event);

/* What is wrong with event.kernel: a field that the kind does not carry, or a number out of bounds; NULL when nothing is. */
const char *event_kernel_fault(const struct event *event);

/* "DMA" ... "Device", as /proc/zoneinfo writes it; "unknown" outside the enum. */
const char *event_zone_name(unsigned zone);

/* --- What events and accesses refer to: tables of the trace ---------------------------------------------------------- */

/* A file that was mapped or executed. Files are numbered from 1 in order of appearance; equal path, device and inode are
 * one file. */
struct event_file {
	const char *path; /* as the kernel shows it: "/usr/bin/ls", "/memfd:x (deleted)", "/SYSV0000002a" */
	uint64_t device;  /* st_dev; 0 = not known */
	uint64_t inode;	  /* 0 = not known */
	uint64_t bytes;	  /* its size when it was first seen; 0 = not known or no regular file */
};

enum event_region_kind {
	EVENT_REGION_OTHER,
	EVENT_REGION_FILE,	/* mapped from a file */
	EVENT_REGION_ANONYMOUS, /* mapped, without a file */
	EVENT_REGION_BREAK,	/* the heap of brk; grows with it */
	EVENT_REGION_STACK,	/* of `thread` */
	EVENT_REGION_TLS,	/* static thread-local storage of `thread` */
	EVENT_REGION_GLOBALS,	/* data and bss of the executable or a library */
	EVENT_REGION_SHARED,	/* System V or POSIX shared memory */
	EVENT_REGION_KERNEL,	/* vdso, vvar, vsyscall */
	EVENT_REGION_KINDS
};

/* A stretch of a process's addresses that accesses refer to. A thread's stack is one that lies over the region of its memory
 * and ends where references to the stack count from. Regions are numbered from 1. A number names one placement
 * for good: what mremap moves, or mmap puts into a hole that munmap left, is a new region. Growth and shrinking at the
 * place keep the number; after fork the child's copy has the number of the parent's. */
struct event_region {
	uint64_t address; /* of its first byte, in the recording */
	uint64_t length;  /* bytes, when it was first seen */
	uint64_t offset;  /* in the file, bytes */
	uint64_t event;	  /* position of the mmap, mremap, exec ... that made it; UINT64_MAX: there before */
	uint32_t process;
	uint32_t thread;     /* whose stack or TLS; else 0 */
	uint32_t file;	     /* number of an event_file; 0 = none */
	uint32_t protection; /* PROT_*, when it was first seen */
	uint32_t flags;	     /* MAP_SHARED or MAP_PRIVATE, MAP_GROWSDOWN, MAP_HUGETLB */
	uint32_t kind;	     /* enum event_region_kind */
};

/* A file of /proc (or another text) as it was at the snapshot event that names it. Numbered from 1. */
struct event_snapshot {
	const char *name; /* "maps", "smaps", "rusage", "stat", "limits", "cmdline" ... */
	const void *bytes;
	size_t length; /* at most EVENT_MAX_SNAPSHOT_BYTES */
};

/* Texts that many events name, numbered from 1 in each table, in order of appearance, none twice. */
enum event_names {
	EVENT_NAMES_GFP,   /* sets of allocation flags as the kernel prints them: "GFP_KERNEL|__GFP_ZERO" */
	EVENT_NAMES_CACHE, /* slab caches: "dentry" */
	EVENT_NAMES
};

/* A region's kind as the command line writes it: "file", "anonymous" ...; "other" outside the enum. */
const char *event_region_kind_name(unsigned kind);

struct access;

/* Where events go: an importer, generator or merger pushes into one, the writer of a file or a test is one. */

struct event_sink {
	/* Takes a copy of *event. A status other than TRACE_OK ends the stream and is handed back to the producer's caller. */
	enum trace_status (*put)(struct event_sink *sink, const struct event *event,
				 struct trace_error *error);
	/* Names a thread or a process before or after its first event; may be NULL in a sink that does not care.
	 * `name` may be NULL; os_id is the operating system's number, 0 when unknown. */
	enum trace_status (*thread)(struct event_sink *sink, uint32_t thread, uint32_t process,
				    uint64_t os_id, const char *name, struct trace_error *error);
	enum trace_status (*process)(struct event_sink *sink, uint32_t process, uint32_t parent,
				     uint64_t os_id, const char *command, struct trace_error *error);
	/* The rest may be NULL in a sink that has no use for it: the producer then leaves out what it would have said. Each
	 * gives the number that events and accesses name. Strings and bytes are copied. */
	enum trace_status (*file)(struct event_sink *sink, const struct event_file *file, uint32_t *number,
				  struct trace_error *error);
	enum trace_status (*region)(struct event_sink *sink, const struct event_region *region,
				    uint32_t *number, struct trace_error *error);
	enum trace_status (*snapshot)(struct event_sink *sink, const struct event_snapshot *snapshot,
				      uint32_t *number, struct trace_error *error);
	enum trace_status (*name)(struct event_sink *sink, enum event_names table, const char *text,
				  uint32_t *number, struct trace_error *error);
	/* References that `thread`, which must be known, made after the last event that was put and before the next. */
	enum trace_status (*accesses)(struct event_sink *sink, uint32_t thread, const struct access *access,
				      size_t count, struct trace_error *error);
};

#endif
