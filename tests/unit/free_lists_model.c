#include "config.h"

#include "tests/unit/free_lists_rig.h"
#include "tests/unit/model.h"
#include "tests/unit/naive_free_lists.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Random requests, frees and changes of pageblocks on the lists and on the naive ones, which must agree about every block, every
 * list from head to tail, every pageblock and every fall-back. */

#define BATCH 40u
#define MANAGED 60000u

struct world {
	struct free_lists_rig rig;
	struct naive_free_lists naive;
	struct {
		pfn_t pfn;
		unsigned order;
	} live[NAIVE_PAGES];
	size_t count;
};

static void own(struct world *world, pfn_t pfn, unsigned order)
{
	world->live[world->count].pfn = pfn;
	world->live[world->count++].order = order;
}

static struct zone_request random_request(uint64_t operation)
{
	unsigned order = (unsigned)__builtin_ctzll(operation >> 8 | 1u << 12) % 11;
	enum migrate_type type = (enum migrate_type)((operation >> 24) % MIGRATE_PCPTYPES);
	unsigned flags = type == MIGRATE_MOVABLE && (operation >> 32 & 1) ? ALLOC_CMA : 0;

	if ((operation >> 33 & 7) == 0)
		flags |= ALLOC_NOFRAGMENT;
	if ((operation >> 36 & 7) == 0)
		flags |= ALLOC_HIGHATOMIC;
	if ((operation >> 39 & 7) == 0)
		flags |= ALLOC_OOM;
	if ((operation >> 42 & 7) == 0)
		flags |= ALLOC_NON_BLOCK;
	return rig_request(order, type, flags);
}

static void free_one(struct world *world, uint64_t operation)
{
	if (world->count == 0)
		return;
	size_t victim = (operation >> 8) % world->count;
	pfn_t pfn = world->live[victim].pfn;
	unsigned order = world->live[victim].order;
	bool to_tail = (operation >> 40 & 7) == 0;

	rig_give(&world->rig, pfn, order, to_tail ? FREE_TO_TAIL : 0);
	naive_free(&world->naive, pfn, order, to_tail);
	world->live[victim] = world->live[--world->count];
}

static const char *allocate(struct world *world, uint64_t operation)
{
	struct zone_request request = random_request(operation);
	pfn_t pfn = rig_take(&world->rig, request);

	if (pfn != naive_allocate(&world->naive, &request))
		return "another block is handed out";
	if (pfn != PFN_NONE)
		own(world, pfn, request.order);
	else
		for (unsigned i = 0; i < 8; i++)
			free_one(world, operation * (i + 1));
	return NULL;
}

static const char *allocate_bulk(struct world *world, uint64_t operation)
{
	struct zone_request request = random_request(operation);
	uint64_t want = 1 + (operation >> 48) % BATCH;
	pfn_t frames[BATCH];
	pfn_t others[BATCH];

	request.order %= 4;
	uint64_t count = free_lists_allocate_bulk(&world->rig.lists, &request, frames, want);

	if (count != naive_allocate_bulk(&world->naive, &request, others, (unsigned)want))
		return "a batch has another length";
	for (uint64_t i = 0; i < count; i++) {
		if (frames[i] != others[i])
			return "a batch has other blocks";
		rig_mark(&world->rig, frames[i], request.order, request.type == MIGRATE_MOVABLE);
		own(world, frames[i], request.order);
	}
	return NULL;
}

static const char *isolate(struct world *world, uint64_t operation)
{
	pfn_t pfn = NAIVE_FIRST + (operation >> 8) % NAIVE_PAGES;
	bool is_isolated = operation >> 40 & 1;
	bool done = is_isolated ? free_lists_isolate(&world->rig.lists, pfn)
				: free_lists_unisolate(&world->rig.lists, pfn);

	return done == naive_isolate(&world->naive, pfn, is_isolated) ? NULL : "isolation disagrees";
}

static const char *reserve(struct world *world, uint64_t operation)
{
	if (world->count == 0)
		return NULL;
	size_t one = (operation >> 8) % world->count;
	pfn_t pfn = world->live[one].pfn;
	unsigned order = world->live[one].order;

	return free_lists_reserve_highatomic(&world->rig.lists, pfn, order) ==
		       naive_reserve(&world->naive, pfn, order)
		   ? NULL
		   : "the reserve disagrees";
}

static const char *unreserve(struct world *world, uint64_t operation)
{
	enum migrate_type type = (enum migrate_type)((operation >> 8) % MIGRATE_PCPTYPES);
	bool is_forced = operation >> 40 & 1;

	return free_lists_unreserve_highatomic(&world->rig.lists, type, is_forced) ==
		       naive_unreserve(&world->naive, type, is_forced)
		   ? NULL
		   : "giving the reserve back disagrees";
}

static const char *take(struct world *world, uint64_t operation)
{
	pfn_t first;
	unsigned order;

	if (!free_lists_find(&world->rig.lists, NAIVE_FIRST + (operation >> 8) % NAIVE_PAGES, &first, &order))
		return NULL;
	free_lists_take(&world->rig.lists, first, order);
	rig_mark(&world->rig, first, order, false);
	naive_take(&world->naive, first, order);
	own(world, first, order);
	return NULL;
}

static const char *step(struct world *world, uint64_t operation)
{
	switch (operation & 0x1f) {
	case 0:
		return isolate(world, operation);
	case 1:
		return reserve(world, operation);
	case 2:
		return unreserve(world, operation);
	case 3:
		return take(world, operation);
	case 4:
	case 5:
		return allocate_bulk(world, operation);
	default:
		if ((operation & 0x1f) < 19)
			return allocate(world, operation);
		free_one(world, operation);
		return NULL;
	}
}

static const char *check(const struct world *world)
{
	const char *broken = naive_compare(&world->naive, &world->rig.lists);

	if (!broken)
		broken = pageblocks_check(&world->rig.pageblocks);
	return broken ? broken : free_lists_check(&world->rig.lists);
}

/* Of all rounds: that every way was taken is part of the test. */
static struct free_lists_counts totals;

static void add_up(const struct free_lists_counts *counts)
{
	totals.own_type += counts->own_type;
	totals.cma += counts->cma;
	totals.claimed += counts->claimed;
	totals.stolen += counts->stolen;
	totals.highatomic += counts->highatomic;
	totals.refused += counts->refused;
	totals.conversions += counts->conversions;
	totals.boosts += counts->boosts;
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	const bool *cma = context;
	struct world *world = calloc(1, sizeof(*world));
	const char *broken = NULL;

	assert_non_null(world);
	rig_make(&world->rig, NAIVE_FIRST, NAIVE_PAGES);
	for (unsigned block = 0; block < NAIVE_BLOCKS; block++) {
		if (cma[block])
			pageblock_set_type(&world->rig.pageblocks, block * PAGEBLOCK_PAGES, MIGRATE_CMA);
	}
	free_lists_add(&world->rig.lists, NAIVE_FIRST, NAIVE_PAGES);
	naive_create(&world->naive, cma);
	/* As if there were more of it elsewhere, so that 1 % is a pageblock and more. */
	world->rig.lists.managed_pages = MANAGED;
	world->naive.managed = MANAGED;
	for (size_t i = 0; i < count && !broken; i++) {
		broken = step(world, operations[i]);
		if (!broken && i % 8 == 0)
			broken = check(world);
	}
	if (!broken)
		broken = check(world);
	add_up(&world->rig.lists.counts);
	rig_drop(&world->rig);
	free(world);
	return broken;
}

static void without_cma(void **state)
{
	static const bool cma[NAIVE_BLOCKS] = {false};
	struct model model = {
	    .name = "free lists", .run = run, .context = cma, .operations = 3000, .rounds = 6};

	(void)state;
	model_test(&model);
}

static void with_cma(void **state)
{
	static const bool cma[NAIVE_BLOCKS] = {[4] = true, [5] = true, [9] = true};
	struct model model = {
	    .name = "free lists with CMA", .run = run, .context = cma, .operations = 3000, .rounds = 6};

	(void)state;
	model_test(&model);
}

static void every_way_was_taken(void **state)
{
	(void)state;
	assert_true(totals.own_type > 1000);
	assert_true(totals.cma > 100);
	assert_true(totals.claimed > 100);
	assert_true(totals.stolen > 100);
	assert_true(totals.highatomic > 100);
	assert_true(totals.refused > 100);
	assert_true(totals.conversions > 100);
	assert_true(totals.boosts > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_cma),
	    cmocka_unit_test(with_cma),
	    cmocka_unit_test(every_way_was_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
