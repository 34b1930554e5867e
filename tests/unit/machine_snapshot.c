#include "config.h"

#include "traces/record/machine_snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void zones(void **state)
{
	static const char text[] = "Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon 32276\n"
				   "        present  3998\n        managed  3840\n        cma      0\n"
				   "Node 0, zone  Unheard\n        managed  7\n"
				   "Node 1, zone   Normal\n        managed  5234567\n"
				   "Node 1, zone  Movable\n        managed  0";
	struct machine_zone zone[3];

	(void)state;
	assert_int_equal(machine_zones_parse(text, sizeof(text) - 1, zone, 3), 3);
	assert_true(zone[0].node == 0 && zone[0].zone == EVENT_ZONE_DMA && zone[0].managed == 3840);
	assert_true(zone[1].node == 1 && zone[1].zone == EVENT_ZONE_NORMAL && zone[1].managed == 5234567);
	assert_true(zone[2].zone == EVENT_ZONE_MOVABLE && zone[2].managed == 0);
	assert_int_equal(machine_zones_parse(text, sizeof(text) - 1, zone, 1), 1);
	assert_int_equal(zone[0].managed, 3840);
	assert_int_equal(machine_zones_parse("", 0, zone, 1), 0);
}

static uint64_t now(void *context)
{
	return ++*(uint64_t *)context;
}

static void nothing(void *context)
{
	(void)context;
}

/* The texts of this machine, in the order for before and for after. */
static void texts(void **state)
{
	uint64_t time = 0;
	const struct machine_clock clock = {now, nothing, &time};
	struct machine_snapshots set;

	(void)state;
	assert_true(machine_snapshots_create(&set, false));
	machine_snapshots_take(&set, true, &clock);
	assert_string_equal(set.snapshot[set.count - 1].name, "buddyinfo");
	for (size_t i = 0; i < set.count; i++) {
		const struct machine_snapshot *snapshot = &set.snapshot[i];

		assert_int_equal(snapshot->time_ns, i + 1);
		if (strcmp(snapshot->name, "meminfo") == 0)
			assert_memory_equal(snapshot->bytes, "MemTotal:", strlen("MemTotal:"));
	}
	machine_snapshots_take(&set, false, &clock);
	assert_string_equal(set.snapshot[0].name, "buddyinfo");
	machine_snapshots_destroy(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(zones), cmocka_unit_test(texts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
