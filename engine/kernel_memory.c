#include "config.h"

#include "engine/kernel_memory.h"

static unsigned debug_of(const struct policy *policy)
{
	return (policy->slab_red_zone ? SLAB_RED_ZONE | SLAB_CONSISTENCY_CHECKS : 0u) |
	       (policy->slab_poison ? SLAB_POISON | SLAB_CONSISTENCY_CHECKS : 0u) |
	       (policy->slab_store_user ? SLAB_STORE_USER | SLAB_CONSISTENCY_CHECKS : 0u);
}

struct slab_policy kernel_memory_slab_policy(const struct policy *policy,
					     const struct kernel_memory_shape *shape)
{
	return (struct slab_policy){
	    .geometry = policy->slab_geometry == SLAB_RULE_LINUX ? SLAB_GEOMETRY_LINUX : SLAB_GEOMETRY_EIGHTH,
	    .order_max = policy->slab_order,
	    .cpus = shape->cpus,
	    .sheaf_capacity = policy->slab_sheaf,
	    .cpu_slabs = policy->slab_cpu_slabs,
	    .merge = policy->slab_merge,
	    .colour = policy->slab_colour,
	    .random = policy->slab_random,
	    .hardened = policy->slab_hardened,
	    .debug = debug_of(policy),
	    .seed = shape->seed,
	};
}

static enum kmalloc_classes classes_of(const struct policy *policy)
{
	switch ((enum size_class_scheme)policy->size_classes) {
	case SIZE_CLASSES_POW2:
		return KMALLOC_POW2;
	case SIZE_CLASSES_QUARTER_STEPS:
		return KMALLOC_QUARTER_STEPS;
	case SIZE_CLASSES_EIGHTH_STEPS:
		return KMALLOC_EIGHTH_STEPS;
	case SIZE_CLASSES_KMALLOC:
		break;
	}
	return KMALLOC_LINUX;
}

enum status kernel_memory_create(struct kernel_memory *memory, struct memory *frames,
				 const struct policy *policy, const struct kernel_memory_shape *shape)
{
	struct slab_policy slabs = kernel_memory_slab_policy(policy, shape);
	struct vmap_shape space = {
	    .cpus = shape->cpus, .huge = policy->vmalloc_huge, .mapper = shape->mapper};
	enum status status = slab_allocator_create(&memory->slabs, frames, &slabs);

	if (status != STATUS_OK)
		return status;
	status = kmalloc_caches_create(&memory->caches, &memory->slabs, classes_of(policy));
	if (status == STATUS_OK)
		status = vmap_space_create(&memory->space, frames, &space);
	if (status != STATUS_OK) {
		kmalloc_caches_destroy(&memory->caches);
		slab_allocator_destroy(&memory->slabs);
	}
	return status;
}

void kernel_memory_destroy(struct kernel_memory *memory)
{
	vmap_space_destroy(&memory->space);
	kmalloc_caches_destroy(&memory->caches);
	slab_allocator_destroy(&memory->slabs);
}

void kernel_memory_abandon(struct kernel_memory *memory)
{
	vmap_space_destroy(&memory->space);
	slab_allocator_abandon(&memory->slabs);
}

const char *kernel_memory_check(const struct kernel_memory *memory)
{
	const char *broken = slab_allocator_check(&memory->slabs);

	if (!broken)
		broken = kmalloc_caches_check(&memory->caches);
	return broken ? broken : vmap_space_check(&memory->space);
}
