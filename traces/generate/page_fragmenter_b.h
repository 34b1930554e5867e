/* page_fragmenter_b.h: pages of orders 0 and 9 in a machine that is 90 % in use: does a request for a huge page find one?
 *
 * The load B of bench/page_fragmenter.h as a kernel recording, for any policy: both orders ask for the same bytes, and what has to go for them
 * goes at random. All requests are served in the recording; one that a policy refuses leaves it less in use than the others, so
 * that policies are nearer to each other here than where each is driven to 90 %.
 */
#ifndef FAULTLINE_TRACES_GENERATE_PAGE_FRAGMENTER_B_H
#define FAULTLINE_TRACES_GENERATE_PAGE_FRAGMENTER_B_H

#include "traces/generate/workload.h"

extern const struct workload page_fragmenter_b_workload;

#endif
