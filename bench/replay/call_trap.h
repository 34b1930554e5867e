/* call_trap.h: catches the memory system calls of this process, in this process.
 *
 * A seccomp filter lets mmap, munmap, mremap, brk, madvise and mprotect through from one instruction only, the one in
 * call_trap_call(). From anywhere else (an allocator, the C library, a dynamic linker) the kernel raises SIGSYS instead, whose
 * handler makes the call from that instruction, tells the sink, and gives the interrupted code the result: it does not
 * notice.
 *
 *   allocator ── syscall ──▶ filter ── SIGSYS ──▶ handler ── call_trap_call() ──▶ filter lets it through ──▶ kernel
 *       ▲                                           │ └──▶ sink
 *       └───────────── result in its register ──────┘
 *
 * Calls of several threads are made and told one at a time, so that the sink gets them in the order in which the kernel did.
 *
 * A signal that the kernel must deliver kills the process when it is blocked; so SIGSYS is taken out of every mask that a thread
 * sets from now on (rt_sigprocmask is caught, too).
 *
 * For x86-64, where the replaying child runs.
 */
#ifndef FAULTLINE_BENCH_REPLAY_CALL_TRAP_H
#define FAULTLINE_BENCH_REPLAY_CALL_TRAP_H

#include <stdint.h>

struct trapped_call {
	uint64_t number; /* SYS_mmap ... */
	uint64_t argument[6];
	int64_t result; /* the kernel's: -1 to -4095 is an errno */
};

/* Runs in a signal handler, one at a time. It may make system calls, memory calls only by call_trap_call(). */
typedef void call_trap_sink(void *context, const struct trapped_call *call);

/* From now on, in all threads, for good. NULL, or what the system refused. Once per process. */
const char *call_trap_install(call_trap_sink *sink, void *context);

/* Makes a system call that is not caught. Returns what the kernel does: -1 to -4095 is an errno; errno stays. */
long call_trap_call(long number, const uint64_t argument[6]);

#endif
