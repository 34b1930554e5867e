/* frontier.c: what policies make of loads that break memory up: huge pages that come back, requests that fail. A table, and with a path as
 * argument the same as a file for plots/frontier.gp. */
#include "config.h"

#include "bench/page_fragmenter.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const policies[] = {
    "default",	      "linux",	       "linux,per_cpu_lists=off",	 "order-first",
    "lowest-address", "fullest-block", "fullest-block,per_cpu_lists=on",
};

#define POLICIES (sizeof(policies) / sizeof(policies[0]))

/* One line of the table. */
struct point {
	const char *policy;
	struct page_fragmenter_a a;
	struct page_fragmenter_b b;
};

static double failed_percent(const struct point *point)
{
	return 100.0 * (double)point->b.huge_failures / (double)point->b.huge_requests;
}

static enum status measure(struct point *point, const char *text)
{
	const struct page_fragmenter_load load = {
	    .seed = 1, .rounds = PAGE_FRAGMENTER_ROUNDS, .steps = PAGE_FRAGMENTER_STEPS};
	struct policy policy;
	enum status status = policy_parse(&policy, text);

	point->policy = text;
	if (status == STATUS_OK)
		status = page_fragmenter_run_a(&policy, &load, &point->a);
	if (status == STATUS_OK)
		status = page_fragmenter_run_b(&policy, &load, &point->b);
	return status;
}

static void print(const struct point *point, FILE *table)
{
	(void)printf(
	    "%-32s %6" PRIu64 " %6" PRIu64 " %6" PRIu64 " %6" PRIu64 "   of %-4" PRIu64 " %8.2f %%\n",
	    point->policy, point->a.sample[PAGE_FRAGMENTER_SAMPLES / 4 - 1],
	    point->a.sample[PAGE_FRAGMENTER_SAMPLES / 2 - 1], point->a.sample[PAGE_FRAGMENTER_SAMPLES - 1],
	    point->a.huge, point->a.possible, failed_percent(point));
	if (table)
		(void)fprintf(table, "%s\t%" PRIu64 "\t%" PRIu64 "\t%.4f\n", point->policy, point->a.huge,
			      point->a.possible, failed_percent(point));
}

int main(int argc, char **argv)
{
	FILE *table = argc > 1 ? fopen(argv[1], "we") : NULL;
	bool ok = argc == 1 || table;

	if (!ok)
		perror(argv[1]);
	if (table)
		(void)fputs("# policy\thuge_pages\tpossible\tfailed_percent\n", table);
	(void)puts(
	    "1 GiB of movable pages. A: order 0, half of it free: 2 MiB pages among the free memory after "
	    "50, 100 and 200 "
	    "rounds, and\n"
	    "with the page sets drained. B: orders 0 and 9, 90 % in use: order-9 requests that fail.\n");
	(void)printf("%-32s %6s %6s %6s %6s %10s %8s\n", "policy", "A 50", "100", "200", "drained", "", "B");
	for (size_t i = 0; ok && i < POLICIES; i++) {
		struct point point;

		ok = measure(&point, policies[i]) == STATUS_OK;
		if (ok)
			print(&point, table);
		else
			(void)fprintf(stderr, "frontier: %s: not enough memory\n", policies[i]);
	}
	if (table && fclose(table) != 0) {
		perror(argv[1]);
		ok = false;
	}
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
