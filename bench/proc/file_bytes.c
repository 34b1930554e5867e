#include "config.h"

#include "bench/proc/file_bytes.h"

#include "bench/spaces/mapped_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_same(const struct mapped_file *file, const struct stat *found)
{
	const uint64_t pages = ((uint64_t)found->st_size + PAGE_BYTES - 1) / PAGE_BYTES;

	return S_ISREG(found->st_mode) && found->st_dev == file->device && found->st_ino == file->inode &&
	       (file->open.pages->size_pages == MAPPED_FILE_UNKNOWN_PAGES ||
		file->open.pages->size_pages == pages);
}

size_t file_bytes_read(void *context, const struct open_file *file, uint64_t offset, void *buffer,
		       size_t bytes)
{
	const struct mapped_file *mapped = mapped_file_of(file);
	struct stat found;
	ssize_t got = 0;

	(void)context;
	if (!mapped || !mapped->path || mapped->path[0] != '/' || mapped->inode == 0 ||
	    offset > (uint64_t)INT64_MAX)
		return 0;
	int descriptor = open(mapped->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (descriptor < 0)
		return 0;
	if (fstat(descriptor, &found) == 0 && is_same(mapped, &found))
		got = pread(descriptor, buffer, bytes, (off_t)offset);
	(void)close(descriptor);
	return got > 0 ? (size_t)got : 0;
}
