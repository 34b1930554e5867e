#include "config.h"

#include "tests/unit/fault_world.h"

#include "engine/virt/walk.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096u

/* --- The machine ---------------------------------------------------------------------------------------------------- */

static void make_process(struct world *world, unsigned number)
{
	struct resident_options options = {&world->store, &world->frames, &world->policy};
	struct world_process *process = &world->process[number];

	memset(process, 0, sizeof(*process));
	assert_int_equal(resident_create(&process->resident, &options), PAGETABLE_DONE);
	process->exists = true;
}

void world_make(struct world *world, uint64_t frames, uint64_t file_pages)
{
	struct buddy_shape shape = {0, frames, 10, BUDDY_ORDER_FIRST};

	memset(world, 0, sizeof(*world));
	world->policy = *policy_find("linux");
	world->paging = *paging_find("x86-64");
	world->buddy_memory = calloc(1, buddy_bytes(&shape));
	assert_non_null(world->buddy_memory);
	assert_int_equal(buddy_create(&world->buddy, &shape, world->buddy_memory), STATUS_OK);
	buddy_add(&world->buddy, 0, frames);
	assert_int_equal(page_array_create(&world->array, 0, frames), STATUS_OK);
	assert_int_equal(table_store_create(&world->store, &world->paging), STATUS_OK);
	assert_int_equal(frames_create(&world->frames, page_source_of_buddy(&world->buddy), &world->array, 9),
			 STATUS_OK);
	world->file = file_pages_create(&world->frames, FILE_REGULAR, file_pages, true);
	assert_non_null(world->file);
	make_process(world, 0);
}

static void drop_area(struct area *area)
{
	if (area->file)
		file_pages_drop(area->file);
}

static void exit_process(struct world_process *process)
{
	if (!process->exists)
		return;
	resident_destroy(&process->resident);
	for (unsigned i = 0; i < process->areas; i++)
		drop_area(&process->area[i]);
	process->exists = false;
}

void world_drop(struct world *world)
{
	for (unsigned i = 0; i < WORLD_PROCESSES; i++)
		exit_process(&world->process[i]);
	file_pages_drop(world->file);
	frames_destroy(&world->frames);
	assert_int_equal(world->buddy.free_pages, world->buddy.managed_pages);
	table_store_destroy(&world->store);
	page_array_destroy(&world->array);
	free(world->buddy_memory);
}

const char *world_check(const struct world *world)
{
	const struct resident *sets[WORLD_PROCESSES];
	size_t count = 0;

	for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
		if (world->process[i].exists)
			sets[count++] = &world->process[i].resident;
	}
	const char *broken = resident_check_all(sets, count);

	if (!broken)
		broken = file_pages_check(world->file);
	return broken ? broken : table_store_check(&world->store);
}

/* --- Areas ---------------------------------------------------------------------------------------------------------- */

struct area *world_area(struct world_process *process, uint64_t address)
{
	for (unsigned i = 0; i < process->areas; i++) {
		if (address >= process->area[i].start && address < process->area[i].end)
			return &process->area[i];
	}
	return NULL;
}

static void insert(struct world_process *process, struct area area)
{
	unsigned at = process->areas;

	assert_true(process->areas < WORLD_AREAS);
	for (; at > 0 && process->area[at - 1].start > area.start; at--)
		process->area[at] = process->area[at - 1];
	process->area[at] = area;
	process->areas++;
}

static void split_at(struct world_process *process, uint64_t address)
{
	struct area *area = world_area(process, address);

	if (!area || area->start == address)
		return;
	struct area upper = *area;

	upper.start = address;
	if (area->file) {
		upper.first_page += (address - area->start) / PAGE;
		file_pages_hold(area->file);
	}
	area->end = address;
	assert_true(resident_divide(&process->resident, address));
	insert(process, upper);
}

static void merge_all(struct world_process *process)
{
	for (unsigned i = 0; i + 1 < process->areas;) {
		struct area *left = &process->area[i], *right = left + 1;

		if (left->end != right->start || left->flags != right->flags || left->file != right->file ||
		    (left->file &&
		     left->first_page + (left->end - left->start) / PAGE != right->first_page)) {
			i++;
			continue;
		}
		left->end = right->end;
		left->has_anonymous |= right->has_anonymous;
		drop_area(right);
		process->areas--;
		memmove(right, right + 1, (process->areas - i - 1) * sizeof(*right));
	}
}

/* Takes areas [start, end) out, with pages and tables. */
static void unmap(struct world_process *process, uint64_t start, uint64_t end)
{
	uint64_t floor = 0, ceiling = 0;
	unsigned kept = 0;

	split_at(process, start);
	split_at(process, end);
	assert_true(resident_zap(&process->resident, start, end));
	for (unsigned i = 0; i < process->areas; i++) {
		struct area *area = &process->area[i];

		if (area->start >= start && area->end <= end) {
			drop_area(area);
			continue;
		}
		if (area->end <= start)
			floor = area->end;
		if (area->start >= end && ceiling == 0)
			ceiling = area->start;
		process->area[kept++] = *area;
	}
	process->areas = kept;
	resident_release_tables(&process->resident, start, end, floor, ceiling);
}

/* --- Steps ---------------------------------------------------------------------------------------------------------- */

static void map(struct world *world, const struct step *step, uint64_t start, uint64_t end)
{
	struct world_process *process = &world->process[step->process];
	struct area area = {.start = start, .end = end, .flags = step->flags & (AREA_RIGHTS | AREA_SHARED)};

	unmap(process, start, end);
	if (step->flags & STEP_FILE) {
		area.file = world->file;
		area.first_page = step->extra;
		file_pages_hold(area.file);
	} else if (step->flags & STEP_SHARED) {
		area.file = file_pages_create(&world->frames, FILE_SHARED_MEMORY, step->pages, false);
		assert_non_null(area.file);
	}
	insert(process, area);
	merge_all(process);
	if (step->flags & STEP_POPULATE && step->flags & AREA_RIGHTS)
		(void)resident_populate(&process->resident, world_area(process, start), start, end,
					POPULATE_AS_AREA);
}

typedef void on_area(struct world *world, struct world_process *process, struct area *area,
		     const struct step *step);

static void on_areas(struct world *world, const struct step *step, uint64_t start, uint64_t end,
		     on_area *call)
{
	struct world_process *process = &world->process[step->process];

	split_at(process, start);
	split_at(process, end);
	for (unsigned i = 0; i < process->areas; i++) {
		if (process->area[i].start >= start && process->area[i].end <= end)
			call(world, process, &process->area[i], step);
	}
	merge_all(process);
}

static void protect(struct world *world, struct world_process *process, struct area *area,
		    const struct step *step)
{
	(void)world;
	area->flags = (area->flags & ~(uint32_t)AREA_RIGHTS) | (step->flags & AREA_RIGHTS);
	assert_true(resident_protect(&process->resident, area, area->start, area->end));
}

static void lock(struct world *world, struct world_process *process, struct area *area,
		 const struct step *step)
{
	(void)world;
	(void)step;
	area->flags |= AREA_LOCKED;
	if (area->flags & AREA_RIGHTS)
		(void)resident_populate(&process->resident, area, area->start, area->end, POPULATE_AS_AREA);
}

static void sync_area(struct world *world, struct world_process *process, struct area *area,
		      const struct step *step)
{
	(void)world;
	(void)step;
	resident_clean(&process->resident, area, area->start, area->end);
}

static void advise(struct world *world, struct world_process *process, struct area *area,
		   const struct step *step)
{
	struct resident *resident = &process->resident;

	(void)world;
	switch (step->extra) {
	case MADV_DONTNEED:
		assert_true(resident_discard(resident, area->start, area->end));
		break;
	case MADV_FREE:
		assert_true(resident_free_lazily(resident, area->start, area->end));
		break;
	case MADV_HUGEPAGE:
		area->flags |= AREA_HUGE;
		break;
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		if (area->flags & AREA_RIGHTS)
			(void)resident_populate(resident, area, area->start, area->end,
						step->extra == MADV_POPULATE_WRITE ? POPULATE_WRITE
										   : POPULATE_READ);
		break;
	default:
		for (uint64_t at = area->start; at < area->end; at += PAGE << 9)
			(void)resident_collapse(resident, area, at, (struct collapse_limits){512, 512});
		break;
	}
}

static void move(struct world *world, const struct step *step, uint64_t start, uint64_t end)
{
	struct world_process *process = &world->process[step->process];
	uint64_t to = KERNEL_CHILD_BASE + step->extra * PAGE;
	struct area area;

	unmap(process, to, to + (end - start));
	split_at(process, start);
	split_at(process, end);
	assert_non_null(world_area(process, start));
	area = *world_area(process, start);
	area.start = to;
	area.end = to + (end - start);
	if (area.file)
		file_pages_hold(area.file);
	insert(process, area);
	assert_true(resident_move(&process->resident, start, to, end - start));
	unmap(process, start, end);
	merge_all(process);
}

static void fork_process(struct world *world)
{
	struct world_process *parent = &world->process[0], *child = &world->process[1];

	make_process(world, 1);
	for (unsigned i = 0; i < parent->areas; i++) {
		child->area[i] = parent->area[i];
		child->areas++;
		if (parent->area[i].file)
			file_pages_hold(parent->area[i].file);
		assert_true(resident_copy(&child->resident, &parent->resident, &parent->area[i]));
	}
}

/* One access, restarted after each fault as a processor does. */
static void touch(struct world *world, const struct step *step, uint64_t address,
		  struct step_figures *figures)
{
	struct world_process *process = &world->process[step->process];
	unsigned access = step->call == STEP_READ    ? WALK_READ
			  : step->call == STEP_WRITE ? WALK_WRITE
						     : WALK_EXECUTE;

	for (;;) {
		struct area *area = world_area(process, address);
		unsigned level;
		pte_t *entry = pagetable_find(&process->resident.table, address, &level);

		if (entry && pte_has(*entry, PTE_USER) &&
		    (access != WALK_WRITE || pte_has(*entry, PTE_WRITE)) &&
		    (access != WALK_EXECUTE || !pte_has(*entry, PTE_NO_EXECUTE))) {
			*entry = pte_set(*entry, PTE_ACCESSED | (access == WALK_WRITE ? PTE_DIRTY : 0));
			return;
		}
		if (!area || !resident_may(area, access, entry != NULL)) {
			figures->signal = SIGSEGV;
			figures->code = area ? SEGV_ACCERR : SEGV_MAPERR;
			return;
		}
		world->last = resident_fault(&process->resident, area, address, access);
		if (world->last.end == FAULT_BEYOND) {
			figures->signal = SIGBUS;
			figures->code = BUS_ADRERR;
			return;
		}
		assert_int_equal(world->last.end, FAULT_DONE);
	}
}

static void do_step(struct world *world, const struct step *step, struct step_figures *figures)
{
	uint64_t start = KERNEL_CHILD_BASE + step->page * PAGE;
	uint64_t end = start + step->pages * PAGE;
	uint64_t stride = step->extra ? step->extra : 1;

	switch (step->call) {
	case STEP_MAP:
		map(world, step, start, end);
		break;
	case STEP_UNMAP:
		unmap(&world->process[step->process], start, end);
		break;
	case STEP_PROTECT:
		on_areas(world, step, start, end, protect);
		break;
	case STEP_ADVISE:
		on_areas(world, step, start, end, advise);
		break;
	case STEP_MOVE:
		move(world, step, start, end);
		break;
	case STEP_LOCK:
		on_areas(world, step, start, end, lock);
		break;
	case STEP_SYNC:
		on_areas(world, step, start, end, sync_area);
		break;
	case STEP_EVICT:
		assert_int_equal(file_pages_set_resident(world->file, 0, UINT64_MAX, false), STATUS_OK);
		break;
	case STEP_AWAIT:
		break;
	case STEP_FORK:
		fork_process(world);
		break;
	case STEP_EXIT:
		exit_process(&world->process[1]);
		break;
	default:
		for (uint64_t i = 0; i < step->pages && figures->signal == 0; i += stride)
			touch(world, step, start + i * PAGE, figures);
		break;
	}
}

static bool hash_entry(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	struct step_figures *figures = context;
	uint64_t pages = level == 1 ? 1 : 512;

	(void)entry;
	if ((address - KERNEL_CHILD_BASE) / PAGE >= KERNEL_CHILD_WINDOW)
		return false;
	for (uint64_t i = 0; i < pages; i++) {
		figures->mapped_hash =
		    kernel_child_hash(figures->mapped_hash, (address - KERNEL_CHILD_BASE) / PAGE + i);
		figures->mapped_pages++;
	}
	return true;
}

static void measure(const struct resident *resident, struct step_figures *figures)
{
	figures->resident_pages = resident_pages(resident);
	figures->anonymous_pages = resident->anonymous_pages;
	figures->huge_pages = resident->huge_pages;
	figures->lazyfree_pages = resident_lazy_pages(resident, 0, (uint64_t)1 << 47);
	figures->table_pages = (int64_t)resident_table_pages(resident);
	pagetable_visit_range(&resident->table, 0, (uint64_t)1 << 47, hash_entry, figures);
}

struct step_figures world_step(struct world *world, const struct step *step)
{
	unsigned measured = step->call == STEP_FORK ? 1 : step->process;
	struct step_figures figures = {0};
	struct fault_counts before = {0};

	if (world->process[measured].exists)
		before = world->process[measured].resident.counts;
	do_step(world, step, &figures);
	if (!world->process[measured].exists)
		return figures;
	figures.minor = world->process[measured].resident.counts.minor - before.minor;
	figures.major = world->process[measured].resident.counts.major - before.major;
	measure(&world->process[measured].resident, &figures);
	return figures;
}
