#include "config.h"

#include "traces/record/preload/attach.h"

void attach_command(char *text, size_t capacity)
{
	size_t used = attach_read("/proc/self/cmdline", text, capacity);

	while (used > 0 && text[used - 1] == '\0')
		used--;
	for (size_t i = 0; i < used; i++) {
		if (text[i] == '\0')
			text[i] = ' ';
	}
}
