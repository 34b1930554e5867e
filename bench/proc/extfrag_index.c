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
	const struct memory *memory = machine->memory;
	const struct zone *zone;

	for (unsigned i = 0; (zone = zone_line_next(memory, &i));) {
		struct free_blocks free;

		zone_free_blocks(zone, &free);
		zone_line_begin(zone, out);
		for (unsigned order = 0; order <= memory->max_order; order++) {
			const int index = extfrag_index_thousandths(&free, order);

			(void)fprintf(out, "%2d.%03d ", index / 1000, index % 1000);
		}
		(void)fputc('\n', out);
	}
}
