/* interpose.h: the heap functions that the recorded program meets instead of its allocator's.
 *
 * interpose.c has C's (malloc to free_aligned_sized), operators.c C++'s operators new and delete, extended.c jemalloc's.
 * malloc.h and stdlib.h declare most of them; what they leave out is declared here.
 */
#ifndef FAULTLINE_TRACES_RECORD_PRELOAD_INTERPOSE_H
#define FAULTLINE_TRACES_RECORD_PRELOAD_INTERPOSE_H

#include <stddef.h>

void cfree(void *address);
void free_sized(void *address, size_t bytes);
void free_aligned_sized(void *address, size_t alignment, size_t bytes);

/* Of a power of two. */
unsigned interpose_log2(size_t alignment);

/* Counts one question for a block's usable size. */
void interpose_count_usable(void);

#endif
