#include "config.h"

#include "traces/record/arena_file.h"

#include "traces/record/ordering.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

static enum trace_status refuse(struct arena_file *file, const char *what, struct trace_error *error)
{
	int reason = errno;

	arena_file_destroy(file);
	return trace_fail(error, TRACE_IO,
			  "cannot make the buffer that the recorded program writes to (%s): %s", what,
			  strerror(reason));
}

static uint32_t chunks_for(uint64_t bytes)
{
	const uint64_t chunk_bytes = ARENA_CHUNK_RECORDS * sizeof(struct arena_record);
	uint64_t chunks = bytes / chunk_bytes + (bytes % chunk_bytes != 0);

	if (chunks < ARENA_FILE_STOCK)
		return ARENA_FILE_STOCK;
	return chunks > ARENA_MAX_CHUNKS ? ARENA_MAX_CHUNKS : (uint32_t)chunks;
}

static bool stock(struct arena_file *file, uint32_t chunks)
{
	const uint64_t chunk_bytes = ARENA_CHUNK_RECORDS * sizeof(struct arena_record);
	off_t start = (off_t)(arena_records_offset(file->arena.chunk_count) + file->stocked * chunk_bytes);

	if (fallocate(file->fd, 0, start, (off_t)(chunks * chunk_bytes)) != 0)
		return false;
	for (uint32_t i = chunks; i-- > 0;)
		ordering_free_chunk(&file->arena, file->stocked + i);
	file->stocked += chunks;
	return true;
}

static bool name_arena(struct arena_file *file)
{
	struct arena_control *control = file->arena.control;
	int length;

	if (getrandom(control->nonce, sizeof(control->nonce), 0) != (ssize_t)sizeof(control->nonce))
		return false;
	length = snprintf(file->assignment, sizeof(file->assignment), "/proc/%ld/fd/%d:", (long)getpid(),
			  file->fd);
	for (unsigned i = 0; i < sizeof(control->nonce); i++)
		length += snprintf(file->assignment + length, sizeof(file->assignment) - (size_t)length,
				   "%02x", control->nonce[i]);
	return true;
}

enum trace_status arena_file_create(struct arena_file *file, uint64_t buffer_bytes, struct trace_error *error)
{
	uint32_t chunks = chunks_for(buffer_bytes);
	struct arena_control *control;

	*file =
	    (struct arena_file){.bytes = arena_bytes(chunks), .fd = memfd_create("faultline", MFD_CLOEXEC)};
	if (file->fd < 0)
		return refuse(file, "memfd_create", error);
	if (ftruncate(file->fd, (off_t)file->bytes) != 0 ||
	    fallocate(file->fd, 0, 0, (off_t)arena_records_offset(chunks)) != 0)
		return refuse(file, "giving it its size", error);
	file->base = mmap(NULL, file->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file->fd, 0);
	if (file->base == MAP_FAILED) {
		file->base = NULL;
		return refuse(file, "mmap", error);
	}
	file->arena = arena_view(file->base, chunks);
	control = file->arena.control;
	if (!name_arena(file))
		return refuse(file, "random number", error);
	control->arena_bytes = file->bytes;
	control->chunk_count = chunks;
	control->recorder_id = (uint32_t)getpid();
	atomic_store(&control->order, ARENA_FIRST_ORDER);
	atomic_store(&control->free_top, ARENA_NONE);
	if (!stock(file, ARENA_FILE_STOCK))
		return refuse(file, "memory for its first chunks", error);
	control->magic = ARENA_MAGIC;
	return TRACE_OK;
}

uint32_t arena_file_restock(struct arena_file *file)
{
	uint32_t room = file->arena.chunk_count - file->stocked;
	uint32_t chunks = room < file->stocked ? room : file->stocked;

	if (chunks == 0 || atomic_load(&file->arena.control->free_count) >= file->stocked / 2)
		return 0;
	return stock(file, chunks) ? chunks : 0;
}

void arena_file_destroy(struct arena_file *file)
{
	if (file->base)
		(void)munmap(file->base, file->bytes);
	if (file->fd >= 0)
		(void)close(file->fd);
	*file = (struct arena_file){.fd = -1};
}
