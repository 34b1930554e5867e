/* A program whose memory system calls are known: for tests/cli/record_mm.sh. */
#include "config.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE ((size_t)4096)
#define ROUNDS 8
#define BLOCK ((size_t)1 << 20)

static char *map(size_t bytes)
{
	char *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (address == MAP_FAILED)
		exit(99);
	return address;
}

/* Every kind of call once, some that fail, each time the same. */
static int make_calls(void)
{
	char *address = map(16 * PAGE);
	unsigned char resident[16];

	memset(address, 1, 4 * PAGE);
	(void)madvise(address, 2 * PAGE, MADV_DONTNEED);
	(void)madvise(address, 2 * PAGE, 12345);
	(void)mprotect(address + 8 * PAGE, 2 * PAGE, PROT_READ);
	(void)mincore(address, 16 * PAGE, resident);
	(void)mlock(address, PAGE);
	(void)munlock(address, PAGE);
	(void)msync(address, PAGE, MS_ASYNC);
	(void)munmap(address + 4 * PAGE, PAGE);
	(void)munmap(address + 1, PAGE);
	(void)mremap(address + 12 * PAGE, PAGE, 64 * PAGE, 0);
	address = mremap(address + 10 * PAGE, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	(void)mmap(address, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	(void)mmap(address, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (sbrk((intptr_t)(5 * PAGE)) == (void *)-1 || sbrk(-(intptr_t)(2 * PAGE)) == (void *)-1)
		return 98;
	return 5;
}

/* Each malloc and realloc makes a system call of its own. */
static void *use_heap(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		char *block = malloc(BLOCK + (size_t)i * PAGE);
		block = block ? realloc(block, 2 * BLOCK) : NULL;
		if (block)
			*block = 1;
		free(block);
	}
	return argument;
}

static int use_threads(void)
{
	pthread_t thread[4];

	for (size_t i = 0; i < 4; i++) {
		if (pthread_create(&thread[i], NULL, use_heap, NULL) != 0)
			return 97;
	}
	for (size_t i = 0; i < 4; i++)
		(void)pthread_join(thread[i], NULL);
	return 0;
}

static int make_children(char *self)
{
	pid_t child = fork();

	if (child == 0) {
		(void)make_calls();
		_exit(3);
	}
	(void)waitpid(child, NULL, 0);
	child = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork): it is recorded here */
	if (child == 0) {
		execl(self, self, "calls", (char *)NULL);
		_exit(96);
	}
	(void)waitpid(child, NULL, 0);
	execl(self, self, "calls", (char *)NULL);
	return 95;
}

/* So many pairs of mmap and munmap. */
static int loop(const char *count)
{
	for (long i = strtol(count, NULL, 10); i > 0; i--)
		(void)munmap(map(PAGE), PAGE);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	if (strcmp(mode, "calls") == 0)
		return make_calls();
	if (strcmp(mode, "heap") == 0)
		return use_heap(NULL) != NULL;
	if (strcmp(mode, "threads") == 0)
		return use_threads();
	if (strcmp(mode, "children") == 0)
		return make_children(argv[0]);
	if (strcmp(mode, "loop") == 0 && argc > 2)
		return loop(argv[2]);
	if (strcmp(mode, "killed") == 0) {
		(void)make_calls();
		(void)raise(SIGKILL);
	}
	if (strcmp(mode, "leave") == 0) {
		(void)make_calls();
		_exit(7);
	}
	return 2;
}
