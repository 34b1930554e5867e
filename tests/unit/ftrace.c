#include "config.h"

#include "tests/unit/foreign.h"

#include <stdarg.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static void the_tracer(void **state)
{
	(void)state;
	foreign_expect(NULL,
		       "# tracer: nop\n#\n# entries-in-buffer/entries-written: 3/3   #P:2\n#\n"
		       "            bash-1234    [001] d..1.  4154.123456: mm_page_alloc: "
		       "page=00000000abcdef12 pfn=0x115d14 order=0 "
		       "migratetype=1 gfp_flags=GFP_HIGHUSER\n"
		       "          <idle>-0       [000] ..s..  4154.123457: kfree: call_site=rcu_core+0x1 "
		       "ptr=00000000fedc\n"
		       " kworker/u4:1-a-77      [001] .....  4154.123458: rss_stat: mm_id=3 curr=1 "
		       "type=MM_ANONPAGES size=4096B\n"
		       " name with [001]-77      [001] .....  4154.123459: mm_page_free: page=000000001 "
		       "pfn=0x10 order=2\n"
		       "CPU:1 [LOST 42 EVENTS]\n",
		       "switch 1\npage_alloc frame=0x115d14 gfp=0x1 type=0x1\n[0.1] switch 0 at 1000\n"
		       "[0.1] kmem_free address=0xfedc at 1000\n[0.2] switch 1 at 3000\n"
		       "[0.2] page_free frame=0x10 order=0x2 at 3000\n",
		       EVENT_LOST_WARNING ": 1\n");
}

static void with_processes(void **state)
{
	(void)state;
	foreign_expect(
	    NULL,
	    "  bash-1234    (   1200) [000] d..1.  9.000001: mm_page_free: page=1 pfn=16 order=0\n"
	    "  a-b-1235     (-------) [000] d..1.  9.000002: mm_page_free: page=1 pfn=17 order=0\n"
	    "  c (d)-1236   (   1200) [000] d..1.  9.000003: mm_page_free: page=1 pfn=18 order=0\n",
	    "switch 0\npage_free frame=0x10\n[1.1] switch 0 at 1000\n[1.1] page_free frame=0x11 at 1000\n"
	    "[0.2] switch 0 at 2000\n[0.2] page_free frame=0x12 at 2000\n",
	    "");
}

/* Without flags, and with a clock that counts. */
static void trace_cmd_report(void **state)
{
	(void)state;
	foreign_expect(NULL,
		       "cpus=2\n"
		       "              ls-4321  [001]   100: mm_page_free:        page=0x1 pfn=0x11 order=0\n"
		       "              ls-4321  [001]   250: mm_page_free:        page=0x1 pfn=0x12 order=0\n",
		       "switch 1\npage_free frame=0x11\npage_free frame=0x12 at 150\n", "");
}

static void what_is_not_understood(void **state)
{
	(void)state;
	foreign_expect(
	    "ftrace",
	    "  ls-4321  [001]   1.5: mm_page_free: page=1 pfn=1 order=0\n"
	    "nonsense\n  ls-4321  [001]   1.5\n  ls  [001]   1.5: mm_page_free: page=1 pfn=1 order=0\n"
	    "  ls-4321  [99999]   1.5: mm_page_free: page=1 pfn=1 order=0\n"
	    "  ls-4321  [001]  a b c 1.5: mm_page_free: page=1 pfn=1 order=0\n"
	    "  ls-4321  [001]   1.5: mm_page_free: page=1 order=0\n",
	    "switch 1\npage_free frame=0x1\n", "line not understood: 6\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_tracer), cmocka_unit_test(with_processes),
					   cmocka_unit_test(trace_cmd_report),
					   cmocka_unit_test(what_is_not_understood)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
