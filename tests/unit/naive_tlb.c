#include "config.h"

#include "tests/unit/naive_tlb.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

void naive_tlb_make(struct naive_tlb *tlb, const uint32_t entries[2], const uint32_t ways[2], bool fifo)
{
	*tlb = (struct naive_tlb){.clock = 0};
	for (unsigned i = 0; i < 2; i++) {
		tlb->level[i].ways = ways[i];
		tlb->level[i].sets = ways[i] > 0 ? entries[i] / ways[i] : 0;
		tlb->level[i].fifo = fifo;
		tlb->level[i].entry = calloc(entries[i] + 1, sizeof(struct naive_entry));
		assert_non_null(tlb->level[i].entry);
	}
}

void naive_tlb_drop(struct naive_tlb *tlb)
{
	free(tlb->level[0].entry);
	free(tlb->level[1].entry);
}

static bool array_access(struct naive_array *array, uint64_t page, uint64_t now)
{
	if (array->sets == 0)
		return false;
	struct naive_entry *set = &array->entry[page % array->sets * array->ways];
	struct naive_entry *victim = set;

	for (uint32_t way = 0; way < array->ways; way++) {
		if (set[way].valid && set[way].page == page) {
			if (!array->fifo)
				set[way].stamp = now;
			return true;
		}
		if (victim->valid && (!set[way].valid || set[way].stamp < victim->stamp))
			victim = &set[way];
	}
	*victim = (struct naive_entry){true, page, now};
	return false;
}

void naive_tlb_access(struct naive_tlb *tlb, uint64_t page)
{
	tlb->clock++;
	tlb->accesses++;
	for (unsigned i = 0; i < 2; i++) {
		if (array_access(&tlb->level[i], page, tlb->clock))
			return;
		tlb->misses[i]++;
	}
}

void naive_tlb_flush(struct naive_tlb *tlb, uint64_t first, uint64_t last)
{
	for (unsigned i = 0; i < 2; i++) {
		for (uint32_t at = 0; at < tlb->level[i].sets * tlb->level[i].ways; at++) {
			struct naive_entry *entry = &tlb->level[i].entry[at];

			if (entry->page >= first && entry->page <= last)
				entry->valid = false;
		}
	}
}
