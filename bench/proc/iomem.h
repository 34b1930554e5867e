/* iomem.h: /proc/iomem: where addresses lead: memory, and what else a machine has (kernel/resource.c: r_show).
 *
 *   00001000-0009fbff : System RAM           in bytes, the last one included
 *   00100000-bfffffff : System RAM
 *     01000000-02209987 : Kernel code        indented: a part of the one above
 *
 * System RAM is the memory of the model's boot stage (memblock.h). Everything else is as it was recorded; of a plain machine what boot
 * keeps for itself is shown as `reserved` inside it, as kernels do that have memblock's ranges there (arm64).
 */
#ifndef FAULTLINE_BENCH_PROC_IOMEM_H
#define FAULTLINE_BENCH_PROC_IOMEM_H

#include "bench/proc/machine.h"

void proc_iomem(const struct proc_machine *machine, FILE *out);

#endif
