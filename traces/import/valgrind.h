/* valgrind.h: the calls that valgrind --trace-malloc=yes prints among the rest of standard error.
 *
 *   ==22910== Memcheck, a memory error detector     skipped, as is the program's own output
 *   --22910-- malloc(32) = 0x4A43040
 *   --22910-- calloc(4,25) = 0x4A430A0
 *   --22910-- realloc(0x4A43040,4096) = 0x4A43150
 *   --22910-- memalign(al 64, size 100) = 0x4D44280   or alignment; posix_memalign, aligned_alloc
 *   --22910-- free(0x4A430A0)
 *   --22910-- _Znwm(8) = 0x4D70DE0                               C++ operators under their mangled names
 *   --22910-- _ZnwmSt11align_val_t(size 128, al 64) = 0x4D70E40
 *
 * The result is printed by itself, and other text may come between:
 *
 *   --22910-- realloc(0x0,32)malloc(32) = 0x4A43040              realloc(NULL, 32)
 *   --22910-- realloc(0x4D70CE0,0)free(0x4D70CE0)                realloc(p, 0), followed by the line
 *   --22910--  = 0
 *   --22910-- malloc(18446744073709551516)Argument 'size' ...    a call that fails; its result follows as
 *   --22910--  = 0x0
 *   --22910-- calloc(18446744073709551516,9)malloc(4) = 0x...    an overflowing calloc has no result at all
 *
 * Processes are told apart by the number between the dashes, threads cannot be.
 */
#ifndef FAULTLINE_TRACES_IMPORT_VALGRIND_H
#define FAULTLINE_TRACES_IMPORT_VALGRIND_H

#include "traces/import/importer.h"

extern const struct import_format valgrind_format;

#endif
