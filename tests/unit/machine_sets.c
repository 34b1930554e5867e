#include "config.h"

#include "bench/physical/machine_sets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

struct rig {
	struct zoneinfo *zoneinfo;
	struct machine_sets sets;
};

/* One zone, two processors; the first one's set has 1,000 pages and may have 4,000. */
static void start(struct rig *rig)
{
	struct trace_error error;

	rig->zoneinfo = calloc(1, sizeof(*rig->zoneinfo));
	assert_non_null(rig->zoneinfo);
	rig->zoneinfo->zones = 1;
	rig->zoneinfo->cpus = 2;
	rig->zoneinfo->zone[0] =
	    (struct zoneinfo_zone){.zone = {0, ZONE_NORMAL}, .first = 4096, .spanned = 65536, .free = 30000};
	rig->zoneinfo->zone[0].set[0] = (struct zoneinfo_set){
	    .count = 1000, .high = 4000, .batch = 63, .high_min = 500, .high_max = 9000};
	rig->zoneinfo->zone[0].set[1] = rig->zoneinfo->zone[0].set[0];
	assert_int_equal(machine_sets_create(&rig->sets, rig->zoneinfo, &error), TRACE_OK);
	assert_null(machine_sets_check(&rig->sets));
}

static void stop(struct rig *rig)
{
	assert_null(machine_sets_check(&rig->sets));
	machine_sets_destroy(&rig->sets);
	free(rig->zoneinfo);
}

static const struct machine_set *set_of(const struct rig *rig, unsigned cpu)
{
	return machine_sets_find(&rig->sets, &rig->zoneinfo->zone[0], cpu);
}

static void before(struct rig *rig, enum event_kind kind, uint64_t frame)
{
	struct event event = {.kind = kind, .kernel = {.frame = frame, .migrate_type = MIGRATE_MOVABLE}};

	if (kind == EVENT_ZONE_LOCKED)
		event.kernel.flags = EVENT_KERNEL_REFILL;
	machine_sets_before(&rig->sets, &event, 0, "sh");
}

/* Sizes are those of zoneinfo, and what happened since; what happened before only left its marks on the counters. */
static void follows_events(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	before(&rig, EVENT_PAGE_FREE, 5000);
	machine_sets_told(&rig.sets, SECOND);
	assert_int_equal(set_of(&rig, 0)->pcp.count, 1000);
	assert_int_equal(set_of(&rig, 0)->pcp.free_count, 1001);
	for (unsigned i = 0; i < 12; i++)
		before(&rig, EVENT_PAGE_ALLOC, 5000 + i);
	assert_int_equal(set_of(&rig, 0)->pcp.count, 988);
	assert_int_equal(set_of(&rig, 0)->pcp.free_count, 0);
	for (unsigned i = 0; i < 63; i++)
		before(&rig, EVENT_ZONE_LOCKED, 6000 + i);
	before(&rig, EVENT_PAGE_ALLOC, 6000);
	for (unsigned i = 0; i < 126; i++)
		before(&rig, EVENT_ZONE_LOCKED, 7000 + i);
	before(&rig, EVENT_PAGE_ALLOC, 7000);
	assert_int_equal(set_of(&rig, 0)->pcp.count, 988 + 63 + 126 - 2);
	assert_int_equal(set_of(&rig, 0)->pcp.alloc_factor, 2);
	assert_int_equal(set_of(&rig, 0)->pcp.high, 4000 + 63 + 126);
	before(&rig, EVENT_PAGE_FREE, 7000);
	before(&rig, EVENT_PCPU_DRAIN, 7000);
	assert_int_equal(set_of(&rig, 0)->pcp.count, 988 + 63 + 126 - 2);
	assert_int_equal(set_of(&rig, 0)->pcp.alloc_factor, 1);
	assert_int_equal(set_of(&rig, 1)->pcp.count, 1000);
	assert_int_equal(set_of(&rig, 1)->pcp.high, 4000);
	before(&rig, EVENT_PAGE_FREE, 1000000); /* of no zone */
	assert_int_equal(set_of(&rig, 0)->pcp.count, 988 + 63 + 126 - 2);
	stop(&rig);
}

/* A worker that was switched to drains at once: that is a tick. Another program's drain is none. */
static void knows_ticks(void **state)
{
	const struct event to_worker = {.kind = EVENT_SWITCH};
	struct event drain = {.kind = EVENT_PCPU_DRAIN, .time_ns = 5 * SECOND + 7, .kernel = {.frame = 5000}};
	struct rig rig;

	(void)state;
	start(&rig);
	machine_sets_told(&rig.sets, SECOND);
	assert_int_equal(machine_sets_next_tick(&rig.sets, 3 * SECOND + 1), 4 * SECOND);
	machine_sets_before(&rig.sets, &drain, 0, "sh");
	assert_int_equal(set_of(&rig, 0)->pcp.high, 4000);
	machine_sets_before(&rig.sets, &to_worker, 0, "kworker/0:1-mm");
	machine_sets_before(&rig.sets, &drain, 0, "kworker/0:1-mm");
	assert_int_equal(set_of(&rig, 0)->pcp.high, 3500);
	drain.time_ns++;
	machine_sets_before(&rig.sets, &drain, 0, "kworker/0:1-mm");
	assert_int_equal(set_of(&rig, 0)->pcp.high, 3500);
	assert_int_equal(rig.sets.tick_ns, 5 * SECOND + 7);
	assert_int_equal(machine_sets_next_tick(&rig.sets, 3 * SECOND), 3 * SECOND + 7);
	assert_int_equal(machine_sets_next_tick(&rig.sets, 3 * SECOND + 7), 4 * SECOND + 7);
	assert_int_equal(machine_sets_next_tick(&rig.sets, UINT64_MAX - 1), UINT64_MAX);
	/* Processor 1 had nothing to drain at a tick. */
	machine_sets_finish(&rig.sets, 6 * SECOND);
	assert_int_equal(set_of(&rig, 0)->pcp.high, 3500);
	assert_int_equal(set_of(&rig, 1)->pcp.high, 3500);
	stop(&rig);
}

/* After the start only lists that are refilled matter; a start before the next tick changes nothing. */
static void knows_lists_that_ran_empty(void **state)
{
	const struct event refill = {
	    .kind = EVENT_ZONE_LOCKED,
	    .kernel = {.frame = 5000, .order = 2, .migrate_type = 1, .flags = EVENT_KERNEL_REFILL}};
	struct rig rig;

	(void)state;
	start(&rig);
	machine_sets_told(&rig.sets, SECOND);
	machine_sets_after(&rig.sets, &refill, 1, NULL);
	machine_sets_after(&rig.sets, &refill, 2, NULL); /* no processor of the machine */
	assert_int_equal(set_of(&rig, 0)->ran_empty, 0);
	assert_int_equal(set_of(&rig, 1)->ran_empty, 1u << pcp_index(MIGRATE_MOVABLE, 2));
	assert_int_equal(set_of(&rig, 1)->pcp.count, 1000);
	machine_sets_finish(&rig.sets, SECOND + 1);
	assert_int_equal(set_of(&rig, 1)->pcp.high, 4000);
	assert_null(set_of(&rig, 2));
	stop(&rig);
}

/* A text may say anything. */
static void does_without_impossible_figures(void **state)
{
	struct trace_error error;
	struct rig rig;

	(void)state;
	start(&rig);
	machine_sets_destroy(&rig.sets);
	rig.zoneinfo->zone[0].set[0].batch = 0;
	rig.zoneinfo->zone[0].set[1].high_min = 9001;
	assert_int_equal(machine_sets_create(&rig.sets, rig.zoneinfo, &error), TRACE_OK);
	machine_sets_told(&rig.sets, SECOND);
	before(&rig, EVENT_ZONE_LOCKED, 5000);
	before(&rig, EVENT_PAGE_FREE, 5000);
	assert_null(set_of(&rig, 0));
	assert_null(set_of(&rig, 1));
	stop(&rig);
}

static void finds_what_is_broken(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	rig.sets.set[1].pcp.alloc_factor = PCP_BATCH_SCALE_MAX + 1;
	assert_memory_equal(machine_sets_check(&rig.sets), "I2", 2);
	rig.sets.set[1].pcp.alloc_factor = 0;
	rig.sets.set[1].pcp.high_min = rig.sets.set[1].pcp.high_max + 1;
	assert_memory_equal(machine_sets_check(&rig.sets), "I1", 2);
	rig.sets.set[1].pcp.high_min = 0;
	rig.sets.set[0].pcp.batch = 0;
	assert_memory_equal(machine_sets_check(&rig.sets), "I1", 2);
	rig.sets.set[0].pcp.batch = 1;
	stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(follows_events),
	    cmocka_unit_test(knows_ticks),
	    cmocka_unit_test(knows_lists_that_ran_empty),
	    cmocka_unit_test(does_without_impossible_figures),
	    cmocka_unit_test(finds_what_is_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
