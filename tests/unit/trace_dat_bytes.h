/* trace_dat_bytes.h: a small trace.dat file, as trace-cmd writes it, for tests. */
#ifndef FAULTLINE_TESTS_UNIT_TRACE_DAT_BYTES_H
#define FAULTLINE_TESTS_UNIT_TRACE_DAT_BYTES_H

#include <stddef.h>
#include <stdint.h>

#define TRACE_DAT_BYTES_MAX 8192u

enum trace_dat_variant {
	TRACE_DAT_6,
	TRACE_DAT_7,
	TRACE_DAT_7_ZSTD,
	TRACE_DAT_7_AGAIN, /* names its pages 160 times */
	TRACE_DAT_VARIANTS
};

/* Writes it and returns its length: two processors, five records of pages, a stretch of lost events. */
size_t trace_dat_bytes(uint8_t bytes[TRACE_DAT_BYTES_MAX], enum trace_dat_variant variant);

#endif
