/* mmu_table.h: the table that a terminal shows of the runs of one trace that had a pass through MMUs, and who wins there.
 *
 *   MMU (simulated): 353,695 references            engine      glibc   jemalloc
 *   zen4  L1d misses / 1000 references             *12.31      13.02      12.77
 *   zen4  walks / 1000 references                   *1.20       1.31       1.44
 *   page faults, minor                               *842        871        913
 */
#ifndef FAULTLINE_BENCH_MMU_TABLE_H
#define FAULTLINE_BENCH_MMU_TABLE_H

#include "bench/run.h"
#include "bench/verdict.h"

#include <stdio.h>

/* Prints the table of runs[0..count), and under it what was left out; nothing when none of them had a pass. */
void mmu_table_print(const struct run *runs, size_t count, FILE *out);

/* Of the MMU number `mmu`: whose references miss the TLB least, and who is next. Walks are compared: misses of the last level;
 * where an allocator places otherwise every time, those of all its placements.
 * Targets whose references were not all placed are not in the race. */
struct verdict mmu_table_verdict(const struct run *runs, size_t count, unsigned mmu);

#endif
