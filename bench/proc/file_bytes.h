/* file_bytes.h: bytes of recorded files, from the files of this machine, for mem.h.
 *
 * A file is believed to be the recorded one when it is a regular file with the recorded path, device and inode, and as large as it was.
 * Whether its bytes are still the same nobody can say. Nothing is opened that is not a regular file.
 */
#ifndef FAULTLINE_BENCH_PROC_FILE_BYTES_H
#define FAULTLINE_BENCH_PROC_FILE_BYTES_H

#include "bench/proc/mem.h"

/* The `read` of struct mem_files; the context is not used. */
size_t file_bytes_read(void *context, const struct open_file *file, uint64_t offset, void *buffer,
		       size_t bytes);

#endif
