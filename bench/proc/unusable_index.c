#include "config.h"

#include "bench/proc/unusable_index.h"

#include "bench/proc/zone_line.h"

int unusable_index_thousandths(const struct free_blocks *free, unsigned order)
{
	const struct ratio unusable = fragmentation_unusable(free, order);

	return ratio_exists(unusable) ? (int)((uint64_t)unusable.numerator * 1000 / unusable.denominator)
				      : 1000;
}

void proc_unusable_index(const struct proc_machine *machine, FILE *out)
{
	const struct zone_line_index index = {unusable_index_thousandths, 1};

	zone_line_indices(machine->memory, &index, out);
}
