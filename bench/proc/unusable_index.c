#include "config.h"

#include "bench/proc/unusable_index.h"

#include "bench/proc/zone_line.h"

unsigned unusable_index_thousandths(const struct free_blocks *free, unsigned order)
{
	const struct ratio unusable = fragmentation_unusable(free, order);

	return ratio_exists(unusable) ? (unsigned)((uint64_t)unusable.numerator * 1000 / unusable.denominator)
				      : 1000;
}

void proc_unusable_index(const struct proc_machine *machine, FILE *out)
{
	const struct memory *memory = machine->memory;
	const struct zone *zone;

	for (unsigned i = 0; (zone = zone_line_next(memory, &i));) {
		struct free_blocks free;

		zone_free_blocks(zone, &free);
		zone_line_begin(zone, out);
		for (unsigned order = 0; order <= memory->max_order; order++) {
			const unsigned index = unusable_index_thousandths(&free, order);

			(void)fprintf(out, "%u.%03u ", index / 1000, index % 1000);
		}
		(void)fputc('\n', out);
	}
}
