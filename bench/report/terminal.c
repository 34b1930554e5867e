#include "config.h"

#include "bench/report/terminal.h"
#include "bench/report/figure.h"
#include "bench/report/summary.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define USUAL_COLUMNS 100
#define MOST_COLUMNS 160
#define CHART_ROWS 24

/* The figures that still say something when drawn with characters. */
static const char *const drawn[] = {"throughput", "footprint", "latency", "tlb", "tlb_sizes", "faults"};

struct terminal terminal_of(FILE *out)
{
	struct terminal terminal = {
	    .out = out, .columns = USUAL_COLUMNS, .colours = isatty(fileno(out)) == 1};
	struct winsize size;

	if (terminal.colours && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 40)
		terminal.columns = size.ws_col < MOST_COLUMNS ? size.ws_col : MOST_COLUMNS;
	return terminal;
}

/* Goes on with the text at the line's `column`, wrapped at the terminal's width; control characters become `?`. Returns the
 * column after it. */
static unsigned print_words(const struct terminal *terminal, const char *text, unsigned column)
{
	while (*text) {
		size_t word = strcspn(text, " \n");
		bool fits = column + word + 1 <= terminal->columns;

		(void)fputs(fits ? " " : "\n  ", terminal->out);
		column = (fits ? column : 1) + 1 + (unsigned)word;
		for (size_t i = 0; i < word; i++)
			(void)fputc((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i],
				    terminal->out);
		text += word + strspn(text + word, " \n");
	}
	return column;
}

static void print_verdicts(const struct terminal *terminal, const struct comparison *comparison)
{
	for (size_t i = 0; i < comparison_verdicts(comparison); i++) {
		const char *trace = comparison_verdict_trace(comparison, i);

		(void)fputc('*', terminal->out);
		unsigned column = print_words(terminal, trace, 1);

		if (*trace)
			(void)fputc(':', terminal->out);
		(void)print_words(terminal, comparison_verdict(comparison, i), column + 1);
		(void)fputc('\n', terminal->out);
	}
}

void terminal_tables(const struct terminal *terminal, const struct comparison *comparison)
{
	summary_print(terminal->out, comparison, terminal->colours);
	print_verdicts(terminal, comparison);
}

static bool is_drawn(const struct figure *figure)
{
	for (size_t i = 0; i < sizeof(drawn) / sizeof(drawn[0]); i++) {
		if (strcmp(drawn[i], figure->name) == 0)
			return true;
	}
	return false;
}

static enum trace_status print_charts(const struct terminal *terminal, const struct comparison *comparison,
				      const struct run_group *group, const char *plots,
				      struct trace_error *error)
{
	const struct gnuplot_job how = {
	    .plots = plots,
	    .kind = terminal->colours ? PICTURE_COLOUR_TERMINAL : PICTURE_TERMINAL,
	    .columns = terminal->columns,
	    .rows = CHART_ROWS,
	};

	for (size_t i = 0; i < figure_count(); i++) {
		const struct figure *figure = figure_at(i);
		struct figure_picture picture;

		if (!is_drawn(figure))
			continue;
		enum trace_status status = figure_draw(figure, comparison, group, &how, &picture, error);

		if (status != TRACE_OK)
			return status;
		if (picture.content || !figure->optional)
			(void)fprintf(terminal->out, "%s\n%s\n", figure->title,
				      picture.content ? picture.content
						      : "  no run has the data for this figure\n");
		figure_picture_destroy(&picture);
	}
	return TRACE_OK;
}

enum trace_status terminal_report(const struct terminal *terminal, const struct comparison *comparison,
				  const char *plots, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	for (size_t g = 0; status == TRACE_OK && g < comparison->groups; g++) {
		const struct run_group *group = &comparison->group[g];

		summary_print_group(terminal->out, comparison, group, terminal->colours);
		status = print_charts(terminal, comparison, group, plots, error);
	}
	if (status == TRACE_OK && comparison->groups > 1)
		summary_print(terminal->out, comparison, terminal->colours);
	if (status == TRACE_OK)
		print_verdicts(terminal, comparison);
	return status;
}
