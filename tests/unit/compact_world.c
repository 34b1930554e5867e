#include "config.h"

#include "tests/unit/compact_world.h"

#include "engine/virt/walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define FILE_PAGES 64u

static pfn_t take_movable(void *owner, unsigned order)
{
	return rig_take(owner, rig_request(order, MIGRATE_MOVABLE, ALLOC_CMA));
}

static pfn_t take_unmovable(void *owner, unsigned order)
{
	return rig_take(owner, rig_request(order, MIGRATE_UNMOVABLE, 0));
}

static void give(void *owner, pfn_t frame, unsigned order)
{
	rig_give(owner, frame, order, 0);
}

static void make_space(struct compact_world *world)
{
	struct resident *resident = &world->resident[world->spaces++];
	struct resident_options options = {&world->store, &world->frames, &world->policy};

	assert_int_equal(resident_create(resident, &options), PAGETABLE_DONE);
	assert_int_equal(rmap_add(&world->rmap, resident), STATUS_OK);
}

void world_make(struct compact_world *world)
{
	struct arena_shape shape = {
	    .pages = WORLD_FRAMES, .alignment_bytes = PAGE_BYTES, .backing = ARENA_REAL};
	struct page_source source = {&world->rig, take_movable, give};

	memset(world, 0, sizeof(*world));
	rig_make(&world->rig, 0, WORLD_FRAMES);
	free_lists_add(&world->rig.lists, 0, WORLD_FRAMES);
	assert_int_equal(arena_create(&world->arena, &shape), STATUS_OK);
	world->paging = *paging_find("x86-64");
	world->policy = *policy_find("linux");
	assert_int_equal(policy_set(&world->policy, "thp=never"), STATUS_OK);
	assert_int_equal(table_store_create(&world->store, &world->paging), STATUS_OK);
	assert_int_equal(frames_create(&world->frames,
				       (struct page_source){&world->rig, take_unmovable, give},
				       &world->rig.array, 9),
			 STATUS_OK);
	world->frames.source = source;
	world->file = file_pages_create(&world->frames, FILE_REGULAR, FILE_PAGES, true);
	assert_non_null(world->file);
	rmap_create(&world->rmap);
	page_migration_create(&world->migration, &world->frames, &world->rmap);
	world->migration.arena = &world->arena;
	compact_create(&world->compact, &world->rig.lists, page_migration_mover(&world->migration));
	world->area = (struct area){.start = WORLD_BASE,
				    .end = WORLD_BASE + WORLD_FRAMES * PAGE_BYTES,
				    .flags = AREA_READ | AREA_WRITE};
	world->file_area = (struct area){.start = WORLD_FILE_BASE,
					 .end = WORLD_FILE_BASE + FILE_PAGES * PAGE_BYTES,
					 .flags = AREA_READ | AREA_WRITE | AREA_SHARED,
					 .file = world->file};
	make_space(world);
}

void world_drop(struct compact_world *world)
{
	for (unsigned i = 0; i < world->spaces; i++) {
		rmap_remove(&world->rmap, &world->resident[i]);
		resident_destroy(&world->resident[i]);
	}
	file_pages_drop(world->file);
	frames_destroy(&world->frames);
	page_migration_destroy(&world->migration);
	rmap_destroy(&world->rmap);
	table_store_destroy(&world->store);
	arena_destroy(&world->arena);
	rig_drop(&world->rig);
}

void world_fork(struct compact_world *world)
{
	make_space(world);
	assert_true(resident_copy(&world->resident[1], &world->resident[0], &world->area));
}

pfn_t world_frame(const struct compact_world *world, unsigned space, uint64_t address)
{
	unsigned level;
	const pte_t *entry = pagetable_find(&world->resident[space].table, address, &level);

	return entry && pte_is_present(*entry) ? pte_frame(*entry) : PFN_NONE;
}

void world_write(struct compact_world *world, unsigned space, const uint64_t pages[3])
{
	for (uint64_t page = pages[0]; page < pages[1]; page += pages[2]) {
		uint64_t address = world_address(page);
		struct fault fault =
		    resident_fault(&world->resident[space], &world->area, address, WALK_WRITE);

		assert_int_equal(fault.end, FAULT_DONE);
		*(uint64_t *)arena_address(&world->arena, world_frame(world, space, address)) = address;
	}
}

void world_fragment(struct compact_world *world)
{
	world_write(world, 0, (const uint64_t[]){0, WORLD_FILLED, 1});
	while (rig_take(&world->rig, rig_request(0, MIGRATE_UNMOVABLE, ALLOC_NOFRAGMENT)) != PFN_NONE)
		;
	world_write(world, 0,
		    (const uint64_t[]){WORLD_FILLED, WORLD_FILLED + world->rig.lists.free_pages, 1});
	assert_int_equal(world->rig.lists.free_pages, 0);
	for (pfn_t pfn = 0; pfn < WORLD_FRAMES; pfn += 2) {
		const struct page *page = page_of_pfn(&world->rig.array, pfn);

		if (page->flags & PAGE_ANONYMOUS)
			assert_true(resident_zap(&world->resident[0], page->index * PAGE_BYTES,
						 (page->index + 1) * PAGE_BYTES));
	}
}

void world_map_file(struct compact_world *world, uint64_t pages)
{
	for (uint64_t page = 0; page < pages; page++) {
		uint64_t address = WORLD_FILE_BASE + page * PAGE_BYTES;

		(void)resident_fault(&world->resident[0], &world->file_area, address, WALK_WRITE);
		assert_int_not_equal(world_frame(world, 0, address), PFN_NONE);
	}
}

void world_zap(struct compact_world *world, unsigned space, const uint64_t pages[3])
{
	for (uint64_t page = pages[0]; page < pages[1]; page += pages[2])
		assert_true(
		    resident_zap(&world->resident[space], world_address(page), world_address(page + 1)));
}

struct reading {
	const struct compact_world *world;
	uint64_t pages;
};

static bool read_page(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	struct reading *reading = context;
	const struct compact_world *world = reading->world;

	if (level == 1 && !frames_is_zero(&world->frames, pte_frame(*entry)) && address < WORLD_FILE_BASE)
		assert_int_equal(*(const uint64_t *)arena_address(&world->arena, pte_frame(*entry)), address);
	reading->pages++;
	return true;
}

void world_check(const struct compact_world *world)
{
	const struct resident *residents[WORLD_SPACES] = {&world->resident[0], &world->resident[1]};

	for (unsigned i = 0; i < world->spaces; i++) {
		struct reading reading = {world, 0};

		pagetable_visit_range(&world->resident[i].table, 0,
				      paging_lower_end(world->resident[i].table.paging), read_page, &reading);
		assert_int_equal(reading.pages, resident_pages(&world->resident[i]));
	}
	assert_null(resident_check_all(residents, world->spaces));
	assert_null(file_pages_check(world->file));
	assert_null(table_store_check(&world->store));
	assert_null(rmap_check(&world->rmap));
	assert_null(pageblocks_check(&world->rig.pageblocks));
	assert_null(free_lists_check(&world->rig.lists));
	assert_null(compact_check(&world->compact));
}
