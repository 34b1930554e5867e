#include "config.h"

#include "traces/record/plugin/guest_memory.h"

#include "traces/record/plugin/qemu_plugin.h"

#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECE_BYTES 4096u

bool guest_memory_read(uint64_t address, void *to, size_t bytes)
{
	uintptr_t base = &guest_base ? guest_base : 0;
	struct iovec local = {.iov_base = to, .iov_len = bytes};
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): an address of the program's */
	struct iovec remote = {.iov_base = (void *)(uintptr_t)(address + base), .iov_len = bytes};

	return syscall(SYS_process_vm_readv, getpid(), &local, 1, &remote, 1, 0) == (long)bytes;
}

size_t guest_memory_text(uint64_t address, char *to, size_t capacity)
{
	size_t used = 0;

	while (used + 1 < capacity) {
		size_t piece = PIECE_BYTES - (size_t)((address + used) % PIECE_BYTES);
		const char *end;
		if (piece > capacity - 1 - used)
			piece = capacity - 1 - used;
		if (!guest_memory_read(address + used, to + used, piece))
			break;
		end = memchr(to + used, '\0', piece);
		if (end)
			return (size_t)(end - to);
		used += piece;
	}
	to[used] = '\0';
	return used;
}

void guest_memory_answer(uint64_t address)
{
	uintptr_t base = &guest_base ? guest_base : 0;
	uint32_t one = 1;
	struct iovec local = {.iov_base = &one, .iov_len = sizeof(one)};
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): an address of the program's */
	struct iovec remote = {.iov_base = (void *)(uintptr_t)(address + base), .iov_len = sizeof(one)};

	(void)syscall(SYS_process_vm_writev, getpid(), &local, 1, &remote, 1, 0);
}
