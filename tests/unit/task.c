#include "config.h"

#include "engine/virt/task.h"

#include "tests/unit/model.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const enum task_model models[] = {TASK_LINUX64, TASK_LINUX32, TASK_I386};

#define MODELS (sizeof(models) / sizeof(models[0]))
#define SOME_DATA 0x00cff2000000ffffu

/* The selectors that Linux's user programs see. */
static void test_user_selectors_are_those_of_linux(void **state)
{
	static const struct {
		enum task_model model;
		uint16_t cs, ss;
	} known[] = {{TASK_LINUX64, 0x33, 0x2b}, {TASK_LINUX32, 0x73, 0x7b}, {TASK_I386, 0x23, 0x2b}};

	(void)state;
	for (size_t i = 0; i < MODELS; i++) {
		struct task_set set;

		assert_int_equal(task_set_create(&set, known[i].model, 0x1000), STATUS_OK);
		assert_int_equal(set.unit.reg[SEGMENT_CS].selector, known[i].cs);
		assert_int_equal(set.unit.reg[SEGMENT_SS].selector, known[i].ss);
		assert_null(task_set_check(&set));
		task_set_destroy(&set);
	}
}

/* Flat: every offset is its own linear address. */
static void test_segments_are_flat(void **state)
{
	(void)state;
	for (size_t i = 0; i < MODELS; i++) {
		struct segment_access access = {SEGMENT_DS, SEGMENT_WRITE, 0xc0001234, 4};
		struct task_set set;

		assert_int_equal(task_set_create(&set, models[i], 0x1000), STATUS_OK);
		assert_true(segment_translate(&set.unit, &access).linear == 0xc0001234);
		access.through = SEGMENT_CS;
		access.kind = SEGMENT_EXECUTE;
		assert_true(segment_translate(&set.unit, &access).linear == 0xc0001234);
		task_set_destroy(&set);
	}
}

static void test_i386_has_place_for_4090_processes(void **state)
{
	struct task_set set;
	uint32_t task;

	(void)state;
	assert_int_equal(task_set_create(&set, TASK_I386, 0x1000), STATUS_OK);
	for (uint32_t i = 0; i < TASK_I386_MAX; i++) {
		assert_int_equal(task_create(&set, (uint64_t)i << 12, &task), TASK_FINE);
		assert_int_equal(task, i);
	}
	assert_int_equal(TASK_I386_MAX, (SEGMENT_ENTRIES_MAX - TASK_I386_RESERVED) / 2);
	assert_int_equal(selector_index(task_ldt_selector(&set, task)), SEGMENT_ENTRIES_MAX - 1);
	assert_int_equal(task_create(&set, 0, &task), TASK_NO_SLOT);
	assert_null(task_set_check(&set));
	task_exit(&set, 1000);
	assert_int_equal(task_create(&set, 0, &task), TASK_FINE);
	assert_int_equal(task, 1000);
	assert_int_equal(task_create(&set, 0, &task), TASK_NO_SLOT);
	task_set_destroy(&set);
}

/* Two processes without entries share one LDT; the first entry makes a private one. */
static void test_ldt_is_shared_until_it_is_needed(void **state)
{
	(void)state;
	for (size_t i = 0; i < MODELS; i++) {
		struct task_set set;
		uint32_t a, b;
		uint16_t selector = selector_make(3, true, 3);

		assert_int_equal(task_set_create(&set, models[i], 0x1000), STATUS_OK);
		assert_int_equal(task_create(&set, 0x1000, &a), TASK_FINE);
		assert_int_equal(task_create(&set, 0x2000, &b), TASK_FINE);
		task_switch(&set, a);
		assert_ptr_equal(set.unit.ldt, &set.empty_ldt);
		assert_int_equal(segment_load(&set.unit, SEGMENT_ES, selector).reason, SEGMENT_BEYOND_TABLE);
		assert_int_equal(task_set_ldt_entry(&set, a, 3, SOME_DATA), TASK_FINE);
		assert_int_equal(set.unit.ldt->entries, 4);
		assert_int_equal(segment_load(&set.unit, SEGMENT_ES, selector).exception, SEGMENT_FINE);
		assert_null(task_set_check(&set));
		task_switch(&set, b);
		assert_ptr_equal(set.unit.ldt, &set.empty_ldt);
		assert_int_equal(set.cr3, 0x2000);
		assert_null(task_set_check(&set));
		task_switch(&set, a);
		assert_int_equal(set.unit.ldt->entries, 4);
		assert_int_equal(set.switches, 3);
		assert_int_equal(task_set_ldt_entry(&set, a, SEGMENT_ENTRIES_MAX, 0), TASK_NO_ENTRY);
		assert_int_equal(task_set_ldt_entry(&set, a, SEGMENT_ENTRIES_MAX - 1, SOME_DATA), TASK_FINE);
		task_exit(&set, a);
		assert_null(set.unit.ldt);
		assert_null(task_set_check(&set));
		task_set_destroy(&set);
	}
}

static void test_i386_marks_the_running_tss_busy(void **state)
{
	struct task_set set;
	uint32_t a, b;

	(void)state;
	assert_int_equal(task_set_create(&set, TASK_I386, 0x1000), STATUS_OK);
	assert_int_equal(task_create(&set, 0x1000, &a), TASK_FINE);
	assert_int_equal(task_create(&set, 0x2000, &b), TASK_FINE);
	task_switch(&set, a);
	assert_int_equal(descriptor_decode(set.gdt.entry[12]).type, DESCRIPTOR_TSS_BUSY);
	assert_int_equal(descriptor_decode(set.gdt.entry[13]).type, DESCRIPTOR_LDT);
	assert_int_equal(descriptor_decode(set.gdt.entry[14]).type, DESCRIPTOR_TSS);
	task_switch(&set, b);
	assert_int_equal(descriptor_decode(set.gdt.entry[12]).type, DESCRIPTOR_TSS);
	assert_int_equal(descriptor_decode(set.gdt.entry[14]).type, DESCRIPTOR_TSS_BUSY);
	assert_int_equal(set.task[b].tss.cr3, 0x2000);
	assert_int_equal(set.task[b].tss.ldt, 15 << 3);
	task_set_destroy(&set);
}

/* Random lives of processes; the check after each step is the oracle. */
static const char *live(const void *context, const uint64_t *operations, size_t count)
{
	struct task_set set;
	uint32_t task;
	const char *broken = NULL;

	if (task_set_create(&set, *(const enum task_model *)context, 0x1000) != STATUS_OK)
		return "no memory";
	for (size_t i = 0; i < count && !broken; i++) {
		uint32_t some = (uint32_t)(operations[i] >> 8) % 32;
		bool exists = some < set.slots && set.task[some].exists;

		if (operations[i] % 4 == 0 && set.processes < 32) {
			if (task_create(&set, operations[i] >> 20 << 12, &task) != TASK_FINE)
				broken = "a process could not be created";
		} else if (exists && operations[i] % 4 == 1) {
			task_switch(&set, some);
		} else if (exists && operations[i] % 4 == 2) {
			if (task_set_ldt_entry(&set, some, operations[i] >> 20 & 8191, SOME_DATA) !=
			    TASK_FINE)
				broken = "an LDT entry could not be written";
		} else if (exists && (operations[i] >> 40) % 2) {
			task_exit(&set, some);
		}
		if (!broken)
			broken = task_set_check(&set);
	}
	task_set_destroy(&set);
	return broken;
}

static void test_model(void **state)
{
	(void)state;
	for (size_t i = 0; i < MODELS; i++) {
		struct model model = {"task", live, &models[i], 400, 20};

		model_test(&model);
	}
}

/* --- Invariants --------------------------------------------------------------------------------------------------- */

static void break_segments(struct task_set *set)
{
	set->gdt.entry[0] = 1;
}

static void break_tss(struct task_set *set)
{
	set->gdt.entry[14] = 0;
}

static void break_ldt_entry(struct task_set *set)
{
	set->gdt.entry[15] += (uint64_t)1 << 16;
}

static void break_count(struct task_set *set)
{
	set->processes++;
}

static void break_loaded(struct task_set *set)
{
	set->unit.ldt = &set->empty_ldt;
}

static void break_cr3(struct task_set *set)
{
	set->cr3++;
}

static void break_private(struct task_set *set)
{
	set->task[0].ldt_memory.memory = NULL;
}

static void test_check_finds_each_broken_invariant(void **state)
{
	static const struct {
		void (*break_it)(struct task_set *);
		const char *text;
	} cases[] = {
	    {break_segments, "I1: "}, {break_tss, "I2: "}, {break_ldt_entry, "I2: "}, {break_count, "I3: "},
	    {break_loaded, "I4: "},   {break_cr3, "I4: "}, {break_private, "I5: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct task_set set;
		uint32_t a, b;

		assert_int_equal(task_set_create(&set, TASK_I386, 0x1000), STATUS_OK);
		assert_int_equal(task_create(&set, 0x1000, &a), TASK_FINE);
		assert_int_equal(task_create(&set, 0x2000, &b), TASK_FINE);
		assert_int_equal(task_set_ldt_entry(&set, a, 0, SOME_DATA), TASK_FINE);
		task_switch(&set, a);
		struct reservation ldt_memory = set.task[a].ldt_memory;

		assert_null(task_set_check(&set));
		cases[i].break_it(&set);
		const char *broken = task_set_check(&set);

		assert_non_null(broken);
		assert_memory_equal(broken, cases[i].text, strlen(cases[i].text));
		set.task[a].ldt_memory = ldt_memory;
		task_set_destroy(&set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_user_selectors_are_those_of_linux),
	    cmocka_unit_test(test_segments_are_flat),
	    cmocka_unit_test(test_i386_has_place_for_4090_processes),
	    cmocka_unit_test(test_ldt_is_shared_until_it_is_needed),
	    cmocka_unit_test(test_i386_marks_the_running_tss_busy),
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
