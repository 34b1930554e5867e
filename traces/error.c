#include "config.h"

#include "traces/error.h"

#include <stdarg.h>
#include <stdio.h>

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
