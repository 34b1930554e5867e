/* The views of a process beside the real files: the same calls and accesses in a child of this test and in the model, then what
 * /proc/self/smaps, smaps_rollup and pagemap say of them, letter by letter. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/proc/pagemap.h"
#include "bench/proc/smaps.h"
#include "engine/virt/walk.h"
#include "tests/unit/fault_rig.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE KERNEL_CHILD_BASE
#define PAGES 256u
#define TEXT_BYTES (1u << 20)
#define RW (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define FRAME_BITS (((uint64_t)1 << 55) - 1)

enum action_kind {
	END,
	MAP, /* how: MAP_*, rights: PROT_* */
	UNMAP,
	PROTECT,
	ADVISE,
	LOCK,
	LOCK_ON_FAULT,
	READ,
	WRITE,
	FORK, /* a child that does nothing, and stays until all is read */
};

struct action {
	enum action_kind kind;
	unsigned page, pages;
	int rights, how;
};

static const struct action memory[] = {
    {MAP, 0, 16, RW, PRIVATE},
    {WRITE, 0, 2, 0, 0},
    {READ, 3, 2, 0, 0},
    {MAP, 32, 8, RW, MAP_SHARED | MAP_ANONYMOUS},
    {WRITE, 32, 1, 0, 0},
    {READ, 34, 1, 0, 0},
    {MAP, 48, 4, PROT_NONE, PRIVATE},
    {MAP, 56, 4, PROT_READ, PRIVATE | MAP_NORESERVE},
    {READ, 57, 1, 0, 0},
    {MAP, 64, 2, RW | PROT_EXEC, PRIVATE | MAP_GROWSDOWN},
    {WRITE, 64, 2, 0, 0},
    {PROTECT, 8, 4, PROT_READ, 0},
    {UNMAP, 14, 1, 0, 0},
    {END, 0, 0, 0, 0},
};

static const struct action advice[] = {
    {MAP, 0, 64, RW, PRIVATE},
    {WRITE, 0, 64, 0, 0},
    {ADVISE, 2, 2, 0, MADV_SEQUENTIAL},
    {ADVISE, 6, 2, 0, MADV_RANDOM},
    {ADVISE, 10, 2, 0, MADV_DONTFORK},
    {ADVISE, 14, 2, 0, MADV_WIPEONFORK},
    {ADVISE, 18, 2, 0, MADV_DONTDUMP},
    {ADVISE, 22, 2, 0, MADV_NOHUGEPAGE},
    {ADVISE, 26, 4, 0, MADV_DONTNEED},
    {ADVISE, 32, 8, 0, MADV_FREE},
    {WRITE, 34, 1, 0, 0},
    {READ, 27, 1, 0, 0},
    {LOCK, 44, 2, 0, 0},
    {LOCK_ON_FAULT, 50, 4, 0, 0},
    {END, 0, 0, 0, 0},
};

static const struct action forked[] = {
    {MAP, 0, 8, RW, PRIVATE}, {WRITE, 0, 4, 0, 0}, {MAP, 16, 4, RW, MAP_SHARED | MAP_ANONYMOUS},
    {WRITE, 16, 2, 0, 0},     {FORK, 0, 0, 0, 0},  {WRITE, 1, 1, 0, 0},
    {END, 0, 0, 0, 0},
};

/* --- The kernel ----------------------------------------------------------------------------------------------------------- */

static void *at(const struct action *action)
{
	return (void *)(uintptr_t)(BASE + action->page * PAGE_BYTES);
}

static int pipe_of_forked[2];

static pid_t fork_for_good(void)
{
	char byte;

	if (pipe(pipe_of_forked) != 0)
		return -1;
	pid_t child = fork();

	if (child == 0) {
		(void)close(pipe_of_forked[1]);
		(void)!read(pipe_of_forked[0], &byte, 1);
		_exit(0);
	}
	return child;
}

static bool act(const struct action *action)
{
	const size_t bytes = action->pages * PAGE_BYTES;
	volatile char *memory_at = at(action);

	switch (action->kind) {
	case MAP:
		return mmap(at(action), bytes, action->rights, action->how | MAP_FIXED_NOREPLACE, -1, 0) ==
		       at(action);
	case UNMAP:
		return munmap(at(action), bytes) == 0;
	case PROTECT:
		return mprotect(at(action), bytes, action->rights) == 0;
	case ADVISE:
		return madvise(at(action), bytes, action->how) == 0;
	case LOCK:
		/* Not mlock(): the address sanitizer makes that one do nothing. */
		return syscall(SYS_mlock, at(action), bytes) == 0;
	case LOCK_ON_FAULT:
		return mlock2(at(action), bytes, MLOCK_ONFAULT) == 0;
	case FORK:
		return fork_for_good() > 0;
	default:
		for (size_t i = 0; i < bytes; i += PAGE_BYTES) {
			if (action->kind == WRITE)
				memory_at[i] = 1;
			else
				(void)memory_at[i];
		}
		return true;
	}
}

/* The blocks of a text of smaps whose mappings lie in the region. The number of a nameless file is its maker's affair. */
static void keep_region(const char *text, char *kept)
{
	bool is_inside = false;

	for (const char *line = text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		if (strchr("0123456789abcdef", *line)) {
			uint64_t start = strtoull(line, NULL, 16);

			is_inside = start >= BASE && start < BASE + PAGES * PAGE_BYTES;
		}
		if (!is_inside)
			continue;
		memcpy(kept, line, (size_t)(end - line) + 1);
		char *number = memmem(kept, (size_t)(end - line), " 00:01 ", 7);

		if (number)
			memset(number + 7, '#', strspn(number + 7, "0123456789 "));
		kept += end - line + 1;
	}
	*kept = '\0';
}

struct seen {
	char text[TEXT_BYTES];
	uint64_t word[PAGES];
};

static bool read_own(struct seen *seen)
{
	static char text[TEXT_BYTES];
	int file = open("/proc/self/smaps", O_RDONLY), words = open("/proc/self/pagemap", O_RDONLY);
	size_t length = 0;
	ssize_t got = 1;

	while (file >= 0 && got > 0 && length < TEXT_BYTES - 1) {
		got = read(file, text + length, TEXT_BYTES - 1 - length);
		length += got > 0 ? (size_t)got : 0;
	}
	text[length] = '\0';
	if (length == 0 || words < 0 ||
	    pread(words, seen->word, sizeof(seen->word), (off_t)(BASE / PAGE_BYTES * 8)) !=
		(ssize_t)sizeof(seen->word))
		return false;
	keep_region(text, seen->text);
	(void)close(file);
	(void)close(words);
	return true;
}

/* In a child, so that nothing of this process is in the way. False: the machine does not let us. */
static bool see_kernel(const struct action *actions, struct seen *seen)
{
	int result = 1;
	pid_t child = fork();

	if (child == 0) {
		bool is_done = prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0;

		for (; is_done && actions->kind != END; actions++)
			is_done = act(actions);
		_exit(!is_done || !read_own(seen));
	}
	if (child > 0)
		(void)waitpid(child, &result, 0);
	return child > 0 && result == 0;
}

/* --- The model ------------------------------------------------------------------------------------------------------------ */

static void touch_model(struct mm *mm, const struct action *action)
{
	for (unsigned i = 0; i < action->pages; i++) {
		struct fault_access access =
		    fault_access(mm, BASE + (action->page + i) * PAGE_BYTES,
				 WALK_USER | (action->kind == WRITE ? WALK_WRITE : WALK_READ));

		assert_int_equal(access.end, FAULT_DONE);
	}
}

static struct mm_result call_model(struct mm *mm, const struct action *action)
{
	const uint64_t address = BASE + action->page * PAGE_BYTES, bytes = action->pages * PAGE_BYTES;
	const struct mm_mapping mapping = {.address = address,
					   .length = bytes,
					   .protection = (uint64_t)action->rights,
					   .flags = (uint64_t)action->how | MAP_FIXED};

	switch (action->kind) {
	case MAP:
		return fault_map(mm, &mapping);
	case UNMAP:
		return mm_unmap(mm, address, bytes);
	case PROTECT:
		return mm_protect(mm, address, bytes, (uint64_t)action->rights);
	case ADVISE:
		return mm_advise(mm, address, bytes, action->how);
	default:
		return mm_lock(mm, address, bytes, action->kind == LOCK_ON_FAULT ? MLOCK_ONFAULT : 0);
	}
}

static void see_model(const struct action *actions, struct seen *seen)
{
	const struct rig_options options = {8192, 64, false};
	struct fault_rig *rig = malloc(sizeof(*rig));
	char *text = NULL;
	size_t bytes = 0;

	assert_non_null(rig);
	assert_true(rig_make(rig, &options));
	rig->process[0].space.resident.huge_is_disabled = true;
	for (; actions->kind != END; actions++) {
		if (actions->kind == READ || actions->kind == WRITE)
			touch_model(&rig->process[0].mm, actions);
		else if (actions->kind == FORK)
			assert_int_equal(rig_fork(rig), 0);
		else
			assert_int_equal(call_model(&rig->process[0].mm, actions).error, 0);
	}
	const struct proc_process process = {
	    .mm = &rig->process[0].mm, .frames = &rig->frames, .unknown = "?"};
	FILE *file = open_memstream(&text, &bytes);

	assert_non_null(file);
	proc_smaps(&process, file);
	assert_int_equal(fclose(file), 0);
	keep_region(text, seen->text);
	for (unsigned i = 0; i < PAGES; i++)
		seen->word[i] = proc_pagemap_word(&process, BASE + i * PAGE_BYTES);
	free(text);
	rig_drop(rig);
	free(rig);
}

/* --- Side by side ----------------------------------------------------------------------------------------------------------- */

/* The first line that differs, and not two texts of many pages. */
static void assert_same_lines(const char *kernel, const char *model)
{
	const char *mapping = kernel;

	for (;;) {
		const size_t theirs = strcspn(kernel, "\n"), ours = strcspn(model, "\n");

		if (memchr(kernel, '-', theirs))
			mapping = kernel;
		if (theirs != ours || memcmp(kernel, model, theirs) != 0 || kernel[theirs] != model[ours])
			fail_msg("behind '%.40s': the kernel says '%.*s', the model '%.*s'", mapping,
				 (int)theirs, kernel, (int)ours, model);
		if (kernel[theirs] == '\0')
			return;
		kernel += theirs + 1;
		model += ours + 1;
	}
}

static void compare(const struct action *actions)
{
	struct seen *kernel = mmap(NULL, sizeof(*kernel), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct seen *model = calloc(1, sizeof(*model));

	assert_true(kernel != MAP_FAILED && model);
	if (!see_kernel(actions, kernel)) {
		(void)printf("# this machine does not let a process see its pages: skipped\n");
		skip();
	}
	see_model(actions, model);
	assert_same_lines(kernel->text, model->text);
	for (unsigned i = 0; i < PAGES; i++) {
		if ((kernel->word[i] & ~FRAME_BITS) != (model->word[i] & ~FRAME_BITS))
			fail_msg("page %u: the kernel's word is %016" PRIx64 ", the model's %016" PRIx64, i,
				 kernel->word[i], model->word[i]);
	}
	free(model);
	(void)munmap(kernel, sizeof(*kernel));
}

static void test_memory_of_every_kind(void **state)
{
	(void)state;
	compare(memory);
}

static void test_memory_with_advice_and_locks(void **state)
{
	(void)state;
	compare(advice);
}

static void test_memory_shared_with_a_child(void **state)
{
	(void)state;
	compare(forked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory_of_every_kind),
					   cmocka_unit_test(test_memory_with_advice_and_locks),
					   cmocka_unit_test(test_memory_shared_with_a_child)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
