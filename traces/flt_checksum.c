#include "config.h"

#include "traces/flt_checksum.h"

#include <xxhash.h>

uint64_t flt_checksum(const void *bytes, size_t count)
{
	return XXH3_64bits(bytes, count);
}
