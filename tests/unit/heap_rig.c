#include "config.h"

#include "tests/unit/heap_rig.h"

#include "engine/policy_memory.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void heap_rig_make_source(struct heap_rig *rig, const char *text, uint64_t pages, enum arena_backing backing)
{
	struct arena_shape arena = {.pages = pages,
				    .alignment_bytes = (uint64_t)1 << 30,
				    .backing = backing,
				    .none_base = (uintptr_t)1 << 40};
	struct buddy_shape shape = {.pages = pages, .max_order = HUGE_ORDER};
	struct page_runs runs;
	struct policy policy;

	memset(rig, 0, sizeof(*rig));
	assert_int_equal(policy_parse(&policy, text), STATUS_OK);
	shape.placement = policy_placement(&policy);
	assert_int_equal(arena_create(&rig->arena, &arena), STATUS_OK);
	assert_int_equal(reservation_create(&rig->buddy_memory, buddy_bytes(&shape), PAGE_BYTES), STATUS_OK);
	assert_int_equal(buddy_create(&rig->buddy, &shape, rig->buddy_memory.memory), STATUS_OK);
	buddy_add(&rig->buddy, 0, pages);
	runs = page_runs_of_buddy(&rig->buddy);
	assert_int_equal(direct_source_create(&rig->source, &rig->arena, &runs, policy.purge_delay),
			 STATUS_OK);
}

void heap_rig_make(struct heap_rig *rig, const char *text, uint64_t pages, enum arena_backing backing)
{
	struct policy policy;

	heap_rig_make_source(rig, text, pages, backing);
	assert_int_equal(policy_parse(&policy, text), STATUS_OK);
	assert_int_equal(heap_create(&rig->heap, &policy, &rig->source.source, 1), STATUS_OK);
}

void heap_rig_drop_source(struct heap_rig *rig)
{
	direct_source_destroy(&rig->source);
	reservation_destroy(&rig->buddy_memory);
	arena_destroy(&rig->arena);
}

void heap_rig_drop(struct heap_rig *rig)
{
	heap_destroy(&rig->heap);
	heap_rig_drop_source(rig);
}
