/* kmem_table.h: what a pass over a machine's slab events says: slabs and pages per cache of the model, beside those of the machine before
 * and after.
 *
 *   cache               pages before   after   model   error   unchanged
 *   ext4_inode_cache          109216  149996  149500  -0.3 %     -27.2 %
 *
 * `error` is (model - after) / after, `unchanged` the same for one who says that nothing changes. A cache is *big* that has at least a
 * hundredth of all slab pages, before or after.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_KMEM_TABLE_H
#define FAULTLINE_BENCH_PHYSICAL_KMEM_TABLE_H

#include "bench/physical/kmem_pass.h"

#include <jansson.h>
#include <stdio.h>

/* A cache at the end of the pass. */
struct kmem_figure {
	const struct slabinfo_row *before;
	const struct slabinfo_row *after; /* or NULL: the recording has none */
	uint64_t model_slabs, model_pages, model_objects, model_active;
	bool is_big;
};

struct kmem_sum {
	uint64_t before_pages, after_pages, model_pages;
};

/* The figures of the index-th cache of slabinfo before. */
struct kmem_figure kmem_table_figure(const struct kmem_pass *pass, uint32_t index);

/* Of all caches. after_pages is 0 without a slabinfo after. */
struct kmem_sum kmem_table_sum(const struct kmem_pass *pass);

/* (number - truth) / truth; 0 for 0 of 0, 1 for anything of 0. */
double kmem_table_error(uint64_t number, uint64_t truth);

/* Big caches, largest first, all others in one line, and the sum; what was inferred or left out. */
void kmem_table_print(const struct kmem_pass *pass, FILE *out);

/* {pages {before, after, model}, caches [{name, objsize, big, error, error_unchanged, before, after, model: {slabs, pages, objects,
 * active}}], events {alloc, free, reused, ended, unborn, unattributed, large, refused}, guessed_slabs, misfits, vmalloc {before, after, model:
 * {areas, pages, unpurged_pages}, events {alloc, free, purge, guessed, reused, unborn, refused}}}; what is not known
 * is null. NULL without memory. */
json_t *kmem_table_json(const struct kmem_pass *pass);

#endif
