#include "config.h"

#include "bench/proc/extfrag_index.h"

#include "bench/proc/zone_line.h"

#define NONE_FAILS (-1000)

int extfrag_index_thousandths(const struct free_blocks *free, unsigned order)
{
	const uint64_t pages = free_blocks_pages(free);
	uint64_t blocks = 0;

	for (unsigned i = 0; i < FRAGMENTATION_ORDERS; i++) {
		if (i >= order && free->blocks[i] > 0)
			return NONE_FAILS;
		blocks += free->blocks[i];
	}
	if (blocks == 0)
		return 0;
	return 1000 - (int)((1000 + (pages * 1000 >> order)) / blocks);
}

void proc_extfrag_index(const struct proc_machine *machine, FILE *out)
{
	const struct zone_line_index index = {extfrag_index_thousandths, 2};

	zone_line_indices(machine->memory, &index, out);
}
