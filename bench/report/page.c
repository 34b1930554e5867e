#include "config.h"

#include "bench/report/page.h"
#include "bench/report/figure.h"
#include "bench/report/html.h"
#include "bench/report/provenance.h"
#include "bench/report/summary.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct writing {
	FILE *page;
	const struct comparison *comparison;
	struct gnuplot_job how;
	bool marks_written;
};

static enum trace_status copy_style(FILE *page, const char *plots, struct trace_error *error)
{
	char *path = NULL;
	char bytes[4096];
	size_t got;

	if (asprintf(&path, "%s/report.css", plots) < 0)
		return trace_fail(error, TRACE_NO_MEMORY, "out of memory");
	FILE *style = fopen(path, "re");
	enum trace_status status =
	    style ? TRACE_OK : trace_fail(error, TRACE_IO, "%s: %s", path, strerror(errno));

	free(path);
	if (!style)
		return status;
	(void)fputs("<style>\n", page);
	while ((got = fread(bytes, 1, sizeof(bytes), style)) > 0)
		(void)fwrite(bytes, 1, got, page);
	(void)fputs("</style>\n", page);
	(void)fclose(style);
	return TRACE_OK;
}

static size_t count_targets(const struct comparison *comparison)
{
	size_t targets = 0;

	for (size_t i = 0; i < comparison->runs; i++) {
		bool earlier = false;

		for (size_t j = 0; j < i; j++)
			earlier =
			    earlier || strcmp(comparison->run[j].target, comparison->run[i].target) == 0;
		targets += !earlier;
	}
	return targets;
}

static enum trace_status write_head(const struct writing *writing, struct trace_error *error)
{
	size_t traces = writing->comparison->groups, targets = count_targets(writing->comparison);

	(void)fprintf(writing->page,
		      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		      "<meta name=\"color-scheme\" content=\"light dark\">\n"
		      "<meta name=\"generator\" content=\"%s\">\n<title>Faultline: %zu trace%s on %zu "
		      "target%s</title>\n",
		      PACKAGE_STRING, traces, traces == 1 ? "" : "s", targets, targets == 1 ? "" : "s");
	enum trace_status status = copy_style(writing->page, writing->how.plots, error);

	(void)fprintf(writing->page,
		      "</head>\n<body>\n<header>\n<h1>Faultline</h1>\n<p>%zu recorded trace%s, replayed on "
		      "%zu target%s</p>\n"
		      "</header>\n<main>\n",
		      traces, traces == 1 ? "" : "s", targets, targets == 1 ? "" : "s");
	return status;
}

static void write_verdicts(const struct writing *writing)
{
	size_t verdicts = comparison_verdicts(writing->comparison);

	if (verdicts == 0)
		return;
	(void)fputs("<section id=\"verdict\">\n<h2>Verdict</h2>\n<ul>\n", writing->page);
	for (size_t i = 0; i < verdicts; i++) {
		const char *trace = comparison_verdict_trace(writing->comparison, i);

		(void)fputs("<li>", writing->page);
		if (*trace) {
			(void)fputs("<b>", writing->page);
			html_text(writing->page, trace);
			(void)fputs("</b>: ", writing->page);
		}
		html_text(writing->page, comparison_verdict(writing->comparison, i));
		(void)fputs("</li>\n", writing->page);
	}
	(void)fputs("</ul>\n</section>\n", writing->page);
}

static enum trace_status write_figure(struct writing *writing, const struct figure *figure,
				      const struct run_group *group, struct trace_error *error)
{
	struct figure_picture picture;
	FILE *page = writing->page;
	enum trace_status status =
	    figure_draw(figure, writing->comparison, group, &writing->how, &picture, error);

	if (status == TRACE_OK && !picture.content && figure->optional)
		figure_picture_destroy(&picture);
	if (status != TRACE_OK || (!picture.content && figure->optional))
		return status;
	if (picture.content && !writing->marks_written) {
		html_svg_marks(page, picture.content);
		writing->marks_written = true;
	}
	(void)fprintf(page, "<figure class=\"%s\">\n<h3>%s</h3>\n", figure->wide ? "wide" : "half",
		      figure->title);
	if (!picture.content)
		(void)fputs("<p class=\"absent\">No run has the data for this figure.</p>\n", page);
	else if (!html_svg(page, picture.content, figure->title))
		status = trace_fail(error, TRACE_BAD_INPUT, "gnuplot's picture %s is no SVG", figure->name);
	(void)fprintf(page, "<figcaption>%s", figure->caption);
	if (*picture.left_out) {
		(void)fputs(" <em>", page);
		html_text(page, picture.left_out);
		(void)fputs(".</em>", page);
	}
	(void)fputs("<code>", page);
	provenance_command(page, writing->comparison, group);
	(void)fputs("</code></figcaption>\n</figure>\n", page);
	figure_picture_destroy(&picture);
	return status;
}

static void write_cell(const struct writing *writing, const struct run_group *group, unsigned row, size_t run)
{
	const struct run_summary *summary = &writing->comparison->run[run];
	bool best = summary_is_best(writing->comparison, group, row, run);
	char text[ROW_TEXT_BYTES];

	summary_text(writing->comparison, run, row, text);
	(void)fprintf(writing->page, "<td%s>%s", best ? " class=\"best\"" : "", best ? "<b>" : "");
	html_text(writing->page, text);
	if (best)
		(void)fputs("</b>", writing->page);
	if (row == ROW_GROSS && isfinite(summary->gross_low_ns) && isfinite(summary->gross_high_ns))
		(void)fprintf(writing->page, "<small>%.1f to %.1f</small>", summary->gross_low_ns,
			      summary->gross_high_ns);
	if (row == ROW_NET && isfinite(summary->net_low_ns) && isfinite(summary->net_high_ns))
		(void)fprintf(writing->page, "<small>%.1f to %.1f</small>", summary->net_low_ns,
			      summary->net_high_ns);
	(void)fputs("</td>", writing->page);
}

static void write_heading(const struct writing *writing, const struct run_group *group, const char *corner)
{
	(void)fprintf(writing->page, "<table>\n<thead><tr><th>%s</th>", corner);
	for (size_t i = group->first; i < group->first + group->runs; i++) {
		(void)fputs("<th>", writing->page);
		html_text(writing->page, writing->comparison->run[i].target);
		(void)fputs("</th>", writing->page);
	}
	(void)fputs("</tr></thead>\n<tbody>\n", writing->page);
}

static void write_table(const struct writing *writing, const struct run_group *group)
{
	FILE *page = writing->page;

	(void)fputs("<div class=\"scroll\">\n", page);
	write_heading(writing, group, "");
	for (unsigned row = 0; row < summary_rows(writing->comparison); row++) {
		char name[SUMMARY_NAME_BYTES];

		if (!summary_has(writing->comparison, group, row))
			continue;
		summary_name(writing->comparison, row, name);
		(void)fputs("<tr><th>", page);
		html_text(page, name);
		(void)fprintf(page, "%s</th>", row_at(row)->in_model ? " <small>modelled</small>" : "");
		for (size_t i = group->first; i < group->first + group->runs; i++)
			write_cell(writing, group, row, i);
		(void)fputs("</tr>\n", page);
	}
	(void)fputs("</tbody>\n</table>\n</div>\n", page);
}

static void write_trace_row(const struct writing *writing, size_t index, unsigned row)
{
	const struct run_group *group = &writing->comparison->group[index];
	FILE *page = writing->page;

	(void)fprintf(page, "<tr><th><a href=\"#trace-%zu\">", index + 1);
	html_text(page, writing->comparison->run[group->first].trace_name);
	(void)fprintf(page, "</a>%s</th>", row == ROW_GROSS ? " <small>gross</small>" : "");
	for (size_t i = group->first; i < group->first + group->runs; i++)
		write_cell(writing, group, row, i);
	(void)fputs("</tr>\n", page);
}

/* One row of the tables of all traces, a line per trace; of ROW_NET, net or gross, as each can be compared. Traces with the same targets only,
 * whose names stand above once. */
static void write_across(const struct writing *writing, unsigned row)
{
	const struct comparison *comparison = writing->comparison;

	(void)fputs("<div class=\"scroll\">\n", writing->page);
	write_heading(writing, &comparison->group[0],
		      row == ROW_NET		   ? "time per event"
		      : row == ROW_FREE_HUGE_SHARE ? "free as 2 MiB at the end"
						   : row_at(row)->name);
	for (size_t g = 0; g < comparison->groups; g++)
		write_trace_row(writing, g,
				row == ROW_NET ? summary_time(comparison, &comparison->group[g]) : row);
	(void)fputs("</tbody>\n</table>\n</div>\n", writing->page);
}

/* Kernel recordings alone. */
static bool are_of_pages(const struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->runs; i++) {
		if (!comparison->run[i].is_of_pages)
			return false;
	}
	return true;
}

static enum trace_status write_overview(struct writing *writing, struct trace_error *error)
{
	(void)fputs("<section id=\"overview\">\n<h2>All traces</h2>\n", writing->page);
	const bool is_of_pages = are_of_pages(writing->comparison);
	enum trace_status status = TRACE_OK;
	const struct figure *figure;

	for (size_t i = 0; status == TRACE_OK && (figure = figure_overview(i)); i++) {
		if (figure_applies(figure, writing->comparison, NULL))
			status = write_figure(writing, figure, NULL, error);
	}
	if (summary_comparable(writing->comparison)) {
		(void)fputs("<div class=\"across\">\n", writing->page);
		write_across(writing, is_of_pages ? ROW_FREE_HUGE_SHARE : ROW_NET);
		write_across(writing, is_of_pages ? ROW_HUGE_REFUSED : ROW_FOOTPRINT_OVER_LIVE);
		(void)fputs("</div>\n", writing->page);
	}
	(void)fputs("</section>\n", writing->page);
	return status;
}

static void write_mode(FILE *page, const struct run_summary *run)
{
	char text[ROW_TEXT_BYTES];

	row_text(row_at(ROW_FOOTPRINT_PEAK), run->live_peak_bytes, NAN, text);
	(void)fprintf(page, ", at most %s live; replayed in mode ", text);
	html_text(page, run->mode);
	if (*run->speed_mode && strcmp(run->speed_mode, run->mode) != 0) {
		(void)fputs(" (times in mode ", page);
		html_text(page, run->speed_mode);
		(void)fputs(")", page);
	}
	(void)fputs(", touch ", page);
	html_text(page, run->touch);
	(void)fputs(", pace ", page);
	html_text(page, run->pace);
}

static void write_facts(const struct writing *writing, const struct run_summary *run)
{
	FILE *page = writing->page;
	char text[ROW_TEXT_BYTES];

	row_count_text(run->events, text);
	(void)fprintf(page, "<p class=\"facts\">%s events", text);
	if (isfinite(run->threads))
		(void)fprintf(page, " of %.0f thread%s", run->threads, run->threads == 1 ? "" : "s");
	if (run->is_of_pages)
		(void)fputs(" of a machine, whose pages the policies place", page);
	else
		write_mode(page, run);
	(void)fputs("; trace <code>", page);
	html_text(page, run->trace_hash);
	(void)fputs("</code></p>\n", page);
}

static enum trace_status write_trace(struct writing *writing, size_t index, struct trace_error *error)
{
	const struct run_group *group = &writing->comparison->group[index];
	const struct run_summary *first = &writing->comparison->run[group->first];
	enum trace_status status = TRACE_OK;

	(void)fprintf(writing->page, "<section class=\"trace\" id=\"trace-%zu\">\n<h2>", index + 1);
	html_text(writing->page, first->trace_name);
	(void)fputs("</h2>\n", writing->page);
	write_facts(writing, first);
	write_table(writing, group);
	(void)fputs("<div class=\"figures\">\n", writing->page);
	for (size_t i = 0; status == TRACE_OK && i < figure_count(); i++) {
		if (figure_applies(figure_at(i), writing->comparison, group))
			status = write_figure(writing, figure_at(i), group, error);
	}
	(void)fputs("</div>\n</section>\n", writing->page);
	return status;
}

enum trace_status page_write(FILE *page, const struct comparison *comparison, const char *plots,
			     struct trace_error *error)
{
	struct writing writing = {
	    .page = page,
	    .comparison = comparison,
	    .how = {.plots = plots, .kind = PICTURE_SVG},
	};
	enum trace_status status = write_head(&writing, error);

	if (status != TRACE_OK)
		return status;
	write_verdicts(&writing);
	if (comparison->groups > 1)
		status = write_overview(&writing, error);
	for (size_t i = 0; status == TRACE_OK && i < comparison->groups; i++)
		status = write_trace(&writing, i, error);
	provenance_section(page, comparison);
	(void)fprintf(page,
		      "</main>\n<footer>Bold: the best value of a row. Where the harness took over half of "
		      "some target's time, net time is not known and gross times are compared. Modelled "
		      "values are simulated, all "
		      "others were measured. "
		      "%s, <code>docs/metrics.md</code> defines every figure.</footer>\n</body>\n</html>\n",
		      PACKAGE_STRING);
	return status;
}
