/* mapped_files.h: the files of a trace, opened for an address space: one for each event_file that something maps, and a
 * nameless one for each mapping of a file of which the trace knows nothing.
 *
 * A file of which no size is known is as large as whatever is mapped of it. Files of memory (memfd, System V) begin empty and
 * are filled by faults; others lie in memory already, or not at all (`are_absent`).
 */
#ifndef FAULTLINE_BENCH_SPACES_MAPPED_FILES_H
#define FAULTLINE_BENCH_SPACES_MAPPED_FILES_H

#include "engine/virt/file_pages.h"
#include "engine/virt/open_file.h"
#include "traces/flt.h"

#define MAPPED_FILE_UNKNOWN_PAGES ((uint64_t)1 << 51)

/* What is known of a file besides its pages: what /proc/PID/maps says of it. */
struct mapped_file {
	struct open_file open;	/* first, so that what an address space holds leads to it */
	uint64_t device, inode; /* as st_dev has them; 0: not known, or none */
	char *path;		/* or "[vdso]" ...; NULL: not known */
};

struct mapped_files {
	const struct flt_summary *trace;
	struct frames *frames;
	bool are_absent, are_aligned;
	struct open_file **file; /* by number - 1; NULL: not mapped yet */
	uint32_t files, room;	 /* `files` are known */
	uint64_t opened;	 /* numbers of opens */
};

/* None is known yet. The trace's summary and the frames must live as long. */
void mapped_files_start(struct mapped_files *files, const struct flt_summary *trace, struct frames *frames);

/* The trace has `count` files now. False: no memory. */
bool mapped_files_grow(struct mapped_files *files, uint32_t count);

/* Nothing maps them any more. */
void mapped_files_destroy(struct mapped_files *files);

/* The file of that number, which the caller holds (open_file_drop); number 0, or one that the trace does not have: a new
 * file that nobody else has. NULL: no memory. */
struct open_file *mapped_files_open(struct mapped_files *files, uint32_t number);

/* A new file that nobody else has and the trace's table does not know, but something else does: `known` says of it what it can, its
 * path in `path_length` bytes without an end. The caller holds it. NULL: no memory. */
struct mapped_file_name {
	uint64_t device, inode;
	const char *path; /* or NULL */
	size_t path_length;
};
struct open_file *mapped_files_open_unlisted(struct mapped_files *files,
					     const struct mapped_file_name *known);

/* What is known of it; NULL for a file that is none of these (shared anonymous memory, that the address space itself made). */
const struct mapped_file *mapped_file_of(const struct open_file *file);

/* The number of the file with this device and inode; 0: none. */
uint32_t mapped_files_find(const struct mapped_files *files, uint64_t device, uint64_t inode);

/* A new file of `pages` of shared memory, which the caller holds. NULL: no memory. */
struct open_file *mapped_files_memory(struct mapped_files *files, uint64_t pages);

#endif
