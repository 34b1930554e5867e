#include "config.h"

#include "traces/flt_access_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BLOCKS 4u
#define LEVEL 3

static const struct flt_access_origin origin = {.position = 7, .objects = 10, .threads = 2, .regions = 3};

/* Of a stream without end. */
static void fill(struct flt_access_block *block, uint64_t from)
{
	struct trace_error error;

	for (uint64_t i = 0; i < FLT_ACCESS_REFERENCES; i++) {
		const struct access access = {.place = ACCESS_OBJECT,
					      .base = 1 + (from + i) % 10,
					      .offset = (from + i) * 24 % 100000,
					      .size = 8,
					      .kind = (uint8_t)((from + i) % ACCESS_KINDS)};
		size_t taken;
		assert_int_equal(flt_access_append(block, &origin, &access, 1, &taken, &error), TRACE_OK);
		assert_int_equal(taken, 1);
	}
}

static void same(const struct flt_section_writer *section, const struct flt_section_writer *expected)
{
	assert_memory_equal(&section->section, &expected->section, sizeof(section->section));
	assert_memory_equal(section->body, expected->body, section->section.body_bytes);
}

/* What the thread makes of the blocks is what encoding them one after the other makes. */
static void as_without_a_thread(void **unused)
{
	struct flt_access_writer writer;
	struct flt_access_block plain = {0};
	struct flt_section_writer expected[2] = {{.level = 0}}, *section;
	struct flt_hash hash[2];
	struct trace_error error;

	(void)unused;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(flt_hash_start(&hash[i], &error), TRACE_OK);
		assert_int_equal(flt_section_writer_start(&expected[i], LEVEL, &error), TRACE_OK);
	}
	flt_access_writer_start(&writer, &hash[0]);
	for (uint64_t i = 0; i < BLOCKS; i++) {
		fill(flt_access_writer_block(&writer), i * FLT_ACCESS_REFERENCES);
		assert_int_equal(flt_access_writer_bytes(&writer),
				 (i > 0 ? 2 : 1) * flt_access_bytes(flt_access_writer_block(&writer)));
		assert_int_equal(flt_access_writer_collect(&writer, &section, &error), TRACE_OK);
		assert_true((section != NULL) == (i > 0));
		if (section)
			same(section, &expected[(i - 1) % 2]);
		assert_int_equal(flt_access_writer_hand_over(&writer, LEVEL, &error), TRACE_OK);
		fill(&plain, i * FLT_ACCESS_REFERENCES);
		assert_int_equal(flt_access_encode(&plain, &expected[i % 2], &error), TRACE_OK);
		assert_int_equal(flt_hash_accesses(&hash[1], &plain.batch, &error), TRACE_OK);
		flt_access_clear(&plain);
	}
	assert_int_equal(flt_access_writer_collect(&writer, &section, &error), TRACE_OK);
	same(section, &expected[(BLOCKS - 1) % 2]);
	assert_int_equal(flt_access_writer_collect(&writer, &section, &error), TRACE_OK);
	assert_null(section);
	assert_int_equal(flt_access_writer_bytes(&writer), flt_access_bytes(&plain));
	assert_int_equal(writer.tally.accesses, BLOCKS * FLT_ACCESS_REFERENCES);
	assert_int_equal(writer.tally.places[ACCESS_OBJECT], BLOCKS * FLT_ACCESS_REFERENCES);
	flt_access_writer_end(&writer);
	flt_access_free(&plain);
	for (unsigned i = 0; i < 2; i++) {
		flt_hash_end(&hash[i]);
		flt_section_writer_end(&expected[i]);
	}
}

/* What was noted of references that were left out goes with what follows. */
static void gaps_go_on(void **unused)
{
	struct flt_access_writer writer;
	struct flt_hash hash;
	struct flt_section_writer *section;
	struct trace_error error;

	(void)unused;
	assert_int_equal(flt_hash_start(&hash, &error), TRACE_OK);
	flt_access_writer_start(&writer, &hash);
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t before = i;
		fill(flt_access_writer_block(&writer), 0);
		assert_int_equal(flt_access_writer_block(&writer)->run[0].skipped, before);
		assert_int_equal(flt_access_skipped(flt_access_writer_block(&writer), 0, before + 1, &error),
				 TRACE_OK);
		assert_int_equal(flt_access_writer_collect(&writer, &section, &error), TRACE_OK);
		assert_int_equal(flt_access_writer_hand_over(&writer, LEVEL, &error), TRACE_OK);
	}
	/* Ends while a block may still be worked on. */
	flt_access_writer_end(&writer);
	flt_hash_end(&hash);
}

static void ends_unused(void **unused)
{
	struct flt_access_writer writer;
	struct flt_section_writer *section;
	struct trace_error error;

	(void)unused;
	flt_access_writer_start(&writer, NULL);
	assert_int_equal(flt_access_writer_collect(&writer, &section, &error), TRACE_OK);
	assert_null(section);
	flt_access_writer_end(&writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_without_a_thread),
	    cmocka_unit_test(gaps_go_on),
	    cmocka_unit_test(ends_unused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
