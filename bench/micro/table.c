#include "config.h"

#include "bench/micro/table.h"

#include "bench/interval.h"
#include "bench/micro/gbench.h"
#include "bench/micro/pace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPETITIONS 64u
#define COUNTERS 6u
#define OPTIONS 64

struct counter {
	char *name;
	double value[REPETITIONS];
};

struct row {
	char *name; /* "CASE:CONTENDER" */
	int64_t order;
	size_t repetitions;
	double ns[REPETITIONS];
	char *failure;
	unsigned counters;
	struct counter counter[COUNTERS];
};

static void *must(void *memory)
{
	if (!memory) {
		(void)fputs("out of memory\n", stderr);
		abort();
	}
	return memory;
}

static struct row *row_of(struct table *table, const char *name)
{
	for (size_t i = 0; i < table->rows; i++) {
		if (strcmp(table->row[i].name, name) == 0)
			return &table->row[i];
	}
	table->row = must(realloc(table->row, (table->rows + 1) * sizeof(*table->row)));
	struct row *row = &table->row[table->rows++];

	*row = (struct row){.name = must(strdup(name))};
	return row;
}

void table_store(const struct gbench_run *run, void *table)
{
	struct row *row = row_of(table, run->name);
	size_t repetition = (size_t)run->repetition;

	row->order = run->order;
	if (run->failure && !row->failure)
		row->failure = must(strdup(run->failure));
	if (repetition >= REPETITIONS || run->failure)
		return;
	row->ns[repetition] = run->ns;
	if (repetition >= row->repetitions)
		row->repetitions = repetition + 1;
	for (unsigned i = 0; i < run->counters && i < COUNTERS; i++) {
		if (i == row->counters)
			row->counter[row->counters++].name = must(strdup(run->counter_name[i]));
		row->counter[i].value[repetition] = run->counter_value[i];
	}
}

static size_t case_length(const struct row *row)
{
	return strcspn(row->name, ":");
}

static bool is_same_case(const struct row *a, const struct row *b)
{
	return case_length(a) == case_length(b) && strncmp(a->name, b->name, case_length(a)) == 0;
}

static void print_ratio(const double *value, const double *yardstick, size_t repetitions)
{
	struct interval ratio = interval_of_ratios(value, yardstick, repetitions);

	(void)printf(isnan(ratio.median) ? "   -" : "%6.2f", ratio.median);
	if (ratio.exists)
		(void)printf(" [%.2f, %.2f]", ratio.low, ratio.high);
}

static void print_counters(const struct row *row, const struct row *first)
{
	for (unsigned i = 0; i < row->counters; i++) {
		struct interval value = interval_of(row->counter[i].value, row->repetitions);

		(void)printf("   %s %.4g", row->counter[i].name, value.median);
		if (row != first && strstr(row->counter[i].name, "_ns") && i < first->counters) {
			(void)fputs(" (", stdout);
			print_ratio(row->counter[i].value, first->counter[i].value, row->repetitions);
			(void)fputs(" x)", stdout);
		}
	}
}

static void print_row(const struct row *row, const struct row *first)
{
	const char *contender = row->name + case_length(row);

	(void)printf("%-30.*s %-22s", row == first ? (int)case_length(row) : 0, row->name,
		     *contender ? contender + 1 : "");
	if (row->failure) {
		(void)printf(" FAILED: %s\n", row->failure);
		return;
	}
	(void)printf(" %9.2f ", interval_of(row->ns, row->repetitions).median);
	if (row != first)
		print_ratio(row->ns, first->ns, row->repetitions);
	print_counters(row, first);
	(void)putchar('\n');
}

static int compare_orders(const void *a, const void *b)
{
	const struct row *first = a;
	const struct row *second = b;

	return (first->order > second->order) - (first->order < second->order);
}

void table_print(const struct table *table, const char *title)
{
	const struct row *first = NULL;

	if (table->rows > 0)
		qsort(table->row, table->rows, sizeof(*table->row), compare_orders);
	(void)printf("%s\n%-30s %-22s %9s   against the first [95 %% interval]\n", title, "case", "contender",
		     "ns/op");
	for (size_t i = 0; i < table->rows; i++) {
		if (!first || !is_same_case(first, &table->row[i]))
			first = &table->row[i];
		print_row(&table->row[i], first);
	}
}

void table_forget(struct table *table)
{
	for (size_t i = 0; i < table->rows; i++) {
		for (unsigned counter = 0; counter < table->row[i].counters; counter++)
			free(table->row[i].counter[counter].name);
		free(table->row[i].name);
		free(table->row[i].failure);
	}
	free(table->row);
}

static void print_pace(const char *when, struct pace pace)
{
	(void)printf(
	    "Pace %s: one dependent addition takes %.2f ns here, %.1f independent ones go into it.\n", when,
	    pace.dependent_ns, pace.dependent_ns / pace.independent_ns);
}

int table_main(const char *title, int argc, char **argv)
{
	static char interleaving[] = "--benchmark_enable_random_interleaving=true";
	static char repetitions[] = "--benchmark_repetitions=9";
	static char time[] = "--benchmark_min_time=0.02";
	char *arguments[OPTIONS] = {argv[0], interleaving, repetitions, time};
	struct table table = {NULL, 0};
	struct pace before = pace_measure();
	int count = 4;

	for (int i = 1; i < argc && count < OPTIONS - 1; i++)
		arguments[count++] = argv[i];
	int status = gbench_run_all(&count, arguments, table_store, &table);

	if (table.rows > 0) {
		table_print(&table, title);
		print_pace("before", before);
		print_pace("after", pace_measure());
	}
	table_forget(&table);
	return status;
}
