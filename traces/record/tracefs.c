#include "config.h"

#include "traces/record/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define FORMAT_BYTES 65536u

static bool is_tracefs(int directory)
{
	return directory >= 0 && faccessat(directory, "events", R_OK, 0) == 0;
}

/* A mount without a place. */
static int mount_detached(void)
{
	int context = fsopen("tracefs", FSOPEN_CLOEXEC), mount = -1, reason;

	if (context < 0)
		return -1;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mount = fsmount(context, FSMOUNT_CLOEXEC, 0);
	reason = errno;
	(void)close(context);
	errno = reason;
	return mount;
}

void tracefs_open(struct tracefs *tracefs)
{
	static const char *const places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

	*tracefs = (struct tracefs){.directory = -1};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		tracefs->directory = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (is_tracefs(tracefs->directory))
			return;
		tracefs_close(tracefs);
	}
	tracefs->directory = mount_detached();
	tracefs->reason = tracefs->directory < 0 ? errno : 0;
}

void tracefs_close(struct tracefs *tracefs)
{
	if (tracefs->directory >= 0)
		(void)close(tracefs->directory);
	tracefs->directory = -1;
}

/* The kernel gives a long text in pieces. Returns its length, or -1. */
static ssize_t read_pieces(int fd, char *text, size_t capacity)
{
	size_t length = 0;
	ssize_t got;

	do {
		got = read(fd, text + length, capacity - length);
		length += got > 0 ? (size_t)got : 0;
	} while (got > 0 && length < capacity);
	return got < 0 ? -1 : (ssize_t)length;
}

static char *read_event_file(const struct tracefs *tracefs, const char *event, const char *file)
{
	char path[160], *text = malloc(FORMAT_BYTES);
	ssize_t length = -1;
	int fd = -1;

	(void)snprintf(path, sizeof(path), "events/%s/%s", event, file);
	if (tracefs->directory >= 0 && text)
		fd = openat(tracefs->directory, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		length = read_pieces(fd, text, FORMAT_BYTES - 1);
		(void)close(fd);
	}
	if (length < 0) {
		free(text);
		return NULL;
	}
	text[length] = '\0';
	return text;
}

uint64_t tracepoint_number(const struct tracefs *tracefs, const char *name)
{
	char *text = read_event_file(tracefs, name, "id");
	uint64_t number = text && text[0] >= '0' && text[0] <= '9' ? strtoull(text, NULL, 10) : UINT64_MAX;

	free(text);
	return number;
}

char *tracepoint_format(const struct tracefs *tracefs, const char *name)
{
	return read_event_file(tracefs, name, "format");
}

/* In "field:unsigned long args[6];	offset:16;	size:48;": is the name before the first ';' this one? */
static bool names_field(const char *line, const char *end, const char *name)
{
	const char *stop = memchr(line, ';', (size_t)(end - line)), *bracket, *start;
	size_t length = strlen(name);

	if (!stop)
		return false;
	bracket = memchr(line, '[', (size_t)(stop - line));
	if (bracket)
		stop = bracket;
	start = stop - length;
	return start > line && memcmp(start, name, length) == 0 &&
	       (start[-1] == ' ' || start[-1] == '*' || start[-1] == '\t');
}

static bool number_after(const char *line, const char *end, const char *word, uint32_t *number)
{
	const char *at = memmem(line, (size_t)(end - line), word, strlen(word));
	unsigned long value;
	char *stop;

	if (!at)
		return false;
	at += strlen(word);
	if (at == end || *at < '0' || *at > '9')
		return false;
	value = strtoul(at, &stop, 10);
	*number = (uint32_t)value;
	return value <= FORMAT_BYTES && stop <= end;
}

bool tracepoint_field_find(const char *format, const char *name, struct tracepoint_field *field)
{
	for (const char *line = format, *end; *line; line = *end ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		const char *start = memmem(line, (size_t)(end - line), "field:", 6);
		if (start && names_field(start, end, name) &&
		    number_after(start, end, "offset:", &field->offset) &&
		    number_after(start, end, "size:", &field->size))
			return true;
	}
	*field = (struct tracepoint_field){0};
	return false;
}

uint64_t tracepoint_value(const struct tracepoint_field *field, const unsigned char *record, size_t bytes)
{
	uint16_t two;
	uint32_t four;
	uint64_t eight;

	if (field->size == 0 || field->offset > bytes || field->size > bytes - field->offset)
		return 0;
	record += field->offset;
	switch (field->size) {
	case 1:
		return *record;
	case 2:
		memcpy(&two, record, sizeof(two));
		return two;
	case 4:
		memcpy(&four, record, sizeof(four));
		return four;
	case 8:
		memcpy(&eight, record, sizeof(eight));
		return eight;
	default:
		return 0;
	}
}
