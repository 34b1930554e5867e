/* malloclab.h: the .rep traces of the CS:APP malloc lab and its descendants.
 *
 * A header of plain numbers, one per line, then one operation per line:
 *
 *   a <id> <bytes>   ptr[id] = malloc(bytes)
 *   r <id> <bytes>   ptr[id] = realloc(ptr[id], bytes)
 *   f <id>           free(ptr[id])
 *
 * Headers, told apart by their length and values:
 *
 *   2 lines   ids, operations                        (ports that dropped the rest)
 *   4 lines   heap size, ids, operations, weight     (classic, 2002)
 *             weight 0..3, ids, operations, 0 or 1   (CMU, with "ignore ranges")
 *             weight 0..3, ids, operations, peak     (CMU since 2017: the peak of live bytes)
 *
 * Variants with threads put a thread id before the operation. As the lab's driver does: the table of pointers
 * begins as all NULL, so `r` of an id never allocated is realloc(NULL), and `f -1` is free(NULL). An id may
 * be used again after its free. Known damage is repaired and counted: `a 7` without size (0 bytes), `f` of an
 * id that is not live (free(NULL)), a header whose count of operations or whose peak is not what the file
 * holds.
 */
#ifndef FAULTLINE_TRACES_IMPORT_MALLOCLAB_H
#define FAULTLINE_TRACES_IMPORT_MALLOCLAB_H

#include "traces/import/importer.h"

extern const struct import_format malloclab_format;

#endif
