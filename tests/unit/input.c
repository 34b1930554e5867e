#include "config.h"

#include "traces/import/input.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PACKED_BYTES ((size_t)1 << 20)

struct member {
	const char *name; /* NULL behind the last */
	const char *text;
	unsigned type;
};

/* What a test reads: all lines, joined by '|'. */
static enum trace_status read_lines(struct input *input, char *text, size_t room, struct trace_error *error)
{
	struct input_line line;
	enum trace_status status;
	uint64_t number = 0;
	size_t used = 0;

	text[0] = '\0';
	while ((status = input_next(input, &line, error)) == TRACE_OK) {
		assert_int_equal(line.number, ++number);
		assert_true(used + line.length + 2 < room);
		memcpy(text + used, line.text, line.length);
		used += line.length;
		text[used++] = '|';
		text[used] = '\0';
	}
	return status;
}

static void expect_lines(const void *bytes, size_t length, const char *name, const char *lines)
{
	struct trace_error error;
	struct input *input;
	char text[256];

	assert_int_equal(input_open_memory(&input, bytes, length, "in", &error), TRACE_OK);
	assert_string_equal(input_name(input), name);
	assert_int_equal(read_lines(input, text, sizeof(text), &error), TRACE_END);
	assert_string_equal(text, lines);
	input_close(input);
}

static size_t pack(char *packed, int format, int filter, const struct member *member)
{
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	size_t used = 0;

	assert_int_equal(archive_write_set_format(archive, format), ARCHIVE_OK);
	assert_int_equal(archive_write_add_filter(archive, filter), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(archive, packed, PACKED_BYTES, &used), ARCHIVE_OK);
	for (; member->name; member++) {
		archive_entry_clear(entry);
		archive_entry_set_pathname(entry, member->name);
		archive_entry_set_filetype(entry, member->type);
		archive_entry_set_perm(entry, 0644);
		archive_entry_set_size(entry, (la_int64_t)strlen(member->text));
		assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
		assert_int_equal(archive_write_data(archive, member->text, strlen(member->text)),
				 strlen(member->text));
	}
	assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
	archive_entry_free(entry);
	archive_write_free(archive);
	return used;
}

static void plain_text(void **state)
{
	(void)state;
	expect_lines("a\nb\n", 4, "in", "a|b|");
	expect_lines("a\r\n\r\nb", 6, "in", "a||b|");
	expect_lines("\n", 1, "in", "|");
	expect_lines("a\rb\n", 4, "in", "a\rb|");
}

static void every_compression(void **state)
{
	static const int filters[] = {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_BZIP2, ARCHIVE_FILTER_XZ,
				      ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_COMPRESS};
	const struct member members[] = {{"data", "one\ntwo\nthree", AE_IFREG}, {0}};
	char *packed = malloc(PACKED_BYTES);

	(void)state;
	assert_non_null(packed);
	for (size_t index = 0; index < sizeof(filters) / sizeof(filters[0]); index++) {
		size_t length = pack(packed, ARCHIVE_FORMAT_RAW, filters[index], members);

		expect_lines(packed, length, "in", "one|two|three|");
	}
	free(packed);
}

static void archives_give_their_first_file(void **state)
{
	static const int formats[] = {ARCHIVE_FORMAT_ZIP, ARCHIVE_FORMAT_TAR_USTAR};
	const struct member members[] = {{"dir/", "", AE_IFDIR},
					 {"dir/tr\033ace.txt", "one\ntwo\n", AE_IFREG},
					 {"other", "x", AE_IFREG},
					 {"third", "y", AE_IFREG},
					 {0}};
	char *packed = malloc(PACKED_BYTES), text[64];
	struct trace_error error;
	struct input *input;

	(void)state;
	assert_non_null(packed);
	for (size_t index = 0; index < sizeof(formats) / sizeof(formats[0]); index++) {
		size_t length = pack(packed, formats[index], ARCHIVE_FILTER_NONE, members);

		assert_int_equal(input_open_memory(&input, packed, length, "in", &error), TRACE_OK);
		assert_string_equal(input_name(input), "in(dir/tr?ace.txt)");
		assert_int_equal(read_lines(input, text, sizeof(text), &error), TRACE_END);
		assert_string_equal(text, "one|two|");
		assert_int_equal(input_other_members(input), 2);
		assert_int_equal(input_bytes(input), 8);
		input_close(input);
	}
	free(packed);
}

static void nothing_to_read(void **state)
{
	const struct member only_directory[] = {{"dir/", "", AE_IFDIR}, {0}};
	const struct member empty_file[] = {{"file", "", AE_IFREG}, {0}};
	char *packed = malloc(PACKED_BYTES);
	struct trace_error error;
	struct input *input;
	size_t length;

	(void)state;
	assert_non_null(packed);
	assert_int_equal(input_open_memory(&input, "", 0, "in", &error), TRACE_BAD_INPUT);
	assert_non_null(strstr(error.message, "in: holds no data"));
	length = pack(packed, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, only_directory);
	assert_int_equal(input_open_memory(&input, packed, length, "in", &error), TRACE_BAD_INPUT);
	assert_non_null(strstr(error.message, "in: holds no data"));
	length = pack(packed, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, empty_file);
	assert_int_equal(input_open_memory(&input, packed, length, "in", &error), TRACE_BAD_INPUT);
	assert_non_null(strstr(error.message, "in(file): is empty"));
	free(packed);
}

/* A gzip file cut anywhere gives an error or, before the cut, whole lines; never a crash or a silent end. */
static void cut_and_flipped_files(void **state)
{
	char *packed = malloc(PACKED_BYTES), text[256];
	const struct member members[] = {{"data", "one\ntwo\nthree\nfour\n", AE_IFREG}, {0}};
	struct trace_error error;
	struct input *input;
	size_t length;

	(void)state;
	assert_non_null(packed);
	length = pack(packed, ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_ZSTD, members);
	for (size_t cut = 4; cut < length; cut++) {
		enum trace_status status = input_open_memory(&input, packed, cut, "in", &error);

		if (status == TRACE_OK) {
			status = read_lines(input, text, sizeof(text), &error);
			input_close(input);
		}
		assert_int_equal(status, TRACE_BAD_INPUT);
		assert_memory_equal(error.message, "in:", 3);
	}
	for (size_t byte = 0; byte < length; byte++) {
		packed[byte] = (char)(packed[byte] ^ 0x10);
		if (input_open_memory(&input, packed, length, "in", &error) == TRACE_OK) {
			(void)read_lines(input, text, sizeof(text), &error);
			input_close(input);
		}
		packed[byte] = (char)(packed[byte] ^ 0x10);
	}
	free(packed);
}

/* Lines around the limit, and one that is far longer than the buffer. */
static void long_lines_are_cut(void **state)
{
	static const char end[5] = {'\n', 'e', 'n', 'd', '\n'};
	static const size_t lengths[] = {INPUT_LINE_MAX_BYTES - 1, INPUT_LINE_MAX_BYTES,
					 INPUT_LINE_MAX_BYTES + 1, (size_t)1 << 20};
	struct trace_error error;
	struct input_line line;
	struct input *input;

	(void)state;
	for (size_t index = 0; index < sizeof(lengths) / sizeof(lengths[0]); index++) {
		size_t length = lengths[index];
		char *text = malloc(length + 5);

		assert_non_null(text);
		memset(text, 'x', length);
		memcpy(text + length, end, sizeof(end));
		assert_int_equal(input_open_memory(&input, text, length + 5, "in", &error), TRACE_OK);
		assert_int_equal(input_next(input, &line, &error), TRACE_OK);
		assert_int_equal(line.cut, length > INPUT_LINE_MAX_BYTES);
		assert_int_equal(line.length, length > INPUT_LINE_MAX_BYTES ? INPUT_LINE_MAX_BYTES : length);
		assert_int_equal(line.text[line.length - 1], 'x');
		assert_int_equal(input_next(input, &line, &error), TRACE_OK);
		assert_int_equal(line.number, 2);
		assert_int_equal(line.length, 3);
		assert_memory_equal(line.text, "end", 3);
		assert_int_equal(input_next(input, &line, &error), TRACE_END);
		input_close(input);
		free(text);
	}
}

static void peeking_consumes_nothing(void **state)
{
	char *text = malloc(INPUT_PEEK_BYTES * 2);
	struct trace_error error;
	struct input *input;
	struct input_line line;
	const char *bytes;
	size_t length, lines = 0;

	(void)state;
	assert_non_null(text);
	for (size_t index = 0; index < INPUT_PEEK_BYTES * 2; index++)
		text[index] = index % 64 == 63 ? '\n' : 'y';
	assert_int_equal(input_open_memory(&input, text, INPUT_PEEK_BYTES * 2, "in", &error), TRACE_OK);
	assert_int_equal(input_peek(input, &bytes, &length, &error), TRACE_OK);
	assert_int_equal(length, INPUT_PEEK_BYTES);
	assert_memory_equal(bytes, text, length);
	while (input_next(input, &line, &error) == TRACE_OK)
		lines++;
	assert_int_equal(lines, INPUT_PEEK_BYTES * 2 / 64);
	input_close(input);
	free(text);
}

static void files_that_cannot_be_opened(void **state)
{
	struct trace_error error;
	struct input *input;

	(void)state;
	assert_int_equal(input_open(&input, "/nonexistent/file", &error), TRACE_IO);
	assert_string_equal(error.message, "/nonexistent/file: cannot be opened: No such file or directory");
	assert_null(input);
	assert_int_not_equal(input_open(&input, "/", &error), TRACE_OK);
	assert_memory_equal(error.message, "/:", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_text),
	    cmocka_unit_test(every_compression),
	    cmocka_unit_test(archives_give_their_first_file),
	    cmocka_unit_test(nothing_to_read),
	    cmocka_unit_test(cut_and_flipped_files),
	    cmocka_unit_test(long_lines_are_cut),
	    cmocka_unit_test(peeking_consumes_nothing),
	    cmocka_unit_test(files_that_cannot_be_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
