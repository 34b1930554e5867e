#include "config.h"

#include "bench/physical/machine_blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES 2048u

struct rig {
	struct machine_frames frames;
	struct machine_blocks blocks;
	struct trace_error error;
};

/* 0-1023 free, 1024-1031 a block of order 3, 1032-1039 of processes, 1040-1055 not told, then holes and reserved ones. */
static const unsigned runs[][2] = {{FRAME_FREE, 1024},	  {FRAME_SLAB, 1},   {FRAME_SLAB | FRAME_TAIL, 7},
				   {FRAME_ANONYMOUS, 8},  {FRAME_OTHER, 16}, {FRAME_HOLE, 480},
				   {FRAME_UNMOVABLE, 512}};

static void start(struct rig *rig)
{
	const uint64_t times[2] = {0, 1};
	struct frame_writer writer;
	uint8_t bytes[512];

	assert_int_equal(machine_frames_create(&rig->frames, FRAMES, &rig->error), TRACE_OK);
	assert_int_equal(machine_blocks_create(&rig->blocks, FRAMES, &rig->error), TRACE_OK);
	frame_writer_start(&writer, bytes, sizeof(bytes));
	frame_writer_header(&writer, 0, FRAMES, times);
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		for (unsigned frame = 0; frame < runs[i][1]; frame++)
			frame_writer_add(&writer, runs[i][0]);
	}
	frame_writer_finish(&writer);
	const struct event_snapshot snapshot = {FRAME_KINDS_SNAPSHOT, bytes, writer.used};

	assert_int_equal(machine_frames_snapshot(&rig->frames, &snapshot, &rig->error), TRACE_OK);
	assert_null(machine_frames_check(&rig->frames));
}

static void stop(struct rig *rig)
{
	machine_frames_finish(&rig->frames);
	assert_null(machine_frames_check(&rig->frames));
	machine_frames_destroy(&rig->frames);
	machine_blocks_destroy(&rig->blocks);
}

static struct event event_of(enum event_kind kind, uint64_t frame, unsigned order, unsigned type)
{
	return (struct event){
	    .kind = kind, .kernel = {.frame = frame, .order = (uint8_t)order, .migrate_type = (uint8_t)type}};
}

static void before(struct rig *rig, enum event_kind kind, uint64_t frame, unsigned order)
{
	const struct event event = event_of(kind, frame, order, MIGRATE_MOVABLE);

	assert_int_equal(machine_frames_before(&rig->frames, &event, 1, &rig->error), TRACE_OK);
	assert_null(machine_frames_check(&rig->frames));
}

static void after(struct rig *rig, enum event_kind kind, uint64_t frame, unsigned order)
{
	const struct event event = event_of(kind, frame, order, MIGRATE_MOVABLE);

	machine_blocks_event(&rig->blocks, &event);
	assert_int_equal(machine_frames_after(&rig->frames, &event, 1, &rig->error), TRACE_OK);
	assert_null(machine_frames_check(&rig->frames));
}

static const struct machine_frame *at(const struct rig *rig, uint64_t frame)
{
	return &rig->frames.frame[frame];
}

static void snapshot_tells(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	assert_int_equal(at(&rig, 5)->state, MACHINE_LISTED);
	assert_int_equal(at(&rig, 1024)->order, 3);
	assert_int_equal(at(&rig, 1024)->flags, MACHINE_FRAME_BLOCK);
	assert_int_equal(at(&rig, 1031)->flags, MACHINE_FRAME_TAIL);
	assert_int_equal(at(&rig, 1032)->state, MACHINE_USED);
	assert_int_equal(at(&rig, 1040)->state, MACHINE_UNKNOWN);
	assert_int_equal(at(&rig, 1056)->state, MACHINE_ABSENT);
	assert_int_equal(at(&rig, 2047)->state, MACHINE_RESERVED);
	stop(&rig);
}

/* Until the start the last event of a frame counts. */
static void last_event_before(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	before(&rig, EVENT_ZONE_LOCKED, 8, 3);
	assert_int_equal(at(&rig, 8)->state, MACHINE_SET);
	assert_int_equal(at(&rig, 8)->order, 3);
	before(&rig, EVENT_PAGE_ALLOC, 8, 3);
	assert_int_equal(at(&rig, 15)->state, MACHINE_USED);
	before(&rig, EVENT_PAGE_FREE, 12, 2);
	assert_int_equal(at(&rig, 8)->order, 0);
	assert_int_equal(at(&rig, 8)->state, MACHINE_USED);
	assert_int_equal(at(&rig, 12)->state, MACHINE_FREED);
	assert_int_equal(at(&rig, 12)->cpu, 1);
	before(&rig, EVENT_PCPU_DRAIN, 12, 2);
	assert_int_equal(at(&rig, 13)->state, MACHINE_LISTED);
	before(&rig, EVENT_PAGE_FREE, 1024, 3);
	before(&rig, EVENT_PAGE_FREE, 0, 9);
	stop(&rig);
}

/* A block that was freed last is in a set if sets hold its order. */
static void freed_ends_somewhere(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	before(&rig, EVENT_PAGE_FREE, 1024, 3);
	before(&rig, EVENT_PAGE_FREE, 0, 5);
	before(&rig, EVENT_PAGE_FREE, 1032, 0);
	after(&rig, EVENT_PCPU_DRAIN, 1032, 0);
	machine_frames_finish(&rig.frames);
	assert_int_equal(at(&rig, 1024)->state, MACHINE_SET);
	assert_int_equal(at(&rig, 0)->state, MACHINE_LISTED);
	assert_int_equal(at(&rig, 31)->flags, 0);
	assert_int_equal(at(&rig, 1032)->state, MACHINE_SET);
	assert_int_equal(rig.frames.sets, 1);
	assert_true(rig.frames.set[0].was_drained);
	stop(&rig);
}

/* After it the first event of a frame tells what nothing told; what is known stays. */
static void first_event_after(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	after(&rig, EVENT_PAGE_ALLOC, 1040, 1);
	assert_int_equal(at(&rig, 1040)->state, MACHINE_SET);
	assert_int_equal(at(&rig, 1040)->order, 1);
	assert_int_equal(at(&rig, 1040)->type, MIGRATE_MOVABLE);
	after(&rig, EVENT_PAGE_FREE, 1040, 1);
	assert_int_equal(at(&rig, 1040)->state, MACHINE_SET);
	after(&rig, EVENT_PAGE_FREE, 1044, 2);
	assert_int_equal(at(&rig, 1044)->state, MACHINE_USED);
	assert_int_equal(at(&rig, 1044)->order, 2);
	after(&rig, EVENT_ZONE_LOCKED, 1048, 0);
	assert_int_equal(at(&rig, 1048)->state, MACHINE_LISTED);
	/* A free of two single ones at once: they were one block. */
	after(&rig, EVENT_PAGE_FREE, 1034, 1);
	assert_int_equal(at(&rig, 1034)->order, 1);
	/* Taken from the free lists without a word, by a fall-back: it was listed. */
	after(&rig, EVENT_PAGE_ALLOC, 16, 0);
	assert_int_equal(at(&rig, 16)->state, MACHINE_LISTED);
	/* In use, and allocated again: its free was not seen. */
	after(&rig, EVENT_PAGE_ALLOC, 1033, 0);
	assert_int_equal(at(&rig, 1033)->state, MACHINE_USED);
	assert_int_equal(rig.frames.sets, 1);
	stop(&rig);
}

static void refuses_what_is_no_block(void **state)
{
	static const struct {
		uint64_t frame;
		unsigned order;
	} bad[] = {{1, 1}, {FRAMES, 0}, {0, 11}, {0, 63}, {UINT64_MAX, 0}};
	struct rig rig;

	(void)state;
	start(&rig);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct event event = event_of(EVENT_PAGE_FREE, bad[i].frame, bad[i].order, 0);

		assert_int_equal(machine_frames_before(&rig.frames, &event, 0, &rig.error), TRACE_BAD_INPUT);
		assert_int_equal(machine_frames_after(&rig.frames, &event, 0, &rig.error), TRACE_BAD_INPUT);
	}
	stop(&rig);
	assert_int_equal(machine_frames_create(&rig.frames, 0, &rig.error), TRACE_BAD_INPUT);
	assert_int_equal(machine_frames_create(&rig.frames, MACHINE_FRAMES_MAX + 1, &rig.error),
			 TRACE_BAD_INPUT);
}

/* Events name pageblocks' types; of the others those with the most frames of the kernel are its own. */
static void types_of_pageblocks(void **state)
{
	const uint64_t zone[2] = {0, FRAMES};
	const struct pagetypeinfo_zone told = {.blocks = {1, 2, 1}};
	struct event fallback = event_of(EVENT_EXTFRAG, 600, 0, MIGRATE_UNMOVABLE);
	struct rig rig;

	(void)state;
	start(&rig);
	fallback.kernel.fallback_type = MIGRATE_RECLAIMABLE;
	machine_blocks_event(&rig.blocks, &fallback);
	after(&rig, EVENT_PCPU_DRAIN, 601, 0);
	after(&rig, EVENT_PCPU_DRAIN, 0, 0);
	assert_int_equal(rig.blocks.told, 2);
	assert_int_equal(machine_blocks_infer(&rig.blocks, &rig.frames, zone, &told, &rig.error), TRACE_OK);
	assert_int_equal(rig.blocks.type[0], MIGRATE_MOVABLE);
	assert_int_equal(rig.blocks.type[1], MIGRATE_RECLAIMABLE);
	assert_int_equal(rig.blocks.type[2], MIGRATE_UNMOVABLE);
	assert_int_equal(rig.blocks.type[3], MIGRATE_MOVABLE);
	stop(&rig);
}

/* Each invariant is broken once. */
static void finds_what_is_broken(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	rig.frames.frame[1026].flags = 0;
	assert_memory_equal(machine_frames_check(&rig.frames), "I1", 2);
	rig.frames.frame[1026].flags = MACHINE_FRAME_TAIL;
	rig.frames.frame[1026].state = MACHINE_LISTED;
	assert_memory_equal(machine_frames_check(&rig.frames), "I1", 2);
	rig.frames.frame[1026].state = MACHINE_USED;
	rig.frames.frame[3].order = 1;
	assert_memory_equal(machine_frames_check(&rig.frames), "I1", 2);
	rig.frames.frame[3].order = 0;
	rig.frames.frame[3].flags = MACHINE_FRAME_TAIL;
	assert_memory_equal(machine_frames_check(&rig.frames), "I2", 2);
	rig.frames.frame[3].flags = 0;
	stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(snapshot_tells),		cmocka_unit_test(last_event_before),
	    cmocka_unit_test(freed_ends_somewhere),	cmocka_unit_test(first_event_after),
	    cmocka_unit_test(refuses_what_is_no_block), cmocka_unit_test(types_of_pageblocks),
	    cmocka_unit_test(finds_what_is_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
