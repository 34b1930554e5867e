/* aosp.h: Android's memory_replay text (platform/system/extras, memory_replay).
 *
 *   <tid>: malloc   <ptr> <size>             [<start_ns> <end_ns>]
 *   <tid>: calloc   <ptr> <count> <size>     [<start_ns> <end_ns>]
 *   <tid>: memalign <ptr> <alignment> <size> [<start_ns> <end_ns>]
 *   <tid>: realloc  <new> <old> <size>       [<start_ns> <end_ns>]
 *   <tid>: free     <ptr>                    [<start_ns> <end_ns>]
 *   <tid>: thread_done 0x0                   [<end_ns>]
 *
 * tid, sizes and times are decimal, pointers hexadecimal with 0x; 0x0 is NULL. A thread id seen again after
 * thread_done is another thread. A file has time stamps on every line or on none; they count from an
 * arbitrary moment, and the trace's time is that of the call's start less the first one in the file.
 * Recorders since 2025 append further integers, whose meaning is not documented: these are skipped and
 * counted.
 */
#ifndef FAULTLINE_TRACES_IMPORT_AOSP_H
#define FAULTLINE_TRACES_IMPORT_AOSP_H

#include "traces/import/importer.h"

extern const struct import_format aosp_format;

#endif
