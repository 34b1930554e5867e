#include "config.h"

#include "bench/proc/buddyinfo.h"

#include "bench/proc/zone_line.h"

#include <inttypes.h>

void proc_buddyinfo(const struct proc_machine *machine, FILE *out)
{
	const struct memory *memory = machine->memory;
	const struct zone *zone;

	for (unsigned i = 0; (zone = zone_line_next(memory, &i));) {
		struct free_blocks free;

		zone_free_blocks(zone, &free);
		zone_line_begin(zone, out);
		for (unsigned order = 0; order <= memory->max_order; order++)
			(void)fprintf(out, "%6" PRIu64 " ", free.blocks[order]);
		(void)fputc('\n', out);
	}
}
