/* page_latency.h: how long a policy's allocations and frees of pages take, by order: a clock around every call, on the machine that replays.
 *
 *   page_latency.tsv   operation order quantile latency_ns below_resolution samples
 *
 * What may be said of a percentile is latency.h's business: nothing finer than the clock's step, and only with enough samples.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_PAGE_LATENCY_H
#define FAULTLINE_BENCH_PHYSICAL_PAGE_LATENCY_H

#include "bench/histogram.h"
#include "bench/replay/clock.h"

#include <stdio.h>

#define PAGE_LATENCY_ORDERS 11u

enum page_operation {
	PAGE_ALLOCATION,
	PAGE_RELEASE,
	PAGE_OPERATIONS,
};

struct page_latency {
	struct clock clock;
	struct histogram histogram[PAGE_OPERATIONS][PAGE_LATENCY_ORDERS]; /* in the clock's steps */
};

/* Empty, with a measured clock: takes 5 ms. Large: not for the stack. */
void page_latency_create(struct page_latency *latency);

/* A call took so many ticks. Orders beyond the last are left out. */
void page_latency_add(struct page_latency *latency, enum page_operation operation, unsigned order,
		      uint64_t ticks);

/* The rows, with the line of column names. */
void page_latency_write(const struct page_latency *latency, FILE *file);

#endif
