#include "config.h"

/* record_counter MODE N: calls every heap function N times and prints how often, as `kind count` lines, so that a
 * recording of it can be compared. MODE says where: plain, threads, fork, exec, spawn, system, closed, handler, leave,
 * abort; `endless FILE` goes on until killed and keeps process id and counts in FILE; `alive MILLISECONDS` runs so long.
 * With N = 0 the same threads and processes run without calls: what the C library allocates for them is the difference. */

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8

void free_sized(void *address, size_t bytes) __attribute__((weak));
void free_aligned_sized(void *address, size_t alignment, size_t bytes) __attribute__((weak));

struct counts {
	unsigned long malloc, calloc, realloc, memalign, free, free_sized;
};

/* jemalloc has no pvalloc, so that a block of the C library's would come to its free: then the last call is left out. */
static unsigned long with_pvalloc = 1;
static struct counts total; /* of this process and those whose counts it knows beforehand */
static char *const no_environment[] = {NULL};

static void add(unsigned long times, unsigned long n)
{
	total.malloc += times * 3 * n;
	total.calloc += times * n;
	total.realloc += times * 3 * n;
	total.memalign += times * (4 + with_pvalloc) * n;
	total.free += times * ((free_sized ? 9 : 11) + with_pvalloc) * n;
	total.free_sized += times * (free_sized ? 2 : 0) * n;
}

/* Hides the pointer from the optimiser. */
static void *kept(void *pointer)
{
	void *volatile hidden = pointer;

	return hidden;
}

static void give_back_sized(void *block, size_t bytes)
{
	if (free_sized)
		free_sized(block, bytes);
	else
		free(block);
}

static void give_back_aligned(void *block, size_t alignment, size_t bytes)
{
	if (free_aligned_sized)
		free_aligned_sized(block, alignment, bytes);
	else
		free(block);
}

static void one_of_each(size_t i)
{
	size_t bytes = 1 + i % 3000;
	void *block, *aligned = NULL;

	free(kept(malloc(bytes)));
	give_back_sized(kept(malloc(bytes)), bytes);
	free(kept(calloc(3, bytes)));
	block = kept(malloc(bytes));
	block = kept(realloc(block, 2 * bytes));
	block = kept(reallocarray(block, 4, bytes));
	free(block);
	free(kept(realloc(NULL, bytes)));
	if (posix_memalign(&aligned, 64, bytes) != 0)
		abort();
	free(kept(aligned));
	give_back_aligned(kept(aligned_alloc(128, 128 * bytes)), 128, 128 * bytes);
	free(kept(memalign(4096, bytes)));
	free(kept(valloc(bytes)));
	if (with_pvalloc)
		free(kept(pvalloc(bytes)));
	free(kept(NULL));
	free(kept(NULL));
}

static void calls(unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		one_of_each(i);
}

static void *thread_calls(void *n)
{
	calls(*(unsigned long *)n);
	return NULL;
}

static void run_threads(unsigned long n)
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&thread[i], NULL, thread_calls, &n) != 0)
			abort();
	}
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(thread[i], NULL);
	add(THREADS, n);
}

static void wait_for(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		abort();
}

/* Blocks of before the fork are freed in both processes. */
static void run_fork(unsigned long n)
{
	void *block[16];
	pid_t child;

	for (int i = 0; i < 16; i++)
		block[i] = kept(malloc(100));
	calls(n);
	child = fork();
	calls(n);
	for (int i = 0; i < 16; i++)
		free(block[i]);
	if (child == 0)
		_exit(0);
	wait_for(child);
	add(3, n);
}

static char self[4096];

static void run_exec(const char *count, unsigned long n)
{
	pid_t child;

	calls(n);
	child = fork();
	if (child == 0) {
		(void)execle(self, self, "quiet", count, (char *)NULL, no_environment);
		_exit(1);
	}
	wait_for(child);
	add(2, n);
}

static void run_spawn(char *count, unsigned long n)
{
	char quiet[] = "quiet";
	char *arguments[] = {self, quiet, count, NULL};
	pid_t child = -1;

	calls(n);
	if (posix_spawn(&child, self, NULL, NULL, arguments, no_environment) != 0)
		abort();
	wait_for(child);
	add(2, n);
}

static void run_system(const char *count, unsigned long n)
{
	char line[5000];

	(void)clearenv();
	(void)snprintf(line, sizeof(line), "exec '%s' quiet %s", self, count);
	calls(n);
	if (system(line) != 0)
		abort();
	add(2, n);
}

static void run_closed(unsigned long n)
{
	int output = dup(STDOUT_FILENO);

	for (int fd = 3; fd < 1024; fd++) {
		if (fd != output)
			(void)close(fd);
	}
	calls(n);
	add(1, n);
}

static volatile sig_atomic_t handled;

static void on_alarm(int signal)
{
	(void)signal;
	free(kept(malloc(48)));
	handled++;
}

/* The handler allocates while the program is anywhere in a recorded call that is safe to interrupt: free(NULL). */
static void run_handler(unsigned long n)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
	unsigned long frees = 0;

	(void)sigaction(SIGALRM, &action, NULL);
	if (n != 0)
		(void)setitimer(ITIMER_REAL, &often, NULL);
	for (; (unsigned long)handled < n; frees++)
		free(kept(NULL));
	(void)setitimer(ITIMER_REAL, &never, NULL);
	total.malloc += (unsigned long)handled;
	total.free += frees + (unsigned long)handled;
}

struct progress {
	pid_t process;
	_Atomic unsigned long calls[THREADS];
};

static void *endless_calls(void *count)
{
	_Atomic unsigned long *calls_done = count;

	for (;;) {
		free(kept(malloc(40)));
		*calls_done += 2;
	}
	return NULL;
}

static void run_endless(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	pthread_t thread[THREADS];
	struct progress *progress;

	if (fd < 0 || ftruncate(fd, 4096) != 0)
		abort();
	progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (progress == MAP_FAILED)
		abort();
	for (int i = 0; i < 3; i++) {
		if (pthread_create(&thread[i], NULL, endless_calls, &progress->calls[i]) != 0)
			abort();
	}
	progress->process = getpid();
	(void)pthread_join(thread[0], NULL);
}

/* Prints the process id and the counts that `endless` left in `path`. */
static void print_progress(const char *path)
{
	struct progress progress = {0};
	unsigned long sum = 0;
	int fd = open(path, O_RDONLY);

	if (fd >= 0 && read(fd, &progress, sizeof(progress)) == (ssize_t)sizeof(progress)) {
		for (int i = 0; i < THREADS; i++)
			sum += progress.calls[i];
	}
	(void)printf("%ld %lu\n", (long)progress.process, sum);
}

static void run_alive(unsigned long milliseconds)
{
	(void)puts("running");
	(void)fflush(stdout);
	for (unsigned long i = 0; i < milliseconds; i++) {
		struct timespec pause = {.tv_nsec = 1000000};
		calls(10);
		(void)nanosleep(&pause, NULL);
	}
	(void)puts("done");
}

static void print_total(void)
{
	char line[400];
	int length =
	    snprintf(line, sizeof(line),
		     "malloc %lu\ncalloc %lu\nrealloc %lu\nmemalign %lu\nfree %lu\nfree_sized %lu\n",
		     total.malloc, total.calloc, total.realloc, total.memalign, total.free, total.free_sized);

	/* Not by stdio, which would allocate its buffer. */
	if (write(STDOUT_FILENO, line, (size_t)length) != length)
		abort();
}

static void run(const char *mode, char *count)
{
	unsigned long n = strtoul(count, NULL, 10);

	if (strcmp(mode, "threads") == 0) {
		run_threads(n);
	} else if (strcmp(mode, "fork") == 0) {
		run_fork(n);
	} else if (strcmp(mode, "exec") == 0) {
		run_exec(count, n);
	} else if (strcmp(mode, "spawn") == 0) {
		run_spawn(count, n);
	} else if (strcmp(mode, "system") == 0) {
		run_system(count, n);
	} else if (strcmp(mode, "closed") == 0) {
		run_closed(n);
	} else if (strcmp(mode, "handler") == 0) {
		run_handler(n);
	} else {
		calls(n);
		add(1, n);
	}
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (argc != 3)
		return 2;
	if (strcmp(mode, "endless") == 0)
		run_endless(argv[2]);
	if (strcmp(mode, "progress") == 0) {
		print_progress(argv[2]);
		return 0;
	}
	if (strcmp(mode, "alive") == 0) {
		run_alive(strtoul(argv[2], NULL, 10));
		return 0;
	}
	with_pvalloc = getenv("WITHOUT_PVALLOC") == NULL;
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	run(mode, argv[2]);
	if (strcmp(mode, "quiet") != 0)
		print_total();
	if (strcmp(mode, "leave") == 0)
		_exit(7);
	if (strcmp(mode, "abort") == 0)
		abort();
	return 0;
}
