#include "config.h"

#include "traces/record/perf_ring.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/perf_event.h>

/* A record of up to 16 words. */
struct record {
	struct perf_event_header header;
	uint64_t word[16];
};

static struct perf_ring a_ring(void)
{
	struct perf_ring ring;

	perf_ring_create(&ring);
	ring.events = 1;
	ring.number[0] = 77;
	ring.event[0] = 5;
	return ring;
}

static bool parse(const struct record *record, size_t bytes, struct perf_sample *sample)
{
	struct perf_ring ring = a_ring();

	return perf_record_parse(&ring, (const unsigned char *)record, bytes, sample);
}

static void a_sample(void **state)
{
	struct record record = {{PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL, 48},
				{77, 0xabc, 7 | UINT64_C(8) << 32, 123, 0x7000}};
	struct perf_sample sample;

	(void)state;
	assert_true(parse(&record, 48, &sample));
	assert_int_equal(sample.event, 5);
	assert_int_equal(sample.instruction, 0xabc);
	assert_int_equal(sample.process_id, 7);
	assert_int_equal(sample.thread_id, 8);
	assert_int_equal(sample.time_ns, 123);
	assert_int_equal(sample.address, 0x7000);
	assert_true(sample.in_kernel);
	assert_int_equal(sample.raw_bytes, 0);
	assert_false(parse(&record, 40, &sample));
	record.word[0] = 78;
	assert_false(parse(&record, 48, &sample));
}

static void raw_data_must_lie_in_the_record(void **state)
{
	struct record record = {{PERF_RECORD_SAMPLE, 0, 64}, {77, 0, 0, 0, 0, 12}};
	struct perf_sample sample;

	(void)state;
	assert_true(parse(&record, 64, &sample));
	assert_int_equal(sample.raw_bytes, 12);
	record.word[5] = 13;
	assert_false(parse(&record, 64, &sample));
	record.word[5] = UINT32_MAX;
	assert_false(parse(&record, 64, &sample));
}

static void a_mapping(void **state)
{
	struct record record = {{PERF_RECORD_MMAP2, 0, 104},
				{7 | UINT64_C(8) << 32, 0x7000, 0x1000, 0, 3 | UINT64_C(4) << 32, 99, 0, 0}};
	struct perf_sample sample;

	(void)state;
	memcpy(&record.word[8], "/bin/x\0", 8);
	record.word[10] = 555;
	assert_true(parse(&record, 104, &sample));
	assert_string_equal(sample.path, "/bin/x");
	assert_int_equal(sample.address, 0x7000);
	assert_int_equal(sample.device_major, 3);
	assert_int_equal(sample.device_minor, 4);
	assert_int_equal(sample.inode, 99);
	assert_int_equal(sample.time_ns, 555);
	memset(&record.word[8], 'x', 8);
	assert_false(parse(&record, 104, &sample));
	assert_false(parse(&record, 96, &sample));
}

static void losses_and_other_records(void **state)
{
	struct record record = {{PERF_RECORD_LOST, 0, 24}, {1, 42}};
	struct perf_sample sample;

	(void)state;
	assert_true(parse(&record, 24, &sample));
	assert_int_equal(sample.lost, 42);
	assert_false(parse(&record, 16, &sample));
	record.header.type = PERF_RECORD_THROTTLE;
	assert_false(parse(&record, 24, &sample));
	assert_false(parse(&record, 4, &sample));
}

/* A ring in memory of our own: records that wrap, one with a size that cannot be. */
static void a_ring_that_wraps(void **state)
{
	struct perf_ring ring = a_ring();
	struct record record = {{PERF_RECORD_SAMPLE, 0, 48}, {77, 0, 0, 1, 0}};
	struct perf_event_mmap_page *page;
	struct perf_sample sample;
	unsigned char bytes[48];
	size_t seen = 0;

	(void)state;
	ring.page_bytes = 4096;
	ring.data_bytes = 64;
	ring.base = calloc(1, 4096 + 64);
	ring.whole = malloc(PERF_RECORD_BYTES);
	assert_non_null(ring.base);
	page = (void *)ring.base;
	for (uint64_t head = 0; head < 480; head += 48) {
		record.word[3] = head + 1;
		memcpy(bytes, &record, sizeof(bytes));
		for (size_t i = 0; i < sizeof(bytes); i++)
			ring.base[4096 + (head + i) % 64] = bytes[i];
		page->data_head = head + 48;
		while (perf_ring_next(&ring, &sample)) {
			assert_int_equal(sample.time_ns, head + 1);
			seen++;
		}
	}
	assert_int_equal(seen, 10);
	record.header.size = 4;
	memcpy(ring.base + 4096 + 480 % 64, &record.header, 8);
	page->data_head = 528;
	assert_false(perf_ring_next(&ring, &sample));
	assert_int_equal(page->data_tail, 528);
	free(ring.base);
	free(ring.whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_sample), cmocka_unit_test(raw_data_must_lie_in_the_record),
	    cmocka_unit_test(a_mapping), cmocka_unit_test(losses_and_other_records),
	    cmocka_unit_test(a_ring_that_wraps)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
