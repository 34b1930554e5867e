/* spaces_rig.h: traces of a few events and references, and the address spaces that come of them, for the tests of the driver.
 * What fails on the way fails the test. */
#ifndef FAULTLINE_TESTS_UNIT_SPACES_RIG_H
#define FAULTLINE_TESTS_UNIT_SPACES_RIG_H

#include "bench/spaces/spaces.h"
#include "tests/unit/written_trace.h"

#define FIRST UINT64_C(0x7f0000000000)
#define PAGE UINT64_C(4096)

/* A memory system call. */
struct event rig_call(uint8_t kind, uint64_t address, uint64_t length, uint64_t result);

/* mmap(NULL, length) of private memory, that returned `result`. */
struct event rig_memory(uint64_t result, uint64_t length);

/* A reference of 8 bytes; kind: enum access_kind. */
void rig_touch(struct written_trace *trace, uint32_t thread, uint64_t address, uint8_t kind);

/* Writes the trace and runs it on a machine of 256 MiB; options.process 0 stands for all processes. The caller drops both. */
struct spaces *rig_run(struct written_trace *trace, struct flt_reader **reader, struct spaces_options options,
		       const struct spaces_watch *watch);

void rig_drop(struct spaces *spaces, struct flt_reader *reader);

#endif
