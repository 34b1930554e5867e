/* real.h: the functions that the recorded program would have called without the recorder.
 *
 * Each pointer is the next definition after ours in the program's search order (dlsym RTLD_NEXT): the C library's, or
 * that of an allocator the user preloaded behind us. Until real_resolve has run, the allocating ones point to the
 * bootstrap allocator, so that a dlsym that allocates does not recurse. Pointers that no library defines are NULL,
 * except where the comment says that a substitute stands in.
 */
#ifndef FAULTLINE_TRACES_RECORD_PRELOAD_REAL_H
#define FAULTLINE_TRACES_RECORD_PRELOAD_REAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct real {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void *(*reallocarray)(void *, size_t, size_t); /* may be NULL */
	void (*free)(void *);
	void (*cfree)(void *);				    /* may be NULL */
	void (*free_sized)(void *, size_t);		    /* may be NULL */
	void (*free_aligned_sized)(void *, size_t, size_t); /* may be NULL */
	int (*posix_memalign)(void **, size_t, size_t);
	void *(*aligned_alloc)(size_t, size_t);
	void *(*memalign)(size_t, size_t);
	void *(*valloc)(size_t);
	void *(*pvalloc)(size_t);
	size_t (*malloc_usable_size)(void *);
	int (*malloc_trim)(size_t); /* may be NULL */

	/* jemalloc's; all may be NULL */
	void *(*mallocx)(size_t, int);
	void *(*rallocx)(void *, size_t, int);
	size_t (*xallocx)(void *, size_t, size_t, int);
	size_t (*sallocx)(const void *, int);
	void (*dallocx)(void *, int);
	void (*sdallocx)(void *, size_t, int);

	/* processes */
	pid_t (*fork)(void);
	int (*execve)(const char *, char *const[], char *const[]);
	int (*execvpe)(const char *, char *const[], char *const[]);
	int (*fexecve)(int, char *const[], char *const[]);
	int (*posix_spawn)(pid_t *, const char *, const void *, const void *, char *const[], char *const[]);
	int (*posix_spawnp)(pid_t *, const char *, const void *, const void *, char *const[], char *const[]);
	int (*system)(const char *);
	FILE *(*popen)(const char *, const char *);
	void (*quick_exit)(int);
};

extern struct real real;

/* Finds everything above. Called once, by the first heap call of the process. */
void real_resolve(void);

/* The next definition of `name`, also in a C++ library that was loaded later and privately; NULL = none. */
void *real_find(const char *name);

/* Does `address` belong to the bootstrap allocator? Such blocks are never handed to the real allocator. */
bool bootstrap_owns(const void *address);

/* What a bootstrap block can hold. */
size_t bootstrap_usable_size(const void *address);

#endif
