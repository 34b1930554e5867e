#include "config.h"

#include "engine/virt/associative_wide.h"

#include <stddef.h>

/* The compiler has no AVX2 for this machine. */
associative_batch *associative_wide(const struct associative *array)
{
	(void)array;
	return NULL;
}
