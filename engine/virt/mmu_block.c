#include "config.h"

#include "engine/virt/mmu_block.h"

static void filter(struct mmu_block *block, const struct mmu_references *references, unsigned shift)
{
	uint64_t last = ~(references->addresses[0] >> shift);
	unsigned before = 0;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < references->count; i++) {
		uint64_t page = references->addresses[i] >> shift;
		uint8_t access = references->accesses[i] & MMU_ACCESS_MASK;

		block->address[kept] = references->addresses[i];
		block->place[kept] = (uint16_t)i;
		block->access[kept] = access;
		kept += (page != last) | !mmu_access_adds_nothing(before, access);
		last = page;
		before = access;
	}
	block->count = kept;
}

struct mmu_stages mmu_stages_portable(void)
{
	return (struct mmu_stages){filter};
}
