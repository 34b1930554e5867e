/* open_file.h: a file as it was opened, as far as mmap has to know of it.
 *
 * Two opens of one file are two of these over the same pages. Mappings merge only when they are of the same open,
 * and what a mapping may do with its pages depends on how it was opened, not on the file's owner and mode. Shared
 * anonymous memory has a nameless file of its own for each mmap.
 */
#ifndef FAULTLINE_ENGINE_VIRT_OPEN_FILE_H
#define FAULTLINE_ENGINE_VIRT_OPEN_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct file_pages;

enum open_flag {
	OPEN_READ = 1 << 0,
	OPEN_WRITE = 1 << 1,
	OPEN_APPEND_ONLY = 1 << 2,   /* the file's attribute, not O_APPEND: no shared mapping of a writer */
	OPEN_NO_EXECUTE = 1 << 3,    /* its file system is mounted noexec */
	OPEN_NO_MAP = 1 << 4,	     /* a pipe, a socket, a directory: ENODEV */
	OPEN_HUGE_ALIGNED = 1 << 5,  /* its file system places large mappings on 2 MiB (ext4, xfs, btrfs) */
	OPEN_SHARED_MEMORY = 1 << 6, /* shmem: tmpfs, memfd, shared anonymous memory */
	OPEN_SEALED_FOR_WRITE =
	    1 << 7, /* memfd with F_SEAL_WRITE: no new shared mapping that may be written to */
	OPEN_RESIDENCY_HIDDEN =
	    1 << 8, /* neither the owner nor a writer asks: mincore says that all is in memory */
};

struct open_file {
	uint64_t number;     /* of all opens ever; what decides a merge */
	uint32_t flags;	     /* enum open_flag, or-ed */
	uint64_t references; /* mappings of it, and whoever else holds it */
	struct file_pages
	    *pages; /* handed on to whoever looks after pages; the address space never looks inside */
	/* Called when the last reference goes; NULL: nothing happens. */
	void (*close)(struct open_file *file, void *owner);
	void *owner;
};

static inline void open_file_hold(struct open_file *file)
{
	if (file)
		file->references++;
}

static inline void open_file_drop(struct open_file *file)
{
	if (file && --file->references == 0 && file->close)
		file->close(file, file->owner);
}

#endif
