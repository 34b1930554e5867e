/* fragmenter_b.h: small and huge blocks in one heap that is nearly full: can huge ones still be had?
 *
 * The opposite of fragmenter-a. Blocks of small_bytes and of huge_bytes, drawn so that both get the same
 * bytes; whenever the next one does not fit in occupancy_percent of heap_mib, random blocks die until it
 * does. An allocator that packs by address mixes the two sizes and ends up without room for huge ones.
 */
#ifndef FAULTLINE_TRACES_GENERATE_FRAGMENTER_B_H
#define FAULTLINE_TRACES_GENERATE_FRAGMENTER_B_H

#include "traces/generate/workload.h"

extern const struct workload fragmenter_b_workload;

#endif
