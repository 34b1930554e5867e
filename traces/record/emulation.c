#include "config.h"

#include "traces/record/emulation.h"

#include "traces/record/arena.h"
#include "traces/record/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OWN_ARGUMENTS 10u

/* The emulator's arguments before the program's own, which follow the name that it is to see and the file that is run. */
static int execute(char *emulator, char *plugin, char **command, char **list)
{
	static char processor[] = "-cpu", model[] = "max", option[] = "-plugin", unset[] = "-U",
		    variable[] = ARENA_ENVIRONMENT, name[] = "-0";
	char path[PATH_MAX];
	size_t used = 0;

	if (!program_find(command[0], path, sizeof(path)))
		return ENOENT;
	list[used++] = emulator;
	list[used++] = processor;
	list[used++] = model;
	list[used++] = option;
	list[used++] = plugin;
	list[used++] = unset;
	list[used++] = variable;
	list[used++] = name;
	list[used++] = command[0];
	list[used++] = path;
	while (*++command)
		list[used++] = *command;
	(void)execv(emulator, list);
	return errno;
}

int emulation_execute(const struct emulation *emulation, char **command)
{
	char *emulator = strdup(emulation->emulator), *plugin = strdup(emulation->plugin), **list;
	int reason = ENOMEM;
	size_t count = 0;

	while (command[count])
		count++;
	list = calloc(OWN_ARGUMENTS + count + 1, sizeof(*list));
	if (list && emulator && plugin)
		reason = execute(emulator, plugin, command, list);
	free(list);
	free(plugin);
	free(emulator);
	return reason;
}

bool emulation_may_run(const char *path)
{
	Elf64_Ehdr header;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool may = fd >= 0 && read(fd, &header, sizeof(header)) == (ssize_t)sizeof(header) &&
		   memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
		   header.e_machine == EM_X86_64;

	if (fd >= 0)
		(void)close(fd);
	return may;
}
