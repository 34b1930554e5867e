#include "config.h"

#include "traces/record/plugin/kernel_copy.h"

#include "traces/record/plugin/guest_memory.h"

#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

/* How many bytes lie at a pointer. `value` is what the comment says. */
enum extent {
	EXTENT_RESULT = 1, /* as many as the call returned, times value */
	EXTENT_ARGUMENT,   /* as many as argument `value` says */
	EXTENT_FIXED,	   /* value */
	EXTENT_TEXT,	   /* a text and its end mark */
	EXTENT_VECTOR,	   /* an array of argument `value` iovecs, and in them what the call returned */
	EXTENT_RECORDS,	   /* argument 1 times value */
};

struct pointer {
	uint16_t number;   /* of the system call */
	uint8_t argument;  /* which of them is the pointer */
	uint8_t direction; /* ACCESS_WORD_LOAD: the kernel reads, ACCESS_WORD_STORE: it writes */
	uint8_t extent;	   /* enum extent */
	uint16_t value;
};

#define IN ACCESS_WORD_LOAD
#define OUT ACCESS_WORD_STORE

static const struct pointer pointers[] = {
    {SYS_read, 1, OUT, EXTENT_RESULT, 1},
    {SYS_pread64, 1, OUT, EXTENT_RESULT, 1},
    {SYS_recvfrom, 1, OUT, EXTENT_RESULT, 1},
    {SYS_getdents64, 1, OUT, EXTENT_RESULT, 1},
    {SYS_readlink, 1, OUT, EXTENT_RESULT, 1},
    {SYS_readlink, 0, IN, EXTENT_TEXT, 0},
    {SYS_readlinkat, 2, OUT, EXTENT_RESULT, 1},
    {SYS_readlinkat, 1, IN, EXTENT_TEXT, 0},
    {SYS_getcwd, 0, OUT, EXTENT_RESULT, 1},
    {SYS_getrandom, 0, OUT, EXTENT_RESULT, 1},
    {SYS_write, 1, IN, EXTENT_RESULT, 1},
    {SYS_pwrite64, 1, IN, EXTENT_RESULT, 1},
    {SYS_sendto, 1, IN, EXTENT_RESULT, 1},
    {SYS_readv, 1, OUT, EXTENT_VECTOR, 2},
    {SYS_preadv, 1, OUT, EXTENT_VECTOR, 2},
    {SYS_writev, 1, IN, EXTENT_VECTOR, 2},
    {SYS_pwritev, 1, IN, EXTENT_VECTOR, 2},
    {SYS_open, 0, IN, EXTENT_TEXT, 0},
    {SYS_openat, 1, IN, EXTENT_TEXT, 0},
    {SYS_access, 0, IN, EXTENT_TEXT, 0},
    {SYS_faccessat, 1, IN, EXTENT_TEXT, 0},
    {SYS_stat, 0, IN, EXTENT_TEXT, 0},
    {SYS_stat, 1, OUT, EXTENT_FIXED, sizeof(struct stat)},
    {SYS_lstat, 0, IN, EXTENT_TEXT, 0},
    {SYS_lstat, 1, OUT, EXTENT_FIXED, sizeof(struct stat)},
    {SYS_fstat, 1, OUT, EXTENT_FIXED, sizeof(struct stat)},
    {SYS_newfstatat, 1, IN, EXTENT_TEXT, 0},
    {SYS_newfstatat, 2, OUT, EXTENT_FIXED, sizeof(struct stat)},
    {SYS_statx, 1, IN, EXTENT_TEXT, 0},
    {SYS_statx, 4, OUT, EXTENT_FIXED, 256},
    {SYS_statfs, 0, IN, EXTENT_TEXT, 0},
    {SYS_statfs, 1, OUT, EXTENT_FIXED, sizeof(struct statfs)},
    {SYS_fstatfs, 1, OUT, EXTENT_FIXED, sizeof(struct statfs)},
    {SYS_chdir, 0, IN, EXTENT_TEXT, 0},
    {SYS_mkdir, 0, IN, EXTENT_TEXT, 0},
    {SYS_rmdir, 0, IN, EXTENT_TEXT, 0},
    {SYS_unlink, 0, IN, EXTENT_TEXT, 0},
    {SYS_unlinkat, 1, IN, EXTENT_TEXT, 0},
    {SYS_rename, 0, IN, EXTENT_TEXT, 0},
    {SYS_rename, 1, IN, EXTENT_TEXT, 0},
    {SYS_uname, 0, OUT, EXTENT_FIXED, sizeof(struct utsname)},
    {SYS_getrlimit, 1, OUT, EXTENT_FIXED, sizeof(struct rlimit)},
    {SYS_setrlimit, 1, IN, EXTENT_FIXED, sizeof(struct rlimit)},
    {SYS_prlimit64, 2, IN, EXTENT_FIXED, sizeof(struct rlimit)},
    {SYS_prlimit64, 3, OUT, EXTENT_FIXED, sizeof(struct rlimit)},
    {SYS_getrusage, 1, OUT, EXTENT_FIXED, sizeof(struct rusage)},
    {SYS_wait4, 1, OUT, EXTENT_FIXED, sizeof(int)},
    {SYS_wait4, 3, OUT, EXTENT_FIXED, sizeof(struct rusage)},
    {SYS_gettimeofday, 0, OUT, EXTENT_FIXED, sizeof(struct timeval)},
    {SYS_clock_gettime, 1, OUT, EXTENT_FIXED, sizeof(struct timespec)},
    {SYS_clock_getres, 1, OUT, EXTENT_FIXED, sizeof(struct timespec)},
    {SYS_nanosleep, 0, IN, EXTENT_FIXED, sizeof(struct timespec)},
    {SYS_clock_nanosleep, 2, IN, EXTENT_FIXED, sizeof(struct timespec)},
    {SYS_pipe, 0, OUT, EXTENT_FIXED, 2 * sizeof(int)},
    {SYS_pipe2, 0, OUT, EXTENT_FIXED, 2 * sizeof(int)},
    {SYS_socketpair, 3, OUT, EXTENT_FIXED, 2 * sizeof(int)},
    {SYS_rt_sigaction, 1, IN, EXTENT_FIXED, 32},
    {SYS_rt_sigaction, 2, OUT, EXTENT_FIXED, 32},
    {SYS_rt_sigprocmask, 1, IN, EXTENT_FIXED, 8},
    {SYS_rt_sigprocmask, 2, OUT, EXTENT_FIXED, 8},
    {SYS_futex, 0, IN, EXTENT_FIXED, sizeof(int)},
    {SYS_connect, 1, IN, EXTENT_ARGUMENT, 2},
    {SYS_bind, 1, IN, EXTENT_ARGUMENT, 2},
    {SYS_setsockopt, 3, IN, EXTENT_ARGUMENT, 4},
    {SYS_poll, 0, OUT, EXTENT_RECORDS, sizeof(struct pollfd)},
    {SYS_epoll_ctl, 3, IN, EXTENT_FIXED, sizeof(struct epoll_event)},
    {SYS_epoll_wait, 1, OUT, EXTENT_RESULT, sizeof(struct epoll_event)},
    {SYS_sched_getaffinity, 2, OUT, EXTENT_RESULT, 1},
    {SYS_sysinfo, 0, OUT, EXTENT_FIXED, 112},
};

/* A page at most per word, so that nothing is asked of the word's size. */
#define PIECE_BYTES 4096u
/* No call copies more at once. */
#define COPY_BYTES_MAX 0x7ffff000u

static void put_range(struct vcpu *vcpu, unsigned direction, uint64_t address, uint64_t bytes)
{
	if (bytes > COPY_BYTES_MAX)
		return;
	while (bytes > 0) {
		uint64_t piece = PIECE_BYTES - address % PIECE_BYTES;
		if (piece > bytes)
			piece = bytes;
		vcpu_put_kernel(vcpu, access_word(direction, piece, address));
		address += piece;
		bytes -= piece;
	}
}

static void put_vector(struct vcpu *vcpu, const struct pointer *pointer, const uint64_t *argument,
		       uint64_t left)
{
	uint64_t count = argument[pointer->value], at = argument[pointer->argument];
	struct iovec buffer;

	if (count > IOV_MAX)
		return;
	put_range(vcpu, ACCESS_WORD_LOAD, at, count * sizeof(buffer));
	for (; count > 0 && left > 0 && guest_memory_read(at, &buffer, sizeof(buffer)); count--) {
		uint64_t bytes = buffer.iov_len < left ? buffer.iov_len : left;
		put_range(vcpu, pointer->direction, (uint64_t)(uintptr_t)buffer.iov_base, bytes);
		left -= bytes;
		at += sizeof(buffer);
	}
}

static void put_pointer(struct vcpu *vcpu, const struct pointer *pointer, const uint64_t *argument,
			int64_t result)
{
	uint64_t address = argument[pointer->argument];
	bool failed = result < 0 && result >= -4095;
	char text[PATH_MAX];

	if (address == 0 || (failed && pointer->extent != EXTENT_TEXT))
		return;
	switch (pointer->extent) {
	case EXTENT_RESULT:
		put_range(vcpu, pointer->direction, address, (uint64_t)result * pointer->value);
		return;
	case EXTENT_ARGUMENT:
		put_range(vcpu, pointer->direction, address, argument[pointer->value]);
		return;
	case EXTENT_FIXED:
		put_range(vcpu, pointer->direction, address, pointer->value);
		return;
	case EXTENT_TEXT:
		put_range(vcpu, pointer->direction, address,
			  guest_memory_text(address, text, sizeof(text)) + 1);
		return;
	case EXTENT_VECTOR:
		put_vector(vcpu, pointer, argument, (uint64_t)result);
		return;
	case EXTENT_RECORDS:
		if (argument[1] <= 65536)
			put_range(vcpu, pointer->direction, address, argument[1] * pointer->value);
		return;
	default:
		return;
	}
}

/* The kernel tells a parent, and its child, the child's number where they ask for it. */
static void put_birth(struct vcpu *vcpu, const uint64_t argument[6], int64_t result)
{
	if (result > 0 && argument[0] & CLONE_PARENT_SETTID)
		put_range(vcpu, ACCESS_WORD_STORE, argument[2], sizeof(pid_t));
	if (result == 0 && argument[0] & CLONE_CHILD_SETTID)
		put_range(vcpu, ACCESS_WORD_STORE, argument[3], sizeof(pid_t));
}

/* rseq(address, bytes, flags, ...): whenever the thread has been off its processor the kernel writes there which one it is on.
 * The emulator refuses the call. When a thread is taken off cannot be known here; it is when it has made or awaited a child,
 * and elsewhere what the kernel writes to is the thread's own page already. */
#define SEQUENCE_BYTES 32u
#define SEQUENCE_UNREGISTER 1u

static void put_sequence(struct vcpu *vcpu, int64_t number, const uint64_t argument[6])
{
	if (number == SYS_rseq)
		vcpu->sequence = argument[2] & SEQUENCE_UNREGISTER ? 0 : argument[0];
	else if (vcpu->sequence != 0 && (number == SYS_clone || number == SYS_fork || number == SYS_vfork ||
					 number == SYS_wait4 || number == SYS_waitid))
		put_range(vcpu, ACCESS_WORD_STORE, vcpu->sequence, SEQUENCE_BYTES);
}

void kernel_copy_put(struct vcpu *vcpu, int64_t number, const uint64_t argument[6], int64_t result)
{
	for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
		if (pointers[i].number == number)
			put_pointer(vcpu, &pointers[i], argument, result);
	}
	if (number == SYS_clone)
		put_birth(vcpu, argument, result);
	put_sequence(vcpu, number, argument);
}
