/* mm_sequence.h: a sequence of memory system calls and touches, as text, at random, and shrunk.
 *
 * One step per line; numbers as C writes them:
 *
 *   0 mmap 0x7e0001ffc000 0x3000 0x3 0x32 anonymous 0      process, call, arguments
 *   0 write 0x7e0001ffd000
 *   0 fork
 *   1 mprotect 0x7e0001ffd000 0x1000 0x1
 *
 * Process 0 is there from the start, process 1 from a fork of it until `exit`; steps of a process that is not there
 * are left out. Files: `anonymous` (none), `memory` (a memfd of 16 pages and 100 bytes, read and write),
 * `memory-read` and `memory-write` (the same, opened for one), `regular` (a file of as many bytes, all in memory,
 * read only), `pipe`, `bad` (no descriptor). Lines that begin with # are comments.
 */
#ifndef FAULTLINE_TESTS_MODEL_MM_SEQUENCE_H
#define FAULTLINE_TESTS_MODEL_MM_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define STEPS_MAX 64u
#define STEP_ARGUMENTS 6u

/* The only address space that the sequences get; everything around it is filled. */
#define WINDOW_START 0x7e0000000000u
#define WINDOW_BYTES 0x2000000u
#define LOW_WINDOW_START 0x40000000u
#define LOW_WINDOW_BYTES 0x400000u
#define BRK_WINDOW_BYTES 0x400000u

#define FILE_BYTES (16u * 4096u + 100u)

enum step_call {
	STEP_MMAP,     /* address, length, protection, flags, file, offset */
	STEP_MUNMAP,   /* address, length */
	STEP_MREMAP,   /* address, old length, new length, flags, new address */
	STEP_BRK,      /* bytes from start_brk on, may be negative */
	STEP_MPROTECT, /* address, length, protection */
	STEP_MADVISE,  /* address, length, advice */
	STEP_MLOCK,    /* address, length */
	STEP_MLOCK2,   /* address, length, flags */
	STEP_MUNLOCK,  /* address, length */
	STEP_MLOCKALL, /* flags */
	STEP_MUNLOCKALL,
	STEP_MINCORE, /* address, length */
	STEP_MSYNC,   /* address, length, flags */
	STEP_READ,    /* address */
	STEP_WRITE,   /* address */
	STEP_FORK,
	STEP_EXIT,
	STEP_LIMIT, /* enum step_limit, bytes; for address-space and data: bytes above what is in use at the start */
	STEP_CALLS,
};

enum step_limit {
	LIMIT_ADDRESS_SPACE,
	LIMIT_DATA,
	LIMIT_STACK,
	LIMIT_LOCKED, /* and the privilege to lock at will is dropped */
};

enum step_file {
	FILE_ANONYMOUS,
	FILE_MEMORY,
	FILE_MEMORY_READ,
	FILE_MEMORY_WRITE,
	FILE_REGULAR_READ,
	FILE_PIPE,
	FILE_BAD,
	STEP_FILES,
};

struct step {
	enum step_call call;
	unsigned process;
	uint64_t argument[STEP_ARGUMENTS];
};

struct sequence {
	size_t count;
	struct step steps[STEPS_MAX];
};

/* A random sequence, the same for the same seed. */
void sequence_generate(struct sequence *sequence, uint64_t seed);

/* One line of text with a line feed. */
void step_print(FILE *to, const struct step *step);

/* Reads a whole sequence; false, and the number of the bad line in *line, when it is none. */
bool sequence_read(struct sequence *sequence, FILE *from, size_t *line);

/* True while a sequence still shows what it is to show. */
typedef bool sequence_fails(void *context, const struct sequence *sequence);

/* Leaves out steps, and makes arguments simpler, as long as it fails. */
void sequence_shrink(struct sequence *sequence, sequence_fails *fails, void *context);

#endif
