/* unusable_index.h: /sys/kernel/debug/extfrag/unusable_index: the part of the free memory that a request of each order cannot use
 * (unusable_show_print of mm/vmstat.c).
 *
 *   Node 0, zone   Normal 0.000 0.000 0.006 0.036 ...
 *
 * In thousandths, cut off as the kernel does: engine/phys/fragmentation.h has the same figure to the bit.
 */
#ifndef FAULTLINE_BENCH_PROC_UNUSABLE_INDEX_H
#define FAULTLINE_BENCH_PROC_UNUSABLE_INDEX_H

#include "bench/proc/machine.h"

/* In thousandths, as unusable_free_index of mm/vmstat.c computes it. `order` is below FRAGMENTATION_ORDERS. */
int unusable_index_thousandths(const struct free_blocks *free, unsigned order);

void proc_unusable_index(const struct proc_machine *machine, FILE *out);

#endif
