/* heaptrack.h: the raw output of heaptrack --raw.
 *
 *   v 10400 3                    versions of heaptrack and of the format
 *   X ./t                        the command line
 *   + 20 8 5646129a01d0          a block: size, index of its call stack, address
 *   - 5646129a01d0               its end
 *   c 2                          milliseconds since the start, about every 10
 *   x, I, m, t, R, A, S, #       modules, system, call stacks, resident set and comments: skipped
 *
 * All numbers are hexadecimal without 0x. calloc and memalign look like malloc, and realloc like a free and a
 * malloc; there are no threads. The interpreted output (lines `a` and `i`) names a size class instead of a
 * block at each free and cannot be replayed: it is refused.
 */
#ifndef FAULTLINE_TRACES_IMPORT_HEAPTRACK_H
#define FAULTLINE_TRACES_IMPORT_HEAPTRACK_H

#include "traces/import/importer.h"

extern const struct import_format heaptrack_format;

#endif
