#include "config.h"

#include "bench/proc/vmallocinfo.h"

#include "engine/phys/vmallocinfo.h"

static void print_area(const struct proc_machine *machine, const struct vmallocinfo *info, FILE *out)
{
	char text[VMALLOCINFO_LINE_BYTES];
	const char *caller = NULL;

	if (machine->caller_name && info->flags != 0)
		caller = machine->caller_name(machine->caller_context, info->caller);
	(void)fwrite(text, 1, vmallocinfo_line(info, caller, text), out);
}

void proc_vmallocinfo(const struct proc_machine *machine, FILE *out)
{
	struct vmallocinfo info = {0};

	if (!machine->kernel)
		return;
	while (vmallocinfo_next(&machine->kernel->space, info.end, &info))
		print_area(machine, &info, out);
	for (uint64_t n = 0; vmallocinfo_unpurged(&machine->kernel->space, n, &info); n++)
		print_area(machine, &info, out);
}
