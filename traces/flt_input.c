#include "config.h"

#include "traces/flt_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BYTES (1u << 16)

static enum trace_status failed(const struct flt_input *input, const char *verb, struct trace_error *error)
{
	return trace_fail(error, TRACE_IO, "%s: cannot %s: %s", input->name, verb, strerror(errno));
}

/* A file without a name in the directory for temporary files. */
static int open_unlinked(void)
{
	const char *directory = getenv("TMPDIR");
	char path[4096];

	if (!directory || !*directory || strlen(directory) > sizeof(path) - sizeof("/faultline.XXXXXX"))
		directory = "/tmp";
	const int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	(void)stpcpy(stpcpy(path, directory), "/faultline.XXXXXX");
	const int named = mkostemp(path, O_CLOEXEC);

	if (named >= 0)
		(void)unlink(path);
	return named;
}

static bool write_all(int fd, const uint8_t *bytes, size_t count)
{
	while (count) {
		const ssize_t written = write(fd, bytes, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		bytes += written;
		count -= (size_t)written;
	}
	return true;
}

static enum trace_status copy_all(struct flt_input *input, int from, int to, struct trace_error *error)
{
	uint8_t *buffer = malloc(COPY_BYTES);
	enum trace_status status = TRACE_OK;

	if (!buffer)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to read %s", input->name);
	for (;;) {
		const ssize_t count = read(from, buffer, COPY_BYTES);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			status = failed(input, "read", error);
		else if (count && !write_all(to, buffer, (size_t)count))
			status = failed(input, "copy to a temporary file", error);
		if (count <= 0 || status != TRACE_OK)
			break;
		input->bytes += (uint64_t)count;
	}
	free(buffer);
	return status;
}

/* Replaces input->fd, a pipe or the like, by a temporary file with all that it gives. */
static enum trace_status spool(struct flt_input *input, struct trace_error *error)
{
	const int fd = open_unlinked();

	if (fd < 0)
		return failed(input, "make a temporary file for it", error);
	enum trace_status status = copy_all(input, input->fd, fd, error);

	(void)close(input->fd);
	input->fd = fd;
	return status;
}

static enum trace_status measure(struct flt_input *input, struct trace_error *error)
{
	struct stat status;

	if (fstat(input->fd, &status) != 0)
		return failed(input, "examine", error);
	if (S_ISDIR(status.st_mode))
		return trace_fail(error, TRACE_IO, "%s is a directory, not a trace", input->name);
	if (!S_ISREG(status.st_mode))
		return spool(input, error);
	input->bytes = (uint64_t)status.st_size;
	return TRACE_OK;
}

enum trace_status flt_input_open(struct flt_input *input, const char *path, struct trace_error *error)
{
	const bool standard = strcmp(path, "-") == 0;
	enum trace_status status;

	*input = (struct flt_input){.fd = -1};
	input->name = strdup(standard ? "standard input" : path);
	if (!input->name)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to open %s", path);
	input->fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	status = input->fd < 0 ? failed(input, "open", error) : measure(input, error);
	if (status != TRACE_OK)
		flt_input_close(input);
	return status;
}

enum trace_status flt_input_open_memory(struct flt_input *input, const void *memory, size_t bytes,
					struct trace_error *error)
{
	*input = (struct flt_input){.fd = -1, .memory = memory, .bytes = bytes, .name = strdup("memory")};
	return input->name ? TRACE_OK
			   : trace_fail(error, TRACE_NO_MEMORY, "not enough memory to open a trace");
}

enum trace_status flt_input_read(const struct flt_input *input, uint64_t offset, void *bytes, size_t count,
				 struct trace_error *error)
{
	uint8_t *next = bytes;

	if (offset > input->bytes || count > input->bytes - offset)
		return TRACE_END;
	if (input->memory) {
		memcpy(bytes, input->memory + offset, count);
		return TRACE_OK;
	}
	while (count) {
		const ssize_t got = pread(input->fd, next, count, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return failed(input, "read", error);
		if (got == 0)
			return TRACE_END; /* it was cut while we read */
		next += got;
		count -= (size_t)got;
		offset += (uint64_t)got;
	}
	return TRACE_OK;
}

void flt_input_close(struct flt_input *input)
{
	if (input->fd >= 0)
		(void)close(input->fd);
	free(input->name);
	*input = (struct flt_input){.fd = -1};
}
