/* child_null.h: the null target, and the heap that sanitizer builds link into the child.
 *
 * The null target hands out addresses and does nothing: what its pass costs is what the replaying costs. Blocks of up to
 * NULL_SMALL_BYTES all lie in a small scratch area of the calling thread, larger ones in one area of the largest block's size, so
 * that touching them costs the stores and no page faults to speak of.
 */
#ifndef FAULTLINE_BENCH_REPLAY_CHILD_NULL_H
#define FAULTLINE_BENCH_REPLAY_CHILD_NULL_H

#include "bench/replay/child.h"

#define NULL_SMALL_BYTES 4096u

/* Maps the scratch memory and fills in the table. */
void child_null_calls(struct child *child);

/* Fills in the table with the heap linked into this program; false when there is none. */
bool child_linked_calls(struct child_calls *calls);

/* The linked heap's own figures; false when there is none. */
struct faultline_heap_statistics;
bool child_linked_statistics(struct faultline_heap_statistics *statistics);

#endif
