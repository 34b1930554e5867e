#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/unit/perf_data_bytes.h"

/* A file, and the same through a pipe. */
size_t fuzz_seed(unsigned index, uint8_t *bytes)
{
	return index < 2 ? perf_data_bytes(bytes, index == 1) : 0;
}
