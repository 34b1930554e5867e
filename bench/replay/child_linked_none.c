#include "config.h"

#include "bench/replay/child_null.h"

bool child_linked_calls(struct child_calls *calls)
{
	(void)calls;
	return false;
}

bool child_linked_statistics(struct faultline_heap_statistics *statistics)
{
	(void)statistics;
	return false;
}
