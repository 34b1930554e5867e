/* summary.h: the tables of a report, whatever they are printed on.
 *
 * A table has one column per run of a group and one row per row that at least one run knows.
 */
#ifndef FAULTLINE_BENCH_REPORT_SUMMARY_H
#define FAULTLINE_BENCH_REPORT_SUMMARY_H

#include "bench/report/comparison.h"
#include "bench/report/row.h"

#include <stdbool.h>
#include <stdio.h>

/* How many rows there are: those of every comparison (row.h) and those of its MMUs. */
unsigned summary_rows(const struct comparison *comparison);

/* The row's name, an MMU's with the MMU before it. */
#define SUMMARY_NAME_BYTES 64
void summary_name(const struct comparison *comparison, unsigned row, char name[SUMMARY_NAME_BYTES]);

/* Whether some run of the group knows the row. */
bool summary_has(const struct comparison *comparison, const struct run_group *group, unsigned row);

/* Whether the run (its number in the comparison) has the best value of its group: the lowest or the highest, as the row has it, or one that
 * reads the same. Never true for the null target, for unknown values, for a group in which no other run could
 * be compared, and for rows without a best value. */
bool summary_is_best(const struct comparison *comparison, const struct run_group *group, unsigned row,
		     size_t run);

/* The row by which the runs of a group can be compared in time: ROW_NET where every run that competes knows it, else ROW_GROSS,
 * because net and gross time say nothing beside each other. */
unsigned summary_time(const struct comparison *comparison, const struct run_group *group);

/* The value of the run (its number in the comparison) for a reader. */
void summary_text(const struct comparison *comparison, size_t run, unsigned row, char text[ROW_TEXT_BYTES]);

/* Whether there are several traces, all replayed on the same targets in the same order. */
bool summary_comparable(const struct comparison *comparison);

/* Prints time (summary_time()) and memory of all traces as text, a row per trace, when they are comparable; else the table of
 * each. Best values are marked with `*` (and bold where `colours`). */
void summary_print(FILE *out, const struct comparison *comparison, bool colours);

/* Prints the table of one trace. */
void summary_print_group(FILE *out, const struct comparison *comparison, const struct run_group *group,
			 bool colours);

#endif
