/* small_machine.h: kernel recordings of a machine of 128 MiB, for the tests of what reads them.
 *
 *   frames 1-158       reserved                 5632-6143    of a process
 *   256-4095           free                     6144-6151    not told: the kernel's, or in page sets
 *   4096-4607          reserved                 6152-6655    of a file
 *   4608-5119          slabs                    6656-7167    free in the snapshot, allocated as one block before the start
 *   5120-5123          a slab of order 2        7168-32767   free
 *   5124-5631          free
 *
 * Zones DMA (1-4095) and Normal (4096-32767), two processors, of which the first runs thread 0, the second thread 1. The page sets hold 4
 * and 2 pages of Normal. Three pageblocks of Normal are Unmovable, the others Movable.
 */
#ifndef FAULTLINE_TESTS_SMALL_MACHINE_H
#define FAULTLINE_TESTS_SMALL_MACHINE_H

#include "traces/event.h"

#include <stddef.h>

/* The file of that name in /proc is this one. */
struct small_machine_text {
	const char *name, *text;
};

struct small_machine {
	const struct event *events; /* between the two sets of snapshots; their gfp is 1 */
	size_t count;
	const char *gfp;			/* that number 1 is; NULL: GFP_KERNEL */
	const struct small_machine_text *texts; /* other ones than usual; "" leaves a snapshot out */
	size_t text_count;
	const char *after; /* buddyinfo after, NULL: there is none */
};

/* Writes the recording to a new file and returns its path, to be freed after unlink(); fails the test otherwise. Times are event numbers
 * in microseconds; the first event of `events` is number SMALL_MACHINE_START. */
#define SMALL_MACHINE_START 9u
char *small_machine_write(const struct small_machine *machine);

/* The buddyinfo of the start. */
extern const char small_machine_buddyinfo[];

#endif
