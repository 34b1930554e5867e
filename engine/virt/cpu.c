#include "config.h"

#include "engine/virt/cpu.h"

#include "engine/base/check.h"

static uint64_t bit_of(unsigned cpu)
{
	return (uint64_t)1 << cpu;
}

/* --- Making --------------------------------------------------------------------------------------------------------- */

static enum status create_cpu(struct cpu *cpu, const struct cpu_options *options)
{
	enum status status = mmu_create(&cpu->mmu, options->kernel, options->geometries, options->models);

	if (status != STATUS_OK)
		return status;
	status = task_set_create(&cpu->tasks, options->segments, options->gdt_base);
	if (status != STATUS_OK)
		mmu_destroy(&cpu->mmu);
	return status;
}

enum status cpu_set_create(struct cpu_set *set, const struct cpu_options *options)
{
	*set = (struct cpu_set){.kernel = options->kernel,
				.tags = options->tags > 0 ? options->tags : CPU_TAGS_LINUX};
	if (options->processors == 0 || options->processors > CPU_MAX || set->tags > CPU_TAGS_MAX)
		return STATUS_BAD_ARGUMENT;
	enum status status =
	    reservation_create(&set->memory, options->processors * sizeof(struct cpu), PAGE_BYTES);

	set->cpu = set->memory.memory;
	for (unsigned i = 0; i < options->processors && status == STATUS_OK; i++) {
		status = create_cpu(&set->cpu[i], options);
		set->processors += status == STATUS_OK;
	}
	if (status != STATUS_OK)
		cpu_set_destroy(set);
	return status;
}

void cpu_set_destroy(struct cpu_set *set)
{
	for (unsigned i = 0; i < set->processors; i++) {
		task_set_destroy(&set->cpu[i].tasks);
		mmu_destroy(&set->cpu[i].mmu);
	}
	set->processors = 0;
	reservation_destroy(&set->memory);
}

/* --- Address spaces ------------------------------------------------------------------------------------------------- */

static uint64_t root_address(const struct pagetable *table)
{
	return pagetable_root_frame(table) << table->paging->page_shift;
}

/* Every processor has a slot for the process; the same one, because all come and go in the same order. */
static enum task_outcome create_tasks(struct cpu_set *set, struct cpu_space *space)
{
	for (unsigned i = 0; i < set->processors; i++) {
		uint32_t task;
		enum task_outcome outcome =
		    task_create(&set->cpu[i].tasks, root_address(space->table), &task);

		CHECK(i == 0 || (outcome == TASK_FINE && task == space->task),
		      "the tasks of all processors are the same");
		if (outcome != TASK_FINE)
			return outcome;
		space->task = task;
	}
	return TASK_FINE;
}

enum cpu_outcome cpu_space_create(struct cpu_set *set, struct cpu_space *space, const struct pagetable *table)
{
	CHECK(table->paging == set->kernel->paging, "the page tables of a machine have one shape");
	*space = (struct cpu_space){.table = table, .number = set->spaces + 1, .generation = 1};
	enum task_outcome outcome = create_tasks(set, space);

	if (outcome != TASK_FINE)
		return outcome == TASK_NO_SLOT ? CPU_NO_TASK : CPU_NO_MEMORY;
	set->spaces++;
	return CPU_FINE;
}

/* What the MMU calls the space of a tag; 0 is the kernel's own table. */
static uint16_t tag_space(unsigned tag)
{
	return (uint16_t)(tag + 1);
}

void cpu_space_destroy(struct cpu_set *set, struct cpu_space *space)
{
	for (unsigned i = 0; i < set->processors; i++) {
		struct cpu *cpu = &set->cpu[i];

		if (cpu->space == space) {
			mmu_switch(&cpu->mmu, set->kernel, 0);
			cpu->space = NULL;
			cpu->is_lazy = false;
		}
		task_exit(&cpu->tasks, space->task);
	}
	space->loaded = 0;
	space->table = NULL;
}

/* --- Switching ------------------------------------------------------------------------------------------------------ */

/* The tag of a space: its own, or the next in turn, which is then to be flushed. */
static unsigned choose_tag(const struct cpu_set *set, struct cpu *cpu, const struct cpu_space *space)
{
	for (unsigned tag = 0; tag < set->tags; tag++) {
		if (cpu->tags[tag].space == space->number)
			return tag;
	}
	unsigned tag = cpu->next_tag;

	cpu->next_tag = tag + 1 < set->tags ? tag + 1 : 0;
	cpu->tags[tag] = (struct cpu_tag){space->number, 0};
	return tag;
}

/* Flushes the loaded space's tag when it is behind the space. */
static void catch_up(struct cpu *cpu)
{
	struct cpu_tag *tag = &cpu->tags[cpu->tag];

	if (tag->generation == cpu->space->generation)
		return;
	mmu_flush_space(&cpu->mmu, tag_space(cpu->tag));
	tag->generation = cpu->space->generation;
	cpu->counts.tag_flushes++;
}

void cpu_switch(struct cpu_set *set, unsigned number, struct cpu_space *space)
{
	struct cpu *cpu = &set->cpu[number];

	CHECK(number < set->processors, "a processor that switches exists");
	if (!space) {
		cpu->is_lazy = cpu->space != NULL;
		return;
	}
	if (cpu->space == space) {
		cpu->counts.lazy_returns += cpu->is_lazy;
		cpu->is_lazy = false;
		catch_up(cpu);
		return;
	}
	if (cpu->space)
		cpu->space->loaded &= ~bit_of(number);
	cpu->space = space;
	cpu->is_lazy = false;
	space->loaded |= bit_of(number);
	cpu->tag = choose_tag(set, cpu, space);
	task_switch(&cpu->tasks, space->task);
	mmu_switch(&cpu->mmu, space->table, tag_space(cpu->tag));
	catch_up(cpu);
	cpu->counts.switches++;
}

uint64_t cpu_cr3(const struct cpu *cpu)
{
	return cpu->space ? cpu->tasks.cr3 | tag_space(cpu->tag) : root_address(cpu->mmu.table);
}

size_t cpu_run(struct cpu_set *set, unsigned cpu, const struct mmu_stream *stream, struct mmu_fault *fault)
{
	CHECK(cpu < set->processors && !set->cpu[cpu].is_lazy, "a processor that runs a process is not lazy");
	return mmu_run(&set->cpu[cpu].mmu, stream, fault);
}

/* --- Flushing ------------------------------------------------------------------------------------------------------- */

static void flush_pages(struct mmu *mmu, const struct flush *flush)
{
	uint64_t step = flush_step(flush, mmu->table);

	/* In larger steps only the first page of each step is named, which finds the leaf that holds it. */
	if (step == paging_leaf_bytes(mmu->table->paging, 1) && flush->entries > 1) {
		mmu_flush_range(mmu, flush->first, flush->last - flush->first + 1, flush->tables_freed);
		return;
	}
	for (uint64_t address = flush->first;; address += step) {
		mmu_flush_page(mmu, address);
		if (flush->last - address < step)
			break;
	}
	if (flush->tables_freed)
		mmu_flush_range(mmu, flush->first, 0, true);
}

static void apply(struct cpu *cpu, const struct flush *flush, enum flush_scope scope)
{
	if (scope == FLUSH_PAGES) {
		flush_pages(&cpu->mmu, flush);
		cpu->counts.page_flushes++;
	} else {
		mmu_flush_space(&cpu->mmu, tag_space(cpu->tag));
		cpu->counts.space_flushes++;
	}
	cpu->tags[cpu->tag].generation = cpu->space->generation;
}

void cpu_flush(struct cpu_set *set, unsigned origin, struct cpu_space *space, const struct flush *flush)
{
	enum flush_scope scope = flush_scope(flush, space->table);

	if (scope == FLUSH_NOTHING)
		return;
	set->changes[flush->cause]++;
	space->generation++;
	for (uint64_t left = space->loaded; left != 0; left &= left - 1) {
		unsigned number = (unsigned)__builtin_ctzll(left);
		struct cpu *cpu = &set->cpu[number];
		bool is_behind = cpu->tags[cpu->tag].generation + 1 != space->generation;

		if (cpu->is_lazy && !flush->tables_freed) {
			cpu->counts.skipped++;
			continue;
		}
		cpu->counts.shootdowns += number != origin;
		apply(cpu, flush, is_behind ? FLUSH_SPACE : scope);
	}
}

void cpu_flush_kernel(struct cpu_set *set, uint64_t address, uint64_t bytes)
{
	uint64_t pages = bytes >> set->kernel->paging->page_shift;

	for (unsigned i = 0; i < set->processors; i++) {
		if (pages > FLUSH_CEILING_PAGES)
			mmu_flush_all(&set->cpu[i].mmu);
		else
			mmu_flush_range(&set->cpu[i].mmu, address, bytes, false);
	}
}

/* --- Sums ----------------------------------------------------------------------------------------------------------- */

/* Both are structs of nothing but counters. */
static void add(uint64_t *sums, const uint64_t *counts, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(*sums); i++)
		sums[i] += counts[i];
}

_Static_assert(sizeof(struct tlb_counts) % sizeof(uint64_t) == 0, "all counters of a TLB have 64 bits");
_Static_assert(sizeof(struct walk_counts) == (5 + PAGING_LEVELS_MAX + 1) * sizeof(uint64_t),
	       "all counters of a walker have 64 bits");
_Static_assert(sizeof(struct cpu_counts) == 7 * sizeof(uint64_t), "all counters of a processor have 64 bits");

void cpu_set_tlb_counts(const struct cpu_set *set, unsigned model, struct tlb_counts *counts)
{
	*counts = (struct tlb_counts){.flushes = 0};
	for (unsigned i = 0; i < set->processors; i++)
		add((uint64_t *)counts, (const uint64_t *)&set->cpu[i].mmu.model[model].tlb.counts,
		    sizeof(*counts));
}

void cpu_set_walk_counts(const struct cpu_set *set, unsigned model, struct walk_counts *counts)
{
	*counts = (struct walk_counts){.walks = 0};
	for (unsigned i = 0; i < set->processors; i++)
		add((uint64_t *)counts, (const uint64_t *)&set->cpu[i].mmu.model[model].walker.counts,
		    sizeof(*counts));
}

struct cpu_counts cpu_set_counts(const struct cpu_set *set)
{
	struct cpu_counts counts = {.switches = 0};

	for (unsigned i = 0; i < set->processors; i++)
		add((uint64_t *)&counts, (const uint64_t *)&set->cpu[i].counts, sizeof(counts));
	return counts;
}

/* --- Check ------------------------------------------------------------------------------------------------------- */

static const char I1[] = "I1: a processor's bit is set in `loaded` of exactly the space that it has loaded";
static const char I2[] =
    "I2: the tag of a loaded space is the space's, and no generation ahead; behind only on a "
    "lazy processor";
static const char I3[] = "I3: no two tags of a processor are of one space";
static const char I4[] =
    "I4: the MMU translates by the loaded space's table under its tag, and cr3 of its task "
    "names the root";
static const char I5[] = "I5: every MMU and every set of tasks holds its own invariants";

static const char *check_tags(const struct cpu_set *set, const struct cpu *cpu)
{
	for (unsigned a = 0; a < set->tags; a++) {
		for (unsigned b = 0; b < a; b++) {
			if (cpu->tags[a].space != 0 && cpu->tags[a].space == cpu->tags[b].space)
				return I3;
		}
	}
	return NULL;
}

/* Every processor that a loaded space names has it loaded. */
static const char *check_loaded(const struct cpu_set *set, const struct cpu_space *space)
{
	for (uint64_t left = space->loaded; left != 0; left &= left - 1) {
		unsigned number = (unsigned)__builtin_ctzll(left);

		if (number >= set->processors || set->cpu[number].space != space)
			return I1;
	}
	return NULL;
}

static const char *check_cpu(const struct cpu_set *set, unsigned number)
{
	const struct cpu *cpu = &set->cpu[number];
	const struct cpu_space *space = cpu->space;
	const struct cpu_tag *tag = &cpu->tags[cpu->tag];

	if (!space)
		return cpu->mmu.table != set->kernel || cpu->is_lazy ? I4 : check_tags(set, cpu);
	if (!(space->loaded >> number & 1))
		return I1;
	if (tag->space != space->number || tag->generation > space->generation ||
	    (tag->generation != space->generation && !cpu->is_lazy))
		return I2;
	if (cpu->mmu.table != space->table || cpu->mmu.space != tag_space(cpu->tag) ||
	    cpu->tasks.running != space->task || cpu->tasks.cr3 != root_address(space->table))
		return I4;
	const char *broken = check_loaded(set, space);

	return broken ? broken : check_tags(set, cpu);
}

const char *cpu_set_check(const struct cpu_set *set)
{
	const char *broken = NULL;

	for (unsigned i = 0; i < set->processors && !broken; i++) {
		broken = check_cpu(set, i);
		if (!broken && (mmu_check(&set->cpu[i].mmu) || task_set_check(&set->cpu[i].tasks)))
			broken = I5;
	}
	return broken;
}
