#include "config.h"

#include "engine/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void check_failed(const char *file, int line, const char *condition, const char *invariant)
{
	char text[512];
	int length =
	    snprintf(text, sizeof(text), "%s:%d: broken: %s (%s)\n", file, line, invariant, condition);

	if (length > (int)sizeof(text) - 1)
		length = (int)sizeof(text) - 1;
	if (length > 0 && write(STDERR_FILENO, text, (size_t)length) < 0)
		abort();
	abort();
}
