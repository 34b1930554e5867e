#include "config.h"

#include "tests/unit/foreign.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ANONYMOUS "PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = "

static void without_ids_and_times(void **state)
{
	(void)state;
	foreign_expect(NULL,
		       "brk(NULL)                         = 0x55f846a98000\n"
		       "mmap(NULL, 8192, " ANONYMOUS "0x7f4544e63000\n"
		       "munmap(0x7f4544e63000, 8192) = 0\n"
		       "+++ exited with 3 +++\n",
		       "brk result=0x55f846a98000\n"
		       "mmap length=0x2000 protection=0x3 flags=0x22 result=0x7f4544e63000\n"
		       "munmap address=0x7f4544e63000 length=0x2000\n"
		       "exit 3\n",
		       "");
}

static void every_prefix(void **state)
{
	(void)state;
	foreign_expect("strace",
		       "7 1795325308.5 brk(NULL) = 0x1000 <0.000009>\n7 1795325308.6 brk(NULL) = 0x1000\n",
		       "brk result=0x1000\nbrk result=0x1000 at 100000000\n", "");
	foreign_expect("strace",
		       "[pid 7] 23:59:59.5 brk(NULL) = 0x1000\n[pid 7] 00:00:00.25 brk(NULL) = 0x1000\n",
		       "brk result=0x1000\nbrk result=0x1000 at 750000000\n", "");
	foreign_expect("strace", "12:00:01 brk(NULL) = 0x1000\n12:00:03 brk(NULL) = 0x1000\n",
		       "brk result=0x1000\nbrk result=0x1000 at 2000000000\n", "");
	foreign_expect("strace",
		       "7      0.000000 brk(NULL) = 0x1000\n7      1.500000 getpid() = 7\n"
		       "7      0.250000 brk(NULL) = 0x1000\n",
		       "brk result=0x1000\nbrk result=0x1000 at 1750000000\n", "");
	foreign_expect("strace", "7 brk(NULL) = 0x1000\n8 brk(NULL) = 0x2000\n",
		       "brk result=0x1000\n[1.1] brk result=0x2000\n", "");
}

static void failed_calls(void **state)
{
	(void)state;
	foreign_expect("strace",
		       "mremap(0x7000, 4096, 8192, MREMAP_MAYMOVE) = -1 EFAULT (Bad address)\n"
		       "madvise(0x7000, 4096, MADV_DONTNEED) = -1 EINVAL (Invalid argument)\n"
		       "exit_group(0) = ?\n",
		       "mremap address=0x7000 length=0x1000 new_length=0x2000 flags=0x1 result=0xe failed\n"
		       "madvise address=0x7000 length=0x1000 flags=0x4 result=0x16 failed\n",
		       "");
}

static void files(void **state)
{
	struct foreign foreign;
	const char *text = "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</etc/a b, c>, 0x1000) = 0x7000\n"
			   "ftruncate(4</tmp/x>, 100) = 0\n";

	(void)state;
	foreign_import(&foreign, text, strlen(text), &(struct foreign_options){0});
	assert_int_equal(foreign.status, TRACE_OK);
	assert_string_equal(
	    foreign.log.text,
	    "mmap length=0x1000 offset=0x1000 protection=0x1 flags=0x2 file=0x1 result=0x7000\n"
	    "ftruncate length=0x64 file=0x2\n");
	assert_non_null(strstr(foreign.log.cast, "file 1 /etc/a b, c\nfile 2 /tmp/x\n"));
	foreign_drop(&foreign);
}

/* The munmap was begun before the mmap that got its addresses, and is told of later. */
static void calls_that_others_interrupt(void **state)
{
	(void)state;
	foreign_expect("strace",
		       "1 munmap(0x7000, 4096 <unfinished ...>\n"
		       "2 mmap(NULL, 4096, " ANONYMOUS "0x7000\n"
		       "1 <... munmap resumed>) = 0\n"
		       "1 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>\n"
		       "2 brk(NULL) = 0x1000\n"
		       "1 <... mmap resumed>) = 0x8000\n",
		       "munmap address=0x7000 length=0x1000\n"
		       "[1.1] mmap length=0x1000 protection=0x3 flags=0x22 result=0x7000\n"
		       "[1.1] brk result=0x1000\n"
		       "mmap length=0x1000 protection=0x1 flags=0x22 result=0x8000\n",
		       "");
	foreign_expect("strace", "1 brk(NULL) = 0x1000\n1 <... mmap resumed>) = 0x8000\n",
		       "brk result=0x1000\n", "call without beginning: 1\n");
	foreign_expect("strace",
		       "1 munmap(0x7001, 4096 <unfinished ...>\n1 <... munmap resumed>) = -1 EINVAL (x)\n",
		       "munmap address=0x7001 length=0x1000\n", "release that failed: 1\n");
}

static void processes_and_threads(void **state)
{
	(void)state;
	foreign_expect(
	    "strace",
	    "1 execve(\"/bin/sh\", [\"sh\"], 0x7ffe /* 9 vars */) = 0\n"
	    "1 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 2\n"
	    "2 brk(NULL) = 0x1000\n"
	    "1 clone3({flags=CLONE_VM|CLONE_THREAD, stack_size=0x7fff80} => {parent_tid=[3]}, 88) = 3\n"
	    "3 brk(NULL) = 0x2000\n"
	    "3 +++ exited with 0 +++\n"
	    "1 vfork( <unfinished ...>\n"
	    "4 brk(NULL) = 0x3000\n"
	    "1 <... vfork resumed>) = 4\n"
	    "2 +++ killed by SIGKILL +++\n"
	    "1 --- SIGCHLD {si_signo=SIGCHLD} ---\n"
	    "1 +++ exited with 5 +++\n",
	    "exec file=0x1\n"
	    "fork 1\n"
	    "[1.1] brk result=0x1000\n"
	    "[0.2] brk result=0x2000\n"
	    "[0.2] thread_exit\n"
	    "vfork 2\n"
	    "[2.3] brk result=0x3000\n"
	    "[1.1] exit 137\n"
	    "exit 5\n",
	    "");
}

/* What strace writes to a terminal: no id while there is one thread, its own words in the middle of a line. */
static void on_a_terminal(void **state)
{
	(void)state;
	foreign_expect("strace",
		       "brk(NULL) = 0x1000\n"
		       "clone3({flags=CLONE_VM|CLONE_THREAD}strace: Process 8 attached\n"
		       " => {parent_tid=[8]}, 88) = 8\n"
		       "[pid 8] munmap(0x7000, 4096strace: Process 9 attached\n"
		       " <unfinished ...>\n"
		       "[pid 7] brk(NULL) = 0x2000\n"
		       "[pid 8] <... munmap resumed>) = 0\n"
		       "[pid 8] +++ exited with 0 +++\n"
		       "+++ exited with 0 +++\n",
		       "brk result=0x1000\n"
		       "[0.1] munmap address=0x7000 length=0x1000\n"
		       "brk result=0x2000\n"
		       "[0.1] thread_exit\n"
		       "exit\n",
		       "");
}

static void what_is_not_understood(void **state)
{
	(void)state;
	foreign_expect("strace",
		       "brk(NULL) = 0x1000\n"
		       "what is this\n"
		       "mmap(NULL, 4096, PROT_WHAT, MAP_PRIVATE, 3, 0) = 0x7000\n"
		       "mbind(0x7000, 4096, MPOL_BIND, 0x1, 2, 0) = 0\n"
		       "read(3, \"x\", 1) = 1\n",
		       "brk result=0x1000\n",
		       "line not understood: 1\nargument not understood: 1\ncall without event: 1\n");
	foreign_expect_failure(
	    &(struct foreign_options){.format = "strace", .strict = true}, "what is this\n",
	    "in:1: \"what is this\" is no line of format strace, which look like \"22903 "
	    "mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f4544e63000\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_ids_and_times),
	    cmocka_unit_test(every_prefix),
	    cmocka_unit_test(failed_calls),
	    cmocka_unit_test(files),
	    cmocka_unit_test(calls_that_others_interrupt),
	    cmocka_unit_test(processes_and_threads),
	    cmocka_unit_test(on_a_terminal),
	    cmocka_unit_test(what_is_not_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
