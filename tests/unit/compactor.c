#include "config.h"

#include "engine/pressure/compactor.h"

#include "engine/phys/gfp.h"
#include "engine/pressure/page_migration.h"
#include "engine/virt/walk.h"
#include "tests/unit/death.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PAGES 16384u /* 64 MiB */
#define BASE ((uint64_t)1 << 30)

/* A machine of the page allocator with one process on it, whose memory lies in frames with odd numbers only. */
struct machine {
	struct memory memory;
	struct paging paging;
	struct policy policy;
	struct table_store store;
	struct frames frames;
	struct resident resident;
	struct rmap rmap;
	struct page_migration migration;
	struct compactor compactor;
	struct area area;
};

static void make_memory(struct machine *machine, enum zone_keeper keeper)
{
	struct memory_shape shape = {.size = {.pages = PAGES},
				     .backing = ARENA_REAL,
				     .max_order = BUDDY_KERNEL_ORDER,
				     .cpus = 1,
				     .tuning = PCP_TUNED,
				     .keeper = keeper};

	memset(machine, 0, sizeof(*machine));
	assert_int_equal(memory_create(&machine->memory, &shape), STATUS_OK);
	machine->paging = *paging_find("x86-64");
	machine->policy = *policy_find("linux");
	assert_int_equal(table_store_create(&machine->store, &machine->paging), STATUS_OK);
	assert_int_equal(frames_create(&machine->frames, page_source_of_memory(&machine->memory),
				       &machine->memory.pages, HUGE_ORDER),
			 STATUS_OK);
	machine->frames.source = page_source_of_movable_memory(&machine->memory);
}

static void make(struct machine *machine, enum zone_keeper keeper)
{
	struct resident_options options = {&machine->store, &machine->frames, &machine->policy};

	make_memory(machine, keeper);
	assert_int_equal(resident_create(&machine->resident, &options), PAGETABLE_DONE);
	rmap_create(&machine->rmap);
	assert_int_equal(rmap_add(&machine->rmap, &machine->resident), STATUS_OK);
	page_migration_create(&machine->migration, &machine->frames, &machine->rmap);
	machine->migration.memory = &machine->memory;
	compactor_create(&machine->compactor, &machine->memory, page_migration_mover(&machine->migration));
	machine->area = (struct area){
	    .start = BASE, .end = BASE + (uint64_t)2 * PAGES * PAGE_BYTES, .flags = AREA_READ | AREA_WRITE};
}

static void drop(struct machine *machine)
{
	resident_destroy(&machine->resident);
	frames_destroy(&machine->frames);
	page_migration_destroy(&machine->migration);
	rmap_destroy(&machine->rmap);
	table_store_destroy(&machine->store);
	assert_null(memory_check(&machine->memory));
	memory_destroy(&machine->memory);
}

static struct fault touch(struct machine *machine, uint64_t address)
{
	return resident_fault(&machine->resident, &machine->area, address, WALK_WRITE);
}

static uint64_t *memory_at(const struct machine *machine, uint64_t address)
{
	unsigned level;
	const pte_t *entry = pagetable_find(&machine->resident.table, address, &level);
	uint64_t inside = level > 1 ? address % (HUGE_PAGES * PAGE_BYTES) : 0;

	return (uint64_t *)(page_address(&machine->memory, pte_frame(*entry)) + inside);
}

/* Small pages until the machine is full; then those in even frames go. */
static void fragment(struct machine *machine)
{
	assert_int_equal(policy_set(&machine->policy, "thp=never"), STATUS_OK);
	for (uint64_t address = BASE; touch(machine, address).end == FAULT_DONE; address += PAGE_BYTES)
		*memory_at(machine, address) = address;
	for (pfn_t pfn = 0; pfn < PAGES; pfn += 2) {
		const struct page *page = page_of_pfn(&machine->memory.pages, pfn);

		if (page->flags & PAGE_ANONYMOUS)
			assert_true(resident_zap(&machine->resident, page->index * PAGE_BYTES,
						 (page->index + 1) * PAGE_BYTES));
	}
	assert_int_equal(policy_set(&machine->policy, "thp=always"), STATUS_OK);
}

static bool check_page(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	const struct machine *machine = context;

	(void)entry;
	if (level == 1)
		assert_int_equal(*memory_at(machine, address), address);
	return true;
}

static void check(struct machine *machine)
{
	const struct resident *resident = &machine->resident;

	pagetable_visit_range(&resident->table, 0, paging_lower_end(&machine->paging), check_page, machine);
	assert_null(resident_check_all(&resident, 1));
	assert_null(memory_check(&machine->memory));
	assert_null(compactor_check(&machine->compactor));
}

/* A page fault that wants a huge page gets small ones without compaction, and a huge one with it. */
static void fault_gets_its_huge_page(void **state)
{
	static struct machine machine;
	uint64_t huge = BASE + (uint64_t)PAGES * PAGE_BYTES;
	struct compact_counts counts;

	(void)state;
	make(&machine, ZONE_LISTS);
	fragment(&machine);
	struct gfp gfp = {.flags = GFP_HIGHUSER | GFP_MOVABLE, .cpu = 0};

	assert_null(alloc_pages(&machine.memory, &gfp, HUGE_ORDER));
	struct fault fault = touch(&machine, huge);

	assert_int_equal(fault.end, FAULT_DONE);
	assert_true(fault.kinds & FAULT_FALLBACK);
	compactor_install(&machine.compactor);
	fault = touch(&machine, huge + HUGE_PAGES * PAGE_BYTES);
	assert_int_equal(fault.end, FAULT_DONE);
	assert_true(fault.kinds & FAULT_HUGE);
	compactor_counts(&machine.compactor, &counts);
	assert_true(counts.moved >= 256);
	assert_int_equal(counts.moved, machine.migration.moved_pages);
	assert_int_equal(counts.results[COMPACT_SUCCESS], 1);
	assert_int_equal(machine.memory.shortage.compactions > 0, 1);
	*memory_at(&machine, huge) = huge;
	check(&machine);
	drop(&machine);
}

static void pinned_pages_are_counted(void **state)
{
	static struct machine machine;
	struct gfp gfp = {.flags = GFP_HIGHUSER | GFP_MOVABLE | GFP_NORETRY, .cpu = 0};
	struct compact_counts counts;

	(void)state;
	make(&machine, ZONE_LISTS);
	fragment(&machine);
	compactor_install(&machine.compactor);
	for (pfn_t pfn = 1; pfn < PAGES; pfn += 2) {
		if (page_of_pfn(&machine.memory.pages, pfn)->flags & PAGE_ANONYMOUS)
			frames_pin(&machine.frames, pfn);
	}
	assert_null(alloc_pages(&machine.memory, &gfp, HUGE_ORDER));
	gfp.flags &= ~(unsigned)GFP_NORETRY;
	assert_null(alloc_pages(&machine.memory, &gfp, HUGE_ORDER));
	compactor_counts(&machine.compactor, &counts);
	assert_int_equal(counts.moved, 0);
	assert_true(counts.not_moved[MOVE_PINNED] > 1000);
	assert_true(counts.results[COMPACT_COMPLETE] > 0);
	for (pfn_t pfn = 1; pfn < PAGES; pfn += 2) {
		if (page_of_pfn(&machine.memory.pages, pfn)->flags & PAGE_ANONYMOUS)
			frames_unpin(&machine.frames, pfn);
	}
	check(&machine);
	drop(&machine);
}

static void all_and_proactively(void **state)
{
	static struct machine machine;
	struct compact_counts counts;

	(void)state;
	make(&machine, ZONE_LISTS);
	fragment(&machine);
	assert_true(compactor_score(&machine.compactor) > 95);
	assert_int_equal(compactor_run_proactively(&machine.compactor, 0), 0);
	assert_true(compactor_run_proactively(&machine.compactor, COMPACT_PROACTIVENESS) > 0);
	assert_true(compactor_score(&machine.compactor) <= 100 - COMPACT_PROACTIVENESS + 1);
	assert_int_equal(compactor_run_proactively(&machine.compactor, COMPACT_PROACTIVENESS), 0);
	check(&machine);
	compactor_run_all(&machine.compactor);
	compactor_counts(&machine.compactor, &counts);
	assert_true(counts.results[COMPACT_COMPLETE] > 0);
	assert_true(counts.proactive_runs > 0);
	check(&machine);
	drop(&machine);
}

static void install_again(void *machine)
{
	compactor_install(&((struct machine *)machine)->compactor);
}

/* Zones with bitmaps are left alone. */
static void bitmaps_are_not_compacted(void **state)
{
	static struct machine machine;
	struct zone_request request = {.order = HUGE_ORDER, .type = MIGRATE_MOVABLE, .highest = ZONE_MOVABLE};

	(void)state;
	make(&machine, ZONE_BITMAPS);
	compactor_install(&machine.compactor);
	assert_false(compactor_run(&machine.compactor, &request, 0));
	assert_int_equal(compactor_score(&machine.compactor), 0);
	assert_dies(install_again, &machine, "a memory has one hook");
	check(&machine);
	drop(&machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fault_gets_its_huge_page),
	    cmocka_unit_test(pinned_pages_are_counted),
	    cmocka_unit_test(all_and_proactively),
	    cmocka_unit_test(bitmaps_are_not_compacted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
