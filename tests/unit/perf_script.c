#include "config.h"

#include "tests/unit/foreign.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void software_events(void **state)
{
	(void)state;
	foreign_expect(
	    NULL,
	    "               t 14524/14524  1138.623709: page-faults:     5612b4d67078 ffffffff817554ea\n"
	    "               t 14524/14525  1138.623755: page-faults:     7f788f8d0b70     7f788f8d0b70\n"
	    "  a 1 b.2: c 14524/14524 [001] 1138.623758:          1 major-faults:u:     7f788f8e9e06 "
	    "7f788f8d17ad\n",
	    "fault address=0x5612b4d67078 flags=0x244\n"
	    "[0.1] fault address=0x7f788f8d0b70 flags=0x240 at 46000\n"
	    "fault address=0x7f788f8e9e06 flags=0x260 at 49000\n",
	    "");
}

static void tracepoints(void **state)
{
	(void)state;
	foreign_expect(NULL,
		       "t 15149 [000]  1139.848356: exceptions:page_fault_user: address=0x7f98a4c64b70 "
		       "ip=0x7f98a4c64b70 "
		       "error_code=0x14\n"
		       "t 15149 [000]  1139.848361: exceptions:page_fault_user: address=0x7f98a4c7de06 "
		       "ip=0x7f98a4c657ad "
		       "error_code=0x7\n"
		       "t 15149 [000]  1139.848365: exceptions:page_fault_kernel: address=0x7f98a4c7de08 "
		       "ip=copy_from_user error_code=0x2\n",
		       "fault address=0x7f98a4c64b70 flags=0x102\n"
		       "fault address=0x7f98a4c7de06 flags=0x109 at 5000\n"
		       "fault address=0x7f98a4c7de08 flags=0x105 at 9000\n",
		       "");
}

/* The two events of a fault are one; a reason without the other stays; other events are skipped. */
static void both_events(void **state)
{
	(void)state;
	foreign_expect(NULL,
		       "t 5/5  1.000001: exceptions:page_fault_user: address=0x7000 ip=0x1 error_code=0x6\n"
		       "t 5/5  1.000002: page-faults: 7000 1\n"
		       "t 5/5  1.000003: exceptions:page_fault_user: address=0x8000 ip=0x1 error_code=0x4\n"
		       "t 5/5  1.000004: sched:sched_switch: prev_comm=t\n"
		       "t 5/5  1.000005: page-faults: 9000 1\n",
		       "fault address=0x7000 flags=0x201 at 1000\n"
		       "fault address=0x8000 flags=0x100 at 2000\n"
		       "fault address=0x9000 flags=0x240 at 4000\n",
		       "");
}

static void faults_without_addresses(void **state)
{
	struct foreign foreign;
	const char *text = "t 14524  1138.623709:          1 page-faults:  ffffffff817554ea elf_load+0x28a "
			   "([kernel.kallsyms])\n";

	(void)state;
	foreign_import(&foreign, text, strlen(text), &(struct foreign_options){0});
	assert_int_equal(foreign.status, TRACE_BAD_INPUT);
	assert_string_equal(foreign.warnings, "fault without address: 1\n");
	foreign_drop(&foreign);
}

static void what_is_not_understood(void **state)
{
	(void)state;
	foreign_expect(
	    "perf-script",
	    "# captured on: ...\n\nt 5/5 1.000001: page-faults: 7000 1\nnonsense\n"
	    "t 5/5 1.000001: exceptions:page_fault_user: address=0x7000\n"
	    "t 5/5 1.000001: exceptions:page_fault_kernel: address=jiffies ip=0x1 error_code=0x0\n",
	    "fault address=0x7000 flags=0x240\n",
	    "line not understood: 2\nfault of the kernel's own memory: 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(software_events), cmocka_unit_test(tracepoints), cmocka_unit_test(both_events),
	    cmocka_unit_test(faults_without_addresses), cmocka_unit_test(what_is_not_understood)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
