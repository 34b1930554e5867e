/* memory_user WHAT: a program that uses memory in ways that common ones seldom do, for the comparison of the model with
 * the kernel. One thread; nothing depends on time or place.
 *
 *   huge       large mappings with and without MADV_HUGEPAGE: written densely and sparsely, read first, given back and
 *              protected in parts, moved, forked
 *   populate   faults that no instruction makes: MAP_POPULATE, mlock, MADV_POPULATE_*, read(2) and pread(2) into
 *              untouched memory */
#include "config.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define PAGE ((size_t)4096)

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

static unsigned char *map(size_t bytes, int flags)
{
	void *place = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (place == MAP_FAILED)
		fail("mmap");
	return place;
}

static void write_every(unsigned char *place, size_t bytes, size_t step)
{
	for (size_t i = 0; i < bytes; i += step)
		place[i] = (unsigned char)(i >> 12 | 1);
}

static uint64_t sum_every(const volatile unsigned char *place, size_t bytes, size_t step)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < bytes; i += step)
		sum += place[i];
	return sum;
}

static void in_child(unsigned char *place, size_t bytes)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (child == 0) {
		write_every(place, bytes, MIB);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		fail("waitpid");
	write_every(place, bytes, MIB / 2);
}

static uint64_t use_huge(void)
{
	unsigned char *dense = map(16 * MIB, 0), *sparse = map(24 * MIB, 0), *plain = map(8 * MIB, 0), *small;
	uint64_t sum;

	if (madvise(dense, 16 * MIB, MADV_HUGEPAGE) != 0 ||
	    madvise(sparse + PAGE, 24 * MIB - PAGE, MADV_HUGEPAGE) != 0)
		fail("madvise");
	write_every(dense, 16 * MIB, PAGE);
	sum = sum_every(sparse, 12 * MIB, 3 * MIB / 2);
	write_every(sparse, 24 * MIB, 3 * MIB / 2);
	write_every(plain, 8 * MIB, 64 * PAGE);
	if (madvise(dense + 3 * MIB, MIB, MADV_DONTNEED) != 0 ||
	    mprotect(dense + 6 * MIB + 5 * PAGE, 7 * PAGE, PROT_READ) != 0 ||
	    munmap(dense + 14 * MIB + PAGE, PAGE) != 0)
		fail("a part of a huge page");
	sum += sum_every(dense, 14 * MIB, PAGE);
	in_child(dense + 8 * MIB, 4 * MIB);
	plain = mremap(plain, 8 * MIB, 32 * MIB, MREMAP_MAYMOVE);
	if (plain == MAP_FAILED)
		fail("mremap");
	write_every(plain, 32 * MIB, 128 * PAGE);
	small = malloc(3 * MIB);
	if (!small)
		fail("malloc");
	write_every(small, 3 * MIB, PAGE);
	sum += sum_every(small, 3 * MIB, PAGE) + sum_every(plain, 32 * MIB, PAGE);
	free(small);
	return sum;
}

static uint64_t use_populate(const char *file)
{
	unsigned char *ready = map(2 * MIB, MAP_POPULATE), *locked = map(MIB, 0),
		      *read_into = map(4 * MIB, 0), *advised = map(4 * MIB, 0);
	uint64_t sum = sum_every(ready, 2 * MIB, PAGE);
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t got = 0;

	if (mlock(locked + MIB / 4, MIB / 4) != 0)
		(void)fprintf(stderr, "mlock is refused\n");
	write_every(locked, MIB, PAGE);
	if (madvise(advised, 2 * MIB, MADV_POPULATE_READ) != 0 ||
	    madvise(advised + MIB, 2 * MIB, MADV_POPULATE_WRITE) != 0)
		fail("madvise");
	write_every(advised, 4 * MIB, 2 * PAGE);
	for (size_t i = 0; fd >= 0 && i < 1024; i++)
		got += pread(fd, read_into + i * PAGE + 1000, 3000 + i % 500, 0);
	if (fd < 0 || got <= 0)
		fail(file);
	(void)close(fd);
	return sum + sum_every(read_into, 4 * MIB, 3 * PAGE) + sum_every(advised, 4 * MIB, PAGE);
}

int main(int argc, char **argv)
{
	uint64_t sum;

	if (argc == 2 && strcmp(argv[1], "huge") == 0) {
		sum = use_huge();
	} else if (argc == 2 && strcmp(argv[1], "populate") == 0) {
		sum = use_populate("/proc/self/exe");
	} else {
		(void)fprintf(stderr, "Usage: memory_user huge|populate\n");
		return 2;
	}
	(void)printf("%llu\n", (unsigned long long)sum);
	return 0;
}
