/* heap_rig.h: a heap over a buddy over an arena, for tests. */
#ifndef FAULTLINE_TESTS_UNIT_HEAP_RIG_H
#define FAULTLINE_TESTS_UNIT_HEAP_RIG_H

#include "engine/heap/direct_source.h"
#include "engine/heap/heap.h"
#include "engine/phys/buddy.h"

struct heap_rig {
	struct arena arena;
	struct buddy buddy;
	struct reservation buddy_memory;
	struct direct_source source;
	struct heap heap;
};

/* A heap with the policy in `text` ("NAME,key=value") over `pages` pages. Fails the running cmocka test when it
 * cannot be made. */
void heap_rig_make(struct heap_rig *rig, const char *text, uint64_t pages, enum arena_backing backing);

/* The same without the heap: only the source. */
void heap_rig_make_source(struct heap_rig *rig, const char *text, uint64_t pages, enum arena_backing backing);

void heap_rig_drop_source(struct heap_rig *rig);
void heap_rig_drop(struct heap_rig *rig);

#endif
