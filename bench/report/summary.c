#include "config.h"

#include "bench/report/summary.h"

#include <math.h>
#include <string.h>

#define NAME_COLUMNS 28
#define MMU_NAME_COLUMNS 36
#define LONGEST_MMU_NAME 14
#define FEWEST_COLUMNS ((size_t)12)
#define MOST_COLUMNS ((size_t)24)

unsigned summary_rows(const struct comparison *comparison)
{
	return ROWS + comparison->mmus * MMU_ROWS;
}

void summary_name(const struct comparison *comparison, unsigned row, char name[SUMMARY_NAME_BYTES])
{
	if (row < ROWS) {
		(void)snprintf(name, SUMMARY_NAME_BYTES, "%s", row_at(row)->name);
		return;
	}
	unsigned number = (row - ROWS) / MMU_ROWS;
	const char *mmu = comparison->mmu[number];

	if (strlen(mmu) <= LONGEST_MMU_NAME)
		(void)snprintf(name, SUMMARY_NAME_BYTES, "%s: %s", mmu, row_at(row)->name);
	else
		(void)snprintf(name, SUMMARY_NAME_BYTES, "%.*s…: %s", LONGEST_MMU_NAME - 1, mmu,
			       row_at(row)->name);
}

static double value_of(const struct comparison *comparison, size_t run, unsigned row)
{
	const struct run_summary *summary = &comparison->run[run];

	if (row < ROWS)
		return summary->value[row];
	for (size_t i = 0; i < summary->mmus; i++) {
		if (strcmp(summary->mmu[i].name, comparison->mmu[(row - ROWS) / MMU_ROWS]) == 0)
			return summary->mmu[i].value[(row - ROWS) % MMU_ROWS];
	}
	return NAN;
}

bool summary_has(const struct comparison *comparison, const struct run_group *group, unsigned row)
{
	for (size_t i = group->first; i < group->first + group->runs; i++) {
		if (isfinite(value_of(comparison, i, row)))
			return true;
	}
	return false;
}

void summary_text(const struct comparison *comparison, size_t run, unsigned row, char text[ROW_TEXT_BYTES])
{
	row_text(row_at(row), value_of(comparison, run, row), comparison->run[run].resolution_ns, text);
}

static bool competes(const struct comparison *comparison, size_t run, unsigned row)
{
	return isfinite(value_of(comparison, run, row)) && !run_summary_is(&comparison->run[run], "null");
}

static bool is_better(const struct comparison *comparison, unsigned row, size_t run, size_t other)
{
	const double value = value_of(comparison, run, row), beside = value_of(comparison, other, row);

	return row_at(row)->best == BEST_HIGHEST ? value > beside : value < beside;
}

bool summary_is_best(const struct comparison *comparison, const struct run_group *group, unsigned row,
		     size_t run)
{
	size_t best = group->first + group->runs, competitors = 0;
	char text[ROW_TEXT_BYTES], best_text[ROW_TEXT_BYTES];

	if (row_at(row)->best == BEST_NONE || !competes(comparison, run, row))
		return false;
	for (size_t i = group->first; i < group->first + group->runs; i++) {
		if (!competes(comparison, i, row))
			continue;
		competitors++;
		if (competitors == 1 || is_better(comparison, row, i, best))
			best = i;
	}
	if (competitors < 2)
		return false;
	summary_text(comparison, run, row, text);
	summary_text(comparison, best, row, best_text);
	return strcmp(text, best_text) == 0;
}

unsigned summary_time(const struct comparison *comparison, const struct run_group *group)
{
	for (size_t i = group->first; i < group->first + group->runs; i++) {
		if (competes(comparison, i, ROW_GROSS) && !competes(comparison, i, ROW_NET))
			return ROW_GROSS;
	}
	return ROW_NET;
}

/* Columns that UTF-8 text takes, each code point counted as one. */
static size_t columns_of(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

/* Control characters of a hostile name must not reach a terminal. */
static void print_clean(FILE *out, const char *text, size_t most_columns)
{
	size_t columns = 0;

	for (; *text; text++) {
		columns += ((unsigned char)*text & 0xc0) != 0x80;
		if (columns > most_columns)
			return;
		(void)fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
	}
}

static void print_left(FILE *out, const char *text, size_t columns)
{
	size_t taken = columns_of(text);

	print_clean(out, text, columns);
	for (; taken < columns; taken++)
		(void)fputc(' ', out);
}

static void print_right(FILE *out, const char *text, size_t columns)
{
	for (size_t taken = columns_of(text); taken < columns; taken++)
		(void)fputc(' ', out);
	print_clean(out, text, columns);
}

static void print_cell(FILE *out, const char *text, bool best, size_t columns, bool colours)
{
	if (best && colours)
		(void)fputs("\033[1m", out);
	print_right(out, text, columns);
	(void)fputc(best ? '*' : ' ', out);
	if (best && colours)
		(void)fputs("\033[0m", out);
}

static size_t column_width(const struct run_summary *run)
{
	size_t name = columns_of(run->target);

	if (name < FEWEST_COLUMNS)
		return FEWEST_COLUMNS;
	return name < MOST_COLUMNS ? name : MOST_COLUMNS;
}

static void print_heading(FILE *out, const struct comparison *comparison, const struct run_group *group,
			  size_t name_columns)
{
	print_left(out, "", name_columns);
	for (size_t i = group->first; i < group->first + group->runs; i++) {
		print_right(out, comparison->run[i].target, column_width(&comparison->run[i]));
		(void)fputc(' ', out);
	}
	(void)fputc('\n', out);
}

void summary_print_group(FILE *out, const struct comparison *comparison, const struct run_group *group,
			 bool colours)
{
	const struct run_summary *first = &comparison->run[group->first];
	size_t name_columns = comparison->mmus > 0 ? MMU_NAME_COLUMNS : NAME_COLUMNS;
	char events[ROW_TEXT_BYTES];

	row_count_text(first->events, events);
	print_clean(out, first->trace_name, 60);
	(void)fprintf(out, ": %s events", events);
	if (isfinite(first->threads))
		(void)fprintf(out, ", %.0f threads", first->threads);
	(void)fputc('\n', out);
	print_heading(out, comparison, group, name_columns);
	for (unsigned row = 0; row < summary_rows(comparison); row++) {
		char name[SUMMARY_NAME_BYTES];

		if (!summary_has(comparison, group, row))
			continue;
		summary_name(comparison, row, name);
		print_left(out, name, name_columns);
		for (size_t i = group->first; i < group->first + group->runs; i++) {
			char text[ROW_TEXT_BYTES];

			summary_text(comparison, i, row, text);
			print_cell(out, text, summary_is_best(comparison, group, row, i),
				   column_width(&comparison->run[i]), colours);
		}
		(void)fputc('\n', out);
	}
	(void)fputc('\n', out);
}

bool summary_comparable(const struct comparison *comparison)
{
	const struct run_group *first = &comparison->group[0];

	if (comparison->groups < 2)
		return false;
	for (size_t g = 1; g < comparison->groups; g++) {
		const struct run_group *group = &comparison->group[g];

		if (group->runs != first->runs)
			return false;
		for (size_t i = 0; i < group->runs; i++) {
			if (strcmp(comparison->run[first->first + i].target,
				   comparison->run[group->first + i].target) != 0)
				return false;
		}
	}
	return true;
}

/* A line of one trace: its name and each run's value of the row. */
static void print_trace(FILE *out, const struct comparison *comparison, const struct run_group *group,
			unsigned row, bool colours)
{
	const char *name = comparison->run[group->first].trace_name;
	const char *suffix = row == ROW_GROSS ? " (gross)" : "";
	size_t room = NAME_COLUMNS - strlen(suffix), columns = columns_of(name);

	print_clean(out, name, room);
	print_left(out, suffix, NAME_COLUMNS - (columns < room ? columns : room));
	for (size_t i = group->first; i < group->first + group->runs; i++) {
		char text[ROW_TEXT_BYTES];

		summary_text(comparison, i, row, text);
		print_cell(out, text, summary_is_best(comparison, group, row, i),
			   column_width(&comparison->run[i]), colours);
	}
	(void)fputc('\n', out);
}

/* Time or memory of all traces, which are comparable. */
static void print_across(FILE *out, const struct comparison *comparison, bool time, bool colours)
{
	(void)fprintf(out, "%s\n", time ? "time per event" : row_at(ROW_FOOTPRINT_OVER_LIVE)->name);
	print_heading(out, comparison, &comparison->group[0], NAME_COLUMNS);
	for (size_t g = 0; g < comparison->groups; g++) {
		const struct run_group *group = &comparison->group[g];

		print_trace(out, comparison, group,
			    time ? summary_time(comparison, group) : ROW_FOOTPRINT_OVER_LIVE, colours);
	}
	(void)fputc('\n', out);
}

void summary_print(FILE *out, const struct comparison *comparison, bool colours)
{
	if (summary_comparable(comparison)) {
		print_across(out, comparison, true, colours);
		print_across(out, comparison, false, colours);
		return;
	}
	for (size_t g = 0; g < comparison->groups; g++)
		summary_print_group(out, comparison, &comparison->group[g], colours);
}
