#include "config.h"

#include "traces/flt_stretch_wide.h"

#include <stddef.h>

/* The compiler has no AVX2 for this machine. */
struct flt_stretch_readers flt_stretch_wide(void)
{
	return (struct flt_stretch_readers){NULL, NULL};
}
