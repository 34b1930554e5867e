/* kmap.h: windows to frames that have no direct map: the HighMem of i386 (Linux 6.18, mm/highmem.c).
 *
 *   3 GiB                              0xff800000
 *   | direct map of 896 MiB | ... | CPUs' windows | 0 | 1 | 2 | ...                  | 1023 |
 *
 *   windows for all     opened in turn, and shared by all who open the same frame; how many have it open is counted:
 *                         0      free
 *                         1      nobody, but a TLB may still know it
 *                         n + 1  n users
 *                       before the turn begins again all with 1 are flushed at once, and free
 *   a CPU's windows     a stack of 16, for as long as the CPU stays at one thing: the last one opened is closed first
 *
 * Where Linux waits until somebody closes a window, the answer here is "none", and counted. The simulation has no memory behind frames
 * without a direct map, so a window is an address and what it costs, nothing that could be read.
 *
 * The lock guards the windows for all; a CPU's belong to the thread that is the CPU.
 *
 * Callers' mistakes (a frame closed that is not open, a CPU's windows closed out of turn) die by CHECK.
 *
 * Invariants, proved by kmap_check() while nothing runs:
 *   I1: a window with a count has a frame of the range, whose window it is; one without has none; no other frame has a window
 *   I2: the sum of all counts above 1, less 1 each, is opens - closes
 *   I3: a CPU has at most KMAP_LOCAL_WINDOWS open, all of frames of the range
 */
#ifndef FAULTLINE_ENGINE_PHYS_KMAP_H
#define FAULTLINE_ENGINE_PHYS_KMAP_H

#include "engine/base/counted_lock.h"
#include "engine/base/reservation.h"
#include "engine/base/units.h"

#define KMAP_WINDOWS 1024u /* LAST_PKMAP, without PAE */
#define KMAP_START ((uintptr_t)0xff800000)
#define KMAP_LOCAL_WINDOWS 16u /* KM_MAX_IDX */
#define KMAP_CPUS_MAX 256u

/* The windows of one CPU, and of those calls that name none. */
struct kmap_local {
	_Alignas(64) unsigned depth;
	unsigned deepest;
	uint64_t opens;
	pfn_t frame[KMAP_LOCAL_WINDOWS];
};

struct kmap {
	pfn_t first;	 /* frame without a direct map */
	uint64_t frames; /* 0: every frame has one, and the rest is empty */
	unsigned cpus;
	struct kmap_local *local; /* [cpu + 1] */

	struct counted_lock lock; /* guards what follows */
	uint16_t *window;	  /* of a frame, + 1; 0 = none */
	uint64_t reached;	  /* frames from the first on, beyond which none ever had a window */
	unsigned last;		  /* window that was opened last */
	uint64_t opens, closes;
	uint64_t flushes, flushed; /* of the TLBs, and windows that came free by them */
	uint64_t refusals;
	uint32_t count[KMAP_WINDOWS];
	pfn_t frame[KMAP_WINDOWS];
	struct reservation window_memory, local_memory;
};

/* STATUS_NO_MEMORY, STATUS_BAD_ARGUMENT for more than KMAP_CPUS_MAX. */
MUST_USE enum status kmap_create(struct kmap *kmap, pfn_t first, uint64_t frames, unsigned cpus);
void kmap_destroy(struct kmap *kmap);

/* Has the frame no direct map? */
static inline bool kmap_holds(const struct kmap *kmap, pfn_t pfn)
{
	return pfn - kmap->first < kmap->frames;
}

/* The address of the frame's window, which is one more user's now; 0 when all windows are in use. */
uintptr_t kmap_open(struct kmap *kmap, pfn_t pfn);

/* One user less. */
void kmap_close(struct kmap *kmap, pfn_t pfn);

/* The address of a frame's window, whoever has it open, or nobody any more; 0 = it has none. Without the lock only for who has it open. */
uintptr_t kmap_address(const struct kmap *kmap, pfn_t pfn);

/* A window of the CPU's (-1: of no CPU); 0 when it has no more. */
uintptr_t kmap_local_open(struct kmap *kmap, int cpu, pfn_t pfn);

/* Closes the window that the CPU opened last. */
void kmap_local_close(struct kmap *kmap, int cpu, uintptr_t address);

/* The frame behind an address of a window that is open, or PFN_NONE. Any number may be asked. */
pfn_t kmap_frame(const struct kmap *kmap, uintptr_t address);

/* CPUs' windows that were ever opened. */
uint64_t kmap_local_opens(const struct kmap *kmap);

/* NULL, or the text of the first invariant that does not hold. */
const char *kmap_check(const struct kmap *kmap);

#endif
