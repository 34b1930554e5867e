/* shell_heap.h: the one heap of the process, and which handle a call may use. Only heap_shell.c includes
 * this. */
#ifndef FAULTLINE_BENCH_PRELOAD_SHELL_HEAP_H
#define FAULTLINE_BENCH_PRELOAD_SHELL_HEAP_H

#include "engine/heap/heap.h"

/* Zero until the first call has started it. */
extern struct heap shell_heap;

/* What the fast paths use: the thread's handle, or NULL when it has none or the report counts all calls. */
extern _Thread_local struct heap_thread *shell_thread __attribute__((tls_model("initial-exec")));

enum shell_call {
	SHELL_ALLOCATION, /* counted by the report */
	SHELL_RELEASE,	  /* counted by the report */
	SHELL_OTHER,
};

/* The handle for one call: the thread's own, or the shared one, locked. Starts the heap at the first call;
 * NULL when there is no memory even for that. Every call is followed by shell_leave() with its result.
 * Keeps errno. */
struct heap_thread *shell_enter(enum shell_call call);
void shell_leave(struct heap_thread *thread);

/* For the report: a request that returned NULL; a realloc that was served in place. */
void shell_count_failure(void);
void shell_count_resize(void);

#endif
