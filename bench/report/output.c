#include "config.h"

#include "bench/report/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum trace_status output_create(struct output *output, const char *path, struct trace_error *error)
{
	*output = (struct output){0};
	if (strcmp(path, "-") == 0) {
		output->stream = stdout;
		return TRACE_OK;
	}
	output->path = strdup(path);
	if (!output->path || asprintf(&output->beside, "%s.XXXXXX", path) < 0) {
		free(output->path);
		return trace_fail(error, TRACE_NO_MEMORY, "out of memory");
	}
	int file = mkostemp(output->beside, 0);

	output->stream = file < 0 ? NULL : fdopen(file, "w");
	if (output->stream)
		return TRACE_OK;
	enum trace_status status = trace_fail(error, TRACE_IO, "cannot write %s: %s", path, strerror(errno));

	if (file >= 0)
		(void)close(file);
	free(output->path);
	free(output->beside);
	return status;
}

/* What a new file of this process is allowed to be, as if it had been opened and not made by mkstemp. */
static mode_t usual_mode(void)
{
	mode_t mask = umask(0);

	(void)umask(mask);
	return 0666 & ~mask;
}

enum trace_status output_finish(struct output *output, enum trace_status so_far, struct trace_error *error)
{
	const char *name = output->path ? output->path : "standard output";
	enum trace_status status = so_far;

	if (fflush(output->stream) != 0 && status == TRACE_OK)
		status = trace_fail(error, TRACE_IO, "cannot write %s: %s", name, strerror(errno));
	if (!output->path)
		return status;
	if (fchmod(fileno(output->stream), usual_mode()) != 0 && status == TRACE_OK)
		status = trace_fail(error, TRACE_IO, "cannot write %s: %s", name, strerror(errno));
	if (fclose(output->stream) != 0 && status == TRACE_OK)
		status = trace_fail(error, TRACE_IO, "cannot write %s: %s", name, strerror(errno));
	if (status == TRACE_OK && rename(output->beside, output->path) != 0)
		status = trace_fail(error, TRACE_IO, "cannot write %s: %s", name, strerror(errno));
	if (status != TRACE_OK)
		(void)unlink(output->beside);
	free(output->path);
	free(output->beside);
	return status;
}
