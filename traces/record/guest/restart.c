#include "config.h"

#include "traces/record/guest/restart.h"

#include "traces/record/arena.h"

#include <alloca.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OWN_ARGUMENTS 10u

static const char preload_prefix[] = ARENA_PRELOAD "=";

/* The value of `name` with its "=" in front of it kept: an entry of the environment; NULL = none. */
static char *entry_of(char **environment, const char *name)
{
	size_t length = strlen(name);

	for (; environment && *environment; environment++) {
		if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
			return *environment;
	}
	return NULL;
}

static bool is_same_file(const char *one, const char *other)
{
	struct stat first, second;

	return stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

static bool find_plugin(char *path, size_t capacity)
{
	static const char anchor;
	Dl_info info;
	const char *slash;
	int length;

	if (!dladdr(&anchor, &info) || !info.dli_fname || !(slash = strrchr(info.dli_fname, '/')))
		return false;
	length = snprintf(path, capacity, "%.*s/%s", (int)(slash - info.dli_fname), info.dli_fname,
			  RESTART_PLUGIN);
	return length > 0 && (size_t)length < capacity && access(path, R_OK) == 0;
}

static size_t count_of(char **list)
{
	size_t count = 0;

	while (list[count])
		count++;
	return count;
}

/* The emulator takes variables for its program in a list with commas; one with a comma inside stays in the emulator's own
 * environment, from which the program inherits it too. */
static bool passes(const char *preload)
{
	return preload && !strchr(preload, ',');
}

static void without_preload(char **environment, char **copy)
{
	for (; *environment; environment++) {
		if (strncmp(*environment, preload_prefix, sizeof(preload_prefix) - 1) != 0)
			*copy++ = *environment;
	}
	*copy = NULL;
}

void restart_in_emulator(char **arguments, char **environment)
{
	static char processor[] = "-cpu", model[] = "max", plugin_option[] = "-plugin", name[] = "-0",
		    variable[] = "-E", self[] = "/proc/self/exe";
	char program[PATH_MAX], plugin[PATH_MAX];
	char *emulator = entry_of(environment, RESTART_EMULATOR),
	     *preload = entry_of(environment, ARENA_PRELOAD);
	size_t count = count_of(arguments), used = 0;
	char **list = alloca((count + OWN_ARGUMENTS + 1) * sizeof(*list));
	char **copy = alloca((count_of(environment) + 1) * sizeof(*copy));
	ssize_t length = readlink(self, program, sizeof(program) - 1);

	if (!emulator || !entry_of(environment, ARENA_ENVIRONMENT) || length <= 0)
		return;
	program[length] = '\0';
	emulator += sizeof(RESTART_EMULATOR);
	if (is_same_file(emulator, self) || !find_plugin(plugin, sizeof(plugin)))
		return;
	list[used++] = emulator;
	list[used++] = processor;
	list[used++] = model;
	list[used++] = plugin_option;
	list[used++] = plugin;
	if (passes(preload)) {
		list[used++] = variable;
		list[used++] = preload;
		without_preload(environment, copy);
		environment = copy;
	}
	list[used++] = name;
	list[used++] = arguments[0];
	list[used++] = program;
	memcpy(list + used, arguments + 1, count * sizeof(*list)); /* with the NULL at its end */
	(void)syscall(SYS_execve, emulator, list, environment);
}
