#include "config.h"

#include "engine/virt/associative_wide.h"

/* The compiler has no AVX2 for this machine. */
bool associative_is_wide(const struct associative *array)
{
	(void)array;
	return false;
}

struct associative_batches associative_wide(const struct associative *array)
{
	return array->batches;
}
