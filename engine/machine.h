/* machine.h: the simulated machine, the only door through which bench/ applies events to the engine.
 *
 * A machine is built from a policy and owns its parts; each part is a chapter of its own:
 *
 *   machine_malloc ... ──▶ heap (engine/heap) ──▶ spans ──▶ zones (engine/phys/zone.h) ──▶ buddy ──▶ arena
 *
 * Every call is deterministic: the same options and the same calls give the same addresses (as offsets from
 * machine_base()) and byte-identical samples and reports, on any compiler and with either backing. With backing
 * real the addresses can be used; with none they are only numbers.
 *
 * A machine that has no frame left answers 0: a simulated out-of-memory is a counted result, not an error. The
 * caller's mistakes (freeing what is not live) are bugs and die by CHECK.
 *
 * Not thread-safe: events are applied one at a time, in their order. `thread` is the recorded thread's dense number;
 * it selects the thread's caches.
 *
 * Invariants, proved by machine_check():
 *   I1: live_table_check(); its sums are the live bytes and objects
 *   I2: every live block lies in the direct map and is at least as large as was asked for; granted_bytes is the sum
 *   I3: node_check() and heap_check()
 *   I4: the frames that the heap holds are those that the zones have given away
 */
#ifndef FAULTLINE_ENGINE_MACHINE_H
#define FAULTLINE_ENGINE_MACHINE_H

#include "engine/base/ratio.h"
#include "engine/base/status.h"
#include "engine/base/units.h"

struct machine;
struct policy;

enum machine_backing {
	MACHINE_BACKING_NONE, /* only metadata: addresses must not be touched */
	MACHINE_BACKING_REAL, /* the direct map is memory of this process */
};

/* Orders that a sample and a report speak of: 0 .. MACHINE_ORDERS-1, as in the kernel. */
#define MACHINE_ORDERS 11u
#define MACHINE_ZONES_MAX 4u
#define MACHINE_THREADS_MAX 65536u

struct machine_options {
	const struct policy *policy;
	enum machine_backing backing;
	uint64_t
	    memory_bytes; /* physical memory, a multiple of 4 MiB, at least 64 MiB; 0 = MACHINE_MEMORY_BYTES */
	uint64_t seed;	  /* of every random choice that a policy asks for */
};

#define MACHINE_MEMORY_BYTES ((uint64_t)64 << 30)

/* One point of the time lines. O(zones * orders). */
struct machine_sample {
	uint64_t live_bytes; /* requested and not freed */
	uint64_t live_objects;
	uint64_t granted_bytes;	 /* what the heap reserved for them: sum of the usable sizes */
	uint64_t frames_bytes;	 /* frames the heap holds, including its caches */
	uint64_t metadata_bytes; /* the heap's books in use, outside the frames */
	uint64_t free_blocks
	    [MACHINE_ORDERS]; /* of all zones; blocks above order 10 count as several of order 10 */
	struct ratio internal_fragmentation; /* 1 - live / granted */
	struct ratio unusable_free_index;    /* at order 9, over all zones */
	struct ratio extfrag_index;	     /* at order 9; none while such a request would succeed */
	struct ratio free_huge_over_optimal;
};

struct machine_zone_report {
	unsigned node;
	const char *name; /* static text */
	uint64_t managed_pages, free_pages;
	uint64_t free_blocks[MACHINE_ORDERS];
	struct ratio unusable_free_index[MACHINE_ORDERS];
	struct ratio extfrag_index[MACHINE_ORDERS];
	struct ratio free_huge_over_optimal;
	uint64_t lock_taken, lock_contended;
};

/* Everything that run.json says under model.memory, and the counts behind it. */
struct machine_report {
	uint64_t live_peak_bytes, live_peak_objects;
	uint64_t frames_peak_bytes; /* most frames the heap held at once */
	uint64_t metadata_bytes;    /* highest use of allocator metadata */
	uint64_t page_array_bytes;  /* of it: struct page, for all managed frames */
	uint64_t page_array_bytes_per_gib;
	uint64_t buddy_map_bytes;	     /* of it: the buddies' maps */
	struct ratio internal_fragmentation; /* at the peak of live_bytes; none when nothing was ever live */
	uint64_t allocations, frees, resizes, resizes_in_place;
	uint64_t out_of_memory; /* requests answered 0 */
	unsigned zones;
	struct machine_zone_report zone[MACHINE_ZONES_MAX];
};

/* STATUS_BAD_ARGUMENT when the options describe no machine, STATUS_NO_MEMORY when the host has no room for it. */
MUST_USE enum status machine_create(struct machine **machine, const struct machine_options *options);
void machine_destroy(struct machine *machine);

/* STATUS_OK, or STATUS_NO_MEMORY once the host had no memory for the machine's own books: from then on its answers mean
 * nothing. */
enum status machine_status(const struct machine *machine);

/* The address of frame 0, from which offsets are the same with both backings. */
uintptr_t machine_base(const struct machine *machine);

/* A block of at least `bytes` (0 counts as 1 for the heap and as 0 live bytes), aligned to `alignment`: a power of two,
 * or 0 for what malloc promises (16 bytes). 0 when the machine is out of memory, or could never serve it. */
uintptr_t machine_malloc(struct machine *machine, unsigned thread, size_t bytes, size_t alignment);

/* The block at its new size: the same address when the heap could resize in place, else a new block (the contents are
 * copied with backing real) and the old one freed. `address` 0 allocates. 0 when out of memory: the old block stays. */
uintptr_t machine_realloc(struct machine *machine, unsigned thread, uintptr_t address, size_t bytes);

/* Frees a live block. `address` 0 does nothing. */
void machine_free(struct machine *machine, unsigned thread, uintptr_t address);

/* The thread ends: what its caches hold goes back to the heap. It may come back. */
void machine_thread_exit(struct machine *machine, unsigned thread);

/* Bytes that may be used of a live block. */
size_t machine_usable_bytes(const struct machine *machine, uintptr_t address);

void machine_sample(struct machine *machine, struct machine_sample *sample);
void machine_report(struct machine *machine, struct machine_report *report);

/* NULL, or the text of the first invariant that does not hold. Reads everything. */
const char *machine_check(const struct machine *machine);

#endif
