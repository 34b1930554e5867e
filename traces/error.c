#include "config.h"

#include "traces/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum trace_status trace_fail(struct trace_error *error, enum trace_status status, const char *format, ...)
{
	if (error) {
		va_list arguments;

		va_start(arguments, format);
		(void)vsnprintf(error->message, sizeof(error->message), format, arguments);
		va_end(arguments);
	}
	return status;
}

enum trace_status trace_fail_in(struct trace_error *error, enum trace_status status, const char *name)
{
	char message[sizeof(error->message)];

	if (!error || status == TRACE_OK || status == TRACE_END)
		return status;
	if (strncmp(error->message, name, strlen(name)) == 0)
		return status;
	memcpy(message, error->message, sizeof(message));
	return trace_fail(error, status, "%s: %s", name, message);
}
