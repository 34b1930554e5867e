/* recorder.h: what the interposed heap functions report to.
 *
 * One set of wrappers (interpose.c, operators.c, extended.c) makes two libraries. In the heap recorder's they write into
 * the shared arena themselves (recording.h); in the one for programs that run in the emulator they tell the emulator's
 * plugin (guest.h), which is built with RECORDER_IN_GUEST. Both headers have the same functions.
 */
#ifndef FAULTLINE_TRACES_RECORD_PRELOAD_RECORDER_H
#define FAULTLINE_TRACES_RECORD_PRELOAD_RECORDER_H

#ifdef RECORDER_IN_GUEST
#include "traces/record/guest/guest.h"
#else
#include "traces/record/preload/recording.h"
#endif

#endif
