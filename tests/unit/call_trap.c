#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/replay/call_trap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A filter is for good, so each case runs in a child of its own, whose status says what went wrong: 0 nothing, 77 no filter
 * is permitted here. */
#define NOT_PERMITTED 77
#define TOLD_MAX 65536u

static struct trapped_call told[TOLD_MAX];
static _Atomic unsigned told_count;

static void keep(void *context, const struct trapped_call *call)
{
	(void)context;
	if (told_count < TOLD_MAX)
		told[told_count++] = *call;
}

static void run_in_child(int (*body)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(call_trap_install(keep, NULL) ? NOT_PERMITTED : body());
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_PERMITTED) {
		print_message("this system permits no seccomp filter\n");
		skip();
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("the child ended with status 0x%x", (unsigned)status);
}

/* The number of calls told of this kind. */
static unsigned told_of(uint64_t number)
{
	unsigned count = 0;

	for (unsigned i = 0; i < told_count; i++)
		count += told[i].number == number;
	return count;
}

static int call_each_once(void)
{
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t at = (uint64_t)(uintptr_t)memory;

	if (memory == MAP_FAILED || told_of(SYS_mmap) == 0)
		return 1;
	const struct trapped_call first = told[told_count - 1];

	if (first.number != SYS_mmap || (uint64_t)first.result != at || first.argument[1] != 8192 ||
	    first.argument[2] != (PROT_READ | PROT_WRITE) || (int)first.argument[4] != -1)
		return 2;
	memory[0] = 7;
	if (mprotect(memory, 4096, PROT_READ) != 0 || madvise(memory + 4096, 4096, MADV_DONTNEED) != 0 ||
	    memory[0] != 7)
		return 3;
	if (told_of(SYS_mprotect) != 1 || told_of(SYS_madvise) != 1 ||
	    told[told_count - 1].argument[0] != at + 4096)
		return 4;
	if (munmap(memory, 8192) != 0 || munmap(memory + 1, 8192) != -1 || errno != EINVAL)
		return 5;
	if (told_of(SYS_munmap) != 2 || told[told_count - 1].result != -EINVAL)
		return 6;
	if (sbrk(4096) == (void *)-1 || told_of(SYS_brk) == 0)
		return 7;
	return 0;
}

static void each_call_is_told_once(void **state)
{
	(void)state;
	run_in_child(call_each_once);
}

static int call_untold(void)
{
	const uint64_t map[6] = {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX, 0};
	unsigned before = told_count;
	long result = call_trap_call(SYS_mmap, map);

	if (result < 0 || told_count != before)
		return 1;
	return call_trap_call(-1, map) == -ENOSYS ? 0 : 2;
}

static void own_calls_are_not(void **state)
{
	(void)state;
	run_in_child(call_untold);
}

/* A thread that blocks every signal would be killed by the first call. */
static int call_with_signals_blocked(void)
{
	sigset_t all, old, now;
	void *memory;

	if (sigfillset(&all) != 0 || sigprocmask(SIG_SETMASK, &all, &old) != 0)
		return 1;
	memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || sigprocmask(SIG_BLOCK, NULL, &now) != 0)
		return 2;
	if (sigismember(&now, SIGSYS) != 0 || sigismember(&now, SIGUSR1) != 1)
		return 3;
	if (sigprocmask(SIG_SETMASK, &old, NULL) != 0 || sigprocmask(SIG_BLOCK, NULL, &now) != 0)
		return 4;
	return sigismember(&now, SIGUSR1) == 0 ? 0 : 5;
}

static void blocked_signals_do_no_harm(void **state)
{
	(void)state;
	run_in_child(call_with_signals_blocked);
}

#define THREADS 4u
#define ROUNDS 500u

static void *map_and_unmap(void *argument)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		void *memory = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED || munmap(memory, 4096) != 0)
			*(int *)argument = 1;
	}
	return NULL;
}

/* Every page that is told to be mapped was not mapped at that point of what was told. */
static bool is_in_order(void)
{
	static uint64_t mapped[THREADS];

	for (unsigned i = 0; i < told_count; i++) {
		uint64_t address =
		    told[i].number == SYS_mmap ? (uint64_t)told[i].result : told[i].argument[0];
		unsigned at = 0;

		if (told[i].argument[1] != 4096 ||
		    (told[i].number == SYS_mmap && told[i].argument[2] != PROT_NONE))
			continue;
		if (told[i].number == SYS_mmap) {
			for (unsigned j = 0; j < THREADS; j++) {
				if (mapped[j] == address)
					return false;
			}
			while (mapped[at] != 0)
				at++;
			mapped[at] = address;
		} else if (told[i].number == SYS_munmap) {
			while (at < THREADS && mapped[at] != address)
				at++;
			if (at == THREADS)
				return false;
			mapped[at] = 0;
		}
	}
	return true;
}

static int call_from_threads(void)
{
	pthread_t thread[THREADS];
	int wrong[THREADS] = {0};

	for (unsigned i = 0; i < THREADS; i++) {
		if (pthread_create(&thread[i], NULL, map_and_unmap, &wrong[i]) != 0)
			return 1;
	}
	for (unsigned i = 0; i < THREADS; i++) {
		(void)pthread_join(thread[i], NULL);
		if (wrong[i])
			return 2;
	}
	if (told_of(SYS_munmap) < THREADS * ROUNDS || told_of(SYS_mmap) < THREADS * ROUNDS)
		return 3;
	return is_in_order() ? 0 : 4;
}

static void calls_of_threads_are_told_in_order(void **state)
{
	(void)state;
	run_in_child(call_from_threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_call_is_told_once),
	    cmocka_unit_test(own_calls_are_not),
	    cmocka_unit_test(blocked_signals_do_no_harm),
	    cmocka_unit_test(calls_of_threads_are_told_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
