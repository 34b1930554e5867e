#include "config.h"

#include "engine/virt/task.h"

#include "engine/base/check.h"
#include "engine/base/units.h"

#include <string.h>

#define TABLE_BYTES ((size_t)SEGMENT_ENTRIES_MAX * sizeof(uint64_t))

/* Where the model places things in the linear address space; only GDT and LDT bases show. */
#define TSS_LINEAR_BASE 0x00100000u
#define LDT_LINEAR_BASE 0x01000000u
#define LDT_LINEAR_STRIDE 0x00010000u

enum entry_kind {
	KIND_KERNEL_CODE,
	KIND_KERNEL_DATA,
	KIND_USER_CODE,
	KIND_USER_DATA,
	KIND_KERNEL_CODE_LONG,
	KIND_USER_CODE_LONG,
	KIND_NAMED, /* only reserved */
};

struct entry {
	enum task_model model;
	uint8_t index;
	uint8_t kind;
	const char *purpose;
};

static const struct entry entries[] = {
    {TASK_LINUX64, 1, KIND_KERNEL_CODE, "kernel code, 32 bit"},
    {TASK_LINUX64, 2, KIND_KERNEL_CODE_LONG, "kernel code"},
    {TASK_LINUX64, 3, KIND_KERNEL_DATA, "kernel data"},
    {TASK_LINUX64, 4, KIND_USER_CODE, "user code, 32 bit"},
    {TASK_LINUX64, 5, KIND_USER_DATA, "user data"},
    {TASK_LINUX64, 6, KIND_USER_CODE_LONG, "user code"},
    {TASK_LINUX64, 8, KIND_NAMED, "TSS of the processor"},
    {TASK_LINUX64, 9, KIND_NAMED, "TSS of the processor, base 63:32"},
    {TASK_LINUX64, 10, KIND_NAMED, "LDT of the running process"},
    {TASK_LINUX64, 11, KIND_NAMED, "LDT of the running process, base 63:32"},
    {TASK_LINUX64, 12, KIND_NAMED, "thread-local storage"},
    {TASK_LINUX64, 13, KIND_NAMED, "thread-local storage"},
    {TASK_LINUX64, 14, KIND_NAMED, "thread-local storage"},
    {TASK_LINUX64, 15, KIND_NAMED, "processor and node number"},
    {TASK_LINUX32, 6, KIND_NAMED, "thread-local storage"},
    {TASK_LINUX32, 7, KIND_NAMED, "thread-local storage"},
    {TASK_LINUX32, 8, KIND_NAMED, "thread-local storage"},
    {TASK_LINUX32, 12, KIND_KERNEL_CODE, "kernel code"},
    {TASK_LINUX32, 13, KIND_KERNEL_DATA, "kernel data"},
    {TASK_LINUX32, 14, KIND_USER_CODE, "user code"},
    {TASK_LINUX32, 15, KIND_USER_DATA, "user data"},
    {TASK_LINUX32, 16, KIND_NAMED, "TSS of the processor"},
    {TASK_LINUX32, 17, KIND_NAMED, "LDT of the running process"},
    {TASK_LINUX32, 31, KIND_NAMED, "double-fault TSS"},
    {TASK_I386, 2, KIND_KERNEL_CODE, "kernel code"},
    {TASK_I386, 3, KIND_KERNEL_DATA, "kernel data"},
    {TASK_I386, 4, KIND_USER_CODE, "user code"},
    {TASK_I386, 5, KIND_USER_DATA, "user data"},
    {TASK_I386, 8, KIND_NAMED, "BIOS"},
    {TASK_I386, 9, KIND_NAMED, "BIOS"},
    {TASK_I386, 10, KIND_NAMED, "BIOS"},
    {TASK_I386, 11, KIND_NAMED, "BIOS"},
};

#define ENTRIES (sizeof(entries) / sizeof(entries[0]))

/* What a model's GDT looks like. */
struct shape {
	uint32_t gdt_entries, limit;
	uint8_t tss, ldt; /* GDT indices, of process 0 where there are many */
	uint8_t user_code, user_data;
	enum segment_mode mode;
};

static const struct shape shapes[] = {
    [TASK_LINUX64] = {16, TASK_LINUX_MAX, 8, 10, 6, 5, SEGMENT_MODE_64},
    [TASK_LINUX32] = {32, TASK_LINUX32_MAX, 16, 17, 14, 15, SEGMENT_MODE_32},
    [TASK_I386] = {SEGMENT_ENTRIES_MAX, TASK_I386_MAX, TASK_I386_RESERVED, TASK_I386_RESERVED + 1, 4, 5,
		   SEGMENT_MODE_32},
};

static uint64_t flat(enum entry_kind kind)
{
	bool is_code = kind != KIND_KERNEL_DATA && kind != KIND_USER_DATA;
	bool is_long = kind == KIND_KERNEL_CODE_LONG || kind == KIND_USER_CODE_LONG;
	bool is_user = kind == KIND_USER_CODE || kind == KIND_USER_DATA || kind == KIND_USER_CODE_LONG;
	struct descriptor descriptor = {
	    .limit = 0xfffff,
	    .type = (uint8_t)((is_code ? DESCRIPTOR_CODE | DESCRIPTOR_READABLE : DESCRIPTOR_WRITABLE) |
			      DESCRIPTOR_ACCESSED),
	    .dpl = is_user ? 3 : 0,
	    .is_memory = true,
	    .present = true,
	    .is_long = is_long,
	    .is_big = !is_long,
	    .granular = true,
	};

	return descriptor_encode(&descriptor);
}

static uint64_t system_entry(enum descriptor_system_type type, uint32_t base, uint32_t limit_bytes)
{
	struct descriptor descriptor = {
	    .base = base, .limit = limit_bytes, .type = (uint8_t)type, .present = true};

	return descriptor_encode(&descriptor);
}

/* --- Where a process's things are -------------------------------------------------------------------------------- */

static unsigned tss_index(const struct task_set *set, uint32_t task)
{
	return shapes[set->model].tss + (set->model == TASK_I386 ? 2 * task : 0);
}

static unsigned ldt_index(const struct task_set *set, uint32_t task)
{
	return shapes[set->model].ldt + (set->model == TASK_I386 ? 2 * task : 0);
}

uint16_t task_tss_selector(const struct task_set *set, uint32_t task)
{
	return selector_make(tss_index(set, task), false, 0);
}

uint16_t task_ldt_selector(const struct task_set *set, uint32_t task)
{
	return selector_make(ldt_index(set, task), false, 0);
}

uint32_t task_limit(enum task_model model)
{
	return shapes[model].limit;
}

static uint32_t tss_base(uint32_t task)
{
	return TSS_LINEAR_BASE + task * TSS_BYTES;
}

static const struct descriptor_table *ldt_of(const struct task_set *set, const struct task *task)
{
	return task->ldt.entries > 0 ? &task->ldt : &set->empty_ldt;
}

/* The GDT entry of a process's LDT: with i386 also the empty one has a descriptor, as Linux 2.2 gave it. */
static uint64_t ldt_entry(const struct task_set *set, const struct task *task)
{
	if (task->ldt.entries == 0 && set->model != TASK_I386)
		return 0;
	const struct descriptor_table *ldt = ldt_of(set, task);
	uint32_t bytes = (ldt->entries > 0 ? ldt->entries : 1) * SEGMENT_DESCRIPTOR_BYTES;

	return system_entry(DESCRIPTOR_LDT, (uint32_t)ldt->base, bytes - 1);
}

/* --- The set ----------------------------------------------------------------------------------------------------- */

static void load_user_segments(struct task_set *set)
{
	const struct shape *shape = &shapes[set->model];
	struct segment_unit *unit = &set->unit;
	uint16_t data = selector_make(shape->user_data, false, 3);

	unit->cpl = 3;
	CHECK(segment_load(unit, SEGMENT_CS, selector_make(shape->user_code, false, 3)).exception ==
		  SEGMENT_FINE,
	      "the model's user code segment can be loaded");
	for (unsigned name = 0; name < SEGMENT_REGISTERS; name++) {
		bool is_null = set->model == TASK_LINUX64 && (name == SEGMENT_FS || name == SEGMENT_GS);

		if (name != SEGMENT_CS)
			CHECK(segment_load(unit, (enum segment_register_name)name, is_null ? 0 : data)
				      .exception == SEGMENT_FINE,
			      "the model's user data segment can be loaded");
	}
}

static void write_gdt(struct task_set *set)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		if (entries[i].model == set->model && entries[i].kind != KIND_NAMED)
			set->gdt.entry[entries[i].index] = flat((enum entry_kind)entries[i].kind);
	}
	if (set->model != TASK_I386)
		set->gdt.entry[tss_index(set, 0)] =
		    system_entry(DESCRIPTOR_TSS_BUSY, TSS_LINEAR_BASE, TSS_BYTES - 1);
}

enum status task_set_create(struct task_set *set, enum task_model model, uint64_t gdt_base)
{
	const struct shape *shape = &shapes[model];

	*set = (struct task_set){.model = model, .running = TASK_NONE};
	enum status status = reservation_create(&set->gdt_memory, TABLE_BYTES, PAGE_BYTES);

	if (status != STATUS_OK)
		return status;
	status = reservation_create(&set->task_memory, shape->limit * sizeof(struct task), PAGE_BYTES);
	if (status != STATUS_OK) {
		reservation_destroy(&set->gdt_memory);
		return status;
	}
	set->gdt = (struct descriptor_table){gdt_base, shape->gdt_entries, set->gdt_memory.memory};
	set->empty_ldt = (struct descriptor_table){.base = LDT_LINEAR_BASE};
	set->task = set->task_memory.memory;
	set->unit = (struct segment_unit){.mode = shape->mode, .gdt = &set->gdt};
	write_gdt(set);
	load_user_segments(set);
	return STATUS_OK;
}

void task_set_destroy(struct task_set *set)
{
	for (uint32_t task = 0; task < set->slots; task++)
		reservation_destroy(&set->task[task].ldt_memory);
	reservation_destroy(&set->task_memory);
	reservation_destroy(&set->gdt_memory);
}

/* --- Processes --------------------------------------------------------------------------------------------------- */

enum task_outcome task_create(struct task_set *set, uint64_t cr3, uint32_t *task)
{
	uint32_t slot = set->free_slot;

	while (slot < set->slots && set->task[slot].exists)
		slot++;
	if (slot == shapes[set->model].limit)
		return TASK_NO_SLOT;
	set->free_slot = slot + 1;
	if (slot == set->slots)
		set->slots++;
	set->task[slot] = (struct task){
	    .exists = true,
	    .cr3 = cr3,
	    .tss = {.cr3 = (uint32_t)cr3, .ldt = task_ldt_selector(set, slot), .io_map_base = TSS_BYTES},
	};
	if (set->model == TASK_I386) {
		set->gdt.entry[tss_index(set, slot)] =
		    system_entry(DESCRIPTOR_TSS, tss_base(slot), TSS_BYTES - 1);
		set->gdt.entry[ldt_index(set, slot)] = ldt_entry(set, &set->task[slot]);
	}
	set->processes++;
	*task = slot;
	return TASK_FINE;
}

/* Base 63:32, which the entry after a system descriptor of 64-bit mode holds. */
static uint64_t ldt_entry_high(const struct task *task)
{
	return task->ldt.entries > 0 ? task->ldt.base >> 32 : 0;
}

/* The processor's LDT register follows what the running process has. */
static void load_ldt(struct task_set *set)
{
	const struct task *task = &set->task[set->running];

	set->unit.ldt = ldt_of(set, task);
	if (set->model != TASK_I386)
		set->gdt.entry[ldt_index(set, 0)] = ldt_entry(set, task);
	if (set->model == TASK_LINUX64)
		set->gdt.entry[ldt_index(set, 0) + 1] = ldt_entry_high(task);
}

static void unload_ldt(struct task_set *set)
{
	set->unit.ldt = NULL;
	if (set->model != TASK_I386)
		set->gdt.entry[ldt_index(set, 0)] = 0;
	if (set->model == TASK_LINUX64)
		set->gdt.entry[ldt_index(set, 0) + 1] = 0;
}

void task_exit(struct task_set *set, uint32_t task)
{
	CHECK(task < set->slots && set->task[task].exists, "a process that exits exists");
	if (set->running == task) {
		set->running = TASK_NONE;
		unload_ldt(set);
	}
	if (set->model == TASK_I386) {
		set->gdt.entry[tss_index(set, task)] = 0;
		set->gdt.entry[ldt_index(set, task)] = 0;
	}
	reservation_destroy(&set->task[task].ldt_memory);
	memset(&set->task[task], 0, sizeof(set->task[task]));
	set->processes--;
	if (task < set->free_slot)
		set->free_slot = task;
}

enum task_outcome task_set_ldt_entry(struct task_set *set, uint32_t task, unsigned index, uint64_t descriptor)
{
	struct task *owner = &set->task[task];

	CHECK(task < set->slots && owner->exists, "a process whose LDT is written exists");
	if (index >= SEGMENT_ENTRIES_MAX)
		return TASK_NO_ENTRY;
	if (!owner->ldt_memory.memory &&
	    reservation_create(&owner->ldt_memory, TABLE_BYTES, PAGE_BYTES) != STATUS_OK)
		return TASK_NO_MEMORY;
	owner->ldt.entry = owner->ldt_memory.memory;
	owner->ldt.base = LDT_LINEAR_BASE + (uint64_t)(task + 1) * LDT_LINEAR_STRIDE;
	if (owner->ldt.entries <= index)
		owner->ldt.entries = index + 1;
	owner->ldt.entry[index] = descriptor;
	if (set->model == TASK_I386)
		set->gdt.entry[ldt_index(set, task)] = ldt_entry(set, owner);
	if (set->running == task)
		load_ldt(set);
	return TASK_FINE;
}

static void mark_busy(struct task_set *set, uint32_t task, enum descriptor_system_type type)
{
	if (set->model == TASK_I386)
		set->gdt.entry[tss_index(set, task)] = system_entry(type, tss_base(task), TSS_BYTES - 1);
}

void task_switch(struct task_set *set, uint32_t task)
{
	CHECK(task < set->slots && set->task[task].exists, "a process that is switched to exists");
	if (set->running == task)
		return;
	if (set->running != TASK_NONE)
		mark_busy(set, set->running, DESCRIPTOR_TSS);
	mark_busy(set, task, DESCRIPTOR_TSS_BUSY);
	set->running = task;
	set->cr3 = set->task[task].cr3;
	set->switches++;
	load_ldt(set);
}

const char *task_entry_purpose(enum task_model model, unsigned index)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		if (entries[i].model == model && entries[i].index == index)
			return entries[i].purpose;
	}
	if (index == 0)
		return "null";
	if (model == TASK_I386 && index >= TASK_I386_RESERVED)
		return index % 2 == 0 ? "TSS of a process" : "LDT of a process";
	return "not used";
}

/* --- Check ------------------------------------------------------------------------------------------------------- */

static const char I2[] = "I2: with i386, GDT entries 12+2n and 13+2n are in use exactly when process n "
			 "exists, and name its TSS and LDT";
static const char I3[] = "I3: processes = the slots in use <= the model's limit";
static const char I4[] =
    "I4: the loaded LDT is the running process's; its entry has its base and limit, or is clear "
    "when it is the empty one";
static const char I5[] = "I5: a process's LDT has entries only if it is private";

static const char *check_task(const struct task_set *set, uint32_t slot)
{
	const struct task *task = &set->task[slot];

	if (set->model == TASK_I386) {
		enum descriptor_system_type type =
		    set->running == slot ? DESCRIPTOR_TSS_BUSY : DESCRIPTOR_TSS;
		uint64_t tss = task->exists ? system_entry(type, tss_base(slot), TSS_BYTES - 1) : 0;
		uint64_t ldt = task->exists ? ldt_entry(set, task) : 0;

		if (set->gdt.entry[tss_index(set, slot)] != tss ||
		    set->gdt.entry[ldt_index(set, slot)] != ldt)
			return I2;
	}
	return task->ldt.entries > 0 && !task->ldt_memory.memory ? I5 : NULL;
}

static const char *check_running(const struct task_set *set)
{
	const struct task *task = set->running == TASK_NONE ? NULL : &set->task[set->running];
	bool is_shared = set->model != TASK_I386;

	if (!task)
		return set->unit.ldt || (is_shared && set->gdt.entry[ldt_index(set, 0)] != 0) ? I4 : NULL;
	if (!task->exists || set->unit.ldt != ldt_of(set, task) || set->cr3 != task->cr3)
		return I4;
	if (set->model == TASK_LINUX64 && set->gdt.entry[ldt_index(set, 0) + 1] != ldt_entry_high(task))
		return I4;
	return set->gdt.entry[ldt_index(set, set->running)] == ldt_entry(set, task) ? NULL : I4;
}

const char *task_set_check(const struct task_set *set)
{
	const char *broken = segment_check(&set->unit);
	uint32_t in_use = 0;

	for (uint32_t slot = 0; slot < set->slots && !broken; slot++) {
		broken = check_task(set, slot);
		in_use += set->task[slot].exists;
	}
	if (broken)
		return broken;
	if (in_use != set->processes || set->processes > shapes[set->model].limit)
		return I3;
	return check_running(set);
}
