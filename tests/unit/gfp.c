#include "config.h"

#include "engine/phys/gfp.h"

#include "engine/base/check.h"
#include "engine/base/random.h"

#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/model.h"

#include <cmocka.h>

/* Every test runs with all keepers, but that with two threads, which lists are not for; main() says which. */
static enum zone_keeper keepers[] = {ZONE_BITMAPS, ZONE_LISTS, ZONE_TYPED};
static enum zone_keeper keeper;

static int choose_keeper(void **state)
{
	keeper = *(const enum zone_keeper *)*state;
	return 0;
}

static void make(struct memory *memory, enum arena_backing backing)
{
	struct memory_shape shape = {.size = {.pages = 16384},
				     .backing = backing,
				     .max_order = BUDDY_KERNEL_ORDER,
				     .cpus = 2,
				     .keeper = keeper};

	assert_int_equal(memory_create(memory, &shape), STATUS_OK);
}

/* Nothing is allocated any more, and nothing is wrong. */
static void drop(struct memory *memory)
{
	uint64_t missing = 0;

	assert_null(memory_check(memory));
	for (unsigned i = 0; i < memory->zones; i++)
		missing += memory->zone[i].managed_pages - zone_free_pages(&memory->zone[i]);
	assert_int_equal(missing, 0);
	memory_destroy(memory);
}

#define KERNEL(on) ((struct gfp){.flags = GFP_KERNEL, .cpu = (on), .caller = "test"})

/* --- Uses --------------------------------------------------------------------------------------------------------- */

/* Every order, by address; page_address and virt_to_page are inverse, and a zeroed page is one. */
static void test_get_free_pages(void **state)
{
	struct gfp gfp = {.flags = GFP_KERNEL | GFP_ZERO, .cpu = 0};
	struct memory memory;

	(void)state;
	make(&memory, ARENA_REAL);
	for (unsigned order = 0; order <= 10; order++) {
		uintptr_t address = get_free_pages(&memory, &gfp, order);
		struct page *page = virt_to_page(&memory, address);

		assert_int_not_equal(address, 0);
		assert_int_equal(address % (PAGE_BYTES << order), 0);
		assert_int_equal(page_address(&memory, pfn_of_page(&memory.pages, page)), address);
		assert_int_equal(page_ref_count(page), 1);
		assert_int_equal(page_mapcount(page), 0);
		assert_int_equal(page->private, order);
		assert_ptr_equal(page_head(&memory, pfn_of_page(&memory.pages, page) + ((1u << order) - 1)),
				 page);
		for (size_t byte = 0; byte < PAGE_BYTES << order; byte += 512)
			assert_int_equal(((unsigned char *)address)[byte], 0);
		memset((void *)address, 0xff, PAGE_BYTES << order);
		free_pages(&memory, 0, address, order);
		assert_null(page_head(&memory, pfn_of_page(&memory.pages, page)));
	}
	assert_int_equal(get_free_pages(&memory, &gfp, 11), 0);
	assert_int_equal(memory.shortage.too_large, 1);
	free_pages(&memory, 0, 0, 0);
	drop(&memory);
}

static void test_single_pages(void **state)
{
	struct gfp gfp = KERNEL(0);
	struct memory memory;

	(void)state;
	make(&memory, ARENA_REAL);
	struct page *page = alloc_page(&memory, &gfp);
	uintptr_t address = get_free_page(&memory, &gfp);

	memset((void *)address, 0xff, PAGE_BYTES);
	free_page_of(&memory, 0, page);
	free_page(&memory, 0, address);
	uintptr_t zeroed = get_zeroed_page(&memory, &gfp);

	assert_int_equal(zeroed, address);
	for (size_t byte = 0; byte < PAGE_BYTES; byte++)
		assert_int_equal(((unsigned char *)zeroed)[byte], 0);
	free_page(&memory, 0, zeroed);
	drop(&memory);
}

/* Seven pages are seven pages: the eighth of their block is free again. */
static void test_exact(void **state)
{
	struct gfp gfp = {.flags = GFP_KERNEL | GFP_COMP, .cpu = -1};
	struct memory memory;

	(void)state;
	make(&memory, ARENA_NONE);
	uint64_t free = zone_kept_pages(&memory.zone[1]);
	uintptr_t address = alloc_pages_exact(&memory, &gfp, 6 * PAGE_BYTES + 1);

	assert_int_equal(zone_kept_pages(&memory.zone[1]), free - 7);
	assert_int_equal(virt_to_page(&memory, address + 6 * PAGE_BYTES)->count, 1);
	assert_int_equal(virt_to_page(&memory, address + 7 * PAGE_BYTES)->flags & ~(uint32_t)PAGE_FREE, 0);
	free_pages_exact(&memory, -1, address, 6 * PAGE_BYTES + 1);
	drop(&memory);
}

/* Entries that are filled stay; a zone that would fall below low gives single pages only. */
static void test_bulk(void **state)
{
	static struct page *page[20000];
	struct gfp gfp = {.flags = GFP_NOWAIT | GFP_NOMEMALLOC, .cpu = 1};
	struct memory memory;

	(void)state;
	memset(page, 0, sizeof(page));
	make(&memory, ARENA_NONE);
	struct page *mine = alloc_page(&memory, &gfp);

	page[3] = mine;
	assert_int_equal(alloc_pages_bulk(&memory, &gfp, 100, page), 100);
	assert_ptr_equal(page[3], mine);
	assert_int_equal(memory.zone[1].managed_pages - zone_free_pages(&memory.zone[1]), 100);
	assert_int_equal(alloc_pages_bulk(&memory, &gfp, 100, page), 100);
	assert_int_equal(alloc_pages_bulk(&memory, &gfp, 20000, page), 101);
	size_t filled = 101;

	for (size_t more; (more = alloc_pages_bulk(&memory, &gfp, 20000, page)) > filled;)
		filled = more;
	assert_true(zone_seen_free_pages(&memory.zone[1]) <=
		    memory.zone[1].watermark[WATERMARK_MIN] + PCP_HIGH);
	while (filled > 0)
		free_page_of(&memory, 1, page[--filled]);
	drop(&memory);
}

static void test_split_page(void **state)
{
	struct gfp gfp = KERNEL(0);
	struct memory memory;

	(void)state;
	make(&memory, ARENA_NONE);
	struct page *page = alloc_pages(&memory, &gfp, 4);

	split_page(&memory, page, 4);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(page_ref_count(page + i), 1);
	for (unsigned i = 0; i < 16; i++)
		free_page_of(&memory, 0, page + (i * 5 & 15));
	drop(&memory);
}

/* A compound block is one: references through any of its pages are the first one's. */
static void test_compound_and_references(void **state)
{
	struct gfp gfp = {.flags = GFP_KERNEL | GFP_COMP, .cpu = 0};
	struct memory memory;

	(void)state;
	make(&memory, ARENA_NONE);
	struct page *page = alloc_pages(&memory, &gfp, 3);

	assert_int_equal(compound_order(page), 3);
	assert_ptr_equal(compound_head(page + 7), page);
	get_page(&memory, page + 5);
	assert_int_equal(page_ref_count(page + 7), 2);
	free_pages_of(&memory, 0, page, 3);
	assert_int_equal(page_ref_count(page), 1);
	put_page(&memory, 0, page + 2);
	assert_int_equal(page[7].flags, 0);
	drop(&memory);
}

/* As in the kernel: whoever holds a reference to a plain block keeps its first frame. */
static void test_free_of_a_block_that_is_referenced(void **state)
{
	struct gfp gfp = KERNEL(0);
	struct memory memory;

	(void)state;
	make(&memory, ARENA_NONE);
	struct page *page = alloc_pages(&memory, &gfp, 3);

	get_page(&memory, page);
	free_pages_of(&memory, 0, page, 3);
	assert_int_equal(memory.zone[1].managed_pages - zone_free_pages(&memory.zone[1]), 1);
	put_page(&memory, 0, page);
	drop(&memory);
}

/* The zones are used up from the best one down; DMA keeps what lowmem_reserve says; who may dig deeper gets more.
 * The memory is Movable, as all of it is at boot: no pageblock changes its type, which would raise the watermarks. */
static void test_fallback_and_reserves(void **state)
{
	struct gfp any = {.flags = GFP_KERNEL | GFP_MOVABLE, .cpu = -1};
	struct gfp atomic = {.flags = GFP_ATOMIC | GFP_MOVABLE, .cpu = -1};
	struct gfp memalloc = {.flags = GFP_KERNEL | GFP_MOVABLE | GFP_MEMALLOC, .cpu = -1};
	struct gfp dma = {.flags = GFP_KERNEL | GFP_MOVABLE | GFP_DMA, .cpu = -1};
	struct memory memory;

	(void)state;
	make(&memory, ARENA_NONE);
	const struct zone *zone = memory.zone;

	assert_int_equal(alloc_pages(&memory, &dma, 0)->zone, 0);
	while (alloc_pages(&memory, &any, 0))
		;
	assert_int_equal(zone_kept_pages(&zone[1]), zone[1].watermark[WATERMARK_MIN]);
	assert_int_equal(zone_kept_pages(&zone[0]),
			 zone[0].watermark[WATERMARK_MIN] + zone[0].lowmem_reserve[ZONE_NORMAL]);
	assert_true(zone[0].lowmem_reserve[ZONE_NORMAL] > 0);
	while (alloc_pages(&memory, &dma, 0))
		;
	assert_int_equal(zone_kept_pages(&zone[0]), zone[0].watermark[WATERMARK_MIN]);
	while (alloc_pages(&memory, &atomic, 0))
		;
	assert_int_equal(zone_kept_pages(&zone[1]), zone[1].watermark[WATERMARK_MIN] -
							zone[1].watermark[WATERMARK_MIN] / 2 -
							zone[1].watermark[WATERMARK_MIN] / 2 / 4);
	while (alloc_pages(&memory, &memalloc, 0))
		;
	assert_int_equal(zone_kept_pages(&zone[0]) + zone_kept_pages(&zone[1]), 0);
	assert_null(memory_check(&memory));
	memory_destroy(&memory);
}

#define GIB_PAGES ((uint64_t)1 << 18)

/* Normal has no whole pageblock left: what cannot be moved goes to DMA32, where it has one to itself, before it is mixed with what
 * can. Plain bitmaps do not tell them apart. */
static void test_types_are_kept_apart(void **state)
{
	struct memory_shape shape = {.size = {.pages = 4 * GIB_PAGES + 16384},
				     .backing = ARENA_NONE,
				     .max_order = BUDDY_KERNEL_ORDER,
				     .keeper = keeper};
	struct gfp movable = {.flags = GFP_KERNEL | GFP_HIGHMEM | GFP_MOVABLE, .cpu = -1};
	struct gfp unmovable = {.flags = GFP_KERNEL, .cpu = -1};
	struct memory memory;

	(void)state;
	assert_int_equal(memory_create(&memory, &shape), STATUS_OK);
	assert_int_equal(memory.zones, 3);
	while (zone_seen_orders(&memory.zone[2]) >> 9 != 0)
		assert_int_equal(alloc_pages(&memory, &movable, 8)->zone, 2);
	assert_true(zone_kept_pages(&memory.zone[2]) == 256);
	memory.zone[2].watermark[WATERMARK_LOW] = 0;
	struct page *page = alloc_pages(&memory, &unmovable, 0);

	assert_int_equal(page->zone, keeper == ZONE_BITMAPS ? 2 : 1);
	assert_int_equal(page->flags, PAGE_HEAD);
	assert_int_equal(alloc_pages(&memory, &movable, 0)->zone, 2);
	memory_destroy(&memory);
}

/* --- Shortage ----------------------------------------------------------------------------------------------------- */

struct world {
	struct memory memory;
	struct page *hoard[64];
	unsigned hoarded, wakes, kills, compactions;
};

static uint64_t give_one_back(void *owner, const struct zone_request *request, unsigned flags)
{
	struct world *world = owner;

	(void)request;
	(void)flags;
	if (world->hoarded == 0)
		return 0;
	free_page_of(&world->memory, -1, world->hoard[--world->hoarded]);
	return 1;
}

static void note_wake(void *owner, struct zone *zone, unsigned order)
{
	(void)zone;
	(void)order;
	((struct world *)owner)->wakes++;
}

static bool note_compaction(void *owner, const struct zone_request *request, unsigned flags)
{
	(void)request;
	(void)flags;
	((struct world *)owner)->compactions++;
	return false;
}

static bool note_kill(void *owner)
{
	((struct world *)owner)->kills++;
	return false;
}

static void fill(struct world *world)
{
	struct gfp gfp = {.flags = GFP_NOMEMALLOC, .cpu = -1};
	struct page *page;

	make(&world->memory, ARENA_NONE);
	while ((page = alloc_page(&world->memory, &gfp))) {
		if (world->hoarded < 64)
			world->hoard[world->hoarded++] = page;
	}
}

/* Without a hook nothing is freed, but what was wanted is counted; with one the request gets what reclaim freed. */
static void test_who_is_asked_when_memory_is_short(void **state)
{
	struct world world = {.hoarded = 0};
	struct gfp wait = {.flags = GFP_KERNEL, .cpu = -1};
	struct gfp nowait = {.flags = GFP_NOWAIT | GFP_NOMEMALLOC, .cpu = -1};

	(void)state;
	fill(&world);
	struct reclaim_counts *counts = &world.memory.shortage;

	assert_int_equal(counts->wakes, 0);
	assert_null(alloc_page(&world.memory, &nowait));
	assert_int_equal(counts->wakes, 1);
	assert_int_equal(counts->reclaims, 0);
	assert_null(alloc_page(&world.memory, &wait));
	assert_int_equal(counts->reclaims, 1);
	assert_int_equal(counts->kills, 1);
	world.memory.hook =
	    (struct reclaim_hook){&world, note_wake, give_one_back, note_compaction, note_kill};
	assert_non_null(alloc_page(&world.memory, &wait));
	assert_int_equal(world.hoarded, 63);
	assert_true(world.wakes > 0);
	assert_int_equal(world.kills, 0);
	memory_destroy(&world.memory);
}

/* __GFP_NORETRY gives up at once, a costly order after one round, __GFP_NOFAIL not before the reserves are gone. */
static void test_effort(void **state)
{
	struct world world = {.hoarded = 0};
	struct gfp noretry = {.flags = GFP_KERNEL | GFP_NORETRY, .cpu = -1};
	struct gfp plain = {.flags = GFP_KERNEL, .cpu = -1};
	struct gfp nofail = {.flags = GFP_KERNEL | GFP_NOFAIL, .cpu = -1};

	(void)state;
	fill(&world);
	world.memory.hook =
	    (struct reclaim_hook){&world, note_wake, give_one_back, note_compaction, note_kill};
	struct reclaim_counts *counts = &world.memory.shortage;

	assert_null(alloc_pages(&world.memory, &plain, 10));
	assert_int_equal(counts->reclaims, 1);
	assert_int_equal(world.compactions, 1);
	world.memory.hook.reclaim = NULL;
	assert_non_null(alloc_page(&world.memory, &noretry));
	assert_int_equal(counts->reclaims, 1);
	assert_null(alloc_page(&world.memory, &noretry));
	assert_int_equal(counts->reclaims, 2);
	assert_int_equal(world.kills, 0);
	unsigned dug = 0;

	while (alloc_page(&world.memory, &nofail))
		dug++;
	assert_true(dug >= world.memory.zone[1].watermark[WATERMARK_MIN] / 2);
	assert_int_equal(counts->stuck, 1);
	assert_int_equal(world.kills, dug + 1);
	memory_destroy(&world.memory);
}

/* --- Two CPUs at once; the address and thread sanitizers watch --------------------------------------------------------- */

struct worker {
	struct memory *memory;
	int cpu;
	uint64_t live_pages;
	struct page *page[400];
	unsigned order[400];
};

/* Random orders; every page a worker holds carries its number, which nobody else may change. */
static void *work(void *argument)
{
	struct worker *worker = argument;
	struct random random = {.state = (uint64_t)worker->cpu + 1};
	struct gfp gfp = KERNEL(worker->cpu);
	struct gfp movable = {.flags = GFP_HIGHUSER_MOVABLE, .cpu = worker->cpu, .caller = "test"};

	for (int i = 0; i < 40000; i++) {
		size_t slot = random_below(&random, 400);
		struct page *page = worker->page[slot];

		if (page) {
			CHECK(page->index == (uint64_t)worker->cpu, "a page is its owner's alone");
			worker->live_pages -= (uint64_t)1 << worker->order[slot];
			free_pages_of(worker->memory, worker->cpu, page, worker->order[slot]);
			worker->page[slot] = NULL;
			continue;
		}
		worker->order[slot] = random_order(&random, 4);
		page = alloc_pages(worker->memory, slot % 2 == 0 ? &gfp : &movable, worker->order[slot]);
		worker->page[slot] = page;
		if (page) {
			page->index = (uint64_t)worker->cpu;
			worker->live_pages += (uint64_t)1 << worker->order[slot];
		}
	}
	return NULL;
}

static void run_two_cpus(enum pcp_tuning tuning)
{
	static struct worker workers[2];
	struct memory_shape shape = {.size = {.pages = 16384},
				     .max_order = BUDDY_KERNEL_ORDER,
				     .cpus = 2,
				     .tuning = tuning,
				     .keeper = keeper};
	pthread_t threads[2];
	struct memory memory;
	uint64_t used = 0;

	assert_int_equal(memory_create(&memory, &shape), STATUS_OK);
	for (int i = 0; i < 2; i++) {
		workers[i] = (struct worker){.memory = &memory, .cpu = i};
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		used += workers[i].live_pages;
	}
	assert_null(memory_check(&memory));
	for (unsigned i = 0; i < memory.zones; i++)
		used += zone_free_pages(&memory.zone[i]) - memory.zone[i].managed_pages;
	assert_int_equal(used, 0);
	assert_true(zone_lock_counts(&memory.zone[1]).taken > 0);
	memory_destroy(&memory);
}

static void test_two_cpus_at_once(void **state)
{
	(void)state;
	run_two_cpus(PCP_FIXED);
	run_two_cpus(PCP_TUNED);
}

#define WITH_ALL(test)                                                                                       \
	{#test " (bitmaps)", test, choose_keeper, NULL, &keepers[0]},                                        \
	    {#test " (lists)", test, choose_keeper, NULL, &keepers[1]},                                      \
	{                                                                                                    \
#test " (typed)", test, choose_keeper, NULL, &keepers[2]                                     \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_ALL(test_get_free_pages),
	    WITH_ALL(test_single_pages),
	    WITH_ALL(test_exact),
	    WITH_ALL(test_bulk),
	    WITH_ALL(test_split_page),
	    WITH_ALL(test_compound_and_references),
	    WITH_ALL(test_free_of_a_block_that_is_referenced),
	    WITH_ALL(test_fallback_and_reserves),
	    WITH_ALL(test_types_are_kept_apart),
	    WITH_ALL(test_who_is_asked_when_memory_is_short),
	    WITH_ALL(test_effort),
	    {"test_two_cpus_at_once (bitmaps)", test_two_cpus_at_once, choose_keeper, NULL, &keepers[0]},
	    {"test_two_cpus_at_once (typed)", test_two_cpus_at_once, choose_keeper, NULL, &keepers[2]},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
