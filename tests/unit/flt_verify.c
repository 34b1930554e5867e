/* What a pass over all events and references finds that reading does not. Checksums are switched off, so that a byte can be turned. */
#include "config.h"

#include "tests/unit/flt_file.h"
#include "traces/flt_checksum.h"
#include "traces/flt_verify.h"

#include <stdlib.h>
#include <string.h>

/* Instead of the library's. */
uint64_t flt_checksum(const void *bytes, size_t count)
{
	(void)bytes;
	(void)count;
	return 0;
}

#define EVENTS 6u

/* Objects 1, 2 ... with a reference to object 1 after three of them were made. */
static struct flt_file_bytes write_trace(void)
{
	const struct flt_description description = {.source = "test", .has_time = true};
	const struct access access = {.base = 1, .size = 8, .place = ACCESS_OBJECT};
	struct flt_writer *writer;

	assert_ok(flt_writer_create(&writer, flt_file_path(), &description, &flt_file_error));
	struct event_sink *sink = flt_writer_sink(writer);

	assert_ok(sink->process(sink, 0, 0, 100, "made up", &flt_file_error));
	assert_ok(sink->thread(sink, 0, 0, 100, "first", &flt_file_error));
	for (uint64_t i = 1; i <= EVENTS; i++) {
		const struct event event = {.kind = EVENT_MALLOC, .object = i, .size = 8, .time_ns = i};

		assert_ok(flt_writer_add(writer, &event, &flt_file_error));
		if (i == 3)
			assert_ok(flt_writer_accesses(writer, 0, &access, 1, &flt_file_error));
	}
	assert_ok(flt_writer_finish(writer, &flt_file_error));
	return flt_file_load();
}

/* Verifies the bytes; true when it fails with this message behind the file's name. */
static bool fails_with(const struct flt_file_bytes *file, const char *message)
{
	struct flt_reader *reader;
	bool found = false;

	if (flt_reader_open_memory(&reader, file->bytes, file->count, &flt_file_error) != TRACE_OK)
		return false;
	if (flt_verify(reader, &flt_file_error) == TRACE_BAD_INPUT)
		found = strstr(flt_file_error.message, message) != NULL;
	flt_reader_close(reader);
	return found;
}

/* The context of the reference in its section: process 0, place object; zigzag of object 1; window 0. Its object becomes `object`
 * wherever these bytes stand; the number of places where that is found out. */
static unsigned times_found(const struct flt_file_bytes *file, uint8_t object, const char *message)
{
	static const uint8_t context[] = {ACCESS_OBJECT, 2, 0};
	unsigned found = 0;

	for (size_t i = 0; i + sizeof(context) <= file->count; i++) {
		if (memcmp(file->bytes + i, context, sizeof(context)) != 0)
			continue;
		file->bytes[i + 1] = (uint8_t)(2 * object);
		found += fails_with(file, message);
		file->bytes[i + 1] = context[1];
	}
	return found;
}

static void test_objects_that_are_not_there_yet(void **state)
{
	struct flt_file_bytes file = write_trace();

	(void)state;
	assert_int_equal(
	    times_found(&file, 4, "a reference before event 3 names object 4, but there are 3 by then"), 1);
	assert_int_equal(
	    times_found(&file, 6, "a reference before event 3 names object 6, but there are 3 by then"), 1);
	/* Object 3 is there: only the hash is another. */
	assert_int_equal(times_found(&file, 3, "names object"), 0);
	assert_int_equal(times_found(&file, 3, "the footer's hash is"), 1);
	free(file.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_objects_that_are_not_there_yet),
	};

	return cmocka_run_group_tests_name("flt_verify", tests, flt_file_make_directory,
					   flt_file_remove_directory);
}
