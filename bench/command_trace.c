#include "config.h"

#include "bench/command_trace.h"

#include "traces/flt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void note_truncated(const char *command, const char *path, const struct flt_summary *summary)
{
	if (summary->truncated)
		complain(command,
			 "note: %s was cut off or damaged before its end; only its first %" PRIu64
			 " events can be read",
			 path, summary->events);
}

bool trace_open(const char *command, const char *path, struct flt_reader **reader)
{
	struct trace_error error;

	if (flt_reader_open(reader, path, &error) != TRACE_OK) {
		(void)trace_failed(command, &error);
		return false;
	}
	note_truncated(command, path, flt_reader_summary(*reader));
	return true;
}

int trace_failed(const char *command, const struct trace_error *error)
{
	complain(command, "%s", error->message);
	return EXIT_FAILED;
}

int usage_error(const char *command)
{
	complain(command, "`faultline %s --help` explains the options", command);
	return EXIT_USAGE;
}

int finish_output(const char *command, int result)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return result;
	if (result == EXIT_DONE)
		complain(command, "cannot write standard output: %s",
			 errno ? strerror(errno) : "an earlier write failed");
	return result == EXIT_DONE ? EXIT_FAILED : result;
}

bool parse_number(const char *text, uint64_t *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno == 0 && *end == 0;
}

bool parse_range(const char *text, uint64_t *first, uint64_t *end)
{
	const char *colon = strchr(text, ':');
	char left[24];

	*first = 0;
	*end = UINT64_MAX;
	if (!colon || (size_t)(colon - text) >= sizeof(left))
		return false;
	memcpy(left, text, (size_t)(colon - text));
	left[colon - text] = 0;
	if (*left && !parse_number(left, first))
		return false;
	if (colon[1] && !parse_number(colon + 1, end))
		return false;
	return *first <= *end;
}
