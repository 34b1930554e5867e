/* zoneinfo.h: /proc/zoneinfo: the zones' sizes and watermarks, what they hold, and the page sets of their processors
 * (zoneinfo_show_print of mm/vmstat.c).
 *
 *   Node 0, zone   Normal
 *     per-node stats                     of each node's first zone with memory
 *         nr_inactive_anon 65471
 *     pages free     4174628
 *           boost    0                   ... min low high promo spanned present managed cma
 *           protection: (0, 3019, 24090, 24090, 24090)
 *         nr_free_pages 4174628          from here on only zones with memory
 *     pagesets
 *       cpu: 0
 *                 count:    12655        ... high batch high_min high_max
 *     vm stats threshold: 36
 *     node_unreclaimable:  0
 *     start_pfn:           1048576
 *
 * Every kind of zone that the layout has comes, those without memory, too: x86-64 has DMA, DMA32, Normal, Movable and Device, i386 has
 * DMA, Normal, HighMem and Movable.
 */
#ifndef FAULTLINE_BENCH_PROC_ZONEINFO_H
#define FAULTLINE_BENCH_PROC_ZONEINFO_H

#include "bench/proc/machine.h"

/* How far a processor's own number of a zone may be off (calculate_normal_threshold). */
unsigned zoneinfo_threshold(const struct zone *zone, unsigned cpus);

void proc_zoneinfo(const struct proc_machine *machine, FILE *out);

#endif
