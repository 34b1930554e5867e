/* naive_pages.h: the pages of address spaces, kept as naively as can be: a hash table per process, a byte per page
 * of a file.
 *
 * What mincore and the rules of merging depend on when there are no huge pages and no swap. Used by the call-by-call
 * test and the tests of the address space.
 */
#ifndef FAULTLINE_TESTS_MODEL_NAIVE_PAGES_H
#define FAULTLINE_TESTS_MODEL_NAIVE_PAGES_H

#include "engine/virt/mm.h"

/* At most this many pages of a file, and at most this many touched by one call: beyond there is no memory. */
#define NAIVE_PAGES_MAX ((uint64_t)1 << 18)

struct naive_page;

/* A file's pages; those of shared anonymous memory are made by the address space. */
struct naive_file {
	uint64_t size_pages;
	uint8_t *resident; /* by page */
};

/* Pages of one process: mm.pages_owner points here. */
struct naive_pages {
	struct naive_page *pages; /* by address */
};

extern const struct mm_pages_class naive_pages_class;

/* An open of a file; `file` is its open_file.pages. */
struct open_file naive_open(struct naive_file *file, uint64_t number, uint32_t flags);

/* NULL for more than NAIVE_PAGES_MAX. */
struct naive_file *naive_file_create(uint64_t size_pages, bool is_resident);
void naive_file_destroy(struct naive_file *file);

void naive_pages_create(struct naive_pages *pages);
void naive_pages_destroy(struct naive_pages *pages);

/* How a load or a store ends. */
struct naive_touch {
	int signal; /* 0, SIGSEGV, SIGBUS */
	int code;   /* si_code */
};
struct naive_touch naive_touch(struct mm *mm, uint64_t address, bool is_write);

#endif
