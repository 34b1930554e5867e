/* arena.h: the memory that a recorded program and its recorder share.
 *
 * The recorder makes one anonymous file (memfd), every recorded process maps it whole at its first heap call and closes
 * the descriptor again. Nothing of it has a name in a file system, so nothing is left behind whoever is killed, and a
 * program that closes every descriptor, forbids itself system calls or changes its user keeps its mapping.
 *
 *   +---------+-----------------------+---------------------------+----------+----------+---- ...
 *   | control | process slots (1,024) | chunk headers (64 B each) | chunk 0  | chunk 1  |
 *   +---------+-----------------------+---------------------------+----------+----------+---- ...
 *
 * A *chunk* is 2,048 records of 32 bytes and belongs to one thread at a time. The recorder keeps a stack of free chunks;
 * a thread pops one, fills it record by record, marks it closed and pops the next. The recorder reads records as they
 * appear and pushes a closed chunk back once all its records are consumed, so that the memory stays bounded: a program
 * that outruns its recorder waits for it.
 *
 * Order comes from one counter. Whoever takes a number writes exactly one record with it, so the records of all threads
 * and processes, put by number, have no gap. A thread stores in this sequence: reserve the place (header.reserved), take
 * the number, fill the record, store order_kind. So a number that is missing, while no reserved place is unfilled, was
 * lost with a killed process.
 *
 *   I1  a record is valid when its order >= first_order of its chunk (else it is left over from an earlier owner)
 *   I2  header.reserved <= ARENA_CHUNK_RECORDS, and no valid record lies at or beyond it
 *   I3  each order number below control.order is in at most one valid record
 *   I4  a chunk is on the free stack (state FREE) or has exactly one owner
 *
 * The reader believes none of this: every index, state and number is checked before use (ordering.h).
 */
#ifndef FAULTLINE_TRACES_RECORD_ARENA_H
#define FAULTLINE_TRACES_RECORD_ARENA_H

#include <stdatomic.h>
#include <stdint.h>

#define ARENA_MAGIC UINT64_C(0x3161746c75616666) /* "ffault1a" in memory */
#define ARENA_CHUNK_RECORDS 2048u
#define ARENA_CHUNK_WORDS_MAX 8192u /* of 8 bytes, in an ARENA_CHUNK_WORDS */
#define ARENA_PROCESSES 1024u
#define ARENA_MAX_CHUNKS (1u << 16) /* 4 GiB of records */
#define ARENA_TEXT_BYTES 480u
#define ARENA_NONE UINT32_MAX
#define ARENA_FIRST_ORDER 1u /* 0 is what memory never written holds */

/* The two environment variables that carry a recording from program to program. ARENA_ENVIRONMENT holds
 * "PATH:NONCE": where the arena can be opened and the 32 hexadecimal digits that it must begin with. */
#define ARENA_ENVIRONMENT "FAULTLINE_RECORD"
#define ARENA_PRELOAD "LD_PRELOAD"

/* What one record says. `address` and `size` are the two words of struct arena_record. */
enum arena_kind {
	ARENA_MALLOC = 1, /* address = result, size = requested */
	ARENA_CALLOC, /* address, size = product (UINT64_MAX: overflow), info = elements or ARENA_INFO_DETAIL */
	ARENA_MEMALIGN,	  /* address, size, info = log2 of the alignment or ARENA_INFO_DETAIL */
	ARENA_FREE,	  /* address */
	ARENA_FREE_SIZED, /* address, size as the caller gave it, info = 1 + log2 of its alignment, 0 = none */
	ARENA_REALLOC_BEGIN, /* address = old block, size = requested */
	ARENA_REALLOC_END,   /* address = new block, size = requested (UINT64_MAX: overflow) */
	ARENA_DETAIL, /* size = the number that did not fit into the info of this thread's next record */
	ARENA_FRAMES, /* tsc, address, size = three return addresses of a stack being defined, innermost first */
	ARENA_STACK_DEFINE, /* the frames before this are the stack numbered `size` of this thread; address = depth */
	ARENA_STACK,	     /* this thread's next record was called from its stack `size` */
	ARENA_THREAD_START,  /* address = the system's thread id */
	ARENA_THREAD_NAME,   /* address, size = 16 bytes of name */
	ARENA_THREAD_END,    /* the thread's last destructor runs; a few more events may follow */
	ARENA_PROCESS_START, /* size = the serial of a process whose slot is filled */
	ARENA_FORK,	     /* size = token that the child's slot will carry; taken before the fork */
	/* Of recordings of accesses only (access_word.h): */
	ARENA_ACCESSES, /* the words of chunk `address` up to word `size` come before this record; info = 1: and
				 it is done with */
	ARENA_TEXT,	/* tsc, address, size = 24 bytes of a path, for this thread's next ARENA_FILE */
	ARENA_FILE, /* tsc = device, address = inode, size = bytes: the file of the next call or mapping */
	ARENA_CALL_ARGUMENTS, /* tsc, address, size = three arguments of this thread's next call or mapping */
	ARENA_CALL,	      /* a system call came back: address = its number, size = its result */
	ARENA_MAPPING, /* arguments: start, length, protection, offset, MAP_*, enum arena_mapping; there already */
	ARENA_STACK_TOP, /* address = where this thread's stack begins, downwards */
	ARENA_KINDS	 /* one past the last */
};

/* What an ARENA_MAPPING holds, as far as /proc says it. */
enum arena_mapping {
	ARENA_MAPPING_PLAIN,
	ARENA_MAPPING_STACK,
	ARENA_MAPPING_BREAK,
	ARENA_MAPPING_KERNEL,
};

/* Upper 16 bits of struct arena_record.address. */
#define ARENA_INFO_SHIFT 48
#define ARENA_ADDRESS_MASK ((UINT64_C(1) << ARENA_INFO_SHIFT) - 1)
#define ARENA_INFO_STACK 0x8000u  /* an ARENA_STACK of this thread belongs to this record */
#define ARENA_INFO_DETAIL 0x7fffu /* an ARENA_DETAIL of this thread holds the value */

struct arena_record {
	_Atomic uint64_t order_kind; /* order number x 256 + enum arena_kind; stored last */
	uint64_t tsc;		     /* ticks (ticks.h) */
	uint64_t address;	     /* low 48 bits address, high 16 bits info */
	uint64_t size;		     /* bytes */
};

/* Of arena_control.accesses. */
#define ARENA_ACCESS_DATA 1u
#define ARENA_ACCESS_FETCH 2u

enum arena_chunk_state {
	ARENA_CHUNK_FREE = 0,
	ARENA_CHUNK_OWNED,
	ARENA_CHUNK_CLOSED, /* its thread has left it; the recorder may push it back when it is read */
	ARENA_CHUNK_WORDS, /* holds access words instead of records: ARENA_ACCESSES says which and when it is done */
};

struct arena_chunk {
	_Atomic uint32_t state;	   /* enum arena_chunk_state */
	_Atomic uint32_t next;	   /* next on the free stack, ARENA_NONE = last */
	_Atomic uint32_t reserved; /* places taken by the owner, 0 to ARENA_CHUNK_RECORDS */
	uint32_t process_slot;	   /* of the owner */
	uint64_t process_serial;   /* of the owner */
	uint64_t thread_serial;	   /* of the owner, unique in the recording, from 1 */
	uint64_t first_order;	   /* value of control.order when the owner took the chunk */
	uint32_t thread_id;	   /* the system's */
	uint32_t held_words;	   /* 1: it was an ARENA_CHUNK_WORDS since it was all zero */
	uint32_t padding[4];
};

enum arena_process_state {
	ARENA_PROCESS_FREE = 0,
	ARENA_PROCESS_CLAIMED, /* being filled by the process */
	ARENA_PROCESS_LIVE,
};

/* What a process says about itself. Text is cut at its size and always ends in NUL. */
struct arena_process {
	_Atomic uint32_t state;
	uint32_t process_id;		/* the system's */
	uint32_t parent_id;		/* the system's */
	uint32_t thread_id;		/* first thread */
	uint64_t serial;		/* unique in the recording, from 1 */
	uint64_t parent_serial;		/* the process it was forked from, 0 = not known (it came by exec) */
	uint64_t fork_token;		/* of the ARENA_FORK that made it, 0 = none */
	_Atomic uint64_t fork_failed;	/* token of the last fork that failed */
	_Atomic uint32_t exit_status;	/* 256 + status once known */
	_Atomic uint32_t exec_pending;	/* 1 while exec_path is being tried */
	_Atomic uint64_t sampled_ticks; /* time spent in recording `sampled_events` events */
	_Atomic uint64_t sampled_events;
	_Atomic uint64_t waited_ticks;	  /* time spent waiting for a free chunk */
	_Atomic uint64_t lost_events;	  /* not recorded: no chunk could be had */
	_Atomic uint64_t nested_calls;	  /* calls made inside other heap calls, not recorded by design */
	_Atomic uint64_t usable_calls;	  /* calls of malloc_usable_size and its kin */
	char command[ARENA_TEXT_BYTES];	  /* arguments, separated by blanks */
	char exec_path[ARENA_TEXT_BYTES]; /* the program that exec was asked for last */
};

/* What different processes write at the same time lies on cache lines of its own.
 * NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct arena_control {
	uint64_t magic;
	uint8_t nonce[16];
	uint64_t arena_bytes;
	uint32_t chunk_count;		/* chunks that the arena has room for */
	uint32_t recorder_id;		/* process id of the recorder */
	uint32_t follow;		/* 1: children and exec'd programs are recorded too */
	uint32_t stacks;		/* 1: call stacks are wanted */
	uint32_t accesses;		/* ARENA_ACCESS_DATA, ARENA_ACCESS_FETCH: what the plugin records */
	uint32_t calls;			/* 1: the plugin records memory system calls */
	uint64_t window_on, window_off; /* accesses per thread recorded, then left out; 0 = all */
	_Atomic uint32_t active;	/* 1: events are recorded; 0: paused or finished */
	_Atomic uint32_t finished;	/* 1: nothing will be recorded any more, threads must not wait */
	_Atomic uint32_t heartbeat;	/* the recorder adds 1 on every round */
	_Atomic uint32_t refused;	/* processes that found no slot */
	_Atomic uint32_t cramped;	/* processes whose address space had no room for the arena */
	_Alignas(64) _Atomic uint64_t order;	     /* the next order number */
	_Alignas(64) _Atomic uint64_t free_top;	     /* change count x 2^32 + index of the top free chunk */
	_Atomic uint32_t free_count;		     /* chunks on the stack, approximately */
	_Alignas(64) _Atomic uint64_t thread_serial; /* last one given */
	_Atomic uint64_t process_serial;
	_Atomic uint64_t fork_token;
	_Alignas(64) _Atomic uint32_t chunks_bell; /* futex: changes when chunks are pushed */
	_Atomic uint32_t chunk_waiters;
	_Alignas(64) _Atomic uint32_t
	    recorder_bell; /* futex: changes when the recorder should look at once */
	_Atomic uint32_t recorder_sleeps;
};

_Static_assert(sizeof(struct arena_record) == 32, "two records to a cache line");
_Static_assert(ARENA_CHUNK_WORDS_MAX * sizeof(uint64_t) == ARENA_CHUNK_RECORDS * sizeof(struct arena_record),
	       "a chunk of words is as long as one of records");
_Static_assert(sizeof(struct arena_chunk) == 64, "one chunk header to a cache line");
_Static_assert(sizeof(struct arena_control) <= 4096, "the control block is one page");
_Static_assert(sizeof(struct arena_process) % 8 == 0, "process slots lie one after the other");

/* Where things lie in the arena, in bytes from its start. */
#define ARENA_PROCESSES_OFFSET 4096u
#define ARENA_HEADERS_OFFSET                                                                                 \
	((ARENA_PROCESSES_OFFSET + ARENA_PROCESSES * (uint64_t)sizeof(struct arena_process) + 4095) &        \
	 ~UINT64_C(4095))

static inline uint64_t arena_records_offset(uint32_t chunk_count)
{
	return (ARENA_HEADERS_OFFSET + chunk_count * (uint64_t)sizeof(struct arena_chunk) + 4095) &
	       ~UINT64_C(4095);
}

static inline uint64_t arena_bytes(uint32_t chunk_count)
{
	return arena_records_offset(chunk_count) +
	       chunk_count * (uint64_t)ARENA_CHUNK_RECORDS * sizeof(struct arena_record);
}

/* An arena as one process sees it. */
struct arena {
	struct arena_control *control;
	struct arena_process *processes; /* ARENA_PROCESSES of them */
	struct arena_chunk *chunks;	 /* chunk_count of them */
	struct arena_record *records;	 /* ARENA_CHUNK_RECORDS per chunk */
	uint32_t chunk_count;		 /* checked copy of control->chunk_count */
};

/* Lays the views over `base`, which holds at least arena_bytes(chunk_count) bytes. */
static inline struct arena arena_view(void *base, uint32_t chunk_count)
{
	char *bytes = base;

	return (struct arena){
	    .control = base,
	    .processes = (void *)(bytes + ARENA_PROCESSES_OFFSET),
	    .chunks = (void *)(bytes + ARENA_HEADERS_OFFSET),
	    .records = (void *)(bytes + arena_records_offset(chunk_count)),
	    .chunk_count = chunk_count,
	};
}

#endif
