/* pcp.h: a CPU's own list of free single frames, in front of a zone.
 *
 *   CPU 0   [ f f f f f . . . ]  <-- refill: `batch` frames under one zone lock
 *   CPU 1   [ f f . . . . . . ]  --> drain: `batch` frames, when more than `high` are there
 *
 * It is used by its CPU alone, so neither taking nor giving a frame needs a lock: the zone's lock is taken once per batch.
 * The frames count as allocated in the buddy; they are handed out last in, first out, because the last one is still in
 * the cache.
 *
 * The frame numbers are kept in an array outside the frames.
 *
 * Invariants, proved by pcp_check():
 *   I1: count <= high + 1 <= PCP_FRAMES, 1 <= batch <= high
 *   I2: no frame is in the list twice
 */
#ifndef FAULTLINE_ENGINE_PHYS_PCP_H
#define FAULTLINE_ENGINE_PHYS_PCP_H

#include "engine/base/units.h"

#define PCP_FRAMES 512u
/* Linux's defaults for a zone of some GiB: batch 63, high 6 * batch (mm/page_alloc.c: zone_batchsize, 4.x). */
#define PCP_BATCH 63u
#define PCP_HIGH 378u

struct pcp {
	uint32_t count;
	uint32_t high;	/* frames; more than that and a batch goes back */
	uint32_t batch; /* frames per refill and drain */
	uint64_t refills, drains;
	pfn_t frame[PCP_FRAMES]; /* frame[count-1] is the next one handed out */
};

/* An empty list. 1 <= batch <= high < PCP_FRAMES. */
void pcp_create(struct pcp *pcp, uint32_t batch, uint32_t high);

/* The frame given last, or PFN_NONE when the list is empty. */
static inline pfn_t pcp_pop(struct pcp *pcp)
{
	return pcp->count > 0 ? pcp->frame[--pcp->count] : PFN_NONE;
}

/* True when the list is then longer than `high`, and a batch has to go. */
static inline bool pcp_push(struct pcp *pcp, pfn_t pfn)
{
	pcp->frame[pcp->count++] = pfn;
	return pcp->count > pcp->high;
}

/* Takes out the frames given first, at most `limit`, into `frames`; returns how many. */
uint32_t pcp_drain(struct pcp *pcp, pfn_t *frames, uint32_t limit);

/* NULL, or the text of the first invariant that does not hold. */
const char *pcp_check(const struct pcp *pcp);

#endif
