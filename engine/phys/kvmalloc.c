#include "config.h"

#include "engine/phys/kvmalloc.h"

uintptr_t kvmalloc(const struct kvmalloc *memory, const struct gfp *gfp, size_t bytes)
{
	uintptr_t address = kmalloc(memory->caches, gfp, bytes);

	return address != 0 || bytes <= PAGE_BYTES ? address : vmalloc_huge(memory->space, gfp, bytes);
}

void kvfree(const struct kvmalloc *memory, int cpu, uintptr_t address)
{
	if (is_vmalloc_addr(memory->space, address))
		vfree(memory->space, cpu, address);
	else
		kfree(memory->caches, cpu, address);
}
