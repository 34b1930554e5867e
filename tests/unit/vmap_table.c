#include "config.h"

#include "engine/virt/vmap_table.h"

#include "tests/unit/model.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#define AREAS 200u
#define MIB ((uint64_t)1 << 20)

struct rig {
	struct memory frames;
	struct table_store store;
	struct counting_source source;
	struct pagetable table;
	struct vmap_table vmap;
	struct vmap_space space;
	size_t count;
	uintptr_t area[AREAS];
};

static struct rig *make(uint64_t table_pages)
{
	struct memory_shape frames = {
	    .size = {.pages = 16384}, .backing = ARENA_NONE, .max_order = 10, .cpus = 1};
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	assert_int_equal(memory_create(&rig->frames, &frames), STATUS_OK);
	assert_int_equal(table_store_create(&rig->store, paging_find("x86-64")), STATUS_OK);
	counting_source_create(&rig->source, 16, table_pages);
	assert_int_equal(pagetable_create(&rig->table, &rig->store, page_source_of_counter(&rig->source)),
			 PAGETABLE_DONE);
	rig->table.keeps_tables = true;
	rig->vmap.table = &rig->table;
	struct vmap_mapper mapper = vmap_table_mapper(&rig->vmap);
	struct vmap_shape shape = {.cpus = 1, .huge = true, .mapper = &mapper};

	assert_int_equal(vmap_space_create(&rig->space, &rig->frames, &shape), STATUS_OK);
	return rig;
}

static void drop(struct rig *rig)
{
	assert_null(vmap_space_check(&rig->space));
	vmap_space_destroy(&rig->space);
	assert_int_equal(rig->table.leaves[1], 0);
	assert_int_equal(rig->table.leaves[2], 0);
	pagetable_destroy(&rig->table);
	table_store_destroy(&rig->store);
	assert_null(memory_check(&rig->frames));
	memory_destroy(&rig->frames);
	free(rig);
}

/* The frame that the page table has for an address. */
static pfn_t translate(const struct rig *rig, uint64_t address)
{
	unsigned level;
	const pte_t *entry = pagetable_find(&rig->table, address, &level);

	if (!entry)
		return PFN_NONE;
	return level == 2 ? pte_frame(*entry) + (address >> PAGE_SHIFT) % HUGE_PAGES : pte_frame(*entry);
}

static const char *compare(const struct rig *rig, uint64_t address, uint64_t pages)
{
	for (uint64_t page = 0; page < pages; page++) {
		if (translate(rig, address + page * PAGE_BYTES) !=
		    vmalloc_to_pfn(&rig->space, address + page * PAGE_BYTES))
			return "the page table leads to another frame than vmalloc";
	}
	return NULL;
}

static const char *step(struct rig *rig, uint64_t number)
{
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};

	if (rig->count == AREAS || (rig->count > 0 && number >> 63)) {
		size_t victim = (number >> 8) % rig->count;
		uintptr_t area = rig->area[victim];

		rig->area[victim] = rig->area[--rig->count];
		vfree(&rig->space, 0, area);
		return translate(rig, area) == PFN_NONE ? NULL : "a freed area is still mapped";
	}
	uint64_t bytes = 1 + (number >> 8) % (number >> 56 & 7 ? 100000 : 3 * MIB);
	uintptr_t area = vmalloc_huge(&rig->space, &gfp, bytes);

	if (area == 0)
		return NULL; /* no frames */
	rig->area[rig->count++] = area;
	return compare(rig, area, pages_of_bytes(bytes) + 1);
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	struct rig *rig = make(1 << 16);
	const char *wrong = NULL;

	(void)context;
	for (size_t i = 0; i < count && !wrong; i++) {
		wrong = step(rig, operations[i]);
		if (!wrong && i % 100 == 0)
			wrong = pagetable_check(&rig->table);
	}
	if (!wrong)
		drop(rig);
	return wrong;
}

static void test_model(void **state)
{
	struct model model = {"vmap_table", run, NULL, 1000, 1};

	(void)state;
	model_test(&model);
}

/* Tables of three levels, and none for the first page of the fourth area. */
static void test_no_memory_for_a_table(void **state)
{
	struct rig *rig = make(3);
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};

	(void)state;
	assert_int_equal(vmalloc(&rig->space, &gfp, PAGE_BYTES), 0);
	assert_int_equal(rig->vmap.refused, 1);
	assert_int_equal(rig->space.refusals, 1);
	drop(rig);
}

static void test_flushes(void **state)
{
	struct rig *rig = make(1 << 16);
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};

	(void)state;
	vfree(&rig->space, 0, vmalloc(&rig->space, &gfp, 32 * PAGE_BYTES));
	assert_int_equal(vmap_space_purge(&rig->space), 1);
	assert_int_equal(rig->vmap.flushed_pages, 33);
	vfree(&rig->space, 0, vmalloc(&rig->space, &gfp, 33 * PAGE_BYTES));
	assert_int_equal(vmap_space_purge(&rig->space), 1);
	assert_int_equal(rig->vmap.flushed_pages, 33);
	assert_int_equal(rig->vmap.whole_flushes, 1);
	drop(rig);
}

static void test_huge_leaves(void **state)
{
	struct rig *rig = make(1 << 16);
	struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};
	uintptr_t area = vmalloc_huge(&rig->space, &gfp, 4 * MIB);

	(void)state;
	assert_int_equal(rig->table.leaves[2], 2);
	assert_int_equal(rig->table.leaves[1], 0);
	assert_null(compare(rig, area, 1024));
	drop(rig);
	rig = make(1 << 16);
	vfree(&rig->space, 0, vmalloc(&rig->space, &gfp, 4 * MIB)); /* leaves empty tables */
	(void)vmap_space_purge(&rig->space);
	assert_int_equal(rig->table.tables[1], 2);
	area = vmalloc_huge(&rig->space, &gfp, 4 * MIB);
	assert_int_equal(rig->table.leaves[2], 2);
	assert_int_equal(rig->table.tables[1], 0);
	assert_int_equal(rig->vmap.refused, 0);
	assert_null(compare(rig, area, 1024));
	drop(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_no_memory_for_a_table),
	    cmocka_unit_test(test_flushes),
	    cmocka_unit_test(test_huge_leaves),
	};

	return cmocka_run_group_tests_name("vmap_table", tests, NULL, NULL);
}
