#include "config.h"

#include "traces/record/preload/attach.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* syscall() rather than open() and read(): other preloaded libraries wrap those, and may allocate in them. */

char attach_assignment[ATTACH_ASSIGNMENT_BYTES];

size_t attach_read(const char *path, char *text, size_t capacity)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	size_t used = 0;

	text[0] = '\0';
	if (fd < 0)
		return 0;
	while (used < capacity - 1) {
		long got = syscall(SYS_read, fd, text + used, capacity - 1 - used);
		if (got <= 0)
			break;
		used += (size_t)got;
	}
	(void)syscall(SYS_close, fd);
	text[used] = '\0';
	return used;
}

/* Picks our assignment out of the NUL-separated environment, piece by piece so that no size of it matters. */
static void find_assignment(void)
{
	static const char prefix[] = ARENA_ENVIRONMENT "=";
	char piece[4096];
	size_t used = 0, matched = 0;
	bool at_start = true;
	long got, fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/environ", O_RDONLY | O_CLOEXEC, 0);

	if (fd < 0)
		return;
	while ((got = syscall(SYS_read, fd, piece, sizeof(piece))) > 0) {
		for (long i = 0; i < got; i++) {
			if (piece[i] == '\0') {
				if (matched == sizeof(prefix) - 1)
					goto out;
				at_start = true;
				matched = used = 0;
				continue;
			}
			if (matched < sizeof(prefix) - 1 && at_start)
				at_start = piece[i] == prefix[matched++];
			if (at_start && used < sizeof(attach_assignment) - 1)
				attach_assignment[used++] = piece[i];
		}
	}
	if (matched < sizeof(prefix) - 1)
		used = 0;
out:
	attach_assignment[used] = '\0';
	(void)syscall(SYS_close, fd);
}

static int hexadecimal(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Splits "FAULTLINE_RECORD=PATH:NONCE". */
static bool parse_assignment(char *path, size_t capacity, uint8_t nonce[16])
{
	const char *value = strchr(attach_assignment, '=');
	const char *colon = strrchr(attach_assignment, ':');

	if (!value || !colon || colon <= value || (size_t)(colon - value) > capacity ||
	    strlen(colon + 1) != 32)
		return false;
	memcpy(path, value + 1, (size_t)(colon - value - 1));
	path[colon - value - 1] = '\0';
	for (unsigned i = 0; i < 16; i++) {
		int high = hexadecimal(colon[1 + 2 * i]), low = hexadecimal(colon[2 + 2 * i]);
		if (high < 0 || low < 0)
			return false;
		nonce[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void *map_shared(long fd, size_t bytes)
{
	void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, (int)fd, 0);

	return base == MAP_FAILED ? NULL : base;
}

static bool is_arena(const struct arena_control *control, const uint8_t nonce[16])
{
	return control->magic == ARENA_MAGIC && memcmp(control->nonce, nonce, 16) == 0 &&
	       control->chunk_count != 0 && control->chunk_count <= ARENA_MAX_CHUNKS &&
	       control->arena_bytes == arena_bytes(control->chunk_count);
}

bool attach_arena(struct arena *arena)
{
	char path[ATTACH_ASSIGNMENT_BYTES];
	uint8_t nonce[16];
	struct arena_control *control;
	void *base = NULL;
	long fd;

	find_assignment();
	if (!parse_assignment(path, sizeof(path), nonce))
		return false;
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	control = syscall(SYS_lseek, fd, 0, SEEK_END) >= 4096 ? map_shared(fd, 4096) : NULL;
	if (control && is_arena(control, nonce)) {
		base = map_shared(fd, control->arena_bytes);
		if (base)
			*arena = arena_view(base, control->chunk_count);
		else
			atomic_fetch_add(&control->cramped, 1);
	}
	if (base)
		(void)madvise(base, control->arena_bytes, MADV_DONTDUMP);
	if (control)
		(void)munmap(control, 4096);
	(void)syscall(SYS_close, fd);
	return base != NULL;
}

struct arena_process *attach_process(struct arena *arena, uint64_t serial, uint32_t *slot)
{
	for (uint32_t i = 0; i < ARENA_PROCESSES; i++) {
		struct arena_process *process = &arena->processes[i];
		uint32_t state = ARENA_PROCESS_FREE;
		if (atomic_load_explicit(&process->state, memory_order_relaxed) != ARENA_PROCESS_FREE ||
		    !atomic_compare_exchange_strong(&process->state, &state, ARENA_PROCESS_CLAIMED))
			continue;
		memset((char *)process + sizeof(process->state), 0,
		       sizeof(*process) - sizeof(process->state));
		process->process_id = (uint32_t)syscall(SYS_getpid);
		process->parent_id = (uint32_t)syscall(SYS_getppid);
		process->thread_id = (uint32_t)syscall(SYS_gettid);
		process->serial = serial;
		attach_command(process->command, sizeof(process->command));
		*slot = i;
		return process;
	}
	atomic_fetch_add(&arena->control->refused, 1);
	return NULL;
}
