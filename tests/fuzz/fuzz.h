/* fuzz.h: a fuzz target, which is a program of its own for each parser of untrusted bytes.
 *
 * A target tests/fuzz/fuzz_NAME.c defines LLVMFuzzerTestOneInput. It is built in one of two ways:
 *   configure --enable-fuzzers (with clang)   a libFuzzer program; .ci/run fuzz lets each run for a while
 *   otherwise                                 with run_corpus.c, a test of make check over its seeds and what becomes of them
 *                                             when they are cut or bits flip
 * Seeds are the files of tests/fuzz/corpus/fuzz_NAME/ (text, so that a reader sees what they are), and those that the
 * target makes itself in fuzz_seed() (for binary formats).
 */
#ifndef FAULTLINE_TESTS_FUZZ_FUZZ_H
#define FAULTLINE_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_SEED_BYTES ((size_t)1 << 20)

/* Must survive any input: no crash, no leak, no sanitizer report. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Optional. Writes seed number `index` into bytes[0..FUZZ_SEED_BYTES) and returns its size; 0 past the last. */
size_t fuzz_seed(unsigned index, uint8_t *bytes) __attribute__((weak));

#endif
