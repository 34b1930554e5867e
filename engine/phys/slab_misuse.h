/* slab_misuse.h: what a caller of the slab allocator did wrong, and how it is told.
 *
 * The kernel may crash, or go on with broken lists; here every mistake has a name, the object, and, where the cache keeps it
 * (SLAB_STORE_USER), who allocated the object and who freed it last:
 *
 *   double free in cache "dentry": object 0xffff888000fd20c0 is free already; allocated by 0x2a on CPU 0 (process 7) at 101;
 *   freed by 0x2b on CPU 1 (process 9) at 140
 *
 * The call that made the mistake is refused: nothing changes, but bytes that were overwritten are put right again, as SLUB does
 * (Documentation/mm/slab.rst). Bytes that were written after a free are found when the object is next handed out, by a call that is
 * innocent: it gets its object. The owner of the allocator may take the report; without a taker it is a bug and dies by CHECK.
 *
 * Reports come one at a time, under a lock of the allocator's, on the thread whose call found the mistake; the cache's lock may be
 * held, too, so a taker must not call the allocator.
 */
#ifndef FAULTLINE_ENGINE_PHYS_SLAB_MISUSE_H
#define FAULTLINE_ENGINE_PHYS_SLAB_MISUSE_H

#include <stddef.h>
#include <stdint.h>

enum slab_misuse_kind {
	SLAB_DOUBLE_FREE,
	SLAB_FOREIGN_POINTER,  /* not in any slab */
	SLAB_INTERIOR_POINTER, /* in a slab, but not where an object begins */
	SLAB_WRONG_CACHE,      /* another cache's object */
	SLAB_WRITE_AFTER_FREE, /* poison was overwritten */
	SLAB_WRITE_BEFORE,     /* the left red zone was */
	SLAB_WRITE_BEYOND,     /* the right red zone was */
	SLAB_LIVE_AT_DESTROY,  /* a cache was to end that has objects */
	SLAB_MISUSE_KINDS,
};

/* Who made a call: the owner says so before it (slab_allocator_caller). All zero: nobody was named. */
struct slab_caller {
	uint64_t site; /* any number that means something to the owner: an instruction, an event */
	uint64_t when;
	int32_t process;
};

struct slab_track {
	struct slab_caller caller;
	int32_t cpu;
	uint32_t set; /* 1: this call was made */
};

struct slab_misuse {
	enum slab_misuse_kind kind;
	const char *cache; /* whose call it was; "kfree" where the address alone says it */
	const char *owner; /* whose object it is, with SLAB_WRONG_CACHE */
	uintptr_t address; /* what was handed in */
	uintptr_t object;  /* where the object begins; 0 = there is none */
	uint64_t
	    offset; /* of the first byte that was overwritten, from the object's begin; modulo 2^64 before it */
	uint8_t found, expected; /* that byte */
	uint64_t count;		 /* objects, with SLAB_LIVE_AT_DESTROY */
	struct slab_track allocated, freed;
};

typedef void slab_misuse_taker(void *context, const struct slab_misuse *misuse);

/* The kind in words. Never NULL. */
const char *slab_misuse_name(enum slab_misuse_kind kind);

/* The report in words, cut to the buffer. Returns `buffer`. */
#define SLAB_MISUSE_TEXT_BYTES 512u
const char *slab_misuse_text(const struct slab_misuse *misuse, char *buffer, size_t bytes);

#endif
