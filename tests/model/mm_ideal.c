#include "config.h"

#include "tests/model/mm_ideal.h"

#include "tests/model/naive_pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* More memory than any sequence asks for at once: vm.overcommit_memory = 0 refuses nothing that the windows hold. */
#define MEMORY_PAGES ((uint64_t)1 << 20)

struct process {
	bool exists;
	struct mm mm;
	struct naive_pages pages;
};

struct ideal {
	const struct surroundings *around;
	struct vma_store store;
	struct mm_promise promise;
	struct naive_file *memory, *regular, *other;
	struct open_file open[STEP_FILES], foreign;
	struct process processes[2];
	struct mm base; /* of process 0 before the first step: counts of what is not ours */
};

static void make_files(struct ideal *ideal)
{
	uint64_t pages = pages_of_bytes(FILE_BYTES);

	ideal->memory = naive_file_create(pages, false);
	ideal->regular = naive_file_create(pages, true);
	ideal->other = naive_file_create(0, false);
	ideal->open[FILE_MEMORY] = naive_open(ideal->memory, 1, OPEN_READ | OPEN_WRITE | OPEN_SHARED_MEMORY);
	ideal->open[FILE_MEMORY_READ] = naive_open(ideal->memory, 2, OPEN_READ | OPEN_SHARED_MEMORY);
	ideal->open[FILE_MEMORY_WRITE] = naive_open(ideal->memory, 3, OPEN_WRITE | OPEN_SHARED_MEMORY);
	ideal->open[FILE_REGULAR_READ] = naive_open(ideal->regular, 4, OPEN_READ | OPEN_HUGE_ALIGNED);
	ideal->open[FILE_PIPE] = naive_open(ideal->other, 5, OPEN_READ | OPEN_NO_MAP | OPEN_NO_EXECUTE);
	ideal->foreign = naive_open(ideal->other, 6, OPEN_READ | OPEN_WRITE | OPEN_SHARED_MEMORY);
}

static bool place_foreign(struct ideal *ideal, struct mm *mm, const struct seen *seen)
{
	struct mm_placement placement = {.start = seen->start,
					 .end = seen->end,
					 .flags = VMA_FOREIGN | VMA_MAY_RIGHTS,
					 .first_page = seen->offset >> PAGE_SHIFT};

	placement.flags |= seen->rights[0] == 'r' ? AREA_READ : 0;
	placement.flags |= seen->rights[1] == 'w' ? AREA_WRITE : 0;
	placement.flags |= seen->rights[2] == 'x' ? AREA_EXECUTE : 0;
	placement.flags |= seen->rights[3] == 's' ? AREA_SHARED : 0;
	placement.flags |= seen->is_stack ? AREA_GROWS_DOWN : 0;
	placement.flags |= seen->is_special ? VMA_SPECIAL : 0;
	placement.file = seen->file == FILE_ANONYMOUS ? NULL : &ideal->foreign;
	if (placement.file && placement.flags & AREA_SHARED) /* what fills: its parts may become one again */
		placement.flags &= ~(uint32_t)VMA_FOREIGN;
	return mm_place(mm, &placement).error == 0;
}

static const char *make_first_process(struct ideal *ideal)
{
	const struct surroundings *around = ideal->around;
	struct process *process = &ideal->processes[0];
	struct mm_options options = {.store = &ideal->store,
				     .promise = &ideal->promise,
				     .pages = &naive_pages_class,
				     .pages_owner = &process->pages,
				     .limits = {.address_space_bytes = MM_UNLIMITED,
						.data_bytes = MM_UNLIMITED,
						.stack_bytes = around->stack_bytes,
						.locked_bytes = around->locked_bytes,
						.maps = MM_MAPS_MAX_LINUX,
						.lowest_address = around->lowest_address,
						.may_lock = true,
						.may_map_low = true},
				     .layout = {.task_bytes = TASK_BYTES,
						.mmap_base = TASK_BYTES - 0x8000000,
						.mmap_legacy_base = TASK_BYTES / 3 & ~(PAGE_BYTES - 1),
						.start_brk = around->start_brk,
						.low_base = LOW_WINDOW_START},
				     .huge_bytes = (uint64_t)1 << 21,
				     .has_ksm = true};

	if (mm_create(&process->mm, &options) != STATUS_OK)
		return "no address space";
	naive_pages_create(&process->pages);
	process->exists = true;
	for (uint32_t i = 0; i < around->count; i++)
		if (!place_foreign(ideal, &process->mm, &around->seen[i]))
			return "the surroundings do not fit into the model";
	ideal->base = process->mm;
	return NULL;
}

/* --- Reports ------------------------------------------------------------------------------------------------------ */

static uint32_t file_of(const struct ideal *ideal, const struct vma *vma)
{
	if (!vma->file)
		return FILE_ANONYMOUS;
	for (uint32_t i = FILE_MEMORY; i <= FILE_REGULAR_READ; i++)
		if (vma->file == &ideal->open[i])
			return i == FILE_REGULAR_READ ? FILE_REGULAR_READ : FILE_MEMORY;
	return FILE_BAD;
}

static void look_at_pages(struct mm *mm, const struct vma *vma, struct seen *seen)
{
	static uint8_t resident[RESIDENCY_PAGES];
	uint64_t pages = vma_pages(vma);

	if (pages > RESIDENCY_PAGES) {
		seen->resident = UINT64_MAX;
		return;
	}
	(void)mm_residency(mm, vma->area.start, pages << PAGE_SHIFT, resident);
	for (uint64_t i = 0; i < pages; i++) {
		if (!resident[i])
			continue;
		seen->resident++;
		seen->which = seen_hash(seen->which, i);
	}
}

static void look_at(const struct ideal *ideal, struct mm *mm, const struct vma *vma, struct seen *seen)
{
	uint32_t flags = vma->area.flags;

	memset(seen, 0, sizeof(*seen));
	seen->start = vma->area.start;
	seen->end = vma->area.end;
	seen->offset = vma->file ? vma->area.first_page << PAGE_SHIFT : 0;
	seen->rights[0] = flags & AREA_READ ? 'r' : '-';
	seen->rights[1] = flags & AREA_WRITE ? 'w' : '-';
	seen->rights[2] = flags & AREA_EXECUTE ? 'x' : '-';
	seen->rights[3] = flags & AREA_SHARED ? 's' : 'p';
	seen->file = file_of(ideal, vma);
	look_at_pages(mm, vma, seen);
}

static void look_around(struct ideal *ideal, struct mm *mm, struct report *report)
{
	const struct surroundings *around = ideal->around;

	report->count = 0;
	report->too_many = false;
	for (const struct vma *vma = mm->tree.first; vma; vma = vma->next) {
		if (!is_in_windows(around, vma->area.start, vma->area.end))
			continue;
		report->too_many = report->count == SEEN_MAX;
		if (report->too_many)
			break;
		look_at(ideal, mm, vma, &report->seen[report->count++]);
	}
	report->total_kib = around->total_kib + ((mm->total_pages - ideal->base.total_pages) << 2);
	report->locked_kib = mm->locked_pages << 2;
	report->data_kib = around->data_kib + ((mm->data_pages - ideal->base.data_pages) << 2);
	report->stack_kib = around->stack_kib + ((mm->stack_pages - ideal->base.stack_pages) << 2);
	report->was_done = true;
}

/* --- Steps -------------------------------------------------------------------------------------------------------- */

static struct mm_result set_limit(struct ideal *ideal, struct mm *mm, const uint64_t *a)
{
	struct mm_limits *limits = &mm->limits;

	switch (a[0]) {
	case LIMIT_ADDRESS_SPACE:
		limits->address_space_bytes = a[1] + (ideal->base.total_pages << PAGE_SHIFT);
		break;
	case LIMIT_DATA:
		limits->data_bytes = a[1] + (ideal->base.data_pages << PAGE_SHIFT);
		break;
	case LIMIT_STACK:
		limits->stack_bytes = a[1];
		break;
	case LIMIT_LOCKED:
		limits->locked_bytes = a[1];
		limits->may_lock = false;
		break;
	default:
		break;
	}
	return (struct mm_result){0, 0};
}

static struct mm_result map(struct ideal *ideal, struct mm *mm, const uint64_t *a)
{
	struct mm_mapping mapping = {.address = a[0],
				     .length = a[1],
				     .protection = a[2],
				     .flags = a[3],
				     .file = a[4] == FILE_ANONYMOUS || a[4] == FILE_BAD ? NULL
											: &ideal->open[a[4]],
				     .offset = a[5]};

	return mm_map(mm, &mapping);
}

static struct mm_result set_brk(struct mm *mm, uint64_t bytes)
{
	return mm_set_brk(mm, mm->layout.start_brk + bytes);
}

static struct mm_result remap(struct mm *mm, const uint64_t *a)
{
	return mm_remap(mm, &(struct mm_remapping){a[0], a[1], a[2], a[3], a[4]});
}

static struct mm_result call_model(struct ideal *ideal, struct mm *mm, const struct step *step)
{
	const uint64_t *a = step->argument;

	switch (step->call) {
	case STEP_MMAP:
		return map(ideal, mm, a);
	case STEP_MUNMAP:
		return mm_unmap(mm, a[0], a[1]);
	case STEP_MREMAP:
		return remap(mm, a);
	case STEP_BRK:
		return set_brk(mm, a[0]);
	case STEP_MPROTECT:
		return mm_protect(mm, a[0], a[1], a[2]);
	case STEP_MADVISE:
		return mm_advise(mm, a[0], a[1], (int)a[2]);
	case STEP_MLOCK:
		return mm_lock(mm, a[0], a[1], 0);
	case STEP_MLOCK2:
		return mm_lock(mm, a[0], a[1], (int)a[2]);
	case STEP_MUNLOCK:
		return mm_unlock(mm, a[0], a[1]);
	case STEP_MLOCKALL:
		return mm_lock_all(mm, (int)a[0]);
	case STEP_MUNLOCKALL:
		return mm_unlock_all(mm);
	case STEP_MINCORE:
		return mm_residency(mm, a[0], a[1], NULL);
	case STEP_MSYNC:
		return mm_sync(mm, a[0], a[1], (int)a[2]);
	case STEP_LIMIT:
		return set_limit(ideal, mm, a);
	default:
		return (struct mm_result){0, 0};
	}
}

static void end_process(struct process *process)
{
	if (!process->exists)
		return;
	(void)mm_leave(&process->mm);
	naive_pages_destroy(&process->pages);
	process->exists = false;
}

static void fork_step(struct ideal *ideal, struct report reports[2])
{
	struct process *second = &ideal->processes[1];

	if (second->exists)
		return;
	naive_pages_create(&second->pages);
	struct mm_result result = mm_fork(&second->mm, &ideal->processes[0].mm, &second->pages);

	second->exists = result.error == 0;
	for (unsigned i = 0; i < 2; i++) {
		if (!ideal->processes[i].exists)
			continue;
		look_around(ideal, &ideal->processes[i].mm, &reports[i]);
		reports[i].value = 0;
		reports[i].error = i == 0 ? result.error : 0;
		reports[i].signal = reports[i].code = 0;
	}
}

static void do_step(struct ideal *ideal, const struct step *step, struct report reports[2])
{
	struct process *process = &ideal->processes[step->process];
	struct report *report = &reports[step->process];
	struct mm_result result = {0, 0};
	struct naive_touch touched = {0, 0};

	if (step->call == STEP_FORK) {
		fork_step(ideal, reports);
		return;
	}
	if (step->process == 1 && step->call == STEP_EXIT) {
		end_process(process);
		return;
	}
	if (!process->exists)
		return;
	if (step->call == STEP_READ || step->call == STEP_WRITE)
		touched = naive_touch(&process->mm, step->argument[0], step->call == STEP_WRITE);
	else
		result = call_model(ideal, &process->mm, step);
	report->value = result.error ? 0 : result.value;
	report->error = result.error;
	report->signal = touched.signal;
	report->code = touched.code;
	look_around(ideal, &process->mm, report);
}

static const char *run_steps(struct ideal *ideal, const struct sequence *sequence,
			     struct report (*reports)[2])
{
	for (size_t i = 0; i < sequence->count; i++) {
		do_step(ideal, &sequence->steps[i], reports[i]);
		for (unsigned process = 0; process < 2; process++) {
			const char *broken =
			    ideal->processes[process].exists ? mm_check(&ideal->processes[process].mm) : NULL;

			if (broken)
				return broken;
		}
	}
	return NULL;
}

const char *ideal_run(const struct surroundings *around, const struct sequence *sequence,
		      struct report (*reports)[2])
{
	struct ideal *ideal = calloc(1, sizeof(*ideal));

	if (!ideal || vma_store_create(&ideal->store, 1 << 16) != STATUS_OK) {
		free(ideal);
		return "no memory";
	}
	ideal->around = around;
	ideal->promise = (struct mm_promise){.mode = MM_OVERCOMMIT_GUESS, .memory_pages = MEMORY_PAGES};
	for (size_t i = 0; i < sequence->count; i++)
		reports[i][0].was_done = reports[i][1].was_done = false;
	make_files(ideal);
	const char *trouble = make_first_process(ideal);

	if (!trouble)
		trouble = run_steps(ideal, sequence, reports);
	end_process(&ideal->processes[1]);
	end_process(&ideal->processes[0]);
	if (!trouble && (ideal->store.in_use > 0 || ideal->promise.promised_pages > 0))
		trouble = "mappings or promises are left behind at the end";
	naive_file_destroy(ideal->memory);
	naive_file_destroy(ideal->regular);
	naive_file_destroy(ideal->other);
	vma_store_destroy(&ideal->store);
	free(ideal);
	return trouble;
}
