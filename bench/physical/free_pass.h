/* free_pass.h: the recording of a machine's page allocator with each page where a policy puts it: what another policy would have done
 * with exactly this load, or whether our own `linux` does what Linux did.
 *
 *   recorded                                     simulated, from the machine's state at the start (machine_state.h)
 *   page_alloc F, order, gfp, on a processor ──▶ alloc_pages(order, gfp) on that processor ──▶ S          place[F] = S
 *   page_free F, order                       ──▶ the block at place[F] is freed
 *   zone_grow                                ──▶ the zone gets as many frames more
 *   a tick, each second of the recorded time ──▶ the page sets of all processors decay, as the kernel's vmstat worker makes them
 *
 * What is in use at the start stays where it lies. Everything else is the policy's business: splitting, merging, falling back, the page
 * sets. The recorded zone_locked, pcpu_drain and extfrag events tell what Linux did there, and are not looked at.
 *
 * Nothing is reclaimed here: what the machine reclaimed is freed by page_free events. Frees and allocations that the machine did not tell
 * are inferred from those that it did:
 *
 *   a free of what is free         somebody got it without an event (alloc_pages_bulk): it is left out, with its allocation
 *   an allocation of what is not   it was freed without an event: freed right before
 *   a free of a part of a block    split_page, or a huge page that was divided: so is the simulated block
 *
 * An allocation that the machine refused is tried, and given back at once if it succeeds.
 *
 * Invariants, proved by free_pass_check() between two events:
 *   I1: memory_check()
 *   I2: the frame at place[F] lies in an allocated block, and in no other place
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_FREE_PASS_H
#define FAULTLINE_BENCH_PHYSICAL_FREE_PASS_H

#include "bench/physical/free_prediction.h"
#include "bench/physical/machine_boot.h"
#include "bench/physical/memory_outcome.h"
#include "bench/physical/page_latency.h"
#include "bench/physical/processors.h"

#define PLACE_NONE UINT32_MAX	       /* the frame is free */
#define PLACE_REFUSED (UINT32_MAX - 1) /* allocated on the machine, refused by the policy */

/* Events. */
struct free_pass_counts {
	uint64_t allocations, frees; /* that were done as recorded */
	uint64_t refused;	     /* allocations that the machine served and the policy did not */
	uint64_t served;	     /* the other way round */
	uint64_t unseen_allocations; /* frees of what is free, in blocks */
	uint64_t unseen_frees;	     /* blocks freed before an allocation of them */
	uint64_t parts;		     /* frees of a part of a block, or of several blocks in one */
	uint64_t other_zones;	     /* of the allocations: in another zone than on the machine */
	struct outcome_load load;    /* all allocations, and those that the policy had no block for */
};

struct free_pass {
	struct machine_state state;
	struct machine_boot boot;
	struct memory memory;
	struct flt_reader *reader; /* the caller's, and nobody else's as long as the pass is there */
	struct processors processors;
	uint64_t position; /* of the next event; from state.start on */
	uint64_t tick_ns;  /* of the recorded time: the next decay (machine_sets.h) */
	bool reclaims;	   /* kswapd works, which is this thread */
	uint32_t reclaimer;
	uint32_t *place; /* [recorded frame]: simulated frame, or PLACE_... */
	uint32_t *gfp;	 /* [number of the name, from 0]: enum gfp_flag */
	bool
	    checks_events; /* the caller's, who may set it: free_pass_check_block() after every event, which dies by CHECK */
	struct free_pass_counts counts;
	struct free_prediction prediction; /* of buddyinfo, once position is past state.end */
	struct page_latency *latency; /* the caller's, who may set it: what calls take goes there; or NULL */
};

/* Boots the recorded machine, as `shape` says it keeps its memory (machine_boot.h), and stands before its first event. The pass is large and
 * may not be moved. What machine_state_read() and machine_state_boot() answer. */
enum trace_status free_pass_create(struct free_pass **pass, const struct memory_shape *shape,
				   struct flt_reader *reader, struct trace_error *error) TRACE_MUST_USE;
void free_pass_destroy(struct free_pass *pass);

/* Takes the events before `to` in, of those that are left; UINT64_MAX: all. TRACE_BAD_INPUT names the event that makes no sense. */
enum trace_status free_pass_advance(struct free_pass *pass, uint64_t to,
				    struct trace_error *error) TRACE_MUST_USE;

/* NULL, or the text of the first invariant that does not hold. O(frames). */
const char *free_pass_check(const struct free_pass *pass);

/* The same of a block's recorded frames alone: that each lies in an allocated block, which its zone's lists have not. O(frames of the block);
 * another place of the same frame is not looked for. */
const char *free_pass_check_block(const struct free_pass *pass, uint64_t frame, unsigned order);

#endif
