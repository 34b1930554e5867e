#include "config.h"

#include "traces/record/machine_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CHUNK_BYTES (MACHINE_CHUNK_WORDS * UINT64_C(8))

/* One of every form, with the highest numbers that it holds and with one more. */
static const struct machine_record records[] = {
    {.time_ns = 1,
     .kind = EVENT_PAGE_ALLOC,
     .thread_id = UINT32_MAX,
     .process_id = 7,
     .kernel = {.frame = (UINT64_C(1) << 38) - 1, .order = 63, .migrate_type = 15, .gfp = 4095}},
    {.time_ns = 2, .kind = EVENT_PAGE_ALLOC, .flags = EVENT_FAILED, .kernel = {.order = 10, .gfp = 3}},
    {.time_ns = 3, .kind = EVENT_PAGE_FREE, .kernel = {.frame = UINT64_C(1) << 38, .order = 1}},
    {.time_ns = 4, .kind = EVENT_PAGE_ALLOC, .kernel = {.frame = 1, .gfp = 4096}},
    {.time_ns = 5, .kind = EVENT_ZONE_LOCKED, .kernel = {.frame = 5, .migrate_type = 2, .flags = 7}},
    {.time_ns = 6,
     .kind = EVENT_KMEM_ALLOC,
     .kernel = {.address = UINT64_MAX,
		.bytes = (1 << 24) - 1,
		.granted = (1 << 24) - 1,
		.gfp = 65535,
		.cache = 65535}},
    {.time_ns = 7, .kind = EVENT_KMEM_ALLOC, .kernel = {.address = 8, .bytes = 1 << 24, .granted = 1 << 24}},
    {.time_ns = 8, .kind = EVENT_KMEM_ALLOC, .flags = EVENT_FAILED, .kernel.bytes = 64},
    {.time_ns = 9, .kind = EVENT_KMEM_FREE, .kernel = {.address = 64, .cache = 9}},
    {.time_ns = 10, .kind = EVENT_SWITCH, .thread_id = 99},
    {.time_ns = 11,
     .kind = EVENT_EXTFRAG,
     .kernel = {.frame = 1, .order = 2, .fallback_order = 9, .fallback_type = 2, .flags = 2}},
    {.time_ns = 12, .kind = EVENT_MIGRATE, .count = UINT64_MAX >> 1, .kernel = {.pages = 3, .code = 4}},
    {.time_ns = 13, .kind = MACHINE_BIRTH, .thread_id = 5, .process_id = 5, .parent_id = 1},
    {.time_ns = (UINT64_C(1) << 55) - 1, .kind = MACHINE_NAME, .thread_id = 5, .name = "fifteen letters"},
};

#define RECORDS (sizeof(records) / sizeof(records[0]))

static void round_trip(void **state)
{
	struct machine_log log;
	struct machine_cursor cursor;
	struct machine_record record;

	(void)state;
	assert_true(machine_log_create(&log, 8 * CHUNK_BYTES, 3));
	for (size_t round = 0; round < 4000; round++) {
		record = records[round % RECORDS];
		record.cpu = round % 3 == 2 ? 2 : 0;
		assert_true(machine_log_put(&log, &record));
	}
	assert_null(machine_log_check(&log));
	for (uint32_t cpu = 0; cpu < 3; cpu++) {
		size_t round = 0;

		machine_cursor_start(&cursor, &log, cpu);
		while (machine_cursor_next(&cursor, &record)) {
			while ((round % 3 == 2 ? 2u : 0u) != cpu)
				round++;
			struct machine_record expected = records[round % RECORDS];

			expected.cpu = cpu;
			assert_memory_equal(&record, &expected, sizeof(record));
			round++;
		}
		assert_true(cpu == 1 ? round == 0 : round > 3990);
	}
	machine_log_destroy(&log);
}

static void used_up(void **state)
{
	const struct machine_record record = {.time_ns = 1, .kind = EVENT_PAGE_FREE, .kernel.frame = 1};
	struct machine_cursor cursor;
	struct machine_record got;
	struct machine_log log;
	uint64_t kept = 0, found = 0;

	(void)state;
	assert_true(machine_log_create(&log, 2 * CHUNK_BYTES, 1));
	while (machine_log_put(&log, &record))
		kept++;
	assert_int_equal(log.dropped, 1);
	assert_false(machine_log_has_room(&log));
	assert_true(kept >= (uint64_t)2 * (MACHINE_CHUNK_WORDS / 3 - 4));
	machine_cursor_start(&cursor, &log, 0);
	while (machine_cursor_next(&cursor, &got))
		found++;
	assert_int_equal(found, kept);
	machine_log_destroy(&log);
}

static void broken(void **state)
{
	const struct machine_record record = {.time_ns = 1, .kind = EVENT_PAGE_FREE};
	struct machine_log log;

	(void)state;
	assert_true(machine_log_create(&log, 4 * CHUNK_BYTES, 2));
	assert_true(machine_log_put(&log, &record));
	assert_null(machine_log_check(&log));
	log.used = 2;
	assert_string_equal(machine_log_check(&log), "I1: a used chunk is in no list");
	log.used = 0;
	assert_string_equal(machine_log_check(&log),
			    "I1: a list of chunks has one that is not used, or another list's");
	log.used = log.chunks + 1;
	assert_string_equal(machine_log_check(&log), "I1: more chunks are used than there are");
	log.used = 1;
	log.lane[0].fill = MACHINE_CHUNK_WORDS + 1;
	assert_string_equal(machine_log_check(&log),
			    "I2: a processor's list does not end with its last chunk, or that is overfull");
	machine_log_destroy(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(used_up),
					   cmocka_unit_test(broken)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
