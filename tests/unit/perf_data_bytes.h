/* perf_data_bytes.h: a small perf.data file, made by hand: two processors' samples of page faults and of mmap, and a
 * process that is born, executes a file and ends. */
#ifndef FAULTLINE_TESTS_PERF_DATA_BYTES_H
#define FAULTLINE_TESTS_PERF_DATA_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERF_DATA_BYTES_MAX 8192u

/* Writes it, as a file or as what comes through a pipe; its length. */
size_t perf_data_bytes(uint8_t bytes[PERF_DATA_BYTES_MAX], bool pipe);

#endif
