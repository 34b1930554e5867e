#include "config.h"

#include "tests/unit/slab_rig.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static void note(void *context, const struct slab_misuse *misuse)
{
	struct slab_rig *rig = context;

	rig->last = *misuse;
	rig->reports++;
}

void slab_rig_make(struct slab_rig *rig, const struct slab_policy *policy, enum arena_backing backing)
{
	struct memory_shape shape = {.size = {.pages = 16384},
				     .backing = backing,
				     .placement = BUDDY_ORDER_FIRST,
				     .max_order = 10,
				     .cpus = SLAB_RIG_CPUS};

	rig->reports = 0;
	assert_int_equal(memory_create(&rig->memory, &shape), STATUS_OK);
	assert_int_equal(slab_allocator_create(&rig->allocator, &rig->memory, policy), STATUS_OK);
	slab_allocator_report_to(&rig->allocator, note, rig);
}

static uint64_t taken_pages(const struct memory *memory)
{
	uint64_t taken = 0;

	for (unsigned i = 0; i < memory->zones; i++)
		taken += memory->zone[i].managed_pages - zone_free_pages(&memory->zone[i]);
	return taken;
}

void slab_rig_drop(struct slab_rig *rig)
{
	slab_allocator_destroy(&rig->allocator);
	assert_null(memory_check(&rig->memory));
	assert_int_equal(taken_pages(&rig->memory), 0);
	memory_destroy(&rig->memory);
}

#define OURS .geometry = SLAB_GEOMETRY_EIGHTH, .order_max = 3, .cpus = SLAB_RIG_CPUS, .seed = 5
#define LINUX .geometry = SLAB_GEOMETRY_LINUX, .order_max = 3, .cpus = SLAB_RIG_CPUS, .seed = 5, .merge = true

static const struct slab_rig_policy policies[] = {
    {"node lists only", {OURS}},
    {"sheaves", {OURS, .sheaf_capacity = 33, .colour = true}},
    {"sheaves of one object, random", {OURS, .sheaf_capacity = 1, .random = true}},
    {"CPU slabs", {LINUX, .cpu_slabs = true}},
    {"CPU slabs, random, hardened", {LINUX, .cpu_slabs = true, .random = true, .hardened = true}},
    {"sheaves over CPU slabs, hardened", {LINUX, .cpu_slabs = true, .sheaf_capacity = 16, .hardened = true}},
    {"red zones", {LINUX, .cpu_slabs = true, .debug = SLAB_RED_ZONE}},
    {"all debug features", {LINUX, .cpu_slabs = true, .debug = SLAB_DEBUG_FLAGS}},
    {"all debug features, our geometry", {OURS, .sheaf_capacity = 8, .debug = SLAB_DEBUG_FLAGS}},
};

const struct slab_rig_policy *slab_rig_policy_at(unsigned index)
{
	return index < sizeof(policies) / sizeof(policies[0]) ? &policies[index] : NULL;
}
