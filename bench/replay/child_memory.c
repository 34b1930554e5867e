#include "config.h"

#include "bench/replay/child.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* In PASS_PLACEMENT at the next place of the child's own, and shared. */
static void *own_memory(struct child *child, size_t bytes, int flags)
{
	const size_t gap = 4096;
	void *wanted = (void *)child->next_place; /* NOLINT(performance-no-int-to-ptr) */

	if (!wanted)
		return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	child->next_place += ((bytes + 4095) & ~(size_t)4095) + gap;
	return mmap(wanted, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | flags, -1, 0);
}

void *child_memory_reserve(struct child *child, size_t bytes)
{
	return own_memory(child, bytes, MAP_NORESERVE);
}

void *child_memory_map(struct child *child, size_t bytes)
{
	if (bytes == 0)
		return NULL;
	void *memory = own_memory(child, bytes, MAP_POPULATE);

	if (memory == MAP_FAILED)
		child_fail_setup(child->session, "no memory for the tables of the replaying process", "");
	return memory;
}

/* The number of kB after `name` in the text, in bytes; 0 when the kernel does not tell. */
static uint64_t field_bytes(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	uint64_t kilobytes = 0;

	if (!at)
		return 0;
	for (at += strlen(name); *at == ' ' || *at == '\t'; at++)
		;
	for (; *at >= '0' && *at <= '9'; at++)
		kilobytes = kilobytes * 10 + (uint64_t)(*at - '0');
	return kilobytes * 1024;
}

void child_memory_read(struct child *child, struct session_memory *memory)
{
	static char text[4096];
	ssize_t length = pread(child->memory_descriptor, text, sizeof(text) - 1, 0);

	if (length <= 0)
		child_fail_setup(child->session, "cannot read /proc/self/smaps_rollup", "");
	text[length] = '\0';
	memory->resident_bytes = field_bytes(text, "\nRss:");
	memory->lazyfree_bytes = field_bytes(text, "\nLazyFree:");
	memory->anon_huge_bytes = field_bytes(text, "\nAnonHugePages:");
}
