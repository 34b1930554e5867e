#include "config.h"

#include "bench/physical/block_types.h"
#include "engine/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BLOCKS 300u

struct rig {
	struct block_contents block[BLOCKS];
	uint32_t real[BLOCKS]; /* types */
	struct pagetypeinfo_zone told;
	struct block_types types, beginning;
};

/* Pageblocks with free blocks of chance, a tenth of them Unmovable, a tenth Reclaimable. */
static void scatter(struct rig *rig, uint64_t seed)
{
	struct random random = {seed};

	*rig = (struct rig){.told = {.blocks = {0}}};
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct block_contents *block = &rig->block[i];

		block->block = i;
		rig->real[i] = i % 10 == 0   ? MIGRATE_UNMOVABLE
			       : i % 10 == 1 ? MIGRATE_RECLAIMABLE
					     : MIGRATE_MOVABLE;
		block->kernel = i % 10 <= 1 ? 100 : -100;
		block->slab = i % 10 == 1 ? 100 : -100;
		for (unsigned order = 0; order < PAGEBLOCK_ORDER; order++) {
			block->free[order] = (uint16_t)random_below(&random, 5);
			rig->told.free[rig->real[i]].blocks[order] += block->free[order];
		}
	}
}

/* The types that are asked for begin turned by some places: wrong for most pageblocks of the kernel. */
static void fit(struct rig *rig, unsigned turned)
{
	for (unsigned i = 0; i < BLOCKS; i++)
		rig->block[i].type = rig->real[(i + turned) % BLOCKS];
	block_types_create(&rig->types, &rig->told);
	rig->beginning = rig->types;
	block_types_fit(&rig->types, rig->block, BLOCKS);
	assert_null(block_types_check(&rig->types, &rig->beginning));
}

static unsigned wrong(const struct rig *rig)
{
	unsigned count = 0;

	for (unsigned i = 0; i < BLOCKS; i++)
		count += rig->block[i].type != rig->real[i];
	return count;
}

/* What fits is left alone; what does not fit does afterwards, and there are as many pageblocks of each type as before. */
static void finds_types_that_fit(void **state)
{
	static struct rig rig;
	unsigned types[MIGRATE_PCPTYPES] = {0};

	(void)state;
	scatter(&rig, 1);
	fit(&rig, 0);
	assert_int_equal(rig.types.swaps, 0);
	assert_int_equal(block_types_misfit(&rig.types), 0);
	fit(&rig, 5);
	assert_true(rig.types.swaps > 0);
	assert_true(block_types_misfit(&rig.types) <= BLOCKS / 10);
	assert_true(wrong(&rig) <= BLOCKS / 10);
	for (unsigned i = 0; i < BLOCKS; i++)
		types[rig.block[i].type]++;
	assert_int_equal(types[MIGRATE_UNMOVABLE], BLOCKS / 10);
	assert_int_equal(types[MIGRATE_RECLAIMABLE], BLOCKS / 10);
}

/* A free block more or less is no reason for a pageblock that is full of the kernel's frames to be Movable. */
static void contents_weigh(void **state)
{
	static struct rig rig;

	(void)state;
	scatter(&rig, 2);
	rig.told.free[MIGRATE_MOVABLE].blocks[0]++;
	rig.told.free[MIGRATE_UNMOVABLE].blocks[0]--;
	fit(&rig, 0);
	assert_int_equal(rig.types.swaps, 0);
	assert_int_equal(block_types_misfit(&rig.types), 2);
}

/* Pageblocks whose type is told are left out of the sums, and of the search. */
static void leaves_out_what_is_known(void **state)
{
	static struct rig rig;

	(void)state;
	scatter(&rig, 3);
	block_types_create(&rig.types, &rig.told);
	for (unsigned i = 0; i < BLOCKS; i++) {
		rig.block[i].type = rig.real[i];
		if (i >= 10)
			block_types_know(&rig.types, &rig.block[i]);
	}
	rig.beginning = rig.types;
	block_types_fit(&rig.types, rig.block, 10);
	assert_null(block_types_check(&rig.types, &rig.beginning));
	assert_int_equal(block_types_misfit(&rig.types), 0);
}

static void finds_what_is_broken(void **state)
{
	static struct rig rig;

	(void)state;
	scatter(&rig, 4);
	fit(&rig, 5);
	rig.types.missing[MIGRATE_MOVABLE][3]++;
	assert_memory_equal(block_types_check(&rig.types, &rig.beginning), "I2", 2);
	rig.block[7].type = MIGRATE_ISOLATE;
	assert_memory_equal(block_types_check(&rig.types, &rig.beginning), "I1", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_types_that_fit),
	    cmocka_unit_test(contents_weigh),
	    cmocka_unit_test(leaves_out_what_is_known),
	    cmocka_unit_test(finds_what_is_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
