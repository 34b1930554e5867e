#include "config.h"

#include "tests/unit/foreign.h"
#include "tests/unit/perf_data_bytes.h"
#include "traces/import/perf_sample.h"
#include "traces/import/tracepoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char everything[] =
    "fault address=0x7000 flags=0x201 at 1\n"
    "[0.1] mmap length=0x2000 protection=0x3 flags=0x22 result=0x7f0000000000 at 26\n"
    "[0.1] fault address=0x7f0000000ff8 flags=0x100 at 36\n"
    "mmap address=0x1 protection=0x3 flags=0x22 result=0x16 at 56 failed\n"
    "fork 1 at 57\n"
    "[1.2] exec file=0x1 at 58\n"
    "region 1 file 401000+1000 file 1\n"
    "region 2 kernel 7fff1000+1000 file 0\n"
    "[0.3] switch 0 at 66\n"
    "[0.3] page_alloc frame=0x115d14 gfp=0x1 order=0x3 type=0x1 at 66\n"
    "[1.2] mmap length=0x1000 offset=0x2000 protection=0x5 flags=0x2 file=0x2 result=0x7f0000001000 at 76\n"
    "[1.2] exit at 86\n";

static void expect(const uint8_t *bytes, size_t length, const char *events, const char *warnings)
{
	foreign_expect_bytes("perf-data", &(struct foreign_bytes){bytes, length}, events, warnings);
}

/* By time, both halves of the first fault put together, calls from their two ends. */
static void files_and_pipes(void **unused)
{
	uint8_t bytes[PERF_DATA_BYTES_MAX];

	(void)unused;
	if (!tracepoints_are_known())
		skip();
	expect(bytes, perf_data_bytes(bytes, false), everything, "call without its beginning: 1\n");
	expect(bytes, perf_data_bytes(bytes, true), everything, "call without its beginning: 1\n");
}

/* Faults of the software event need nobody to read formats. */
static void without_formats(void **unused)
{
	uint8_t bytes[PERF_DATA_BYTES_MAX];
	size_t length = perf_data_bytes(bytes, false);

	(void)unused;
	bytes[72] = 0;
	expect(bytes, length,
	       "fault address=0x7000 flags=0x240 at 1\n"
	       "fork 1 at 57\n"
	       "[1.1] exec file=0x1 at 58\n"
	       "region 1 file 401000+1000 file 1\n"
	       "region 2 kernel 7fff1000+1000 file 0\n"
	       "region 3 file 7f0000001000+1000 file 2\n"
	       "region 4 file 7f0000002000+1000 file 3\n"
	       "[1.1] exit at 86\n",
	       "tracepoint without format: 10\n");
}

static void cut_anywhere(void **unused)
{
	const struct foreign_options options = {.format = "perf-data"};
	uint8_t bytes[PERF_DATA_BYTES_MAX];

	(void)unused;
	for (unsigned pipe = 0; pipe < 2; pipe++) {
		size_t whole = perf_data_bytes(bytes, pipe != 0);
		for (size_t length = 1; length < whole; length += 7) {
			struct foreign foreign;
			foreign_import(&foreign, bytes, length, &options);
			assert_true(foreign.status == TRACE_OK || foreign.status == TRACE_BAD_INPUT);
			foreign_drop(&foreign);
		}
	}
}

static void refusal(uint8_t *bytes, size_t length, const char *message)
{
	const struct foreign_options options = {.format = "perf-data"};
	struct foreign foreign;

	foreign_import(&foreign, bytes, length, &options);
	assert_true(foreign.status != TRACE_OK);
	assert_string_equal(foreign.error.message, message);
	foreign_drop(&foreign);
}

static void what_it_refuses(void **unused)
{
	uint8_t bytes[PERF_DATA_BYTES_MAX];
	size_t length = perf_data_bytes(bytes, false);

	(void)unused;
	bytes[24] = 0xff;
	bytes[25] = 0xff;
	refusal(bytes, length, "in:0: has no table of events before its records");
	length = perf_data_bytes(bytes, false);
	bytes[544] = 81; /* the first record */
	refusal(bytes, length, "in: its records are compressed; record without -z");
	length = perf_data_bytes(bytes, false);
	bytes[550] = 7;
	refusal(bytes, length, "in:1: is a record shorter than its header of 8 bytes");
	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (uint8_t) "2ELIFREP"[i];
	refusal(bytes, length, "in: it is of a big-endian machine");
	bytes[0] = 'X';
	refusal(bytes, length, "in:0: is no perf.data file: it does not begin with PERFILE2");
}

/* Every field before the raw data may be there or not. */
static void fields_of_samples(void **unused)
{
	uint8_t bytes[400] = {0};

	(void)unused;
	for (uint64_t type = 0; type < 1024; type++) {
		struct perf_attr attr = {.sample_type = type | 1u << 10, .read_format = type % 32};
		struct perf_sample sample;
		/* All zero: no callchain, no member of a group, no raw data. */
		assert_true(perf_sample_parse(&attr, bytes, sizeof(bytes), &sample));
		assert_int_equal(sample.raw_bytes, 0);
		size_t needed = (size_t)(sample.raw - bytes);
		assert_true(perf_sample_parse(&attr, bytes, needed, &sample));
		assert_false(perf_sample_parse(&attr, bytes, needed - 1, &sample));
	}
	memset(bytes, 0xff, sizeof(bytes));
	for (uint64_t type = 0; type < 1024; type++) {
		struct perf_attr attr = {.sample_type = type | 1u << 10, .read_format = type % 32};
		struct perf_sample sample;
		assert_false(perf_sample_parse(&attr, bytes, sizeof(bytes), &sample));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files_and_pipes),	 cmocka_unit_test(without_formats),
	    cmocka_unit_test(cut_anywhere),	 cmocka_unit_test(what_it_refuses),
	    cmocka_unit_test(fields_of_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
