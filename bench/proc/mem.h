/* mem.h: /proc/PID/mem: what a process's memory holds at an address, as far as anybody knows it.
 *
 *   no mapping, or one of a device (vvar)    EIO, as the kernel answers
 *   no page, or the zero page                zeros: nobody wrote there
 *   a page of shared memory, never written   zeros
 *   a page of a file, unwritten              the file's bytes, if the caller finds them (file_bytes)
 *   a page that was written                  not known: no recording has what programs write
 *
 * The machine of the model stores no contents. What it knows is which pages were never written: those of private memory that have no
 * page or the zero page, and those of files and of shared memory that are not dirty. Rights do not matter, as for a debugger: the
 * kernel reads what the process could make readable.
 *
 * As text, 16 bytes a line; unknown ones are "??":
 *
 *   7ffff7fc0000: 7f 45 4c 46 02 01 01 00  00 00 00 00 00 00 00 00  /usr/bin/head
 *   7ffff7fc1000: ?? ?? ?? ?? ?? ?? ?? ??  ?? ?? ?? ?? ?? ?? ?? ??  written
 */
#ifndef FAULTLINE_BENCH_PROC_MEM_H
#define FAULTLINE_BENCH_PROC_MEM_H

#include "bench/proc/process.h"

enum mem_kind {
	MEM_UNMAPPED, /* EIO */
	MEM_ZERO,
	MEM_FILE,    /* the file's */
	MEM_WRITTEN, /* not known */
};

/* One page. */
struct mem_page {
	enum mem_kind kind;
	const struct open_file *file; /* of MEM_FILE */
	uint64_t offset;	      /* of the page in it, bytes */
};
struct mem_page mem_page(const struct proc_process *process, uint64_t address);

/* Where bytes of files come from: reads `bytes` at `offset` into `buffer`; returns how many it has, 0 for none. */
struct mem_files {
	size_t (*read)(void *context, const struct open_file *file, uint64_t offset, void *buffer,
		       size_t bytes);
	void *context;
};

enum mem_end {
	MEM_DONE,
	MEM_EIO,     /* `*stopped` is not mapped */
	MEM_UNKNOWN, /* of raw bytes: what is at `*stopped` is not known */
};

struct mem_request {
	uint64_t address, bytes;
	struct mem_files files; /* read NULL: none can be read */
	bool is_raw;		/* the bytes themselves, as far as all are known */
};

/* Writes what is in [address, address + bytes), up to the first address that is not mapped. Like read(2) of the real file it is
 * MEM_DONE if it is at least one byte. */
enum mem_end proc_mem(const struct proc_process *process, const struct mem_request *request, FILE *out,
		      uint64_t *stopped);

#endif
