#include "config.h"

#include "tests/unit/fault_rig.h"

#include "engine/base/check.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define VMAS 4096u
#define TASK_BYTES (((uint64_t)1 << 47) - PAGE_BYTES)

/* --- The machine ---------------------------------------------------------------------------------------------------- */

static bool make_process(struct fault_rig *rig, unsigned number)
{
	struct rig_process *process = &rig->process[number];
	struct fault_space_options options = {
	    .resident = {.store = &rig->store, .frames = &rig->frames, .policy = &rig->policy},
	    .processors = rig->has_processors ? &rig->processors : NULL};

	process->exists = fault_space_create(&process->space, &options) == STATUS_OK;
	return process->exists;
}

static bool make_first(struct fault_rig *rig)
{
	struct mm_options options = {.store = &rig->vmas,
				     .promise = &rig->promise,
				     .pages = &fault_pages,
				     .pages_owner = &rig->process[0].space,
				     .limits = {.address_space_bytes = MM_UNLIMITED,
						.data_bytes = MM_UNLIMITED,
						.stack_bytes = 8u << 20,
						.locked_bytes = MM_UNLIMITED,
						.maps = MM_MAPS_MAX_LINUX,
						.lowest_address = 65536,
						.may_lock = true},
				     .layout = {.task_bytes = TASK_BYTES,
						.mmap_base = 0x7ffff7fff000,
						.mmap_legacy_base = 0x2aaaaaaab000,
						.start_brk = 0x555555559000},
				     .huge_bytes = 2u << 20};

	return make_process(rig, 0) && mm_create(&rig->process[0].mm, &options) == STATUS_OK;
}

static bool make_processors(struct fault_rig *rig)
{
	struct tlb_geometry geometry;
	struct tlb_geometry_error error;
	struct cpu_options options = {
	    .processors = 1, .kernel = &rig->kernel, .geometries = &geometry, .models = 1};

	return tlb_geometry_parse(&geometry, "l1d=64x4,l2=1536x12", &error) == STATUS_OK &&
	       pagetable_create(&rig->kernel, &rig->store, page_source_of_buddy(&rig->buddy)) ==
		   PAGETABLE_DONE &&
	       cpu_set_create(&rig->processors, &options) == STATUS_OK;
}

static bool make_memory(struct fault_rig *rig, uint64_t frames)
{
	struct buddy_shape shape = {0, frames, 10, BUDDY_ORDER_FIRST};

	rig->buddy_memory = calloc(1, buddy_bytes(&shape));
	if (!rig->buddy_memory || buddy_create(&rig->buddy, &shape, rig->buddy_memory) != STATUS_OK)
		return false;
	buddy_add(&rig->buddy, 0, frames);
	return page_array_create(&rig->array, 0, frames) == STATUS_OK &&
	       table_store_create(&rig->store, &rig->paging) == STATUS_OK &&
	       vma_store_create(&rig->vmas, VMAS) == STATUS_OK &&
	       frames_create(&rig->frames, page_source_of_buddy(&rig->buddy), &rig->array, 9) == STATUS_OK;
}

bool rig_make(struct fault_rig *rig, const struct rig_options *options)
{
	memset(rig, 0, sizeof(*rig));
	rig->policy = *policy_find("linux");
	rig->paging = *paging_find("x86-64");
	rig->has_processors = options->has_processors;
	rig->promise = (struct mm_promise){.mode = MM_OVERCOMMIT_ALWAYS, .memory_pages = options->frames};
	if (!make_memory(rig, options->frames))
		return false;
	rig->file = (struct open_file){
	    .number = 1, .flags = OPEN_READ | OPEN_WRITE | OPEN_HUGE_ALIGNED, .references = 1};
	rig->file.pages = file_pages_create(&rig->frames, FILE_REGULAR, options->file_pages, true);
	return rig->file.pages && (!options->has_processors || make_processors(rig)) && make_first(rig);
}

void rig_exit(struct fault_rig *rig, unsigned number)
{
	struct rig_process *process = &rig->process[number];

	if (!process->exists)
		return;
	CHECK(mm_leave(&process->mm), "a process of the rig shares its address space with nobody");
	fault_space_destroy(&process->space);
	process->exists = false;
}

int rig_fork(struct fault_rig *rig)
{
	if (!make_process(rig, 1))
		return 12;
	struct mm_result result =
	    fault_fork(&rig->process[1].mm, &rig->process[0].mm, &rig->process[1].space);

	if (result.error != 0) {
		fault_space_destroy(&rig->process[1].space);
		rig->process[1].exists = false;
	}
	return result.error;
}

void rig_drop(struct fault_rig *rig)
{
	for (unsigned i = 0; i < RIG_PROCESSES; i++)
		rig_exit(rig, i);
	if (rig->has_processors) {
		cpu_set_destroy(&rig->processors);
		pagetable_destroy(&rig->kernel);
	}
	CHECK(rig->file.references == 1, "nobody maps the file any more");
	file_pages_drop(rig->file.pages);
	frames_destroy(&rig->frames);
	CHECK(rig->buddy.free_pages == rig->buddy.managed_pages, "every frame came back");
	CHECK(rig->vmas.in_use == 0 && rig->promise.promised_pages == 0, "every mapping came back");
	vma_store_destroy(&rig->vmas);
	table_store_destroy(&rig->store);
	page_array_destroy(&rig->array);
	free(rig->buddy_memory);
}

const char *rig_check(const struct fault_rig *rig)
{
	const struct resident *sets[RIG_PROCESSES];
	const char *broken = NULL;
	size_t count = 0;

	for (unsigned i = 0; i < RIG_PROCESSES && !broken; i++) {
		if (!rig->process[i].exists)
			continue;
		broken = fault_check(&rig->process[i].mm);
		sets[count++] = &rig->process[i].space.resident;
	}
	if (!broken)
		broken = resident_check_all(sets, count);
	if (!broken)
		broken = file_pages_check(rig->file.pages);
	if (!broken && rig->has_processors)
		broken = cpu_set_check(&rig->processors);
	return broken ? broken : table_store_check(&rig->store);
}

/* --- Steps ---------------------------------------------------------------------------------------------------------- */

static struct mm_result map(struct fault_rig *rig, const struct step *step, uint64_t start, uint64_t bytes)
{
	struct mm_mapping mapping = {
	    .address = start,
	    .length = bytes,
	    .protection = step->flags & (STEP_PROT_READ | STEP_PROT_WRITE | STEP_PROT_EXECUTE),
	    .flags = MM_MAP_FIXED | (step->flags & STEP_SHARED ? MM_MAP_SHARED : MM_MAP_PRIVATE) |
		     (step->flags & STEP_FILE ? 0 : MM_MAP_ANONYMOUS) |
		     (step->flags & STEP_POPULATE ? MM_MAP_POPULATE : 0),
	    .file = step->flags & STEP_FILE ? &rig->file : NULL,
	    .offset = step->flags & STEP_FILE ? step->extra << PAGE_SHIFT : 0};

	return fault_map(&rig->process[step->process].mm, &mapping);
}

static void touch(struct fault_rig *rig, const struct step *step, uint64_t address,
		  struct step_figures *figures)
{
	static const struct {
		int signal, code;
	} ends[] = {[FAULT_NO_AREA] = {SIGSEGV, SEGV_MAPERR},
		    [FAULT_NO_RIGHT] = {SIGSEGV, SEGV_ACCERR},
		    [FAULT_BEYOND] = {SIGBUS, BUS_ADRERR},
		    [FAULT_NO_MEMORY] = {SIGKILL, 0}};
	unsigned access = step->call == STEP_READ    ? WALK_READ
			  : step->call == STEP_WRITE ? WALK_WRITE
						     : WALK_EXECUTE;
	struct fault_access result =
	    fault_access(&rig->process[step->process].mm, address, access | WALK_USER);

	if (result.end != FAULT_DONE) {
		figures->signal = ends[result.end].signal;
		figures->code = ends[result.end].code;
	}
}

static struct mm_result call(struct fault_rig *rig, const struct step *step, uint64_t start, uint64_t bytes)
{
	struct mm *mm = &rig->process[step->process].mm;
	struct mm_remapping remapping = {.address = start,
					 .old_length = bytes,
					 .new_length = bytes,
					 .flags = MM_REMAP_MAY_MOVE | MM_REMAP_FIXED,
					 .new_address = KERNEL_CHILD_BASE + (step->extra << PAGE_SHIFT)};

	switch (step->call) {
	case STEP_MAP:
		return map(rig, step, start, bytes);
	case STEP_UNMAP:
		return mm_unmap(mm, start, bytes);
	case STEP_PROTECT:
		return mm_protect(mm, start, bytes, step->flags & 7);
	case STEP_ADVISE:
		return mm_advise(mm, start, bytes, (int)step->extra);
	case STEP_MOVE:
		return mm_remap(mm, &remapping);
	case STEP_LOCK:
		return mm_lock(mm, start, bytes, 0);
	case STEP_SYNC:
		return mm_sync(mm, start, bytes, MM_SYNC_SYNC);
	default:
		return (struct mm_result){0, 0};
	}
}

static void do_step(struct fault_rig *rig, const struct step *step, struct step_figures *figures)
{
	uint64_t start = KERNEL_CHILD_BASE + (step->page << PAGE_SHIFT);
	uint64_t stride = step->extra ? step->extra : 1;

	switch (step->call) {
	case STEP_READ:
	case STEP_WRITE:
	case STEP_EXECUTE:
		for (uint64_t i = 0; i < step->pages && figures->signal == 0; i += stride)
			touch(rig, step, start + (i << PAGE_SHIFT), figures);
		break;
	case STEP_FORK:
		figures->error = rig_fork(rig);
		break;
	case STEP_EXIT:
		rig_exit(rig, step->process);
		break;
	case STEP_EVICT:
		(void)!file_pages_set_resident(rig->file.pages, 0, UINT64_MAX, false);
		break;
	default:
		figures->error = call(rig, step, start, step->pages << PAGE_SHIFT).error;
		break;
	}
}

static bool hash_entry(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	struct step_figures *figures = context;
	uint64_t pages = level == 1 ? 1 : 512, first = (address - KERNEL_CHILD_BASE) >> PAGE_SHIFT;

	(void)entry;
	if (address < KERNEL_CHILD_BASE || first >= KERNEL_CHILD_WINDOW)
		return address < KERNEL_CHILD_BASE;
	for (uint64_t i = 0; i < pages; i++)
		figures->mapped_hash = kernel_child_hash(figures->mapped_hash, first + i);
	figures->mapped_pages += pages;
	return true;
}

struct step_figures rig_step(struct fault_rig *rig, const struct step *step)
{
	struct rig_process *process = &rig->process[step->call == STEP_FORK ? 1 : step->process];
	const struct resident *resident = &process->space.resident;
	struct step_figures figures = {0};
	struct fault_counts before = {0};

	if (process->exists)
		before = resident->counts;
	do_step(rig, step, &figures);
	if (!process->exists)
		return figures;
	figures.minor = resident->counts.minor - before.minor;
	figures.major = resident->counts.major - before.major;
	figures.resident_pages = resident_pages(resident);
	figures.anonymous_pages = resident->anonymous_pages;
	figures.huge_pages = resident->huge_pages;
	figures.lazyfree_pages = resident_lazy_pages(resident, 0, (uint64_t)1 << 47);
	figures.table_pages = (int64_t)resident_table_pages(resident);
	pagetable_visit_range(&resident->table, 0, (uint64_t)1 << 47, hash_entry, &figures);
	return figures;
}
