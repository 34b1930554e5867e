/* pagetypeinfo.h: /proc/pagetypeinfo: free blocks per migrate type and order, and pageblocks per type (pagetypeinfo_show of
 * mm/vmstat.c).
 *
 *   Page block order: 9
 *   Pages per block:  512
 *
 *   Free pages count per migrate type at order       0      1 ...
 *   Node    0, zone   Normal, type    Unmovable      1      1 ...         ">100000" where the kernel stops counting
 *
 *   Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic      Isolate
 *   Node 0, zone   Normal          173        10088          491            0            0
 *
 * A keeper that does not tell types apart shows everything as Unmovable, as a kernel does that has too little memory to group pages.
 * Types that the recorded text does not have are left out, where the machine has nothing of them (CMA is a matter of configuration).
 */
#ifndef FAULTLINE_BENCH_PROC_PAGETYPEINFO_H
#define FAULTLINE_BENCH_PROC_PAGETYPEINFO_H

#include "bench/proc/machine.h"

/* Pageblocks of a zone by type: those in sections of 128 MiB that have memory, as the kernel counts them. */
void pagetypeinfo_blocks(const struct memory *memory, const struct zone *zone,
			 uint64_t blocks[MIGRATE_TYPES]);

void proc_pagetypeinfo(const struct proc_machine *machine, FILE *out);

#endif
