/* kernel_child.h: a real process, driven step by step, whose page faults are counted by the running kernel.
 *
 * A family is one process, and after a fork two. Each does one step at a time on request and reports what the kernel says
 * about a region of its address space that holds nothing else: 64 GiB at KERNEL_CHILD_BASE. So a model's figures can
 * be compared with the kernel's after each step.
 *
 * The figures of a step come from getrusage (faults), /proc/self/smaps (resident, anonymous, huge, lazily freed memory of
 * the region), /proc/self/pagemap (which pages are mapped), and /proc/self/status (VmPTE, less that of a process with an
 * empty region). What the measuring itself touches is touched before.
 */
#ifndef FAULTLINE_TESTS_UNIT_KERNEL_CHILD_H
#define FAULTLINE_TESTS_UNIT_KERNEL_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#define KERNEL_CHILD_BASE 0x200000000000u /* where no sanitizer keeps its shadow */
#define KERNEL_CHILD_PROCESSES 2u
#define KERNEL_CHILD_WINDOW 32768u /* pages of the region whose mapping is looked at one by one */

enum step_call {
	STEP_END,
	STEP_MAP, /* anonymous, private or (STEP_SHARED) shared, or of the test's file (STEP_FILE) */
	STEP_UNMAP,
	STEP_PROTECT,
	STEP_ADVISE, /* extra: the advice */
	STEP_MOVE,   /* extra: the page to move to */
	STEP_LOCK,
	STEP_READ, /* one byte of every `extra`-th page (0: every) */
	STEP_WRITE,
	STEP_EXECUTE, /* a return instruction was written there */
	STEP_FORK,    /* process 0 makes process 1 */
	STEP_EXIT,    /* process 1, and process 0 waits for its end */
	STEP_SYNC,    /* msync(MS_SYNC) */
	STEP_EVICT,   /* the file's pages leave the page cache as far as they can */
	STEP_AWAIT,   /* until the page's part of the file is in memory */
};

enum step_flag {
	STEP_PROT_READ = 1,
	STEP_PROT_WRITE = 2,
	STEP_PROT_EXECUTE = 4,
	STEP_SHARED = 8,
	STEP_FILE = 16,
	STEP_POPULATE = 32,
};

struct step {
	enum step_call call;
	unsigned process;
	uint64_t page, pages; /* of the region */
	unsigned flags;	      /* enum step_flag, or-ed */
	uint64_t extra;	      /* of STEP_MAP with STEP_FILE: the first page of the file */
};

struct step_figures {
	int error;	       /* errno of the call, 0 when it succeeded */
	int signal;	       /* SIGSEGV or SIGBUS that a touch ended with, or 0 */
	int code;	       /* its si_code */
	uint64_t minor, major; /* faults of this step */
	uint64_t resident_pages, anonymous_pages, huge_pages; /* of the region; huge ones in small pages */
	uint64_t lazyfree_pages;
	uint64_t mapped_pages; /* of the window: entries that are present, zero pages too */
	uint64_t mapped_hash;  /* of which ones they are, by kernel_child_hash */
	int64_t table_pages;
};

struct kernel_family;

/* Starts a family of one. `file` is a descriptor, or -1; with `thp_off` transparent huge pages are switched off for it by
 * prctl. NULL when the machine does not let us (no pagemap, no fork): the text then says why. */
struct kernel_family *kernel_family_start(int file, bool thp_off, const char **why);
void kernel_family_end(struct kernel_family *family);

/* Does one step in its process. */
struct step_figures kernel_family_step(struct kernel_family *family, const struct step *step);

/* NULL, or the name of the first figure in which the two differ; errno and lazily freed pages are not compared. */
const char *step_difference(const struct step_figures *kernel, const struct step_figures *model);

/* The hash of a set of mapped pages: start with 0 and add each page of the region in rising order. */
static inline uint64_t kernel_child_hash(uint64_t hash, uint64_t page)
{
	return (hash ^ page) * 0x9e3779b97f4a7c15u;
}

#endif
