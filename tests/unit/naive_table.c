#include "config.h"

#include "tests/unit/naive_table.h"

bool naive_table_map(void *context, uint64_t address, pfn_t pfn, unsigned order)
{
	struct naive_table *table = context;
	uint64_t first = (address - NAIVE_TABLE_START) >> PAGE_SHIFT;

	if (table->refuse_after > 0 && --table->refuse_after == 0)
		return false;
	for (uint64_t page = first; page < first + ((uint64_t)1 << order); page++) {
		if (table->frame[page] != 0)
			table->wrong = "a mapped page is mapped again";
		if (table->known[page])
			table->wrong = "addresses are used again that a TLB may know";
		table->frame[page] = pfn + 1 + (page - first);
	}
	return true;
}

void naive_table_unmap(void *context, uint64_t address, uint64_t bytes)
{
	struct naive_table *table = context;

	for (uint64_t page = (address - NAIVE_TABLE_START) >> PAGE_SHIFT; bytes > 0;
	     page++, bytes -= PAGE_BYTES) {
		if (table->frame[page] == 0)
			table->wrong = "a page is unmapped that is not mapped";
		table->frame[page] = 0;
		table->known[page] = true;
	}
}

void naive_table_flush(void *context, uint64_t start, uint64_t end)
{
	struct naive_table *table = context;

	for (uint64_t page = (start - NAIVE_TABLE_START) >> PAGE_SHIFT;
	     page < (end - NAIVE_TABLE_START) >> PAGE_SHIFT; page++)
		table->known[page] = false;
	table->flushes++;
}
