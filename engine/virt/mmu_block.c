#include "config.h"

#include "engine/virt/mmu_block.h"

static void filter(struct mmu_block *block, const uint64_t *addresses, uint32_t count, unsigned shift)
{
	uint64_t last = ~(addresses[0] >> shift);
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t page = addresses[i] >> shift;

		block->address[kept] = addresses[i];
		block->place[kept] = (uint16_t)i;
		kept += page != last;
		last = page;
	}
	block->count = kept;
}

static void make_keys(struct mmu_block *block, const struct mmu_key_recipe *recipe)
{
	for (uint32_t i = 0; i < block->count; i++)
		block->key[i] = (block->address[i] & recipe->mask) >> recipe->shift | recipe->bits;
}

struct mmu_stages mmu_stages_portable(void)
{
	return (struct mmu_stages){filter, make_keys};
}
