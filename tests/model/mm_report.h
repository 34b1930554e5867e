/* mm_report.h: what a step left behind, as a real process sees it and as the model says it.
 *
 * After each step of a sequence: the result, the mappings of the windows with what mincore says of each, and the
 * process's sums.
 */
#ifndef FAULTLINE_TESTS_MODEL_MM_REPORT_H
#define FAULTLINE_TESTS_MODEL_MM_REPORT_H

#include "tests/model/mm_sequence.h"

#define SEEN_MAX 160u
#define FOREIGN_MAX 128u

#define TASK_BYTES 0x7ffffffff000u
#define RESIDENCY_PAGES (WINDOW_BYTES >> 12) /* mappings of more are not looked at */

/* A mapping of /proc/self/maps. */
struct seen {
	uint64_t start, end;
	uint64_t offset;
	char rights[4]; /* "rw-p" */
	uint32_t
	    file; /* enum step_file: FILE_ANONYMOUS, FILE_MEMORY, FILE_REGULAR_READ; FILE_BAD: any other file */
	bool is_stack, is_special; /* [stack]; [vvar], [vdso] */
	uint64_t resident;	   /* pages that mincore reports */
	uint64_t which;		   /* hash of them */
};

struct report {
	bool was_done; /* false: the process was not there */
	uint64_t value;
	int error;
	int signal, code; /* of a touch */
	uint32_t count;	  /* of mappings in the windows */
	bool too_many;
	uint64_t total_kib, locked_kib, data_kib, stack_kib; /* VmSize VmLck VmData VmStk */
	struct seen seen[SEEN_MAX];
};

/* What the process was before a sequence. */
struct surroundings {
	uint64_t start_brk, brk;
	uint64_t lowest_address; /* vm.mmap_min_addr */
	uint64_t memory_inode, regular_inode;
	uint64_t stack_bytes, locked_bytes; /* limits */
	uint32_t count;
	struct seen seen[FOREIGN_MAX];
	uint64_t total_kib, locked_kib, data_kib, stack_kib;
};

/* The hash of a set of resident pages: start with 0, add the number of each in rising order. */
static inline uint64_t seen_hash(uint64_t hash, uint64_t page)
{
	return (hash ^ page) * 0x9e3779b97f4a7c15u;
}

static inline bool is_in_windows(const struct surroundings *around, uint64_t start, uint64_t end)
{
	return (start < WINDOW_START + WINDOW_BYTES && end > WINDOW_START) ||
	       (start < LOW_WINDOW_START + LOW_WINDOW_BYTES && end > LOW_WINDOW_START) ||
	       (start < around->start_brk + BRK_WINDOW_BYTES && end > around->start_brk);
}

#endif
