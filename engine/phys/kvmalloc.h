/* kvmalloc.h: memory for a kernel that would like it from kmalloc, and takes it from vmalloc (Linux 6.18, mm/slub.c: kvmalloc). */
#ifndef FAULTLINE_ENGINE_PHYS_KVMALLOC_H
#define FAULTLINE_ENGINE_PHYS_KVMALLOC_H

#include "engine/phys/kmalloc.h"
#include "engine/phys/vmalloc.h"

struct kvmalloc {
	struct kmalloc_caches *caches;
	struct vmap_space *space;
};

/* At least `bytes`: of kmalloc; above a page, when that has none, of vmalloc, in huge pages if it can. 0 when neither has. */
uintptr_t kvmalloc(const struct kvmalloc *memory, const struct gfp *gfp, size_t bytes);

/* Frees a block of either; 0 does nothing. `cpu` as in struct gfp. */
void kvfree(const struct kvmalloc *memory, int cpu, uintptr_t address);

#endif
