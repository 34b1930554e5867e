/* page_fragmenter_a.h: single pages of a whole machine, half of them freed at random, then churned: do huge pages come back?
 *
 * The load A of bench/page_fragmenter.h as a kernel recording, for any policy: fill the memory with pages of order 0, free a random part of
 * them, then rounds in which a tenth of what is in use is freed at random and allocated anew. A marker with its number follows each round.
 */
#ifndef FAULTLINE_TRACES_GENERATE_PAGE_FRAGMENTER_A_H
#define FAULTLINE_TRACES_GENERATE_PAGE_FRAGMENTER_A_H

#include "traces/generate/workload.h"

extern const struct workload page_fragmenter_a_workload;

#endif
