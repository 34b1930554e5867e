/* naive_table.h: a page table and a TLB that never forgets by itself, for tests of who maps kernel addresses. */
#ifndef FAULTLINE_TESTS_UNIT_NAIVE_TABLE_H
#define FAULTLINE_TESTS_UNIT_NAIVE_TABLE_H

#include "engine/base/units.h"

#include <stdbool.h>
#include <stdint.h>

#define NAIVE_TABLE_START 0x40000000u
#define NAIVE_TABLE_PAGES 16384u /* 64 MiB */

struct naive_table {
	uint64_t frame[NAIVE_TABLE_PAGES]; /* frame + 1 */
	bool known[NAIVE_TABLE_PAGES];	   /* a TLB may still know an older mapping */
	uint64_t flushes, refuse_after;	   /* maps until it refuses; 0 = never */
	const char *wrong;
};

/* A class of functions as struct vmap_mapper asks for; context is the table. What is wrong is told in its `wrong`. */
bool naive_table_map(void *context, uint64_t address, pfn_t pfn, unsigned order);
void naive_table_unmap(void *context, uint64_t address, uint64_t bytes);
void naive_table_flush(void *context, uint64_t start, uint64_t end);

#endif
