#include "config.h"

#include "traces/import/input.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_BUFFER_BYTES ((size_t)1 << 18)
#define INPUT_BLOCK_BYTES ((size_t)1 << 17)
#define INPUT_NAME_BYTES 512

struct input {
	struct archive *archive;
	int descriptor;		/* what to close, -1 = nothing of ours */
	bool is_archive;	/* zip or tar: there may be more members */
	bool ended;		/* libarchive has no more bytes of this member */
	bool skipping;		/* `start` lies in a line that was handed out cut */
	size_t start, end;	/* the unread bytes in `buffer` */
	uint64_t line;		/* number of the last line handed out */
	uint64_t bytes;		/* decompressed so far */
	uint64_t other_members; /* known at the end */
	char name[INPUT_NAME_BYTES];
	char buffer[INPUT_BUFFER_BYTES];
};

static enum trace_status input_fail(const struct input *input, struct trace_error *error)
{
	const char *reason = archive_error_string(input->archive);

	return trace_fail(
	    error, TRACE_BAD_INPUT,
	    "%s:%llu: cannot be read on: %s; the file should be text, plain or as gzip, bzip2, xz, zstd, "
	    "zip or tar, and complete",
	    input->name, (unsigned long long)input->line + 1, reason ? reason : "damaged data");
}

/* archive_read_support_filter_all would also enable filters that run external programs. */
static bool input_enable_formats(struct archive *archive)
{
	return archive_read_support_filter_gzip(archive) == ARCHIVE_OK &&
	       archive_read_support_filter_bzip2(archive) == ARCHIVE_OK &&
	       archive_read_support_filter_xz(archive) == ARCHIVE_OK &&
	       archive_read_support_filter_zstd(archive) == ARCHIVE_OK &&
	       archive_read_support_filter_compress(archive) == ARCHIVE_OK &&
	       archive_read_support_format_zip(archive) == ARCHIVE_OK &&
	       archive_read_support_format_tar(archive) == ARCHIVE_OK &&
	       archive_read_support_format_raw(archive) == ARCHIVE_OK &&
	       archive_read_support_format_empty(archive) == ARCHIVE_OK;
}

/* NULL, with *status and the message, when there is no memory or libarchive lacks a filter. */
static struct input *input_create(const char *name, enum trace_status *status, struct trace_error *error)
{
	struct input *input = calloc(1, sizeof(*input));

	*status = TRACE_OK;
	if (!input) {
		*status = trace_fail(error, TRACE_NO_MEMORY, "%s: no memory for reading it", name);
		return NULL;
	}
	input->descriptor = -1;
	(void)snprintf(input->name, sizeof(input->name), "%s", name);
	input->archive = archive_read_new();
	if (!input->archive || !input_enable_formats(input->archive)) {
		input_close(input);
		*status = trace_fail(
		    error, TRACE_UNSUPPORTED,
		    "%s: this libarchive lacks gzip, bzip2, xz, zstd, zip or tar; install one with "
		    "all of them",
		    name);
		return NULL;
	}
	return input;
}

/* Control characters of a member's name must not reach a terminal. */
static void input_name_member(struct input *input, const char *member)
{
	size_t used = strlen(input->name);

	(void)snprintf(input->name + used, sizeof(input->name) - used, "(%s)", member ? member : "?");
	for (char *at = input->name + used; *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
	}
}

/* Goes to the first regular member and takes its first bytes, so that an empty file is noticed here. */
static enum trace_status input_enter_member(struct input *input, struct trace_error *error)
{
	struct archive_entry *entry;
	int result;

	do {
		result = archive_read_next_header(input->archive, &entry);
		if (result == ARCHIVE_EOF)
			return trace_fail(
			    error, TRACE_BAD_INPUT,
			    "%s: holds no data; a recording in one of the formats of `faultline import "
			    "--list` was expected",
			    input->name);
		if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
			return input_fail(input, error);
	} while (archive_entry_filetype(entry) != AE_IFREG);
	input->is_archive = (archive_format(input->archive) & ARCHIVE_FORMAT_BASE_MASK) != ARCHIVE_FORMAT_RAW;
	if (input->is_archive)
		input_name_member(input, archive_entry_pathname(entry));
	return TRACE_OK;
}

/* Moves the unread bytes to the front and adds bytes behind them; sets `ended` when there are none. */
static enum trace_status input_fill(struct input *input, struct trace_error *error)
{
	la_ssize_t got;

	if (input->start > 0) {
		memmove(input->buffer, input->buffer + input->start, input->end - input->start);
		input->end -= input->start;
		input->start = 0;
	}
	got =
	    archive_read_data(input->archive, input->buffer + input->end, sizeof(input->buffer) - input->end);
	if (got < 0)
		return input_fail(input, error);
	input->ended = got == 0;
	input->end += (size_t)got;
	input->bytes += (uint64_t)got;
	return TRACE_OK;
}

static enum trace_status input_start(struct input **opened, struct input *input, struct trace_error *error)
{
	enum trace_status status = input_enter_member(input, error);

	if (status == TRACE_OK)
		status = input_fill(input, error);
	if (status == TRACE_OK && input->end == 0)
		status = trace_fail(
		    error, TRACE_BAD_INPUT,
		    "%s: is empty; a recording in one of the formats of `faultline import --list` was "
		    "expected",
		    input->name);
	if (status != TRACE_OK) {
		input_close(input);
		return status;
	}
	*opened = input;
	return TRACE_OK;
}

static enum trace_status input_open_file(struct input *input, const char *path, struct trace_error *error)
{
	struct stat status;

	input->descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (input->descriptor >= 0 && (fstat(input->descriptor, &status) != 0 || !S_ISDIR(status.st_mode)))
		return TRACE_OK;
	return trace_fail(error, TRACE_IO, "%s: cannot be opened: %s", path,
			  strerror(input->descriptor >= 0 ? EISDIR : errno));
}

enum trace_status input_open(struct input **opened, const char *path, struct trace_error *error)
{
	bool standard = strcmp(path, "-") == 0;
	enum trace_status status;
	struct input *input = input_create(standard ? "standard input" : path, &status, error);

	*opened = NULL;
	if (!input)
		return status;
	if (!standard)
		status = input_open_file(input, path, error);
	if (status == TRACE_OK &&
	    archive_read_open_fd(input->archive, standard ? STDIN_FILENO : input->descriptor,
				 INPUT_BLOCK_BYTES) != ARCHIVE_OK)
		status = input_fail(input, error);
	if (status != TRACE_OK) {
		input_close(input);
		return status;
	}
	return input_start(opened, input, error);
}

enum trace_status input_open_memory(struct input **opened, const void *bytes, size_t length, const char *name,
				    struct trace_error *error)
{
	enum trace_status status;
	struct input *input = input_create(name, &status, error);

	*opened = NULL;
	if (!input)
		return status;
	if (archive_read_open_memory(input->archive, bytes, length) != ARCHIVE_OK) {
		status = input_fail(input, error);
		input_close(input);
		return status;
	}
	return input_start(opened, input, error);
}

const char *input_name(const struct input *input)
{
	return input->name;
}

enum trace_status input_peek(struct input *input, const char **bytes, size_t *length,
			     struct trace_error *error)
{
	while (!input->ended && input->end - input->start < INPUT_PEEK_BYTES) {
		enum trace_status status = input_fill(input, error);

		if (status != TRACE_OK)
			return status;
	}
	*bytes = input->buffer + input->start;
	*length = input->end - input->start;
	if (*length > INPUT_PEEK_BYTES)
		*length = INPUT_PEEK_BYTES;
	return TRACE_OK;
}

static void input_count_members(struct input *input)
{
	struct archive_entry *entry;

	while (input->is_archive && archive_read_next_header(input->archive, &entry) == ARCHIVE_OK) {
		if (archive_entry_filetype(entry) == AE_IFREG)
			input->other_members++;
	}
	input->is_archive = false;
}

/* Drops the rest of a line that is already known to be too long. */
static enum trace_status input_skip_rest(struct input *input, struct trace_error *error)
{
	for (;;) {
		const char *newline = memchr(input->buffer + input->start, '\n', input->end - input->start);
		enum trace_status status;

		if (newline) {
			input->start = (size_t)(newline - input->buffer) + 1;
			break;
		}
		input->start = input->end;
		if (input->ended)
			break;
		status = input_fill(input, error);
		if (status != TRACE_OK)
			return status;
	}
	input->skipping = false;
	return TRACE_OK;
}

static void input_hand_out(struct input *input, struct input_line *line, size_t length)
{
	line->text = input->buffer + input->start;
	line->length = length;
	if (length > 0 && line->text[length - 1] == '\r')
		line->length--;
	line->number = ++input->line;
	line->cut = false;
}

static enum trace_status input_cut(struct input *input, struct input_line *line)
{
	line->text = input->buffer + input->start;
	line->length = INPUT_LINE_MAX_BYTES;
	line->number = ++input->line;
	line->cut = true;
	input->skipping = true;
	return TRACE_OK;
}

enum trace_status input_next(struct input *input, struct input_line *line, struct trace_error *error)
{
	size_t searched = 0;

	if (input->skipping) {
		enum trace_status status = input_skip_rest(input, error);

		if (status != TRACE_OK)
			return status;
	}
	for (;;) {
		const char *from = input->buffer + input->start;
		size_t available = input->end - input->start;
		const char *newline = memchr(from + searched, '\n', available - searched);
		enum trace_status status;

		if (newline && (size_t)(newline - from) <= INPUT_LINE_MAX_BYTES) {
			input_hand_out(input, line, (size_t)(newline - from));
			input->start += (size_t)(newline - from) + 1;
			return TRACE_OK;
		}
		if (newline || available > INPUT_LINE_MAX_BYTES)
			return input_cut(input, line);
		if (input->ended) {
			if (available == 0) {
				input_count_members(input);
				return TRACE_END;
			}
			input_hand_out(input, line, available);
			input->start = input->end;
			return TRACE_OK;
		}
		searched = available;
		status = input_fill(input, error);
		if (status != TRACE_OK)
			return status;
	}
}

enum trace_status input_read(struct input *input, void *bytes, size_t capacity, size_t *got,
			     struct trace_error *error)
{
	*got = 0;
	while (*got < capacity) {
		size_t available = input->end - input->start, piece = capacity - *got;
		if (available == 0 && input->ended)
			break;
		if (available == 0) {
			enum trace_status status = input_fill(input, error);
			if (status != TRACE_OK)
				return status;
			continue;
		}
		if (piece > available)
			piece = available;
		memcpy((char *)bytes + *got, input->buffer + input->start, piece);
		input->start += piece;
		*got += piece;
	}
	if (*got == 0) {
		input_count_members(input);
		return TRACE_END;
	}
	input->line++;
	return TRACE_OK;
}

uint64_t input_other_members(const struct input *input)
{
	return input->other_members;
}

uint64_t input_bytes(const struct input *input)
{
	return input->bytes;
}

void input_close(struct input *input)
{
	if (!input)
		return;
	if (input->archive)
		(void)archive_read_free(input->archive);
	if (input->descriptor >= 0)
		(void)close(input->descriptor);
	free(input);
}
