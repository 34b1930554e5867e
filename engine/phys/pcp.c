#include "config.h"

#include "engine/phys/pcp.h"

#include "engine/base/check.h"

#include <string.h>

void pcp_create(struct pcp *pcp, uint32_t batch, uint32_t high)
{
	CHECK(batch >= 1 && batch <= high && high < PCP_FRAMES, "1 <= batch <= high < PCP_FRAMES");
	pcp->count = 0;
	pcp->high = high;
	pcp->batch = batch;
	pcp->refills = 0;
	pcp->drains = 0;
}

uint32_t pcp_drain(struct pcp *pcp, pfn_t *frames, uint32_t limit)
{
	uint32_t drained = pcp->count < limit ? pcp->count : limit;

	memcpy(frames, pcp->frame, drained * sizeof(*frames));
	pcp->count -= drained;
	memmove(pcp->frame, pcp->frame + drained, pcp->count * sizeof(*frames));
	return drained;
}

const char *pcp_check(const struct pcp *pcp)
{
	if (pcp->batch < 1 || pcp->batch > pcp->high || pcp->high >= PCP_FRAMES || pcp->count > pcp->high + 1)
		return "I1: count <= high + 1 <= PCP_FRAMES, 1 <= batch <= high";
	for (uint32_t i = 0; i < pcp->count; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (pcp->frame[i] == pcp->frame[j])
				return "I2: no frame is in the list twice";
		}
	}
	return NULL;
}
