/* slab_geometry.h: how objects lie in their slots, and slots in slabs: pure arithmetic over sizes.
 *
 *   slab   | colour | slot | slot | ... | slot | rest |                 2^order pages, aligned to their size
 *
 *   slot   | left red zone | object | right red zone | free pointer | tracks | padding |
 *          '--- left_bytes '        |                |
 *          |                object_bytes             |
 *                          '-- in_use_bytes ---------'
 *
 * Rule `linux` gives every slot the room and every slab the order that Linux 6.18 gives them (mm/slub.c: calculate_sizes,
 * calculate_order), so that the figures of /proc/slabinfo are the kernel's. There a free object holds the pointer to the next one:
 * inside itself, or behind itself where a constructor, poison or readers under RCU need all of it. Our free lists lie outside, so
 * nothing is written to that room. The order is the smallest that
 *
 *   holds 4 * (1 + bits of the number of CPUs) objects, or as many as fit in the largest order, and
 *   wastes at most 1/16 of the slab; else 1/8; 1/4; 1/2 (mm/slub.c: calculate_order, calc_slab_order)
 *
 * Rule `eighth` has slots without that room, and the smallest order that wastes at most an eighth.
 *
 * Red zones, poison and tracks make slots longer by as much as in Linux (tracks under rule `linux` only; theirs are 32 bytes).
 */
#ifndef FAULTLINE_ENGINE_PHYS_SLAB_GEOMETRY_H
#define FAULTLINE_ENGINE_PHYS_SLAB_GEOMETRY_H

#include "engine/base/status.h"
#include "engine/base/units.h"

#define SLAB_OBJECT_MAX 4194304u /* bytes: the largest block of pages */
#define SLAB_ORDER_MAX 10u
#define SLAB_OBJECTS_MAX 512u /* of a slab */
#define SLAB_CPUS_MAX 256u
#define SLAB_TRACK_BYTES 32u /* struct track of Linux 6.18 with CONFIG_STACKDEPOT */

/* What a cache asks for: the kernel's names and meanings (include/linux/slab.h). */
enum slab_flag {
	SLAB_CONSISTENCY_CHECKS = 1 << 0, /* every call is checked in full */
	SLAB_RED_ZONE = 1 << 1,		  /* bytes around the object that nobody may write */
	SLAB_POISON = 1 << 2,	     /* free objects are filled, and looked at when they are handed out */
	SLAB_STORE_USER = 1 << 3,    /* who allocated and who freed last is noted */
	SLAB_HWCACHE_ALIGN = 1 << 4, /* aligned to a cache line, small ones to a fraction of it */
	SLAB_CACHE_DMA = 1 << 5,
	SLAB_CACHE_DMA32 = 1 << 6,
	SLAB_RECLAIM_ACCOUNT = 1 << 7, /* its objects can be reclaimed */
	SLAB_ACCOUNT = 1 << 8,	       /* its objects are charged to a memory cgroup */
	SLAB_TYPESAFE_BY_RCU = 1 << 9, /* readers may look at a freed object until its slab is gone */
	SLAB_NO_MERGE = 1 << 10,
	SLAB_KMALLOC = 1 << 11, /* one of kmalloc's */
};

#define SLAB_DEBUG_FLAGS (SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)

enum slab_geometry_rule {
	SLAB_GEOMETRY_EIGHTH,
	SLAB_GEOMETRY_LINUX,
};

struct slab_geometry_request {
	uint32_t object_bytes; /* 1 .. SLAB_OBJECT_MAX */
	uint32_t alignment;    /* a power of two up to a page; 0 = 8 bytes */
	unsigned flags;	       /* enum slab_flag, or-ed */
	bool has_constructor;
	bool
	    has_inner_pointer; /* with SLAB_TYPESAFE_BY_RCU: the object itself has room for the free pointer */
	enum slab_geometry_rule rule;
	uint32_t order_max; /* of a slab, where objects fit in it: 0 .. SLAB_ORDER_MAX */
	unsigned cpus;	    /* of the machine: 1 .. SLAB_CPUS_MAX */
};

struct slab_geometry {
	uint32_t object_bytes; /* as asked for */
	uint32_t alignment;    /* of a slot's object */
	uint32_t slot_bytes;   /* from one slot to the next; /proc/slabinfo's objsize */
	uint32_t left_bytes;   /* of the left red zone */
	uint32_t in_use_bytes; /* object and right red zone */
	uint32_t order;	       /* of a slab */
	uint32_t objects;      /* of a slab */
	uint32_t order_min;    /* of a slab where memory is short: one object fits */
	uint32_t
	    partial_min; /* slabs of the node's partial list that are kept even when empty (min_partial) */
	uint32_t cpu_partial;	    /* free objects that a CPU's own partial slabs should hold */
	uint32_t cpu_partial_slabs; /* slabs of that list: as many as that, were they half full */
};

/* STATUS_BAD_ARGUMENT when the request is out of its bounds, or an object does not fit in the largest slab. */
MUST_USE enum status slab_geometry_compute(struct slab_geometry *geometry,
					   const struct slab_geometry_request *request);

/* The order that rule `linux` gives slabs of slots of this size; SLAB_ORDER_MAX + 1 when a slot fits in none. */
uint32_t slab_geometry_linux_order(uint32_t slot_bytes, uint32_t order_max, unsigned cpus);

/* Whole slots in a slab of that order. */
static inline uint32_t slab_geometry_objects(uint32_t slot_bytes, uint32_t order)
{
	return (uint32_t)((PAGE_BYTES << order) / slot_bytes);
}

#endif
