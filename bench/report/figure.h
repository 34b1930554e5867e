/* figure.h: the figures of a report: what each shows, which series it needs, and its picture.
 *
 * A figure is a script of plots/ of the same name. A run without the series that a figure needs is left out
 * of it, and a figure without runs is left out of the report; both are said. The `null` target, which only
 * measures the harness, has no place in figures of memory and latency. Figures of what is only measured on
 * request are optional: without runs they are left out without a word.
 */
#ifndef FAULTLINE_BENCH_REPORT_FIGURE_H
#define FAULTLINE_BENCH_REPORT_FIGURE_H

#include "bench/report/comparison.h"
#include "bench/report/gnuplot.h"
#include "bench/report/series.h"

#include <stdbool.h>
#include <stddef.h>

#define FIGURE_MOST_NEEDS 2

struct figure {
	const char *name;  /* of the script */
	const char *title; /* what a reader sees, and how to read it */
	const char *caption;
	struct series_need need[FIGURE_MOST_NEEDS]; /* ends with file NULL */
	bool engine_only;
	bool with_null;
	bool optional;
	bool of_pages; /* of kernel recordings, too, which have no heap; optional ones are anyway */
	bool wide;     /* shown over the whole width of the page */
};

/* The figures over all traces (NULL past the last), and those of one trace, in the order of the report. */
const struct figure *figure_overview(size_t index);
size_t figure_count(void);
const struct figure *figure_at(size_t index);

/* Whether the figure is about runs like these: one of the engine needs a run of the engine. `group` NULL: all runs. */
bool figure_applies(const struct figure *figure, const struct comparison *comparison,
		    const struct run_group *group);

struct figure_picture {
	char *content; /* NULL when no run has what the figure needs */
	size_t bytes;
	char *left_out; /* the targets that are not in it and why, as a sentence; "" when none. Never NULL
			   after success. */
};

/* Draws `figure` from the runs of `group` (NULL: all runs). `kind`, `plots`, `columns` and `rows` are taken
 * from `how`. The caller destroys the picture. Errors are those of series_check() and gnuplot_draw(). */
enum trace_status figure_draw(const struct figure *figure, const struct comparison *comparison,
			      const struct run_group *group, const struct gnuplot_job *how,
			      struct figure_picture *picture, struct trace_error *error) TRACE_MUST_USE;

void figure_picture_destroy(struct figure_picture *picture);

#endif
