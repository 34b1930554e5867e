/* extfrag_index.h: /sys/kernel/debug/extfrag/extfrag_index: why a request of each order would fail (extfrag_show_print of mm/vmstat.c).
 *
 *   Node 0, zone   Normal -1.000 -1.000 ...  0.847        -1: it would not fail; near 1: for fragmentation; near 0: for lack of memory
 *
 * In thousandths, with the kernel's roundings: engine/phys/fragmentation.h has the same figure without them.
 */
#ifndef FAULTLINE_BENCH_PROC_EXTFRAG_INDEX_H
#define FAULTLINE_BENCH_PROC_EXTFRAG_INDEX_H

#include "bench/proc/machine.h"

/* In thousandths, as __fragmentation_index of mm/vmstat.c computes it. `order` is below FRAGMENTATION_ORDERS. */
int extfrag_index_thousandths(const struct free_blocks *free, unsigned order);

void proc_extfrag_index(const struct proc_machine *machine, FILE *out);

#endif
