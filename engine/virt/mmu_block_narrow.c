#include "config.h"

#include "engine/virt/mmu_block.h"

/* The compiler has no AVX2 for this machine. */
struct mmu_stages mmu_stages_fastest(void)
{
	return mmu_stages_portable();
}
