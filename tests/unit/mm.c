#include "config.h"

#include "engine/virt/mm.h"

#include "tests/model/naive_pages.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BASE 0x10000000u
#define PAGE ((uint64_t)0x1000)
#define READ_WRITE (MM_PROT_READ | MM_PROT_WRITE)
#define FIXED (MM_MAP_PRIVATE | MM_MAP_ANONYMOUS | MM_MAP_FIXED)

struct rig {
	struct vma_store store;
	struct mm_promise promise;
	struct naive_pages pages, child_pages;
	struct mm mm, child;
};

static struct mm_options rig_options(struct rig *rig)
{
	return (struct mm_options){
	    .store = &rig->store,
	    .promise = &rig->promise,
	    .pages = &naive_pages_class,
	    .pages_owner = &rig->pages,
	    .limits = {MM_UNLIMITED, MM_UNLIMITED, 8 << 20, 64 << 10, MM_MAPS_MAX_LINUX, PAGE, false, false},
	    .layout = {.task_bytes = ((uint64_t)1 << 47) - PAGE,
		       .mmap_base = 0x7ffff7fff000,
		       .mmap_legacy_base = 0x2aaaaaaaa000,
		       .start_brk = 0x600000,
		       .low_base = 0x40000000},
	    .huge_bytes = (uint64_t)1 << 21,
	    .has_ksm = true};
}

static void rig_make(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	rig->promise = (struct mm_promise){MM_OVERCOMMIT_GUESS, 1 << 20, 0, 0};
	assert_int_equal(vma_store_create(&rig->store, 1000), STATUS_OK);
	struct mm_options options = rig_options(rig);

	assert_int_equal(mm_create(&rig->mm, &options), STATUS_OK);
}

static void rig_drop(struct rig *rig)
{
	assert_null(mm_check(&rig->mm));
	assert_true(mm_leave(&rig->mm));
	assert_int_equal(rig->mm.total_pages, 0);
	assert_int_equal(rig->store.in_use, 0);
	assert_int_equal(rig->promise.promised_pages, 0);
	naive_pages_destroy(&rig->pages);
	vma_store_destroy(&rig->store);
}

static struct mm_result map(struct mm *mm, uint64_t page, uint64_t pages, uint64_t protection)
{
	return mm_map(mm, &(struct mm_mapping){.address = BASE + page * PAGE,
					       .length = pages * PAGE,
					       .protection = protection,
					       .flags = FIXED});
}

static void write_page(struct mm *mm, uint64_t page)
{
	assert_int_equal(naive_touch(mm, BASE + page * PAGE, true).signal, 0);
}

/* |AAAA|    |CC|  ->  |AAAABBBBCC|: the new one closes the gap, because nobody has an identity yet. */
static void test_merge_both_sides(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig);
	assert_int_equal(map(&rig.mm, 0, 4, READ_WRITE).value, BASE);
	assert_int_equal(map(&rig.mm, 8, 2, READ_WRITE).error, 0);
	assert_int_equal(rig.mm.tree.count, 2);
	assert_int_equal(map(&rig.mm, 4, 4, READ_WRITE).error, 0);
	assert_int_equal(rig.mm.tree.count, 1);
	assert_int_equal(vma_pages(rig.mm.tree.first), 10);
	rig_drop(&rig);
}

/* |aa|  |bb|, written to apart: the one between joins the left, the right stays: |aaaa|bb|. */
static void test_identities(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig);
	(void)map(&rig.mm, 0, 2, READ_WRITE);
	(void)map(&rig.mm, 4, 2, READ_WRITE);
	write_page(&rig.mm, 0);
	write_page(&rig.mm, 4);
	(void)map(&rig.mm, 2, 2, READ_WRITE);
	assert_int_equal(rig.mm.tree.count, 2);
	assert_int_equal(vma_pages(rig.mm.tree.first), 4);
	assert_true(rig.mm.tree.first->anonymous != rig.mm.tree.last->anonymous);
	rig_drop(&rig);
}

/* |rrr rwrw rrr|: changed in the middle, and back: three mappings, and one again. */
static void test_split_and_merge(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig);
	(void)map(&rig.mm, 0, 12, READ_WRITE);
	write_page(&rig.mm, 5);
	assert_int_equal(mm_protect(&rig.mm, BASE + 4 * PAGE, 4 * PAGE, MM_PROT_READ).error, 0);
	assert_int_equal(rig.mm.tree.count, 3);
	assert_int_equal(rig.mm.data_pages, 8);
	assert_int_equal(rig.promise.promised_pages, 12);
	assert_int_equal(naive_touch(&rig.mm, BASE + 5 * PAGE, true).signal, 11);
	assert_int_equal(mm_protect(&rig.mm, BASE + 4 * PAGE, 4 * PAGE, READ_WRITE).error, 0);
	assert_int_equal(rig.mm.tree.count, 1);
	rig_drop(&rig);
}

/* A change that meets a hole is made up to it. */
static void test_partial_effect(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig);
	(void)map(&rig.mm, 0, 2, READ_WRITE);
	(void)map(&rig.mm, 3, 2, READ_WRITE);
	assert_int_equal(mm_protect(&rig.mm, BASE, 5 * PAGE, MM_PROT_READ).error, ENOMEM);
	assert_int_equal(rig.mm.tree.first->area.flags & AREA_WRITE, 0);
	assert_int_equal(rig.mm.tree.last->area.flags & AREA_WRITE, AREA_WRITE);
	assert_int_equal(mm_advise(&rig.mm, BASE, 5 * PAGE, MM_ADVICE_DONT_FORK).error, ENOMEM);
	assert_int_equal(rig.mm.tree.last->area.flags & AREA_NO_FORK, AREA_NO_FORK);
	rig_drop(&rig);
}

/* vm.max_map_count: no split and no mapping beyond it, except the last one. */
static void test_map_count(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig);
	rig.mm.limits.maps = 4;
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(map(&rig.mm, 8 * i, 4, READ_WRITE).error, 0);
	assert_int_equal(mm_unmap(&rig.mm, BASE + PAGE, PAGE).error, 0);
	assert_int_equal(rig.mm.tree.count, 4);
	assert_int_equal(mm_unmap(&rig.mm, BASE + 9 * PAGE, PAGE).error, ENOMEM);
	assert_int_equal(mm_protect(&rig.mm, BASE + 9 * PAGE, PAGE, MM_PROT_READ).error, ENOMEM);
	assert_int_equal(mm_advise(&rig.mm, BASE + 9 * PAGE, PAGE, MM_ADVICE_DONT_FORK).error, EAGAIN);
	assert_int_equal(mm_unmap(&rig.mm, BASE + 8 * PAGE, PAGE).error, 0);
	assert_int_equal(map(&rig.mm, 100, 1, READ_WRITE).error, 0);
	assert_int_equal(map(&rig.mm, 200, 1, READ_WRITE).error, ENOMEM);
	rig_drop(&rig);
}

/* With overcommit 2 the sum of what is promised counts; fork promises everything again. */
static void test_promise(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig);
	rig.promise.mode = MM_OVERCOMMIT_NEVER;
	rig.promise.limit_pages = 10;
	assert_int_equal(map(&rig.mm, 0, 6, READ_WRITE).error, 0);
	assert_int_equal(map(&rig.mm, 8, 5, READ_WRITE).error, ENOMEM);
	assert_int_equal(map(&rig.mm, 8, 5, MM_PROT_READ).error, 0);
	assert_int_equal(mm_protect(&rig.mm, BASE + 8 * PAGE, 5 * PAGE, READ_WRITE).error, ENOMEM);
	assert_int_equal(mm_fork(&rig.child, &rig.mm, &rig.child_pages).error, ENOMEM);
	assert_int_equal(rig.promise.promised_pages, 6);
	rig.promise.mode = MM_OVERCOMMIT_GUESS;
	rig.promise.memory_pages = 7;
	assert_int_equal(map(&rig.mm, 20, 8, READ_WRITE).error, ENOMEM);
	assert_int_equal(map(&rig.mm, 20, 7, READ_WRITE).error, 0);
	rig.promise.mode = MM_OVERCOMMIT_ALWAYS;
	assert_int_equal(map(&rig.mm, 30, 8, READ_WRITE).error, 0);
	rig_drop(&rig);
}

/* A child has copies of its own, without locks, and without what was to be left out. */
static void test_fork(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig);
	(void)map(&rig.mm, 0, 2, READ_WRITE);
	(void)map(&rig.mm, 4, 2, READ_WRITE);
	(void)map(&rig.mm, 8, 2, READ_WRITE);
	write_page(&rig.mm, 0);
	write_page(&rig.mm, 8);
	assert_int_equal(mm_advise(&rig.mm, BASE + 4 * PAGE, 2 * PAGE, MM_ADVICE_DONT_FORK).error, 0);
	assert_int_equal(mm_advise(&rig.mm, BASE + 8 * PAGE, 2 * PAGE, MM_ADVICE_WIPE_ON_FORK).error, 0);
	assert_int_equal(mm_lock(&rig.mm, BASE, PAGE, 0).error, 0);
	assert_int_equal(mm_fork(&rig.child, &rig.mm, &rig.child_pages).error, 0);
	assert_null(mm_check(&rig.child));
	assert_int_equal(rig.child.tree.count, 3);
	assert_int_equal(rig.child.locked_pages, 0);
	assert_int_equal(rig.child.total_pages, 4);
	uint8_t resident[2];

	assert_int_equal(mm_residency(&rig.child, BASE, 2 * PAGE, resident).error, 0);
	assert_true(resident[0] && !resident[1]);
	assert_int_equal(mm_residency(&rig.child, BASE + 8 * PAGE, 2 * PAGE, resident).error, 0);
	assert_false(resident[0]);
	assert_int_equal(mm_residency(&rig.child, BASE + 4 * PAGE, PAGE, resident).error, ENOMEM);
	assert_true(mm_leave(&rig.child));
	naive_pages_destroy(&rig.child_pages);
	rig_drop(&rig);
}

/* vfork and clone(CLONE_VM) share; the last one out takes the mappings away; exec begins anew. */
static void test_users(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig);
	(void)map(&rig.mm, 0, 2, READ_WRITE);
	mm_share(&rig.mm);
	assert_false(mm_leave(&rig.mm));
	assert_int_equal(rig.mm.tree.count, 1);
	assert_int_equal(mm_lock_all(&rig.mm, MM_LOCK_ALL_FUTURE).error, 0);
	struct mm_layout layout = rig.mm.layout;

	layout.start_brk = 0x700000;
	mm_exec(&rig.mm, &layout);
	assert_int_equal(rig.mm.tree.count, 0);
	assert_int_equal(rig.mm.default_flags, 0);
	assert_int_equal(mm_set_brk(&rig.mm, 0).value, 0x700000);
	assert_int_equal(mm_set_brk(&rig.mm, 0x702800).value, 0x702800);
	assert_int_equal(rig.mm.total_pages, 3);
	rig_drop(&rig);
}

/* The heap grows into itself, never into what lies below its start (a program's bss). */
static void test_heap_is_apart(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig);
	const struct mm_mapping below = {.address = rig.mm.layout.start_brk - PAGE,
					 .length = PAGE,
					 .protection = READ_WRITE,
					 .flags = MM_MAP_PRIVATE | MM_MAP_ANONYMOUS | MM_MAP_FIXED};

	assert_int_equal(mm_map(&rig.mm, &below).error, 0);
	(void)mm_set_brk(&rig.mm, rig.mm.layout.start_brk + PAGE);
	assert_int_equal(rig.mm.tree.count, 2);
	(void)mm_set_brk(&rig.mm, rig.mm.layout.start_brk + 3 * PAGE);
	assert_int_equal(rig.mm.tree.count, 2);
	assert_int_equal(mm_find(&rig.mm, rig.mm.layout.start_brk)->area.end,
			 rig.mm.layout.start_brk + 3 * PAGE);
	(void)mm_set_brk(&rig.mm, rig.mm.layout.start_brk);
	assert_int_equal(rig.mm.tree.count, 1);
	rig_drop(&rig);
}

static void test_place(void **state)
{
	struct rig rig;
	struct mm_placement placement = {
	    .start = BASE, .end = BASE + PAGE, .flags = AREA_READ | VMA_MAY_RIGHTS, .has_anonymous = true};

	(void)state;
	rig_make(&rig);
	assert_int_equal(mm_place(&rig.mm, &placement).value, BASE);
	assert_int_equal(mm_place(&rig.mm, &placement).error, EEXIST);
	placement.end = placement.start;
	assert_int_equal(mm_place(&rig.mm, &placement).error, EINVAL);
	placement.end = UINT64_MAX - PAGE + 1;
	assert_int_equal(mm_place(&rig.mm, &placement).error, EINVAL);
	assert_true(mm_find(&rig.mm, 0)->anonymous != 0);
	rig_drop(&rig);
}

static void test_options(void **state)
{
	struct rig rig;
	struct mm mm;

	(void)state;
	rig_make(&rig);
	struct mm_options options = rig_options(&rig);

	options.huge_bytes = 3;
	assert_int_equal(mm_create(&mm, &options), STATUS_BAD_ARGUMENT);
	options = rig_options(&rig);
	options.layout.task_bytes = UINT64_MAX;
	assert_int_equal(mm_create(&mm, &options), STATUS_BAD_ARGUMENT);
	options = rig_options(&rig);
	options.layout.mmap_base++;
	assert_int_equal(mm_create(&mm, &options), STATUS_BAD_ARGUMENT);
	rig_drop(&rig);
}

/* What each advice of madvise(2) says of private anonymous memory, of a private and of a shared file, and of locked
 * memory; and what becomes of the mapping's flags. The kernel's own answers: tests/model/mm_calls. */
static const struct {
	int advice;
	int anonymous, private_file, shared_file, locked;
	uint32_t set, cleared;
} advices[] = {
    {MM_ADVICE_NORMAL, 0, 0, 0, 0, 0, AREA_RANDOM | VMA_SEQUENTIAL},
    {MM_ADVICE_RANDOM, 0, 0, 0, 0, AREA_RANDOM, VMA_SEQUENTIAL},
    {MM_ADVICE_SEQUENTIAL, 0, 0, 0, 0, VMA_SEQUENTIAL, AREA_RANDOM},
    {MM_ADVICE_WILL_NEED, 0, 0, 0, 0, 0, 0},
    {MM_ADVICE_DONT_NEED, 0, 0, 0, EINVAL, 0, 0},
    {MM_ADVICE_FREE, 0, EINVAL, EINVAL, EINVAL, 0, 0},
    {MM_ADVICE_REMOVE, EINVAL, EACCES, 0, EINVAL, 0, 0},
    {MM_ADVICE_DONT_FORK, 0, 0, 0, 0, AREA_NO_FORK, 0},
    {MM_ADVICE_DO_FORK, 0, 0, 0, 0, 0, AREA_NO_FORK},
    {MM_ADVICE_MERGEABLE, 0, 0, 0, 0, VMA_MERGEABLE, 0},
    {MM_ADVICE_UNMERGEABLE, 0, 0, 0, 0, 0, VMA_MERGEABLE},
    {MM_ADVICE_HUGE_PAGE, 0, 0, 0, 0, AREA_HUGE, AREA_NO_HUGE},
    {MM_ADVICE_NO_HUGE_PAGE, 0, 0, 0, 0, AREA_NO_HUGE, AREA_HUGE},
    {MM_ADVICE_DONT_DUMP, 0, 0, 0, 0, VMA_NO_DUMP, 0},
    {MM_ADVICE_DO_DUMP, 0, 0, 0, 0, 0, VMA_NO_DUMP},
    {MM_ADVICE_WIPE_ON_FORK, 0, EINVAL, EINVAL, 0, AREA_WIPE_ON_FORK, 0},
    {MM_ADVICE_KEEP_ON_FORK, 0, 0, 0, 0, 0, AREA_WIPE_ON_FORK},
    {MM_ADVICE_COLD, 0, 0, 0, EINVAL, 0, 0},
    {MM_ADVICE_PAGE_OUT, 0, 0, 0, EINVAL, 0, 0},
    {MM_ADVICE_POPULATE_READ, 0, 0, 0, 0, 0, 0},
    {MM_ADVICE_POPULATE_WRITE, 0, 0, 0, 0, 0, 0},
    {MM_ADVICE_DONT_NEED_LOCKED, 0, 0, 0, 0, 0, 0},
    {MM_ADVICE_COLLAPSE, EINVAL, EINVAL, EINVAL, EINVAL, 0, 0},
    {MM_ADVICE_HARDWARE_POISON, EINVAL, EINVAL, EINVAL, EINVAL, 0, 0},
    {MM_ADVICE_SOFT_OFFLINE, EINVAL, EINVAL, EINVAL, EINVAL, 0, 0},
    {MM_ADVICE_GUARD_INSTALL, 0, 0, 0, EINVAL, 0, 0},
    {MM_ADVICE_GUARD_REMOVE, 0, 0, 0, 0, 0, 0},
    {5, EINVAL, EINVAL, EINVAL, EINVAL, 0, 0},
    {-1, EINVAL, EINVAL, EINVAL, EINVAL, 0, 0},
};

static uint64_t map_file(struct mm *mm, struct open_file *file, uint64_t flags)
{
	return mm_map(mm,
		      &(struct mm_mapping){
			  .length = PAGE, .protection = READ_WRITE, .flags = flags, .file = file})
	    .value;
}

static void test_advices(void **state)
{
	struct naive_file *pages = naive_file_create(4, true);

	(void)state;
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
		struct open_file file = naive_open(pages, 1, OPEN_READ | OPEN_WRITE | OPEN_SHARED_MEMORY);
		struct rig rig;

		rig_make(&rig);
		(void)map(&rig.mm, 0, 1, READ_WRITE);
		(void)map(&rig.mm, 2, 1, READ_WRITE);
		(void)mm_lock(&rig.mm, BASE + 2 * PAGE, PAGE, 0);
		uint64_t private = map_file(&rig.mm, &file, MM_MAP_PRIVATE);
		uint64_t shared = map_file(&rig.mm, &file, MM_MAP_SHARED);
		struct vma *vma = mm_find(&rig.mm, BASE);

		vma->area.flags |= advices[i].cleared;
		assert_int_equal(mm_advise(&rig.mm, BASE, PAGE, advices[i].advice).error,
				 advices[i].anonymous);
		assert_int_equal(vma->area.flags & advices[i].set, advices[i].set);
		assert_int_equal(vma->area.flags & advices[i].cleared, 0);
		assert_int_equal(mm_advise(&rig.mm, private, PAGE, advices[i].advice).error,
				 advices[i].private_file);
		assert_int_equal(mm_advise(&rig.mm, shared, PAGE, advices[i].advice).error,
				 advices[i].shared_file);
		assert_int_equal(mm_advise(&rig.mm, BASE + 2 * PAGE, PAGE, advices[i].advice).error,
				 advices[i].locked);
		rig_drop(&rig);
	}
	naive_file_destroy(pages);
}

#define I3 "I3: total_pages = sum of the VMAs' pages, at most total_peak_pages"
#define I4                                                                                                   \
	"I4: data_pages, stack_pages, executable_pages = those of private writable, growing, executable "    \
	"unwritable VMAs"
#define I5 "I5: accounted_pages = pages of VMAs that are VMA_ACCOUNTED, charged to `promise`"

static void expect(struct rig *rig, const char *text, uint64_t *field)
{
	++*field;
	assert_string_equal(mm_check(&rig->mm), text);
	--*field;
	assert_null(mm_check(&rig->mm));
}

static void test_corruption(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig);
	(void)map(&rig.mm, 0, 2, READ_WRITE);
	(void)mm_set_brk(&rig.mm, 0x601000);
	struct vma *vma = mm_find(&rig.mm, BASE);

	expect(&rig, "I1: vma_tree_check() holds", &rig.mm.tree.count);
	expect(&rig, I3, &rig.mm.total_pages);
	expect(&rig, I4, &rig.mm.data_pages);
	expect(&rig, I4, &rig.mm.stack_pages);
	expect(&rig, I4, &rig.mm.executable_pages);
	expect(&rig, I5, &rig.mm.accounted_pages);
	rig.mm.total_peak_pages--;
	assert_string_equal(mm_check(&rig.mm), I3);
	rig.mm.total_peak_pages++;
	rig.promise.promised_pages -= 3;
	assert_string_equal(mm_check(&rig.mm), I5);
	rig.promise.promised_pages += 3;
	rig.mm.brk = rig.mm.layout.start_brk - 1;
	assert_string_equal(mm_check(&rig.mm), "I6: start_brk <= brk");
	rig.mm.brk = 0x601000;
	vma->area.flags &= ~(uint32_t)VMA_MAY_WRITE;
	assert_string_equal(mm_check(&rig.mm), "I7: a VMA's rights are rights that it may have");
	vma->area.flags |= VMA_MAY_WRITE;
	rig.mm.layout.task_bytes = BASE;
	assert_string_equal(mm_check(&rig.mm), "I2: every VMA lies below task_bytes");
	rig.mm.layout.task_bytes = (uint64_t)1 << 40;
	rig_drop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_options),	   cmocka_unit_test(test_merge_both_sides),
	    cmocka_unit_test(test_identities),	   cmocka_unit_test(test_split_and_merge),
	    cmocka_unit_test(test_partial_effect), cmocka_unit_test(test_map_count),
	    cmocka_unit_test(test_promise),	   cmocka_unit_test(test_fork),
	    cmocka_unit_test(test_users),	   cmocka_unit_test(test_heap_is_apart),
	    cmocka_unit_test(test_place),	   cmocka_unit_test(test_advices),
	    cmocka_unit_test(test_corruption),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
