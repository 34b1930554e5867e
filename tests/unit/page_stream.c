#include "config.h"

#include "tests/unit/page_stream.h"

#include "engine/base/random.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

/* A page's number from its rank: an odd factor spreads the ranks over a power of two of pages, and the rest stay. */
static uint64_t spread(uint64_t rank, uint64_t pages)
{
	return (pages & (pages - 1)) == 0 ? rank * 0x9e3779b1u % pages : rank;
}

static void fill_zipf(uint64_t pages, uint64_t *page, size_t count)
{
	double *sum = calloc(pages, sizeof(*sum));
	struct random random = {42};
	double total = 0;

	assert_non_null(sum);
	for (uint64_t rank = 0; rank < pages; rank++)
		sum[rank] = total += 1.0 / (double)(rank + 1);
	for (size_t i = 0; i < count; i++) {
		double wanted = (double)(random_next(&random) >> 11) * 0x1p-53 * total;
		uint64_t low = 0;
		uint64_t high = pages - 1;

		while (low < high) {
			uint64_t middle = low + (high - low) / 2;

			if (sum[middle] < wanted)
				low = middle + 1;
			else
				high = middle;
		}
		page[i] = spread(low, pages);
	}
	free(sum);
}

void page_stream_fill(enum page_stream_shape shape, uint64_t pages, uint64_t *page, size_t count)
{
	struct random random = {43};

	if (shape == STREAM_ZIPF) {
		fill_zipf(pages, page, count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (shape == STREAM_SEQUENTIAL)
			page[i] = i / 512 % pages;
		else if (shape == STREAM_UNIFORM)
			page[i] = random_below(&random, pages);
		else
			page[i] = i % pages;
	}
}
