#include "config.h"

#include "traces/import/tracepoint.h"

bool tracepoints_are_known(void)
{
	return false;
}

bool tracepoints_add(struct tracepoints *tracepoints, const char *system, const char *text, size_t length)
{
	(void)tracepoints;
	(void)system;
	(void)text;
	(void)length;
	return true;
}
