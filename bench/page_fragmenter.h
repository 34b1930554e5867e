/* page_fragmenter.h: two loads that break physical memory up, run on the zone of a policy: how much of it is still, or again, whole.
 *
 *   A   order 0 alone     fill the memory with single pages, free a random half, then rounds in which a tenth of what is in
 *                         use is freed at random and allocated anew. Half of the memory is free: how many huge pages is it?
 *   B   orders 0 and 9    equal bytes of both, at most 90 % in use, victims at random. Does an order-9 request find a block?
 *
 * A policy is easily good at one of them: taking the lowest address gives A all of its huge pages and B hardly any, the
 * smallest block that serves the reverse. Fragmentation is told by both or not at all.
 *
 * The pages are movable, of one zone of 1 GiB, with the policy's page sets, which are drained before huge pages are counted;
 * watermarks are not asked for, so that the memory can be filled. The same seed gives the same figures.
 */
#ifndef FAULTLINE_BENCH_PAGE_FRAGMENTER_H
#define FAULTLINE_BENCH_PAGE_FRAGMENTER_H

#include "engine/base/status.h"
#include "engine/policy.h"

#define PAGE_FRAGMENTER_PAGES (UINT64_C(1) << 18)
#define PAGE_FRAGMENTER_HUGE_ORDER 9u
#define PAGE_FRAGMENTER_ROUNDS 200u
#define PAGE_FRAGMENTER_STEPS 3000000u
#define PAGE_FRAGMENTER_SAMPLES 20u

/* How long, and by which numbers. */
struct page_fragmenter_load {
	uint64_t seed;
	unsigned rounds; /* of A, at least PAGE_FRAGMENTER_SAMPLES */
	unsigned steps;	 /* of B: allocations that are counted, after a third as many that are not */
};

struct page_fragmenter_a {
	uint64_t huge;				  /* huge pages that the free memory is at the end, drained */
	uint64_t possible;			  /* those that it would be if all of it lay together */
	uint64_t sample[PAGE_FRAGMENTER_SAMPLES]; /* the same, not drained, after each part of the rounds */
};

struct page_fragmenter_b {
	uint64_t huge_requests, huge_failures; /* of order 9 */
	uint64_t requests, failures;	       /* of order 0 */
};

/* STATUS_NO_MEMORY, or STATUS_BAD_ARGUMENT for a policy of which no zone can be made. */
MUST_USE enum status page_fragmenter_run_a(const struct policy *policy,
					   const struct page_fragmenter_load *load,
					   struct page_fragmenter_a *result);
MUST_USE enum status page_fragmenter_run_b(const struct policy *policy,
					   const struct page_fragmenter_load *load,
					   struct page_fragmenter_b *result);

#endif
