#include "config.h"

#include "bench/micro/naive_mmu.h"

#include <string.h>

/* One array: lines of `ways` per set. */
struct array {
	struct naive_line *line;
	unsigned sets, ways;
};

void naive_mmu_clear(struct naive_mmu *mmu)
{
	memset(mmu, 0, sizeof(*mmu));
}

static bool lookup(struct array array, uint64_t page, uint64_t now)
{
	struct naive_line *set = &array.line[page % array.sets * array.ways];
	struct naive_line *victim = set;

	for (unsigned way = 0; way < array.ways; way++) {
		if (set[way].page == page && set[way].used != 0) {
			set[way].used = now;
			return true;
		}
		if (set[way].used < victim->used)
			victim = &set[way];
	}
	victim->page = page;
	victim->used = now;
	return false;
}

static void walk(struct naive_mmu *mmu, uint64_t page)
{
	if (lookup((struct array){mmu->pde, 8, 4}, page >> 9, mmu->time))
		mmu->references += 1;
	else if (lookup((struct array){mmu->pdpte, 1, 4}, page >> 18, mmu->time))
		mmu->references += 2;
	else if (lookup((struct array){mmu->pml4e, 1, 2}, page >> 27, mmu->time))
		mmu->references += 3;
	else
		mmu->references += 4;
}

void naive_mmu_access(struct naive_mmu *mmu, const struct pagetable *table, uint64_t address, bool stores)
{
	uint64_t page = address >> 12;
	unsigned level;
	pte_t *entry = pagetable_find(table, address, &level);

	mmu->time++;
	if (!entry || !pte_has(*entry, PTE_PRESENT | PTE_USER) || (stores && !pte_has(*entry, PTE_WRITE)))
		return;
	if (!pte_has(*entry, PTE_ACCESSED))
		*entry |= PTE_ACCESSED;
	if (stores && !pte_has(*entry, PTE_DIRTY))
		*entry = pte_make_dirty(*entry);
	if (lookup((struct array){mmu->level_1, 16, 4}, page, mmu->time))
		return;
	mmu->misses[0]++;
	if (lookup((struct array){mmu->level_2, 128, 12}, page, mmu->time))
		return;
	mmu->misses[1]++;
	walk(mmu, page);
}
