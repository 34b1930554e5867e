/* The worked example of docs/trace-format.md is what the writer writes, byte for byte, and reads back. */
#include "config.h"

#include "tests/unit/flt_file.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_EXAMPLE_BYTES 4096

static const struct event example[] = {
    {.kind = EVENT_MALLOC, .object = 1, .size = 24, .time_ns = 100},
    {.kind = EVENT_MALLOC, .object = 2, .size = 100, .time_ns = 150},
    {.kind = EVENT_FREE, .object = 1, .time_ns = 230},
    {.kind = EVENT_REALLOC, .old_object = 2, .object = 3, .size = 200, .time_ns = 400, .thread = 1},
    {.kind = EVENT_FREE, .time_ns = 410, .thread = 1},
};

#define EXAMPLE_EVENTS (sizeof(example) / sizeof(example[0]))

static void write_example(void)
{
	const struct flt_description description = {.source = "example", .has_time = true};
	struct flt_writer *writer;

	assert_ok(flt_writer_create(&writer, flt_file_path(), &description, &flt_file_error));
	struct event_sink *sink = flt_writer_sink(writer);

	assert_ok(sink->process(sink, 0, 0, 41, "demo", &flt_file_error));
	assert_ok(sink->thread(sink, 0, 0, 41, "main", &flt_file_error));
	assert_ok(sink->thread(sink, 1, 0, 42, NULL, &flt_file_error));
	for (size_t i = 0; i < EXAMPLE_EVENTS; i++)
		assert_ok(flt_writer_add(writer, &example[i], &flt_file_error));
	assert_ok(flt_writer_finish(writer, &flt_file_error));
}

static int digit(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

/* A line of the example is "OOOO  xx xx ...": an offset of four digits, two blanks, bytes, then a comment after at least
 * two blanks. Appends its bytes; 0 when it is another line. */
static size_t parse_line(const char *line, uint8_t *bytes, size_t count)
{
	for (unsigned i = 0; i < 4; i++) {
		if (digit(line[i]) < 0)
			return 0;
	}
	if (line[4] != ' ' || line[5] != ' ')
		return 0;
	assert_int_equal(strtoul(line, NULL, 16), count);
	const size_t start = count;

	for (line += 6; digit(line[0]) >= 0 && digit(line[1]) >= 0; line += 3) {
		assert_true(count < MAX_EXAMPLE_BYTES);
		bytes[count++] = (uint8_t)(digit(line[0]) << 4 | digit(line[1]));
		if (line[2] != ' ' || line[3] == ' ')
			break;
	}
	return count - start;
}

static size_t load_document(uint8_t *bytes)
{
	const char *source = getenv("top_srcdir");
	char path[4096], line[512];
	size_t count = 0;

	(void)snprintf(path, sizeof(path), "%s/docs/trace-format.md", source ? source : ".");
	FILE *file = fopen(path, "re");

	if (!file)
		fail_msg("cannot open %s (top_srcdir must name the source tree)", path);
	while (fgets(line, sizeof(line), file))
		count += parse_line(line, bytes, count);
	(void)fclose(file);
	return count;
}

static void test_document_shows_what_is_written(void **state)
{
	uint8_t documented[MAX_EXAMPLE_BYTES];
	const size_t count = load_document(documented);

	(void)state;
	write_example();
	struct flt_file_bytes written = flt_file_load();

	for (size_t i = 0; i < written.count && i < count; i++) {
		if (documented[i] != written.bytes[i])
			fail_msg("byte 0x%04zx is %02x in the document, the writer makes it %02x", i,
				 documented[i], written.bytes[i]);
	}
	assert_int_equal(count, written.count);
	free(written.bytes);
}

static void test_document_reads_back(void **state)
{
	uint8_t documented[MAX_EXAMPLE_BYTES];
	const size_t count = load_document(documented);
	struct flt_reader *reader;
	struct event event;

	(void)state;
	assert_ok(flt_reader_open_memory(&reader, documented, count, &flt_file_error));
	assert_string_equal(flt_reader_summary(reader)->description.source, "example");
	assert_false(flt_reader_summary(reader)->truncated);
	for (size_t i = 0; i < EXAMPLE_EVENTS; i++) {
		assert_ok(flt_reader_next(reader, &event, &flt_file_error));
		flt_file_assert_event(&event, &example[i], i);
	}
	flt_reader_close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_document_shows_what_is_written),
	    cmocka_unit_test(test_document_reads_back),
	};

	return cmocka_run_group_tests_name("flt_example", tests, flt_file_make_directory,
					   flt_file_remove_directory);
}
