/* mtrace.h: what glibc's mtrace(3) writes to MALLOC_TRACE.
 *
 *   = Start
 *   @ ./t:(main+0x1d)[0x1210] + 0x556d130244a0 0x20     malloc, calloc, memalign, realloc(NULL): result, size
 *   @ ./t:[0x1223] - 0x556d130244d0                     free, realloc(p, 0)
 *   @ ./t:[0x1238] < 0x556d130244a0                     realloc, its old block ...
 *   @ ./t:[0x1238] > 0x556d13024540 0x1000              ... and its new one
 *   @ ./t:[0x1238] ! 0x556d130244a0 0xffffffffffff      realloc that failed: old block, size
 *   = End
 *
 * The caller before the operation is optional and may hold blanks, so a line is read from its end. Sizes are
 * hexadecimal, 0 has no 0x; a failed malloc's result is (nil). There are no threads, no times, no alignments
 * and no free(NULL). A process that forked writes into the same file.
 */
#ifndef FAULTLINE_TRACES_IMPORT_MTRACE_H
#define FAULTLINE_TRACES_IMPORT_MTRACE_H

#include "traces/import/importer.h"

extern const struct import_format mtrace_format;

#endif
