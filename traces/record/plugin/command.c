#include "config.h"

#include "traces/record/preload/attach.h"

#include <string.h>

/* The emulator's own arguments end with `-0 NAME PATH`; NAME and what follows PATH are the program's. */
void attach_command(char *text, size_t capacity)
{
	char arguments[ARENA_TEXT_BYTES + 4096];
	size_t used = attach_read("/proc/self/cmdline", arguments, sizeof(arguments) - 1), filled = 0, at = 0;

	arguments[used] = '\0';
	while (at < used && strcmp(arguments + at, "-0") != 0)
		at += strlen(arguments + at) + 1;
	at += sizeof("-0");
	for (unsigned word = 0; at < used && filled + 2 < capacity; word++) {
		size_t length = strnlen(arguments + at, capacity - 2 - filled);
		if (word != 1) {
			memcpy(text + filled, arguments + at, length);
			filled += length;
			text[filled++] = ' ';
		}
		at += strlen(arguments + at) + 1;
	}
	text[filled > 0 ? filled - 1 : 0] = '\0';
}
