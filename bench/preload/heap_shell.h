/* heap_shell.h: the engine's heap as a process's malloc: thin functions around engine/heap.
 *
 * The shell owns what the engine must not: one heap in static memory, the thread's handle in thread-local
 * storage, the reading of FAULTLINE_HEAP, the handlers for fork and thread exit, errno. The functions below
 * behave as the C library's of the same name; libfaultline-heap.so exports them under those names
 * (preload.c), and a program whose sanitizer owns malloc can link them and call them as they are.
 *
 * A thread's life:
 *
 *   first call --> shared handle, under a lock --> own handle after `shared_calls` calls --> shared handle again
 *                  (most threads never leave)                                             (its exit has begun)
 *
 * The shared handle serves every call that cannot have a handle of its own: of threads that make only a few,
 * of threads whose thread-specific data is being destroyed, before the first constructor.
 *
 * Environment, read once at the first call:
 *   FAULTLINE_HEAP=POLICY,key=value,...   engine/policy.h; a mistake ends the program with a message
 *   FAULTLINE_HEAP_REPORT=1               at exit, one line on stderr says how many calls were served
 *   FAULTLINE_HEAP_REPORT=FILE            the same, behind what is in the file: of every process a line
 * With the report on, every call takes the slow path and is counted there, so that nothing is counted when it
 * is off.
 */
#ifndef FAULTLINE_BENCH_PRELOAD_HEAP_SHELL_H
#define FAULTLINE_BENCH_PRELOAD_HEAP_SHELL_H

#include "bench/preload/statistics.h"

#include <malloc.h>
#include <stddef.h>
#include <stdio.h>

/* Visible outside the library, which is built with everything else hidden. */
#pragma GCC visibility push(default)

void *faultline_heap_malloc(size_t bytes);
void *faultline_heap_calloc(size_t count, size_t bytes);
void *faultline_heap_realloc(void *block, size_t bytes);
void *faultline_heap_reallocarray(void *block, size_t count, size_t bytes);
void faultline_heap_free(void *block);
int faultline_heap_posix_memalign(void **block, size_t alignment, size_t bytes);
void *faultline_heap_aligned_alloc(size_t alignment, size_t bytes);
void *faultline_heap_memalign(size_t alignment, size_t bytes);
void *faultline_heap_valloc(size_t bytes);
void *faultline_heap_pvalloc(size_t bytes);
size_t faultline_heap_malloc_usable_size(void *block);

/* Gives the caller's cached blocks and all free pages back to the system. Always 1. */
int faultline_heap_malloc_trim(size_t pad);

/* What the C library's functions of these names say of its own heap, of this one (heap_information.c): arena is what
 * the heap has from the system and did not give back, uordblks the blocks handed out, fordblks the rest, fsmblks the part of
 * it that threads keep at hand, keepcost what malloc_trim would give back. Numbers of blocks are not kept and 0. */
struct mallinfo2 faultline_heap_mallinfo2(void);

/* The same, each at most INT_MAX. */
struct mallinfo faultline_heap_mallinfo(void);

/* The same as XML; -1 and EINVAL for options that are not 0. */
int faultline_heap_malloc_info(int options, FILE *stream);

/* The same as lines on standard error. */
void faultline_heap_malloc_stats(void);

/* mlockall(2), but that pages are locked when they are first touched: the C library's would try to fill the whole
 * reserved range with memory. */
int faultline_heap_mlockall(int flags);

/* Runs heap_check(). NULL, or the text of the first broken invariant. No other thread may be allocating. */
const char *faultline_heap_check(void);

#pragma GCC visibility pop

#endif
