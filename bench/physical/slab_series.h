/* slab_series.h: how well a kernel's caches use the pages of their slabs, a row per cache that has any, the one with the most pages first.
 *
 *   slabs.tsv   cache live_objects slots object_bytes slab_pages utilisation
 *
 *   utilisation = live_objects * object_bytes / (slab_pages * 4096)
 *
 * Live are the objects that somebody allocated and did not free: what waits in CPUs' sheaves and slabs is not.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_SLAB_SERIES_H
#define FAULTLINE_BENCH_PHYSICAL_SLAB_SERIES_H

#include "engine/kernel_memory.h"

#include <stdio.h>

/* The rows, with the line of column names. False without memory. */
bool slab_series_write(const struct kernel_memory *memory, FILE *file);

#endif
