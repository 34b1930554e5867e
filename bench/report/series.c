#include "config.h"

#include "bench/report/series.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_number(const char *field, double *value)
{
	char *end;

	if (!*field)
		return false;
	*value = strtod(field, &end);
	return *end == '\0' && isfinite(*value);
}

/* Fields of one line; NULL, or what is wrong with it. */
static const char *check_line(char *line, const struct series_need *need, bool *usable)
{
	unsigned fields = 0;

	for (char *field = line, *next; field; field = next) {
		next = strchr(field, '\t');
		if (next)
			*next++ = '\0';
		fields++;
		double value = 0;
		bool number = is_number(field, &value);

		if (!number && fields > 1 && strcmp(field, "?") != 0)
			return "a field is neither a number nor `?`";
		if (strpbrk(field, "\"#") || strlen(field) > SERIES_MAX_FIELD_BYTES)
			return "a field is no number and no word";
		if (number && fields == need->column && (value > 0 || !need->above_0))
			*usable = true;
	}
	return fields < need->columns ? "a line has too few fields" : NULL;
}

static enum trace_status check_stream(FILE *stream, const char *path, const struct series_need *need,
				      bool *usable, struct trace_error *error)
{
	char *line = malloc(SERIES_MAX_LINE_BYTES);
	enum trace_status status = TRACE_OK;

	if (!line)
		return trace_fail(error, TRACE_NO_MEMORY, "%s: out of memory", path);
	for (unsigned long number = 1; status == TRACE_OK && fgets(line, SERIES_MAX_LINE_BYTES, stream);
	     number++) {
		size_t length = strcspn(line, "\n");
		const char *wrong = NULL;

		if (line[length] != '\n' && length + 1 == SERIES_MAX_LINE_BYTES)
			wrong = "a line is too long";
		line[length] = '\0';
		if (!wrong && line[0] != '#')
			wrong = check_line(line, need, usable);
		if (wrong)
			status = trace_fail(error, TRACE_BAD_INPUT,
					    "%s:%lu: %s; %u tab-separated numbers are expected", path, number,
					    wrong, need->columns);
	}
	if (status == TRACE_OK && ferror(stream))
		status = trace_fail(error, TRACE_IO, "%s: %s", path, strerror(errno));
	free(line);
	return status;
}

enum trace_status series_check(int at, const char *directory, const struct series_need *need, bool *usable,
			       struct trace_error *error)
{
	char *path = NULL;

	*usable = false;
	if (asprintf(&path, "%s/%s", directory, need->file) < 0)
		return trace_fail(error, TRACE_NO_MEMORY, "out of memory");
	int file = openat(at, path, O_RDONLY | O_CLOEXEC);
	enum trace_status status = TRACE_OK;

	if (file < 0) {
		if (errno != ENOENT)
			status = trace_fail(error, TRACE_IO, "%s: %s", path, strerror(errno));
	} else {
		FILE *stream = fdopen(file, "r");

		if (stream) {
			status = check_stream(stream, path, need, usable, error);
			(void)fclose(stream);
		} else {
			status = trace_fail(error, TRACE_IO, "%s: %s", path, strerror(errno));
			(void)close(file);
		}
	}
	free(path);
	return status;
}
