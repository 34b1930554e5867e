#include "config.h"

#include "bench/replay/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

static bool steers_allocator(const char *entry)
{
	for (size_t i = 0; target_variables[i]; i++) {
		if (strncmp(entry, target_variables[i], strlen(target_variables[i])) == 0)
			return true;
	}
	return false;
}

static char *joined(const char *name, const char *value)
{
	size_t bytes = strlen(name) + strlen(value) + 1;
	char *entry = malloc(bytes);

	if (entry)
		(void)snprintf(entry, bytes, "%s%s", name, value);
	return entry;
}

static char *padding(unsigned bytes)
{
	static const char name[] = "FAULTLINE_PADDING=";
	char *entry = malloc(sizeof(name) + bytes);

	if (!entry)
		return NULL;
	memcpy(entry, name, sizeof(name));
	memset(entry + sizeof(name) - 1, 'x', bytes);
	entry[sizeof(name) - 1 + bytes] = '\0';
	return entry;
}

char **environment_create(const struct target *target, unsigned padding_bytes)
{
	size_t count = 0, kept = 0;

	while (environ[count])
		count++;
	char **environment = calloc(count + target->environment_count + 3, sizeof(environment[0]));

	if (!environment)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (!steers_allocator(environ[i]) && (environment[kept] = joined(environ[i], "")))
			kept++;
	}
	for (size_t i = 0; i < target->environment_count; i++) {
		if ((environment[kept] = joined(target->environment[i], "")))
			kept++;
	}
	if (target->library[0] && (environment[kept] = joined("LD_PRELOAD=", target->library)))
		kept++;
	environment[kept] = padding(padding_bytes);
	return environment;
}

void environment_destroy(char **environment)
{
	for (size_t i = 0; environment && environment[i]; i++)
		free(environment[i]);
	free(environment);
}

const char *child_process_program(const struct target *target)
{
	return target->functions == FUNCTIONS_LINKED ? "faultline-replay-linked" : "faultline-replay";
}

pid_t child_process_start(const struct child_start *start, struct trace_error *error)
{
	char number[16], name[] = "faultline-replay";
	char *arguments[] = {name, number, NULL};
	pid_t child;

	(void)snprintf(number, sizeof(number), "%d", start->descriptor);
	child = fork();
	if (child < 0) {
		(void)trace_fail(error, TRACE_IO, "cannot start another process: %s", strerror(errno));
		return -1;
	}
	if (child == 0) {
		(void)fcntl(start->descriptor, F_SETFD, 0);
		if (start->fixed_addresses)
			(void)personality((unsigned long)personality(0xffffffff) | ADDR_NO_RANDOMIZE);
		(void)execve(start->program, arguments, start->environment);
		_exit(127);
	}
	return child;
}
