/* slab_rig.h: a small node with a slab allocator, for tests, and the policies that they go through. */
#ifndef FAULTLINE_TESTS_UNIT_SLAB_RIG_H
#define FAULTLINE_TESTS_UNIT_SLAB_RIG_H

#include "engine/phys/kmem_cache.h"

#define SLAB_RIG_CPUS 2u

struct slab_rig {
	struct memory memory;
	struct slab_allocator allocator;
	struct slab_misuse last; /* the last misuse that was reported */
	unsigned reports;
};

/* 64 MiB of memory with that backing, and misuse noted in the rig. Fails the test when it cannot be. */
void slab_rig_make(struct slab_rig *rig, const struct slab_policy *policy, enum arena_backing backing);

/* Ends it; all pages must have come back. */
void slab_rig_drop(struct slab_rig *rig);

/* Policies that differ in what a cache is made of; NULL past the last. */
struct slab_rig_policy {
	const char *name;
	struct slab_policy policy;
};

const struct slab_rig_policy *slab_rig_policy_at(unsigned index);

#endif
