/* extended.h: jemalloc's extended calls (see jemalloc(3)).
 *
 * A program may test whether these names exist to find out whether jemalloc serves it. Interposing makes them exist
 * always, so each works without jemalloc too, on top of malloc; such programs test mallctl as well, which is left alone.
 * An xallocx that does not reach the asked size changes nothing and is no event.
 */
#ifndef FAULTLINE_TRACES_RECORD_PRELOAD_EXTENDED_H
#define FAULTLINE_TRACES_RECORD_PRELOAD_EXTENDED_H

#include <stddef.h>

void *mallocx(size_t bytes, int flags);
void *rallocx(void *old, size_t bytes, int flags);
size_t xallocx(void *address, size_t bytes, size_t extra, int flags);
size_t sallocx(const void *address, int flags);
void dallocx(void *address, int flags);
void sdallocx(void *address, size_t bytes, int flags);

#endif
