/* flt_checksum.h: what guards every section head and every column of a trace against damage. */
#ifndef FAULTLINE_TRACES_FLT_CHECKSUM_H
#define FAULTLINE_TRACES_FLT_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* XXH3-64 of the bytes, seed 0. A function of its own so that a fuzz target can replace it: behind a real checksum no
 * mutated byte would ever be parsed. */
uint64_t flt_checksum(const void *bytes, size_t count);

#endif
