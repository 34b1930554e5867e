/* file_pages.h: the page cache of one file, as far as faults see it: which of its pages are in memory, and where.
 *
 *   page  0    1    2    3    4    5    6    7   ...
 *       +----+----+----+----+----+----+----+----+
 *       | R  | RF |    |    | R  | RFD|    |    |    R resident   F has a frame   D dirty
 *       +----+----+----+----+----+----+----+----+
 *
 * *Resident* means that no disk is needed: a fault on it is minor. A frame is only taken when a page is mapped, so that a
 * file costs what is used of it, however large it says it is. A fault on a page of a regular file that is not resident is
 * major: the page is read, and those around it (read-around: half of the window before it, half behind). A quarter before
 * the window's end lies a *marker*: the first fault on that page, which is not mapped by the faults of others, reads the
 * window behind ahead of its use, with a marker of its own at its beginning. Pages of shared memory (shmem: shared anonymous mappings, memfd) are made when they are touched first; that is no reading, and minor.
 *
 * Invariants, proved by file_pages_check():
 *   I1: framed_pages, dirty_pages = the pages with a frame, the dirty ones
 *   I2: a page with a frame is resident, its frame cached by this file at this page; a dirty page has a frame
 */
#ifndef FAULTLINE_ENGINE_VIRT_FILE_PAGES_H
#define FAULTLINE_ENGINE_VIRT_FILE_PAGES_H

#include "engine/virt/frames.h"

#define FILE_CHUNK_SHIFT 9
#define FILE_CHUNK_PAGES (1u << FILE_CHUNK_SHIFT)
#define FILE_CHUNK_WORDS (FILE_CHUNK_PAGES / 64)

enum file_kind {
	FILE_REGULAR,
	FILE_SHARED_MEMORY,
};

#define FILE_NO_PAGE UINT64_MAX

struct file_chunk;

struct file_pages {
	enum file_kind kind;
	bool starts_resident; /* pages nobody spoke of are in memory */
	bool
	    is_mapped_singly; /* a fault maps its page alone, not those around it: the kernel's own mappings (vdso) */
	uint64_t size_pages; /* pages at or beyond are past the end: SIGBUS */
	uint64_t references; /* areas and others that hold it */
	uint64_t framed_pages, dirty_pages;
	uint64_t window_first, window_pages; /* read last; 0 pages: none was */
	uint64_t marker;		     /* page of the marker, or FILE_NO_PAGE */
	struct frames *frames;
	struct file_chunk *chunks; /* by number, those that differ from the start */
	struct file_chunk *last;   /* found last */
};

/* A file of `size_pages` with one reference; NULL when the host has no memory. */
struct file_pages *file_pages_create(struct frames *frames, enum file_kind kind, uint64_t size_pages,
				     bool starts_resident);

/* One holder more, one less: the last one less gives all frames back, which nobody may map then. */
void file_pages_hold(struct file_pages *file);
void file_pages_drop(struct file_pages *file);

/* The file grows, or shrinks (its frames beyond are given back; the caller has taken their mappings away). */
void file_pages_resize(struct file_pages *file, uint64_t size_pages);

bool file_pages_is_resident(const struct file_pages *file, uint64_t page);

/* Says of pages [first, first + pages) that they are in memory, or not: then those that are not mapped lose their frames;
 * mapped ones stay. STATUS_LIMIT, and nothing, for more than 64 GiB of the file; STATUS_NO_MEMORY when the host has none: some
 * pages may have been done. */
MUST_USE enum status file_pages_set_resident(struct file_pages *file, uint64_t first, uint64_t pages,
					     bool is_resident);

/* A page that is not resident is read, with `around_pages` around it (0: alone), or made, if the file is shared memory.
 * STATUS_NO_MEMORY when the host has none. */
MUST_USE enum status file_pages_read(struct file_pages *file, uint64_t page, uint64_t around_pages);

/* The fault is on the marker: the next window is read, and has a new one. */
MUST_USE enum status file_pages_read_ahead(struct file_pages *file, uint64_t around_pages);

/* The frame of a resident page, taken now when it has none; PFN_NONE when there is none to take. */
pfn_t file_pages_frame(struct file_pages *file, uint64_t page);

/* The page is in another frame from now on, which holds its contents and is cached for this page (frames_succeed); the file lets go of
 * the old one. */
void file_pages_move(struct file_pages *file, uint64_t page, pfn_t to);

/* The page's frame if it has one already, else PFN_NONE. */
pfn_t file_pages_find(const struct file_pages *file, uint64_t page);

/* A page with a frame was written to, or was written back. */
void file_pages_set_dirty(struct file_pages *file, uint64_t page, bool is_dirty);
bool file_pages_is_dirty(const struct file_pages *file, uint64_t page);

/* NULL, or the text of the first invariant that does not hold. */
const char *file_pages_check(const struct file_pages *file);

#endif
