#include "config.h"

#include "traces/flt_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char suffix[] = ".XXXXXX";

const char *flt_output_name(const struct flt_output *output)
{
	return output->path ? output->path : "standard output";
}

static enum trace_status failed(const struct flt_output *output, const char *verb, struct trace_error *error)
{
	return trace_fail(error, TRACE_IO, "%s: cannot %s: %s", flt_output_name(output), verb,
			  strerror(errno));
}

static enum trace_status open_standard_output(struct flt_output *output, struct trace_error *error)
{
	output->fd = dup(STDOUT_FILENO);
	return output->fd < 0 ? failed(output, "write", error) : TRACE_OK;
}

/* With the permissions that open(2) would have given. */
static int make_temporary(char *path)
{
	const int fd = mkostemp(path, O_CLOEXEC);

	if (fd >= 0) {
		const mode_t mask = umask(0);

		(void)umask(mask);
		if (fchmod(fd, 0666 & ~mask) != 0) {
			/* A file system without modes; the file is as good as any there. */
			errno = 0;
		}
	}
	return fd;
}

static enum trace_status open_beside(struct flt_output *output, struct trace_error *error)
{
	const size_t length = strlen(output->path);

	output->temporary = malloc(length + sizeof(suffix));
	if (!output->temporary)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to open %s", output->path);
	memcpy(output->temporary, output->path, length);
	memcpy(output->temporary + length, suffix, sizeof(suffix));
	output->fd = make_temporary(output->temporary);
	if (output->fd >= 0)
		return TRACE_OK;
	free(output->temporary);
	output->temporary = NULL;
	return failed(output, "create a file beside it", error);
}

enum trace_status flt_output_open(struct flt_output *output, const char *path, struct trace_error *error)
{
	struct stat status;
	enum trace_status result;

	*output = (struct flt_output){.fd = -1};
	if (strcmp(path, "-") == 0)
		return open_standard_output(output, error);
	output->path = strdup(path);
	if (!output->path)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to open %s", path);
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
		output->fd = open(path, O_WRONLY | O_CLOEXEC);
		result = output->fd < 0 ? failed(output, "open", error) : TRACE_OK;
	} else {
		result = open_beside(output, error);
	}
	if (result != TRACE_OK) {
		free(output->path);
		output->path = NULL;
	}
	return result;
}

enum trace_status flt_output_write(struct flt_output *output, const void *bytes, size_t count,
				   struct trace_error *error)
{
	const uint8_t *next = bytes;

	while (count) {
		const ssize_t written = write(output->fd, next, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return failed(output, "write", error);
		next += written;
		count -= (size_t)written;
		output->offset += (uint64_t)written;
	}
	return TRACE_OK;
}

bool flt_output_is_terminal(const struct flt_output *output)
{
	return isatty(output->fd);
}

static void forget(struct flt_output *output)
{
	free(output->path);
	free(output->temporary);
	*output = (struct flt_output){.fd = -1};
}

enum trace_status flt_output_commit(struct flt_output *output, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	if (output->temporary && fsync(output->fd) != 0 && errno != EINVAL && errno != EROFS)
		status = failed(output, "write to disk", error);
	if (close(output->fd) != 0 && status == TRACE_OK)
		status = failed(output, "close", error);
	output->fd = -1;
	if (output->temporary && status == TRACE_OK && rename(output->temporary, output->path) != 0)
		status = failed(output, "rename the finished file", error);
	if (output->temporary && status != TRACE_OK)
		(void)unlink(output->temporary);
	forget(output);
	return status;
}

void flt_output_abandon(struct flt_output *output)
{
	if (output->fd >= 0)
		(void)close(output->fd);
	if (output->temporary)
		(void)unlink(output->temporary);
	forget(output);
}
