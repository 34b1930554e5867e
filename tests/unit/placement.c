#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/placement/placement.h"
#include "traces/flt_bytes.h"
#include "traces/flt_checksum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE UINT64_C(4096)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EVENTS 100u

static const struct placement_description description = {
    .trace_hash = "0123456789abcdef0123456789abcdef",
    .target = "jemalloc:narenas:2",
    .events = EVENTS,
    .process = 3,
    .mode = MODE_BATON,
    .thp_disable = true,
};

static const struct placement_record story[] = {
    {.event = 0,
     .kind = PLACEMENT_CALL,
     .call_kind = EVENT_MMAP,
     .call = {.length = 16 * PAGE, .result = 0x7ffff7000000, .protection = 3, .flags = 0x22}},
    {.event = 0, .kind = PLACEMENT_BLOCK, .object = 1, .address = 0x7ffff7000010, .bytes = 24},
    {.event = 5, .kind = PLACEMENT_BLOCK, .object = 9, .address = 0x7ffff7000100, .bytes = 0},
    {.event = 6, .kind = PLACEMENT_BLOCK, .object = 4, .address = 0x7ffff7000040, .bytes = 64},
    {.event = 6, .kind = PLACEMENT_CALL, .call_kind = EVENT_BRK, .call = {.result = 0x555555577000}},
    {.event = 7,
     .kind = PLACEMENT_CALL,
     .call_kind = EVENT_BRK,
     .call = {.address = 0x555555598000, .result = 0x555555598000}},
    {.event = 7,
     .kind = PLACEMENT_CALL,
     .call_kind = EVENT_MREMAP,
     .call = {.address = 0x7ffff7000000,
	      .length = 16 * PAGE,
	      .new_length = 32 * PAGE,
	      .flags = 1,
	      .result = 0x7ffff6000000}},
    {.event = 8,
     .kind = PLACEMENT_CALL,
     .call_kind = EVENT_MADVISE,
     .call = {.address = 0x7ffff6000000, .length = PAGE, .flags = 4}},
    {.event = 8,
     .kind = PLACEMENT_CALL,
     .call_kind = EVENT_MPROTECT,
     .call = {.address = 0x7ffff6000000, .length = PAGE, .protection = 1}},
    {.event = 99,
     .kind = PLACEMENT_CALL,
     .call_kind = EVENT_MUNMAP,
     .call = {.address = 0x7ffff6000000, .length = 32 * PAGE}},
};

static struct placement_writer *new_writer(void)
{
	struct placement_writer *writer = placement_writer_create(&description);
	struct trace_error error;

	assert_non_null(writer);
	placement_writer_title(writer, "jemalloc 5.3.0");
	assert_int_equal(placement_writer_begin(writer, &error), TRACE_OK);
	return writer;
}

static void add(struct placement_writer *writer, const struct placement_record *record)
{
	struct trace_error error = {""};

	if (placement_writer_add(writer, record, &error) != TRACE_OK)
		fail_msg("%s", error.message);
}

static uint8_t *finish(struct placement_writer *writer, size_t *bytes)
{
	uint8_t *file = placement_writer_finish(writer, bytes);

	assert_non_null(file);
	placement_writer_destroy(writer);
	return file;
}

static uint8_t *story_file(size_t *bytes)
{
	struct placement_writer *writer = new_writer();

	for (size_t i = 0; i < COUNT(story); i++)
		add(writer, &story[i]);
	return finish(writer, bytes);
}

static void same(const struct placement_record *one, const struct placement_record *other)
{
	assert_int_equal(one->event, other->event);
	assert_int_equal(one->kind, other->kind);
	assert_int_equal(one->object, other->object);
	assert_int_equal(one->address, other->address);
	assert_int_equal(one->bytes, other->bytes);
	assert_int_equal(one->call_kind, other->call_kind);
	assert_memory_equal(&one->call, &other->call, sizeof(one->call));
}

static void what_is_written_is_read(void **state)
{
	struct placement_reader reader;
	struct placement_record record;
	struct placement *placement;
	struct trace_error error = {""};
	size_t bytes;
	uint8_t *file = story_file(&bytes);

	(void)state;
	if (placement_read(&placement, file, bytes, "story", &error) != TRACE_OK)
		fail_msg("%s", error.message);
	assert_string_equal(placement->description.trace_hash, description.trace_hash);
	assert_string_equal(placement->description.target, description.target);
	assert_string_equal(placement->description.title, "jemalloc 5.3.0");
	assert_int_equal(placement->description.process, 3);
	assert_int_equal(placement->description.mode, MODE_BATON);
	assert_true(placement->description.thp_disable);
	assert_int_equal(placement->takes, 1);
	assert_int_equal(placement->take[0].blocks, 3);
	assert_int_equal(placement->take[0].calls, 7);
	assert_int_equal(placement->take[0].extent.count, 3);
	assert_int_equal(strlen(placement->hash), 16);
	assert_true(placement_reader_create(&reader, placement, 0));
	for (size_t i = 0; i < COUNT(story); i++) {
		assert_int_equal(placement_reader_next(&reader, &record, &error), TRACE_OK);
		same(&record, &story[i]);
	}
	assert_int_equal(placement_reader_next(&reader, &record, &error), TRACE_END);
	assert_int_equal(placement_reader_next(&reader, &record, &error), TRACE_END);
	placement_reader_destroy(&reader);
	placement_close(placement);
	free(file);
}

/* More than one chunk, two equal takes and one that differs. */
static void takes_are_compared_and_kept(void **state)
{
	struct placement_writer *writer = new_writer();
	struct placement *placement;
	struct trace_error error;
	size_t bytes;

	(void)state;
	for (unsigned take = 0; take < 4; take++) {
		if (take > 0)
			assert_int_equal(placement_writer_begin(writer, &error), TRACE_OK);
		add(writer, &story[0]);
		for (uint64_t i = 0; i < 100000; i++) {
			const struct placement_record block = {.event = 1,
							       .object = i + 1,
							       .address = 0x7ffff7000000 + i * 7919 % 60000 +
									  (take == 2)};

			add(writer, &block);
		}
		assert_true(placement_writer_end(writer));
	}
	assert_true(placement_writer_is_same(writer, 0, 1));
	assert_false(placement_writer_is_same(writer, 0, 2));
	placement_writer_drop(writer);
	uint8_t *file = finish(writer, &bytes);

	assert_int_equal(placement_read(&placement, file, bytes, "takes", &error), TRACE_OK);
	assert_int_equal(placement->takes, 3);
	assert_int_equal(placement->take[2].blocks, 100000);
	placement_close(placement);
	free(file);
}

static void files_are_written_and_opened(void **state)
{
	const char *directory = getenv("TMPDIR");
	struct placement *placement, *again;
	struct trace_error error = {""};
	char path[4096];
	size_t bytes;
	uint8_t *file = story_file(&bytes);

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/faultline-placement.XXXXXX", directory ? directory : "/tmp");
	int descriptor = mkstemp(path);

	assert_true(descriptor >= 0);
	(void)close(descriptor);
	assert_int_equal(placement_read(&placement, file, bytes, "story", &error), TRACE_OK);
	if (placement_save(placement, path, &error) != TRACE_OK ||
	    placement_open(&again, path, &error) != TRACE_OK) {
		fail_msg("%s", error.message);
		return;
	}
	assert_string_equal(placement->hash, again->hash);
	placement_close(again);
	placement_close(placement);
	(void)unlink(path);
	assert_int_equal(placement_open(&again, path, &error), TRACE_IO);
	assert_null(again);
	free(file);
}

/* --- Invariants ----------------------------------------------------------------------------------------------------------- */

static void refused(const uint8_t *file, size_t bytes, const char *why)
{
	struct placement *placement;
	struct trace_error error = {""};

	assert_int_equal(placement_read(&placement, file, bytes, "x", &error), TRACE_BAD_INPUT);
	assert_null(placement);
	if (!strstr(error.message, why))
		fail_msg("'%s' does not say '%s'", error.message, why);
}

/* With the checksum that belongs to what is there now. */
static void refused_as_signed(uint8_t *file, size_t bytes, const char *why)
{
	(void)flt_put64(file + bytes - 8, flt_checksum(file, bytes - 8));
	refused(file, bytes, why);
}

static void the_frame_is_checked(void **state)
{
	size_t bytes;
	uint8_t *file = story_file(&bytes);

	(void)state;
	refused(file, 0, "I1: it begins with the magic");
	for (size_t cut = 24; cut < bytes; cut++)
		refused(file, cut, "I1: it ends with the checksum");
	for (size_t i = 12; i < bytes; i++) {
		file[i] ^= 0x40;
		refused(file, bytes, "I1: it ends with the checksum");
		file[i] ^= 0x40;
	}
	file[0] ^= 1;
	refused(file, bytes, "I1: it begins with the magic");
	file[0] ^= 1;
	file[8]++;
	refused(file, bytes, "I1: its version");
	file[8]--;
	(void)flt_put32(file + 12, UINT32_MAX);
	refused_as_signed(file, bytes, "I2: the head is whole");
	free(file);
}

static void the_head_is_checked(void **state)
{
	/* process, mode, huge pages, events, takes, length of the hash */
	static const struct {
		size_t at;
		uint8_t byte;
		const char *why;
	} broken[] = {
	    {17, MODE_PARALLEL, "I2: the head's numbers"},
	    {18, 2, "I2: the head's numbers"},
	    {20, PLACEMENT_TAKES_MAX + 1, "I2: the head's numbers"},
	    {20, 0, "I2: the head's numbers"},
	    {21, 33, "I2: the head's numbers"},
	    {22, '\n', "I2: the head's numbers"},
	    {19, 50, "I4: events never fall, and are below the trace's"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(broken); i++) {
		size_t bytes;
		uint8_t *file = story_file(&bytes);

		file[broken[i].at] = broken[i].byte;
		refused_as_signed(file, bytes, broken[i].why);
		free(file);
	}
}

static void the_takes_are_checked(void **state)
{
	size_t bytes, head;
	uint8_t *file = story_file(&bytes);

	(void)state;
	head = 16 + flt_get32(file + 12);
	file[head - 1]++;
	refused_as_signed(file, bytes, "I3: takes have as many blocks and calls");
	file[head - 1]--;
	(void)flt_put32(file + head + 4, UINT32_MAX);
	refused_as_signed(file, bytes, "I3: there are as many takes");
	free(file);
	file = story_file(&bytes);
	memset(file + head + 8, 0xff, 8);
	refused_as_signed(file, bytes, "a chunk cannot be decompressed");
	free(file);
}

static void not_added(size_t records, struct placement_record broken, const char *why)
{
	struct placement_writer *writer = new_writer();
	struct trace_error error = {""};

	for (size_t i = 0; i < records; i++)
		add(writer, &story[i]);
	assert_int_equal(placement_writer_add(writer, &broken, &error), TRACE_BAD_INPUT);
	if (!strstr(error.message, why))
		fail_msg("'%s' does not say '%s'", error.message, why);
	placement_writer_destroy(writer);
}

static void records_are_checked(void **state)
{
	struct placement_record broken = story[2];

	(void)state;
	broken.event = EVENTS;
	not_added(2, broken, "I4: events never fall");
	broken.event = 4;
	not_added(3, broken, "I4: events never fall");
	broken = story[2];
	broken.object = 0;
	not_added(2, broken, "I5: objects are 1");
	broken.object = EVENT_MAX_OBJECTS + 1;
	not_added(2, broken, "I5: objects are 1");
	broken = story[0];
	broken.call.result++;
	not_added(0, broken, "mmap of what are no pages");
	broken = story[0];
	broken.call_kind = EVENT_MLOCK;
	not_added(0, broken, "a call that no placement has");
	not_added(0, story[1], "I7: each block lies in a mapping with all its bytes");
	broken = story[1];
	broken.bytes = 17 * PAGE;
	not_added(1, broken, "I7: each block lies in a mapping with all its bytes");
	not_added(0, story[9], "munmap of what is not mapped");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_is_read),	    cmocka_unit_test(takes_are_compared_and_kept),
	    cmocka_unit_test(files_are_written_and_opened), cmocka_unit_test(the_frame_is_checked),
	    cmocka_unit_test(the_head_is_checked),	    cmocka_unit_test(the_takes_are_checked),
	    cmocka_unit_test(records_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
