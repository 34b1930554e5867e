#include "config.h"

#include "engine/virt/segment.h"

#include <asm/ldt.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define GDT_BASE 0x2000u
#define ENTRIES 16u

/* A processor with a GDT of 16 entries and an LDT of 4. */
struct rig {
	struct segment_unit unit;
	struct descriptor_table gdt, ldt;
	uint64_t gdt_entry[ENTRIES], ldt_entry[4];
};

static void rig_make(struct rig *rig, unsigned cpl)
{
	*rig = (struct rig){.gdt = {.base = GDT_BASE, .entries = ENTRIES},
			    .ldt = {.base = 0x9000, .entries = 4}};
	rig->gdt.entry = rig->gdt_entry;
	rig->ldt.entry = rig->ldt_entry;
	rig->unit = (struct segment_unit){.cpl = cpl, .gdt = &rig->gdt, .ldt = &rig->ldt};
}

static uint64_t memory_segment(unsigned type, unsigned dpl, uint32_t base, uint32_t limit)
{
	struct descriptor descriptor = {.base = base,
					.limit = limit,
					.type = (uint8_t)type,
					.dpl = (uint8_t)dpl,
					.is_memory = true,
					.present = true,
					.is_big = true};

	return descriptor_encode(&descriptor);
}

static void expect_load(struct rig *rig, enum segment_register_name name, uint16_t selector,
			struct segment_outcome expected)
{
	struct segment_outcome outcome = segment_load(&rig->unit, name, selector);

	assert_int_equal(outcome.exception, expected.exception);
	assert_int_equal(outcome.reason, expected.reason);
	assert_int_equal(outcome.error_code, expected.error_code);
	assert_null(segment_check(&rig->unit));
}

#define FINE ((struct segment_outcome){0})
#define GP(why, code) ((struct segment_outcome){SEGMENT_GP, why, code, 0})
#define NP(code) ((struct segment_outcome){SEGMENT_NP, SEGMENT_NOT_PRESENT, code, 0})
#define STACK(why, code) ((struct segment_outcome){SEGMENT_SS_FAULT, why, code, 0})

static struct segment_outcome use(const struct rig *rig, enum segment_register_name through,
				  enum segment_access_kind kind, uint64_t offset)
{
	struct segment_access access = {through, kind, offset, 4};

	return segment_translate(&rig->unit, &access);
}

static void expect_use(struct segment_outcome outcome, struct segment_outcome expected)
{
	assert_int_equal(outcome.exception, expected.exception);
	assert_int_equal(outcome.reason, expected.reason);
	assert_int_equal(outcome.error_code, expected.error_code);
	assert_true(outcome.linear == expected.linear);
}

/* The descriptor of entry 13 of a table at 0x2000 lies at 0x2000 + 13 * 8 = 0x2068. */
static void test_entry_13_of_a_table_at_0x2000(void **state)
{
	struct rig rig;
	uint16_t selector = selector_make(13, false, 0);

	(void)state;
	rig_make(&rig, 0);
	rig.gdt_entry[13] = memory_segment(DESCRIPTOR_WRITABLE, 0, 0x00345000, 0xfff);
	assert_int_equal(selector, 0x68);
	assert_int_equal(segment_entry_address(&rig.gdt, selector), 0x2068);
	expect_load(&rig, SEGMENT_DS, selector, FINE);
	expect_use(use(&rig, SEGMENT_DS, SEGMENT_READ, 0x124),
		   (struct segment_outcome){.linear = 0x00345124});
	assert_true(rig.gdt_entry[13] & (uint64_t)1 << 40); /* accessed */
}

static void test_selectors(void **state)
{
	(void)state;
	for (unsigned selector = 0; selector <= UINT16_MAX; selector++) {
		uint16_t word = (uint16_t)selector;

		assert_int_equal(
		    selector_make(selector_index(word), selector_is_local(word), selector_rpl(word)), word);
		assert_int_equal(selector_is_null(word), selector < 4);
		assert_true(selector_index(word) < SEGMENT_ENTRIES_MAX);
	}
}

static void test_null_and_beyond(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig, 3);
	expect_load(&rig, SEGMENT_DS, 3, FINE);
	expect_use(use(&rig, SEGMENT_DS, SEGMENT_READ, 0), GP(SEGMENT_NULL_SELECTOR, 0));
	expect_load(&rig, SEGMENT_SS, 3, GP(SEGMENT_NULL_SELECTOR, 0));
	expect_load(&rig, SEGMENT_CS, 3, GP(SEGMENT_NULL_SELECTOR, 0));
	expect_load(&rig, SEGMENT_DS, selector_make(15, false, 3), GP(SEGMENT_WRONG_TYPE, 15 << 3));
	expect_load(&rig, SEGMENT_DS, selector_make(16, false, 3), GP(SEGMENT_BEYOND_TABLE, 16 << 3));
	expect_load(&rig, SEGMENT_DS, selector_make(8191, false, 3), GP(SEGMENT_BEYOND_TABLE, 8191 << 3));
	expect_load(&rig, SEGMENT_DS, selector_make(4, true, 3), GP(SEGMENT_BEYOND_TABLE, 4 << 3 | 4));
	rig.unit.ldt = NULL;
	expect_load(&rig, SEGMENT_DS, selector_make(0, true, 3), GP(SEGMENT_BEYOND_TABLE, 4));
}

/* Every type, for every register: what may be loaded where. */
static void test_types_by_register(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig, 0);
	for (unsigned type = 0; type < 16; type++) {
		bool is_code = type & DESCRIPTOR_CODE;
		struct segment_outcome no = GP(SEGMENT_WRONG_TYPE, 8);

		rig.gdt_entry[1] = memory_segment(type, 0, 0, 0xfff);
		expect_load(&rig, SEGMENT_CS, 8, is_code ? FINE : no);
		expect_load(&rig, SEGMENT_SS, 8, !is_code && (type & DESCRIPTOR_WRITABLE) ? FINE : no);
		expect_load(&rig, SEGMENT_ES, 8, !is_code || (type & DESCRIPTOR_READABLE) ? FINE : no);
	}
	rig.gdt_entry[1] = 0x0000820000000000; /* an LDT */
	expect_load(&rig, SEGMENT_ES, 8, GP(SEGMENT_WRONG_TYPE, 8));
}

/* Every combination of CPL, RPL and DPL against the rule written out again. */
static void test_privilege(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		unsigned cpl = i & 3, rpl = i >> 2 & 3, dpl = i >> 4;
		unsigned worst = cpl > rpl ? cpl : rpl;
		uint16_t selector = selector_make(1, false, rpl);
		struct segment_outcome no = GP(SEGMENT_PRIVILEGE, 8);
		struct rig rig;

		rig_make(&rig, cpl);
		rig.gdt_entry[1] = memory_segment(DESCRIPTOR_WRITABLE, dpl, 0, 0xfff);
		expect_load(&rig, SEGMENT_DS, selector, worst <= dpl ? FINE : no);
		expect_load(&rig, SEGMENT_SS, selector, cpl == rpl && cpl == dpl ? FINE : no);
		rig.gdt_entry[1] = memory_segment(DESCRIPTOR_CODE | DESCRIPTOR_READABLE, dpl, 0, 0xfff);
		expect_load(&rig, SEGMENT_DS, selector, worst <= dpl ? FINE : no);
		expect_load(&rig, SEGMENT_CS, selector, cpl == dpl && rpl <= cpl ? FINE : no);
		rig.gdt_entry[1] = memory_segment(
		    DESCRIPTOR_CODE | DESCRIPTOR_READABLE | DESCRIPTOR_CONFORMING, dpl, 0, 0xfff);
		expect_load(&rig, SEGMENT_DS, selector, FINE);
		expect_load(&rig, SEGMENT_CS, selector, dpl <= cpl ? FINE : no);
	}
}

static void test_presence(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig, 0);
	rig.gdt_entry[1] = memory_segment(DESCRIPTOR_WRITABLE, 0, 0, 0xfff) & ~((uint64_t)1 << 47);
	rig.gdt_entry[2] = memory_segment(DESCRIPTOR_CODE, 0, 0, 0xfff) & ~((uint64_t)1 << 47);
	expect_load(&rig, SEGMENT_DS, 8, NP(8));
	expect_load(&rig, SEGMENT_CS, 16, NP(16));
	expect_load(&rig, SEGMENT_SS, 8, STACK(SEGMENT_NOT_PRESENT, 8));
	assert_false(rig.unit.reg[SEGMENT_DS].usable);
}

static void test_use(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig, 0);
	rig.gdt_entry[1] = memory_segment(DESCRIPTOR_WRITABLE, 0, 0x1000, 0xfff);
	rig.gdt_entry[2] = memory_segment(0, 0, 0xfffff000, 0xfffff);
	rig.gdt_entry[3] = memory_segment(DESCRIPTOR_CODE, 0, 0, 0xfff);
	rig.ldt_entry[0] = memory_segment(DESCRIPTOR_WRITABLE | DESCRIPTOR_EXPAND_DOWN, 0, 0, 0xfff);
	expect_load(&rig, SEGMENT_SS, 8, FINE);
	expect_load(&rig, SEGMENT_DS, 16, FINE);
	expect_load(&rig, SEGMENT_CS, 24, FINE);
	expect_load(&rig, SEGMENT_ES, selector_make(0, true, 0), FINE);
	expect_use(use(&rig, SEGMENT_SS, SEGMENT_WRITE, 0xffc), (struct segment_outcome){.linear = 0x1ffc});
	expect_use(use(&rig, SEGMENT_SS, SEGMENT_WRITE, 0xffd), STACK(SEGMENT_BEYOND_LIMIT, 0));
	expect_use(use(&rig, SEGMENT_DS, SEGMENT_WRITE, 0), GP(SEGMENT_WRONG_TYPE, 0));
	expect_use(use(&rig, SEGMENT_DS, SEGMENT_READ, 0x2000),
		   (struct segment_outcome){.linear = 0x1000}); /* wraps */
	expect_use(use(&rig, SEGMENT_DS, SEGMENT_READ, 0x100000), GP(SEGMENT_BEYOND_LIMIT, 0));
	expect_use(use(&rig, SEGMENT_DS, SEGMENT_READ, (uint64_t)1 << 32), GP(SEGMENT_BEYOND_LIMIT, 0));
	expect_use(use(&rig, SEGMENT_DS, SEGMENT_EXECUTE, 0), GP(SEGMENT_WRONG_TYPE, 0));
	expect_use(use(&rig, SEGMENT_CS, SEGMENT_READ, 0), GP(SEGMENT_WRONG_TYPE, 0));
	expect_use(use(&rig, SEGMENT_CS, SEGMENT_EXECUTE, 8), (struct segment_outcome){.linear = 8});
	expect_use(use(&rig, SEGMENT_ES, SEGMENT_READ, 0x800), GP(SEGMENT_BEYOND_LIMIT, 0));
	expect_use(use(&rig, SEGMENT_ES, SEGMENT_READ, 0x1000), (struct segment_outcome){.linear = 0x1000});
}

static void test_64_bit_mode_is_flat_but_for_fs_and_gs(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig, 3);
	rig.unit.mode = SEGMENT_MODE_64;
	rig.gdt_entry[1] = memory_segment(DESCRIPTOR_WRITABLE, 3, 0x5000, 0);
	expect_load(&rig, SEGMENT_DS, 8 | 3, FINE);
	expect_load(&rig, SEGMENT_SS, 8 | 3, FINE);
	expect_use(use(&rig, SEGMENT_DS, SEGMENT_WRITE, 0x7fff12345678),
		   (struct segment_outcome){.linear = 0x7fff12345678});
	segment_set_base(&rig.unit, SEGMENT_FS, 0x7f0000001000);
	expect_use(use(&rig, SEGMENT_FS, SEGMENT_READ, 0x28),
		   (struct segment_outcome){.linear = 0x7f0000001028});
	expect_use(use(&rig, SEGMENT_FS, SEGMENT_READ, (uint64_t)-8),
		   (struct segment_outcome){.linear = 0x7f0000000ff8});
	expect_use(use(&rig, SEGMENT_DS, SEGMENT_READ, 0x800000000000), GP(SEGMENT_NOT_CANONICAL, 0));
	expect_use(use(&rig, SEGMENT_SS, SEGMENT_READ, 0x800000000000), STACK(SEGMENT_NOT_CANONICAL, 0));
	expect_use(use(&rig, SEGMENT_DS, SEGMENT_READ, 0x7ffffffffffd), GP(SEGMENT_NOT_CANONICAL, 0));
	expect_use(use(&rig, SEGMENT_DS, SEGMENT_READ, 0xffff800000000000),
		   (struct segment_outcome){.linear = 0xffff800000000000});
	rig.gdt_entry[2] = memory_segment(DESCRIPTOR_CODE, 3, 0, 0) | (uint64_t)1 << 53; /* L and D */
	expect_load(&rig, SEGMENT_CS, 16 | 3, GP(SEGMENT_WRONG_TYPE, 16));
	rig.unit.cpl = 0;
	expect_load(&rig, SEGMENT_SS, 0, FINE); /* 64-bit kernels run with a null SS */
}

/* --- The real processor ------------------------------------------------------------------------------------------- */

/* The descriptor that Linux makes of a user_desc: DPL 3, accessed, L as asked for only outside modify_ldt. */
static uint64_t descriptor_of(const struct user_desc *user)
{
	struct descriptor descriptor = {
	    .base = user->base_addr,
	    .limit = user->limit,
	    .type = (uint8_t)(DESCRIPTOR_ACCESSED | (user->read_exec_only ? 0u : 2u) | user->contents << 2),
	    .dpl = 3,
	    .is_memory = true,
	    .present = !user->seg_not_present,
	    .available = user->useable,
	    .is_big = user->seg_32bit,
	    .granular = user->limit_in_pages,
	};

	return descriptor_encode(&descriptor);
}

/* Every kind of entry that modify_ldt makes: contents, read/exec only, pages, present, useable; four limits. Conforming
 * code (contents 3) it makes only absent. */
static struct user_desc user_desc_of(unsigned number)
{
	static const uint32_t limits[] = {0, 0xfff, 0x12345, 0xfffff};

	return (struct user_desc){
	    .entry_number = number,
	    .base_addr = number % 3 == 0 ? 0 : 0x10203000u + number,
	    .limit = limits[number >> 7 & 3],
	    .seg_32bit = 1, /* a kernel may forbid 16-bit segments */
	    .contents = number & 3,
	    .read_exec_only = number >> 2 & 1,
	    .limit_in_pages = number >> 3 & 1,
	    .seg_not_present = (number >> 4 & 1) | ((number & 3) == 3),
	    .useable = number >> 5 & 1,
	};
}

#define REAL_ENTRIES 512u

struct seen {
	uint32_t rights, limit;
	uint8_t rights_ok, limit_ok;
};

static struct seen see(uint16_t selector)
{
	struct seen seen = {0};
	uint32_t wide = selector;

	__asm__("lar %3, %0; setz %1"
		: "=r"(seen.rights), "=q"(seen.rights_ok), "+r"(wide)
		: "r"(wide)
		: "cc");
	__asm__("lsl %3, %0; setz %1" : "=r"(seen.limit), "=q"(seen.limit_ok), "+r"(wide) : "r"(wide) : "cc");
	return seen;
}

/* In a child, because an LDT is for good: installs the entries and sends what LAR and LSL say of each. */
static _Noreturn void look_in_child(int out)
{
	for (unsigned number = 0; number < REAL_ENTRIES; number++) {
		struct user_desc user = user_desc_of(number);

		if (syscall(SYS_modify_ldt, 0x11, &user, sizeof(user)) != 0)
			_exit(errno == ENOSYS || errno == EPERM ? 1 : 2);
	}
	for (unsigned index = 0; index < REAL_ENTRIES + 8; index++) {
		struct seen seen = see(selector_make(index, true, 3));

		if (write(out, &seen, sizeof(seen)) != (ssize_t)sizeof(seen))
			_exit(3);
	}
	_exit(0);
}

static bool read_seen(int from, struct seen *seen)
{
	size_t have = 0;

	while (have < sizeof(*seen)) {
		ssize_t got = read(from, (char *)seen + have, sizeof(*seen) - have);

		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	return true;
}

static void compare_with_processor(int from)
{
	static uint64_t entries[REAL_ENTRIES];
	static uint64_t no_entry;
	struct descriptor_table gdt = {.entries = 1, .entry = &no_entry};
	struct descriptor_table ldt = {.entries = REAL_ENTRIES, .entry = entries};
	struct segment_unit unit = {.mode = SEGMENT_MODE_64, .cpl = 3, .gdt = &gdt, .ldt = &ldt};
	struct seen seen;

	for (unsigned number = 0; number < REAL_ENTRIES; number++) {
		struct user_desc user = user_desc_of(number);

		entries[number] = descriptor_of(&user);
	}
	for (unsigned index = 0; index < REAL_ENTRIES + 8; index++) {
		uint16_t selector = selector_make(index, true, 3);
		uint32_t rights = 0, limit = 0;

		assert_true(read_seen(from, &seen));
		assert_int_equal(segment_access_rights(&unit, selector, &rights), seen.rights_ok);
		assert_int_equal(segment_limit(&unit, selector, &limit), seen.limit_ok);
		if (seen.rights_ok)
			assert_int_equal(rights, seen.rights & 0x00f0ff00);
		if (seen.limit_ok)
			assert_int_equal(limit, seen.limit);
	}
}

static void test_the_real_processor_agrees(void **state)
{
	int ends[2];
	int status = 0;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		look_in_child(ends[1]);
	(void)close(ends[1]);
	/* All that the child writes fits in the pipe, so that it can be waited for first. */
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	bool forbidden = WEXITSTATUS(status) == 1;
	struct seen seen;

	assert_true(forbidden || WEXITSTATUS(status) == 0);
	if (!forbidden) {
		compare_with_processor(ends[0]);
		assert_false(read_seen(ends[0], &seen));
	}
	(void)close(ends[0]);
	if (forbidden) {
		print_message(
		    "this machine forbids modify_ldt: the model could not be compared with the processor\n");
		skip();
	}
}

/* --- Invariants --------------------------------------------------------------------------------------------------- */

static void broken_make(struct rig *rig)
{
	rig_make(rig, 0);
	rig->gdt_entry[1] = memory_segment(DESCRIPTOR_WRITABLE, 0, 0x1000, 0xfff);
	expect_load(rig, SEGMENT_SS, 8, FINE);
	expect_load(rig, SEGMENT_DS, 8, FINE);
}

static void break_null(struct rig *rig)
{
	rig->gdt_entry[0] = 1;
}

static void break_entries(struct rig *rig)
{
	rig->ldt.entries = SEGMENT_ENTRIES_MAX + 1;
}

static void break_presence(struct rig *rig)
{
	rig->unit.reg[SEGMENT_DS].descriptor.present = false;
}

static void break_type(struct rig *rig)
{
	rig->unit.reg[SEGMENT_SS].descriptor.type = 0;
}

static void break_base(struct rig *rig)
{
	rig->unit.reg[SEGMENT_DS].base++;
}

static void break_privilege(struct rig *rig)
{
	rig->unit.cpl = 3;
}

static void test_check_finds_each_broken_invariant(void **state)
{
	static const struct {
		void (*break_it)(struct rig *);
		const char *text;
	} cases[] = {
	    {break_null, "I1: "}, {break_entries, "I1: "}, {break_presence, "I2: "},
	    {break_type, "I2: "}, {break_base, "I3: "},	   {break_privilege, "I4: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig;

		broken_make(&rig);
		cases[i].break_it(&rig);
		const char *broken = segment_check(&rig.unit);

		assert_non_null(broken);
		assert_memory_equal(broken, cases[i].text, strlen(cases[i].text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_entry_13_of_a_table_at_0x2000),
	    cmocka_unit_test(test_selectors),
	    cmocka_unit_test(test_null_and_beyond),
	    cmocka_unit_test(test_types_by_register),
	    cmocka_unit_test(test_privilege),
	    cmocka_unit_test(test_presence),
	    cmocka_unit_test(test_use),
	    cmocka_unit_test(test_64_bit_mode_is_flat_but_for_fs_and_gs),
	    cmocka_unit_test(test_the_real_processor_agrees),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
