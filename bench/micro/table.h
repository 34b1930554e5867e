/* table.h: the runs of a micro-benchmark program as one table.
 *
 *   case                     contender             ns/op     against list
 *   mixed churn, 50 % full   list                   16.4
 *                            bitmap order-first     15.1     0.92 [0.88, 0.97]   p99.9_ns 60
 *
 * Contenders are compared by the ratios of equal repetitions, with a 95 % interval of their median (interval.h).
 * Below it: how fast the machine was before and after (pace.h).
 */
#ifndef FAULTLINE_BENCH_MICRO_TABLE_H
#define FAULTLINE_BENCH_MICRO_TABLE_H

#include "bench/micro/gbench.h"

#include <stddef.h>

struct row;

/* All zero is an empty table. */
struct table {
	struct row *row;
	size_t rows;
};

/* Adds a repetition to the table at `table`: a gbench_report. */
void table_store(const struct gbench_run *run, void *table);

/* Prints the table on standard output. */
void table_print(const struct table *table, const char *title);

/* Frees what the table holds. */
void table_forget(struct table *table);

/* Runs what was registered (gbench.h), prints the table on standard output and returns the exit status. Unless argv says
 * otherwise there are 9 repetitions in random order. `title` is the first line. */
int table_main(const char *title, int argc, char **argv);

#endif
