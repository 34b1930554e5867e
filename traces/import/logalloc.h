/* logalloc.h: the log of Mozilla's replace-malloc library (gecko, memory/replace/logalloc), plain and munged.
 *
 *   18545 18545 malloc(32)=0x7f90495120e0        <pid> <tid> <function>(<arguments>)[=<result>]
 *   18545 malloc(32)=0x7f90495120e0              older logs have no tid: it is the pid
 *   1 1 malloc(32)=#1                            munged: processes, threads and pointers by number
 *   1 1 realloc(#1,64)=#1
 *   1 1 free(#1)
 *   1 1 jemalloc_stats()                         skipped
 *
 * Munging drops failed calls and frees of unknown pointers, gives a number again after its free, and numbers
 * NULL as if it were a block: the one number of a process that is freed or reallocated without ever being a
 * result is NULL.
 */
#ifndef FAULTLINE_TRACES_IMPORT_LOGALLOC_H
#define FAULTLINE_TRACES_IMPORT_LOGALLOC_H

#include "traces/import/importer.h"

extern const struct import_format logalloc_format;

#endif
