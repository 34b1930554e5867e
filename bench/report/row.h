/* row.h: the figures of a run that the report's tables show, one line each, in the order of the table.
 *
 * A row is a path into run.json; docs/metrics.md defines each one. The modelled ones are simulated, the others were measured on the machine that the
 * report names.
 *
 * Behind the rows that every run may have come those of the MMUs of a comparison, MMU_ROWS for each:
 *
 *   0 .. ROWS-1                 ROWS .. ROWS+MMU_ROWS-1     ...
 *   time, memory, faults        first MMU                   second MMU ...
 */
#ifndef FAULTLINE_BENCH_REPORT_ROW_H
#define FAULTLINE_BENCH_REPORT_ROW_H

#include <stdbool.h>
#include <stddef.h>

enum row_unit {
	UNIT_NANOSECONDS, /* a mean, shown to a tenth */
	UNIT_LATENCY,	  /* a percentile in nanoseconds, not finer than the clock's step */
	UNIT_BYTES,
	UNIT_RATIO,
	UNIT_SHARE, /* 0 to 1, shown in percent */
	UNIT_COUNT,
	UNIT_PER_1000, /* of something in 1000 references */
};

enum row_best { BEST_NONE, BEST_LOWEST, BEST_HIGHEST };

struct row {
	const char *path; /* keys parted by dots; NULL for a row of an MMU */
	const char *name; /* of the table's row */
	enum row_unit unit;
	enum row_best best;
	bool in_model;
};

enum {
	ROW_NET,
	ROW_GROSS,
	ROW_MALLOC_P50,
	ROW_MALLOC_P99,
	ROW_MALLOC_P999,
	ROW_FREE_P50,
	ROW_FREE_P99,
	ROW_FREE_P999,
	ROW_FOOTPRINT_PEAK,
	ROW_FOOTPRINT_OVER_LIVE,
	ROW_FOOTPRINT_END,
	ROW_FOOTPRINT_DRAINED,
	ROW_FRAMES_PEAK,
	ROW_METADATA,
	ROW_INTERNAL_FRAGMENTATION,
	ROW_FAULTS_MINOR,
	ROW_FAULTS_MAJOR,
	ROW_FAULTS_COPY,
	ROW_FAULTS_HUGE,
	ROW_PAGE_TABLES,
	ROW_FREE_HUGE,
	ROW_FREE_HUGE_SHARE,
	ROW_KERNEL_HUGE,
	ROW_REFUSED,
	ROW_HUGE_REFUSED,
	ROW_MISSED,
	ROWS
};

/* Rows of one MMU: ROWS + number * MMU_ROWS + one of these. */
enum { MMU_ROW_LEVEL_1, MMU_ROW_WALKS, MMU_ROW_WALK_REFERENCES, MMU_ROW_WALK_CYCLES, MMU_ROWS };

/* The row of that number; of an MMU's rows the one that is the same for every MMU. */
const struct row *row_at(unsigned index);

#define ROW_TEXT_BYTES 32

/* `value` for a reader, with its unit: "20.1 ns", "<10 ns", "1.2 µs", "57.2 MiB", "1.14 x", "6.1 %". "–" when
 * it is NaN. resolution_ns is the clock's step, below which UNIT_LATENCY says only that (NaN: no step is
 * known). */
void row_text(const struct row *row, double value, double resolution_ns, char text[ROW_TEXT_BYTES]);

/* A whole number with its digits in groups of three: "1,234,567"; "–" when it is NaN. */
void row_count_text(double count, char text[ROW_TEXT_BYTES]);

#endif
