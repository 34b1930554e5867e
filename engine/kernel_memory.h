/* kernel_memory.h: what a kernel allocates its own data from, over a machine's pages, as a policy describes it.
 *
 *   kmem_cache_create ──▶ slab allocator ──┐
 *   kmalloc ──▶ caches by size and type ───┴──▶ pages ◀── vmalloc ──▶ a range of addresses
 *
 * The parts are chapters of their own (engine/phys/kmem_cache.h, kmalloc.h, vmalloc.h); here a policy's keys become what they
 * are made of:
 *
 *   slab_geometry, slab_order                        how objects and slabs are cut (slab_geometry.h)
 *   slab_sheaf, slab_cpu_slabs                       what stands in front of the node's list (slab_policy.h)
 *   slab_merge, slab_colour, slab_random             likewise
 *   slab_hardened, slab_red_zone, slab_poison, slab_store_user      what misuse is found (slab_misuse.h)
 *   size_classes                                     kmalloc's, too
 *   vmalloc_huge                                     may vmalloc map blocks of 2 MiB
 *
 * Invariants, proved by kernel_memory_check(): slab_allocator_check(), kmalloc_caches_check(), vmap_space_check().
 */
#ifndef FAULTLINE_ENGINE_KERNEL_MEMORY_H
#define FAULTLINE_ENGINE_KERNEL_MEMORY_H

#include "engine/phys/kvmalloc.h"
#include "engine/policy.h"

struct kernel_memory_shape {
	unsigned cpus; /* 1 .. SLAB_CPUS_MAX */
	uint64_t seed;
	const struct vmap_mapper *mapper; /* the kernel's page table, or NULL */
};

struct kernel_memory {
	struct slab_allocator slabs;
	struct kmalloc_caches caches;
	struct vmap_space space;
};

/* What the policy says of slabs. */
struct slab_policy kernel_memory_slab_policy(const struct policy *policy,
					     const struct kernel_memory_shape *shape);

/* STATUS_NO_MEMORY; STATUS_BAD_ARGUMENT for a number of CPUs out of bounds. */
MUST_USE enum status kernel_memory_create(struct kernel_memory *memory, struct memory *frames,
					  const struct policy *policy,
					  const struct kernel_memory_shape *shape);

/* Everything but areas of vmalloc must have been freed. */
void kernel_memory_destroy(struct kernel_memory *memory);

/* Ends with whatever lives in it: for an owner whose `frames` end next, and with them all that was allocated. */
void kernel_memory_abandon(struct kernel_memory *memory);

static inline struct kvmalloc kernel_memory_kvmalloc(struct kernel_memory *memory)
{
	return (struct kvmalloc){&memory->caches, &memory->space};
}

/* NULL, or the text of the first invariant that does not hold. */
const char *kernel_memory_check(const struct kernel_memory *memory);

#endif
