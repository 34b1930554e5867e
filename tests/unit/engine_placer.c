#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/spaces/engine_placer.h"
#include "tests/unit/spaces_rig.h"

#include <string.h>

/* A placer, and the address spaces of a trace of three processes that has not begun; what happens there is up to the test. */
struct rig {
	struct policy heap, system;
	struct placer *placer;
	struct flt_reader *reader;
	struct spaces *spaces;
	struct trace_error error;
};

static void make_rig_of(struct rig *rig, uint32_t process, const struct policy *system)
{
	struct written_trace trace;

	*rig = (struct rig){.heap = *policy_find("default"), .system = *system};
	const struct engine_placer_options options = {.policy = &rig->heap,
						      .memory_bytes = UINT64_C(64) << 20};

	rig->placer = engine_placer_create(&options);
	assert_non_null(rig->placer);
	written_trace_begin(&trace);
	for (uint32_t i = 0; i < 3; i++)
		written_event(&trace, (struct event){.kind = EVENT_MARKER, .process = i, .thread = i});
	rig->reader = written_trace_open(&trace);
	const struct spaces_options driver = {
	    .reader = rig->reader,
	    .process = process,
	    .placer = rig->placer,
	    .platform = {.policy = &rig->system, .memory_bytes = UINT64_C(256) << 20}};

	if (spaces_create(&rig->spaces, &driver, &rig->error) != TRACE_OK)
		fail_msg("%s", rig->error.message);
	spaces_begin(rig->spaces, NULL);
}

static void make_rig(struct rig *rig, uint32_t process)
{
	make_rig_of(rig, process, policy_find("linux"));
}

static void drop_rig(struct rig *rig)
{
	const char *broken = spaces_check(rig->spaces);

	if (broken)
		fail_msg("%s", broken);
	rig_drop(rig->spaces, rig->reader);
	engine_placer_destroy(rig->placer);
}

static enum trace_status tell(struct rig *rig, struct event event)
{
	event.thread = event.process;
	return spaces_next_event(rig->spaces, &event, &rig->error);
}

static void done(struct rig *rig, struct event event)
{
	if (tell(rig, event) != TRACE_OK)
		fail_msg("%s", rig->error.message);
}

static void refused(struct rig *rig, struct event event, const char *why)
{
	assert_int_equal(tell(rig, event), TRACE_BAD_INPUT);
	assert_string_equal(rig->error.message, why);
}

static struct event allocation(uint32_t process, uint64_t object)
{
	return (struct event){.kind = EVENT_MALLOC, .process = process, .object = object, .size = 100};
}

static struct event release(uint32_t process, uint64_t object)
{
	return (struct event){.kind = EVENT_FREE, .process = process, .object = object};
}

static struct event birth(uint32_t process, uint32_t child)
{
	return (struct event){.kind = EVENT_FORK, .process = process, .count = child};
}

/* 0 --fork--> 1 --fork--> 2, each freeing what the first of them had. */
static void test_children_free_what_they_inherited(void **state)
{
	struct rig rig;

	(void)state;
	for (uint32_t placed = 0; placed < 3; placed++) {
		make_rig(&rig, placed);
		done(&rig, allocation(0, 1));
		done(&rig, allocation(0, 2));
		done(&rig, allocation(0, 3));
		done(&rig, birth(0, 1));
		done(&rig, release(1, 1));
		done(&rig,
		     (struct event){
			 .kind = EVENT_REALLOC, .process = 1, .object = 4, .old_object = 2, .size = 5000});
		done(&rig, birth(1, 2));
		done(&rig, release(2, 3));
		done(&rig, release(2, 4));
		done(&rig, release(0, 1));
		done(&rig, release(1, 3));
		done(&rig, release(1, 4));
		done(&rig, release(0, 2));
		done(&rig, release(0, 3));
		drop_rig(&rig);
	}
}

/* The arena is address space; what the heap takes of it gets its pages at once, and once. */
static void test_eager_paging_follows_the_heap(void **state)
{
	struct policy eager = *policy_find("linux");
	struct rig rig;

	(void)state;
	assert_int_equal(policy_set(&eager, "paging=eager"), STATUS_OK);
	make_rig_of(&rig, 0, &eager);
	done(&rig, allocation(0, 1));
	assert_int_equal(spaces_process(rig.spaces, 0).anonymous_pages, 1);
	done(&rig, (struct event){.kind = EVENT_MALLOC, .object = 2, .size = 100 * PAGE});
	const uint64_t pages = spaces_process(rig.spaces, 0).anonymous_pages;

	assert_in_range(pages, 101, 201); /* and no more than the block's size class */
	done(&rig, release(0, 1));
	done(&rig, allocation(0, 3));
	assert_int_equal(spaces_process(rig.spaces, 0).anonymous_pages, pages);
	drop_rig(&rig);
}

/* A program that is executed has nothing of what its process inherited; a child that shares memory has its parent's. */
static void test_programs_and_sharers(void **state)
{
	struct rig rig;

	(void)state;
	make_rig(&rig, 0);
	done(&rig, allocation(0, 1));
	done(&rig, birth(0, 1));
	done(&rig, (struct event){.kind = EVENT_EXEC, .process = 1});
	refused(&rig, release(1, 1), "event 3: a free in process 1 ends the dead object 1");
	done(&rig, (struct event){.kind = EVENT_VFORK, .count = 2});
	done(&rig, release(2, 1));
	done(&rig, (struct event){.kind = EVENT_EXEC});
	refused(&rig, release(0, 1), "event 7: a free in process 0 ends the dead object 1");
	drop_rig(&rig);
}

static void test_impossible_events_are_refused(void **state)
{
	struct rig rig;

	(void)state;
	for (uint32_t placed = 0; placed < 2; placed++) {
		make_rig(&rig, placed);
		done(&rig, allocation(0, 1));
		refused(&rig, release(0, 2), "event 1: a free in process 0 ends the dead object 2");
		done(&rig, birth(0, 1));
		done(&rig, allocation(0, 2));
		done(&rig, allocation(1, 3));
		refused(&rig, release(1, 2), "event 5: a free in process 1 ends the dead object 2");
		refused(&rig, release(0, 3), "event 6: a free in process 0 ends the dead object 3");
		done(&rig, release(1, 1));
		refused(&rig, release(1, 1), "event 8: a free in process 1 ends the dead object 1");
		done(&rig, release(0, 1));
		refused(&rig, release(0, 1), "event 10: a free in process 0 ends the dead object 1");
		refused(&rig, allocation(1, 3),
			"event 11: a malloc in process 1 creates the living object 3");
		drop_rig(&rig);
	}
}

/* What the recording did not see born ends without having lived; a failed realloc names it, and it lives from then on. */
static void test_foreign_blocks(void **state)
{
	struct event unknown = release(0, 1), failed = {.kind = EVENT_REALLOC,
							.flags = EVENT_FOREIGN | EVENT_FAILED,
							.old_object = 2,
							.size = 100};
	struct rig rig;

	(void)state;
	unknown.flags = EVENT_FOREIGN;
	make_rig(&rig, 0);
	done(&rig, unknown);
	done(&rig, failed);
	done(&rig, release(0, 2));
	refused(&rig, release(0, 2), "event 3: a free in process 0 ends the dead object 2");
	drop_rig(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_children_free_what_they_inherited),
	    cmocka_unit_test(test_eager_paging_follows_the_heap),
	    cmocka_unit_test(test_programs_and_sharers),
	    cmocka_unit_test(test_impossible_events_are_refused),
	    cmocka_unit_test(test_foreign_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
