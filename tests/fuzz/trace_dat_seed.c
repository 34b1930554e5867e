#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/unit/trace_dat_bytes.h"

/* One of each version. */
size_t fuzz_seed(unsigned index, uint8_t *bytes)
{
	return index < TRACE_DAT_VARIANTS ? trace_dat_bytes(bytes, (enum trace_dat_variant)index) : 0;
}
