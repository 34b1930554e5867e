/* gnuplot.h: runs one figure script of plots/ and hands back the picture.
 *
 * gnuplot is started without a shell, with the user's own start-up files left out, in the directory that the
 * series lie below. The list of runs, the picture and the messages are files without a name (memfd_create),
 * so that nothing is left behind and nobody can slip anything in:
 *
 *     gnuplot -d -c PLOTS/footprint.gp svg /proc/self/fd/OUT /proc/self/fd/LIST ...
 */
#ifndef FAULTLINE_BENCH_REPORT_GNUPLOT_H
#define FAULTLINE_BENCH_REPORT_GNUPLOT_H

#include "traces/error.h"

#include <stddef.h>

enum picture_kind {
	PICTURE_SVG,
	PICTURE_PNG,
	PICTURE_TERMINAL,	 /* characters */
	PICTURE_COLOUR_TERMINAL, /* characters and colours */
};

struct gnuplot_job {
	const char *plots;     /* the directory of the scripts */
	const char *script;    /* "footprint" */
	const char *list;      /* the list of runs, as plots/style.gp describes it */
	const char *directory; /* what the list's directories are relative to */
	enum picture_kind kind;
	unsigned columns, rows; /* of a terminal */
};

/* The picture, `bytes` of it and a NUL; the caller frees it. TRACE_UNSUPPORTED when there is no gnuplot,
 * TRACE_BAD_INPUT when it failed or complained (with its own words), TRACE_IO when the system did not let it
 * run. */
enum trace_status gnuplot_draw(const struct gnuplot_job *job, char **picture, size_t *bytes,
			       struct trace_error *error) TRACE_MUST_USE;

#endif
