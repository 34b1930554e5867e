#include "config.h"

#include "traces/record/process_files.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_READ_BYTES 8192u

static int open_file(uint32_t id, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%u/%s", id, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Reads the rest of the file into *text, which has `capacity` bytes and grows. */
static ssize_t read_rest(int fd, char **text, size_t capacity)
{
	size_t length = 0;

	for (;;) {
		ssize_t got = read(fd, *text + length, capacity - 1 - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -1 : (ssize_t)length;
		length += (size_t)got;
		if (length + 1 < capacity)
			continue;
		char *larger = capacity < PROCESS_TEXT_BYTES ? realloc(*text, 2 * capacity) : NULL;
		if (!larger)
			return -1;
		*text = larger;
		capacity *= 2;
	}
}

/* The whole file, ended by NUL; NULL when it cannot be read or is empty. */
static char *read_file(uint32_t id, const char *name, size_t *length)
{
	int fd = open_file(id, name);
	char *text = fd >= 0 ? malloc(FIRST_READ_BYTES) : NULL;
	ssize_t got = -1;

	if (text)
		got = read_rest(fd, &text, FIRST_READ_BYTES);
	if (fd >= 0)
		(void)close(fd);
	if (got <= 0) {
		free(text);
		return NULL;
	}
	text[got] = '\0';
	if (length)
		*length = (size_t)got;
	return text;
}

/* The process that a line of a thread's status names; `field` is "\nName:". */
static uint32_t status_process(uint32_t thread_id, const char *field)
{
	char *status = read_file(thread_id, "status", NULL);
	const char *line = status ? strstr(status, field) : NULL;
	unsigned long process_id = line ? strtoul(line + strlen(field), NULL, 10) : 0;

	free(status);
	return process_id <= INT32_MAX ? (uint32_t)process_id : 0;
}

uint32_t process_of_thread(uint32_t thread_id)
{
	return status_process(thread_id, "\nTgid:");
}

uint32_t process_parent(uint32_t process_id)
{
	return status_process(process_id, "\nPPid:");
}

char *process_arguments(uint32_t process_id)
{
	size_t length;
	char *text = read_file(process_id, "cmdline", &length);

	while (text && length > 0 && text[length - 1] == '\0')
		length--;
	for (size_t i = 0; text && i < length; i++) {
		if (text[i] == '\0')
			text[i] = ' ';
	}
	return text;
}

char *process_thread_name(uint32_t thread_id)
{
	char *text = read_file(thread_id, "comm", NULL);

	if (text)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

char *process_file(uint32_t process_id, int descriptor, struct kernel_file *file)
{
	char link[64], path[PATH_MAX];
	struct stat status;
	ssize_t length;

	*file = (struct kernel_file){0};
	if (descriptor < 0)
		(void)snprintf(link, sizeof(link), "/proc/%u/exe", process_id);
	else
		(void)snprintf(link, sizeof(link), "/proc/%u/fd/%d", process_id, descriptor);
	length = readlink(link, path, sizeof(path) - 1);
	if (length <= 0)
		return NULL;
	if (stat(link, &status) == 0)
		*file = (struct kernel_file){.device = status.st_dev,
					     .inode = status.st_ino,
					     .bytes = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0};
	return strndup(path, (size_t)length);
}

char *process_text(uint32_t id, const char *name)
{
	return read_file(id, name, NULL);
}

bool process_is_native(uint32_t process_id)
{
	ElfW(Ehdr) header = {0}, mine = {0};
	int fd = open_file(process_id, "exe"), self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	bool native = true;

	if (fd >= 0 && self >= 0 && read(fd, &header, sizeof(header)) == (ssize_t)sizeof(header) &&
	    read(self, &mine, sizeof(mine)) == (ssize_t)sizeof(mine))
		native =
		    header.e_machine == mine.e_machine && header.e_ident[EI_CLASS] == mine.e_ident[EI_CLASS];
	if (fd >= 0)
		(void)close(fd);
	if (self >= 0)
		(void)close(self);
	return native;
}
