#include "config.h"

#include "engine/phys/vmalloc.h"

#include "engine/phys/kvmalloc.h"
#include "engine/phys/vmallocinfo.h"
#include "tests/unit/death.h"
#include "tests/unit/model.h"
#include "tests/unit/naive_table.h"
#include "tests/unit/slab_rig.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START NAIVE_TABLE_START
#define PAGES NAIVE_TABLE_PAGES
#define AREAS 600u
#define MIB ((uint64_t)1 << 20)

/* --- Model -------------------------------------------------------------------------------------------------------- */

enum naive { NAIVE_FREE, NAIVE_BUSY, NAIVE_LAZY };

struct area {
	uintptr_t address;
	uint64_t pages; /* with the guard page */
	unsigned kind;	/* VM_ALLOC, VM_MAP or VM_IOREMAP */
};

struct world {
	struct memory frames;
	struct vmap_space space;
	struct naive_table table;
	uint8_t naive[PAGES]; /* enum naive */
	uint64_t naive_lazy;
	size_t count;
	struct area area[AREAS];
	struct page *own[64]; /* that vmap maps */
};

static const struct memory_shape frames_shape = {
    .size = {.pages = 16384}, .backing = ARENA_NONE, .max_order = 10, .cpus = 1};

static void world_make(struct world *world, bool huge)
{
	struct vmap_mapper mapper = {naive_table_map, naive_table_unmap, naive_table_flush, &world->table};
	struct vmap_shape shape = {
	    .start = START, .bytes = PAGES * PAGE_BYTES, .cpus = 1, .huge = huge, .mapper = &mapper};
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = -1};

	assert_int_equal(memory_create(&world->frames, &frames_shape), STATUS_OK);
	assert_int_equal(vmap_space_create(&world->space, &world->frames, &shape), STATUS_OK);
	for (size_t i = 0; i < 64; i++) {
		world->own[i] = alloc_pages(&world->frames, &gfp, 0);
		assert_non_null(world->own[i]);
	}
}

static void world_drop(struct world *world)
{
	vmap_space_destroy(&world->space);
	for (size_t i = 0; i < 64; i++)
		free_pages_of(&world->frames, -1, world->own[i], 0);
	for (unsigned zone = 0; zone < world->frames.zones; zone++)
		assert_int_equal(zone_free_pages(&world->frames.zone[zone]),
				 world->frames.zone[zone].managed_pages);
	assert_null(memory_check(&world->frames));
	memory_destroy(&world->frames);
}

static void naive_purge(struct world *world)
{
	for (uint64_t page = 0; page < PAGES; page++) {
		if (world->naive[page] == NAIVE_LAZY)
			world->naive[page] = NAIVE_FREE;
	}
	world->naive_lazy = 0;
}

/* The first free run that is long enough for any alignment of its beginning; 0 = none. */
static uint64_t naive_fit(const struct world *world, uint64_t pages, uint64_t alignment)
{
	uint64_t length = pages + (alignment > PAGE_BYTES ? alignment / PAGE_BYTES : 0);

	for (uint64_t first = 0, page = 0; page <= PAGES; page++) {
		if (page < PAGES && world->naive[page] == NAIVE_FREE)
			continue;
		if (page - first >= length)
			return round_up(START + first * PAGE_BYTES, alignment);
		first = page + 1;
	}
	return 0;
}

static uint64_t naive_take(struct world *world, uint64_t pages, uint64_t alignment)
{
	uint64_t address = naive_fit(world, pages, alignment);

	if (address == 0) {
		naive_purge(world);
		address = naive_fit(world, pages, alignment);
	}
	if (address != 0)
		memset(world->naive + ((address - START) >> PAGE_SHIFT), NAIVE_BUSY, pages);
	return address;
}

static void naive_give(struct world *world, uint64_t address, uint64_t pages)
{
	memset(world->naive + ((address - START) >> PAGE_SHIFT), NAIVE_LAZY, pages);
	world->naive_lazy += pages;
	if (world->naive_lazy > world->space.lazy_max_pages)
		naive_purge(world);
}

static const char *note(struct world *world, uintptr_t address, uint64_t expected, const struct area *area)
{
	if (address != expected)
		return "an area lies elsewhere than the oracle's";
	if (address != 0) {
		world->area[world->count] = *area;
		world->area[world->count++].address = address;
	}
	return NULL;
}

static const char *take_vmalloc(struct world *world, uint64_t number)
{
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};
	uint64_t alignment = number >> 50 & 3 ? PAGE_BYTES : PAGE_BYTES << (number >> 52 & 7);
	struct vmalloc_request request = {.bytes = 1 + (number >> 8) % 204800,
					  .alignment = alignment,
					  .flags = number >> 56 & 1 ? VM_NO_GUARD : 0};
	struct area area = {.pages = pages_of_bytes(request.bytes) + !(request.flags & VM_NO_GUARD),
			    .kind = VM_ALLOC};
	uint64_t free = 0;

	for (unsigned zone = 0; zone < world->frames.zones; zone++)
		free += zone_free_pages(&world->frames.zone[zone]);
	if (free < 2000) /* lack of frames is another test's matter */
		return NULL;
	return note(world, vmalloc_range(&world->space, &gfp, &request),
		    naive_take(world, area.pages, alignment), &area);
}

static const char *take_vmap(struct world *world, uint64_t number)
{
	struct vmalloc_request request = {.bytes = 0};
	size_t count = 1 + (number >> 8) % 64;
	struct area area = {.pages = count + 1, .kind = VM_MAP};

	return note(world, vmap(&world->space, count, world->own, &request),
		    naive_take(world, area.pages, PAGE_BYTES), &area);
}

/* A device's memory is aligned to its size: 1, 2, 4 ... pages. */
static const char *take_ioremap(struct world *world, uint64_t number)
{
	struct vmalloc_request request = {.bytes = 1 + (number >> 8) % 65536};
	uint64_t pages = pages_of_bytes(request.bytes);
	struct area area = {.pages = pages + 1, .kind = VM_IOREMAP};

	return note(world, ioremap(&world->space, 0xfe000000, &request),
		    naive_take(world, area.pages, PAGE_BYTES << order_of_pages(pages)), &area);
}

static void give(struct world *world, size_t victim)
{
	struct area area = world->area[victim];

	world->area[victim] = world->area[--world->count];
	if (area.kind == VM_ALLOC)
		vfree(&world->space, 0, area.address);
	else if (area.kind == VM_MAP)
		vunmap(&world->space, area.address);
	else
		iounmap(&world->space, area.address);
	naive_give(world, area.address, area.pages);
}

static const char *step(struct world *world, uint64_t number, bool grows)
{
	unsigned kind = number >> 59;

	if (kind == 0) {
		(void)vmap_space_purge(&world->space);
		naive_purge(world);
		return NULL;
	}
	if (world->count == AREAS || (world->count > 0 && kind < (grows ? 12u : 20u))) {
		give(world, (number >> 8) % world->count);
		return NULL;
	}
	return kind < 26   ? take_vmalloc(world, number)
	       : kind < 29 ? take_vmap(world, number)
			   : take_ioremap(world, number);
}

static const char *check(const struct world *world)
{
	if (world->table.wrong)
		return world->table.wrong;
	for (uint64_t page = 0; page < PAGES; page++) {
		pfn_t pfn = vmalloc_to_pfn(&world->space, START + page * PAGE_BYTES);

		if (world->table.frame[page] != (pfn == PFN_NONE ? 0 : pfn + 1))
			return "the page table and the table of frames differ";
	}
	return vmap_space_check(&world->space);
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	struct world *world = calloc(1, sizeof(*world));
	const char *wrong = NULL;

	(void)context;
	assert_non_null(world);
	world_make(world, false);
	for (size_t i = 0; i < count && !wrong; i++) {
		wrong = step(world, operations[i], i / 400 % 2 == 0);
		if (!wrong && i % 100 == 0)
			wrong = check(world);
	}
	if (!wrong)
		wrong = check(world);
	if (!wrong)
		world_drop(world);
	free(world);
	return wrong;
}

static void test_model(void **state)
{
	struct model model = {"vmalloc", run, NULL, 2500, 3};

	(void)state;
	model_test(&model);
}

/* --- By hand ------------------------------------------------------------------------------------------------------ */

static struct world *make(bool huge)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world_make(world, huge);
	return world;
}

static void drop(struct world *world)
{
	assert_null(check(world));
	world_drop(world);
	free(world);
}

static const struct gfp kernel = {.flags = GFP_KERNEL, .cpu = 0};

/*  | 3 pages | guard | 1 | guard | 2 ...        then | lazy  | 1 |         then | 2 | guard | 1 | */
static void test_guard_and_lazy_purge(void **state)
{
	struct world *world = make(false);
	struct vmap_space *space = &world->space;
	uintptr_t three = vmalloc(space, &kernel, 3 * PAGE_BYTES);
	uintptr_t one = vmalloc(space, &kernel, 1);

	(void)state;
	assert_int_equal(three, START);
	assert_int_equal(one, START + 4 * PAGE_BYTES);
	assert_int_equal(vmalloc_to_pfn(space, three + 3 * PAGE_BYTES), PFN_NONE);
	assert_int_not_equal(vmalloc_to_pfn(space, three + 2 * PAGE_BYTES + 5), PFN_NONE);
	assert_int_equal(space->allocated_pages, 4);
	vfree(space, 0, three);
	assert_int_equal(space->allocated_pages, 1);
	assert_int_equal(space->lazy_pages, 4);
	assert_int_equal(vmalloc(space, &kernel, 2 * PAGE_BYTES), one + 2 * PAGE_BYTES);
	assert_int_equal(world->table.flushes, 0);
	assert_int_equal(vmap_space_purge(space), 1);
	assert_int_equal(world->table.flushes, 1);
	assert_int_equal(vmalloc(space, &kernel, 2 * PAGE_BYTES), three);
	vfree(space, 0, 0);
	drop(world);
}

/* One CPU: 32 MiB may wait. */
static void test_limit_of_lazy_pages(void **state)
{
	struct world *world = make(false);
	struct vmap_space *space = &world->space;

	(void)state;
	assert_int_equal(space->lazy_max_pages, 8192);
	for (unsigned i = 0; i < 31; i++)
		vfree(space, 0, vmalloc(space, &kernel, MIB));
	assert_int_equal(space->lazy_pages, 31 * 257);
	assert_int_equal(space->purges, 0);
	vfree(space, 0, vmalloc(space, &kernel, MIB));
	assert_int_equal(space->lazy_pages, 0);
	assert_int_equal(space->purged_areas, 32);
	drop(world);
}

static void test_no_room(void **state)
{
	struct world *world = make(false);
	struct vmalloc_request request = {.bytes = 1};

	(void)state;
	assert_int_equal(vmalloc(&world->space, &kernel, 0), 0);
	assert_int_equal(vmalloc(&world->space, &kernel, UINT64_MAX), 0);
	assert_int_equal(vmalloc(&world->space, &kernel, PAGES * PAGE_BYTES), 0);
	assert_int_equal(vmap(&world->space, 0, world->own, &request), 0);
	assert_int_equal(ioremap(&world->space, UINT64_MAX - 4096, &request), 0);
	assert_int_equal(world->space.refusals, 5);
	drop(world);
}

/* All or nothing: the frames that were there go back when the last one is not, or the table has no memory. */
static void test_failure_in_the_middle(void **state)
{
	struct world *world = make(false);
	uint64_t free = zone_free_pages(&world->frames.zone[1]);

	(void)state;
	world->table.refuse_after = 5;
	assert_int_equal(vmalloc(&world->space, &kernel, 10 * PAGE_BYTES), 0);
	assert_int_equal(zone_free_pages(&world->frames.zone[1]), free);
	world->table.refuse_after = 5;
	struct vmalloc_request request = {.bytes = 0};

	assert_int_equal(vmap(&world->space, 10, world->own, &request), 0);
	assert_int_equal(vmalloc(&world->space, &kernel, 62 * MIB), 0);
	assert_int_equal(zone_free_pages(&world->frames.zone[1]), free);
	assert_int_equal(world->space.allocated_pages, 0);
	assert_int_equal(world->space.refusals, 3);
	drop(world);
}

static void test_huge(void **state)
{
	struct world *world = make(true);
	struct vmap_space *space = &world->space;
	uintptr_t small = vmalloc(space, &kernel, PAGE_BYTES);
	uintptr_t huge = vmalloc_huge(space, &kernel, 3 * MIB);

	(void)state;
	assert_int_equal(huge % (2 * MIB), 0);
	assert_int_equal(space->huge_blocks, 2);
	assert_int_equal(vmalloc_to_pfn(space, huge) % 512, 0);
	assert_int_equal(vmalloc_to_pfn(space, huge + 4 * MIB - 1) % 512, 511);
	vfree(space, 0, huge);
	assert_int_equal(vmalloc_huge(space, &kernel, MIB), small + 2 * PAGE_BYTES);
	assert_int_equal(space->huge_blocks, 2);
	drop(world);
}

/* Where the first huge page cannot be had, all are small. */
static void test_huge_falls_back(void **state)
{
	struct world *world = make(true);

	(void)state;
	world->table.refuse_after = 1;
	uintptr_t address = vmalloc_huge(&world->space, &kernel, 3 * MIB);

	assert_int_not_equal(address, 0);
	assert_int_equal(world->space.huge_blocks, 0);
	assert_int_equal(world->space.allocated_pages, 768);
	assert_int_equal(world->space.refusals, 0);
	vfree(&world->space, 0, address);
	drop(world);
}

/* --- Mistakes ----------------------------------------------------------------------------------------------------- */

struct mistake {
	struct world *world;
	uintptr_t address;
};

static void free_it(void *argument)
{
	const struct mistake *mistake = argument;

	vfree(&mistake->world->space, 0, mistake->address);
}

static void unmap_it(void *argument)
{
	const struct mistake *mistake = argument;

	vunmap(&mistake->world->space, mistake->address);
}

static void test_mistakes_die(void **state)
{
	struct world *world = make(false);
	struct vmalloc_request request = {.bytes = 0};
	uintptr_t area = vmalloc(&world->space, &kernel, 2 * PAGE_BYTES);
	uintptr_t mapped = vmap(&world->space, 2, world->own, &request);
	struct mistake interior = {world, area + PAGE_BYTES}, foreign = {world, 64}, other = {world, mapped};
	struct mistake allocated = {world, area}, twice = {world, area};

	(void)state;
	assert_dies(free_it, &interior, "begins an area of vmalloc's");
	assert_dies(free_it, &foreign, "begins an area of vmalloc's");
	assert_dies(free_it, &other, "their own kind of area");
	assert_dies(unmap_it, &allocated, "their own kind of area");
	vfree(&world->space, 0, area);
	assert_dies(free_it, &twice, "begins an area of vmalloc's");
	drop(world);
}

/* --- Corruption --------------------------------------------------------------------------------------------------- */

static void expect(const struct vmap_space *space, const char *invariant)
{
	const char *found = vmap_space_check(space);

	assert_non_null(found);
	assert_memory_equal(found, invariant, 3);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct world *world = make(false);
	struct vmap_space *space = &world->space;
	uintptr_t first = vmalloc(space, &kernel, PAGE_BYTES);
	uintptr_t second = vmalloc(space, &kernel, PAGE_BYTES);

	(void)state;
	vfree(space, 0, first);
	assert_null(vmap_space_check(space));
	space->free.bytes += PAGE_BYTES;
	expect(space, "I1:");
	space->free.bytes -= PAGE_BYTES;
	struct vmap_area *lazy = list_entry(space->lazy.next, struct vmap_area, link);

	lazy->end += PAGE_BYTES;
	expect(space, "I2:");
	lazy->end -= PAGE_BYTES;
	space->frame[3] = 5;
	expect(space, "I3:");
	space->frame[3] = 0;
	space->lazy_pages++;
	expect(space, "I4:");
	space->lazy_pages--;
	space->allocated_pages++;
	expect(space, "I5:");
	space->allocated_pages--;
	vfree(space, 0, second);
	drop(world);
}

static void test_tree_check_finds_each_broken_invariant(void **state)
{
	struct vmap_store store;
	struct vmap_tree tree = {0};

	(void)state;
	assert_int_equal(vmap_store_create(&store, 16), STATUS_OK);
	for (uint64_t i = 0; i < 7; i++)
		vmap_tree_insert(&tree,
				 vmap_store_take(&store, i * 4 * PAGE_BYTES, (i * 4 + 2) * PAGE_BYTES));
	assert_null(vmap_tree_check(&tree, false));
	struct avl_node *root = tree.by_address.root;
	struct vmap_area *lower = avl_entry(root->left, struct vmap_area, node);

	lower->end = avl_entry(root, struct vmap_area, node)->start;
	assert_memory_equal(vmap_tree_check(&tree, false), "I1:", 3);
	lower->end = lower->start + 2 * PAGE_BYTES;
	root->left->height++;
	assert_memory_equal(vmap_tree_check(&tree, false), "I2:", 3);
	root->left->height--;
	root->right->largest++;
	assert_memory_equal(vmap_tree_check(&tree, false), "I2:", 3);
	root->right->largest--;
	tree.count++;
	assert_memory_equal(vmap_tree_check(&tree, false), "I3:", 3);
	tree.count--;
	assert_null(vmap_tree_check(&tree, false));
	vmap_store_destroy(&store);
}

/* --- Figures and kvmalloc ----------------------------------------------------------------------------------------- */

static void test_vmallocinfo(void **state)
{
	struct world *world = make(false);
	struct vmalloc_request request = {.bytes = 4 * PAGE_BYTES, .caller = 9};
	uintptr_t stack = vmalloc_range(&world->space, &kernel, &request);
	struct vmallocinfo info;
	char line[VMALLOCINFO_LINE_BYTES];

	(void)state;
	request.bytes = 100;
	assert_int_equal(ioremap(&world->space, 0xa0010, &request), START + 5 * PAGE_BYTES + 0x10);
	(void)vmap(&world->space, 4, world->own, &request);
	assert_true(vmallocinfo_next(&world->space, 0, &info));
	assert_int_equal(info.caller, 9);
	(void)vmallocinfo_line(&info, "kernel_clone+0x94/0x3e0", line);
	assert_string_equal(line,
			    "0x0000000040000000-0x0000000040005000   20480 kernel_clone+0x94/0x3e0 pages=4 "
			    "vmalloc N0=4\n");
	assert_true(vmallocinfo_next(&world->space, info.end, &info));
	(void)vmallocinfo_line(&info, NULL, line);
	assert_string_equal(
	    line, "0x0000000040005000-0x0000000040007000    8192 phys=0x00000000000a0000 ioremap\n");
	assert_true(vmallocinfo_next(&world->space, info.end, &info));
	(void)vmallocinfo_line(&info, "irq_init_percpu_irqstack+0xca/0x100", line);
	assert_string_equal(line, "0x0000000040007000-0x000000004000c000   20480 "
				  "irq_init_percpu_irqstack+0xca/0x100 vmap\n");
	assert_false(vmallocinfo_next(&world->space, info.end, &info));
	assert_false(vmallocinfo_unpurged(&world->space, 0, &info));
	vfree(&world->space, 0, stack);
	assert_true(vmallocinfo_unpurged(&world->space, 0, &info));
	(void)vmallocinfo_line(&info, NULL, line);
	assert_string_equal(line, "0x0000000040000000-0x0000000040005000   20480 unpurged vm_area\n");
	drop(world);
}

static void test_kvmalloc(void **state)
{
	struct slab_policy policy = {.geometry = SLAB_GEOMETRY_LINUX, .order_max = 3, .cpus = 2};
	struct slab_rig *rig = calloc(1, sizeof(*rig));
	struct kmalloc_caches *caches = calloc(1, sizeof(*caches));
	struct vmap_shape shape = {.cpus = 2};
	struct vmap_space space;

	(void)state;
	assert_non_null(rig);
	assert_non_null(caches);
	slab_rig_make(rig, &policy, ARENA_NONE);
	assert_int_equal(kmalloc_caches_create(caches, &rig->allocator, KMALLOC_LINUX), STATUS_OK);
	assert_int_equal(vmap_space_create(&space, &rig->memory, &shape), STATUS_OK);
	struct kvmalloc memory = {caches, &space};
	uintptr_t small = kvmalloc(&memory, &kernel, 100);
	uintptr_t block = kvmalloc(&memory, &kernel, 4 * MIB);
	uintptr_t large = kvmalloc(&memory, &kernel, 4 * MIB + 1);

	assert_int_equal(ksize(caches, small), 128);
	assert_int_equal(ksize(caches, block), 4 * MIB);
	assert_int_equal(large, VMALLOC_START);
	kvfree(&memory, 0, small);
	kvfree(&memory, 0, block);
	kvfree(&memory, 0, large);
	kvfree(&memory, 0, 0);
	assert_null(vmap_space_check(&space));
	vmap_space_destroy(&space);
	kmalloc_caches_destroy(caches);
	slab_rig_drop(rig);
	free(caches);
	free(rig);
}

static void test_out_of_bounds(void **state)
{
	static const struct vmap_shape bad[] = {
	    {.start = START, .bytes = 4096, .cpus = 1},
	    {.start = 4096, .bytes = 2 << 20, .cpus = 1},
	    {.start = 0, .bytes = 2 << 20, .cpus = 1},
	    {.start = START, .bytes = VMALLOC_BYTES * 2, .cpus = 1},
	    {.start = START, .bytes = 2 << 20},
	};
	struct vmap_space space;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vmap_space_create(&space, NULL, &bad[i]), STATUS_BAD_ARGUMENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_guard_and_lazy_purge),
	    cmocka_unit_test(test_limit_of_lazy_pages),
	    cmocka_unit_test(test_no_room),
	    cmocka_unit_test(test_failure_in_the_middle),
	    cmocka_unit_test(test_huge),
	    cmocka_unit_test(test_huge_falls_back),
	    cmocka_unit_test(test_mistakes_die),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	    cmocka_unit_test(test_tree_check_finds_each_broken_invariant),
	    cmocka_unit_test(test_vmallocinfo),
	    cmocka_unit_test(test_kvmalloc),
	    cmocka_unit_test(test_out_of_bounds),
	};

	return cmocka_run_group_tests_name("vmalloc", tests, NULL, NULL);
}
