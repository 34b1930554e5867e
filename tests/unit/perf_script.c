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

/* Threads, programs and mappings; what was there before has no time. */
static void records(void **state)
{
	(void)state;
	foreign_expect(
	    NULL,
	    "perf 5/5  0.000000: PERF_RECORD_MMAP2 5/5: [0x400000(0x1000) @ 0 08:01 9 9]: r-xp "
	    "/usr/bin/before\n"
	    "t 5/5  1.000001: page-faults: 7000 1\n"
	    "t 5/5  1.000002: PERF_RECORD_FORK(6:6):(5:5)\n"
	    "t 6/6  1.000003: PERF_RECORD_COMM: a: b:6/6\n"
	    "t 6/6  1.000003: PERF_RECORD_COMM exec: a: b:6/6\n"
	    "b 6/6 [001] 1.000004: PERF_RECORD_MMAP2 6/6: [0x401000(0x1000) @ 0x2000 08:01 99 7]: r-xp "
	    "/usr/bin/a b\n"
	    "b 6/6  1.000005: PERF_RECORD_MMAP 6/6: [0x7ff000(0x2000) @ 0]: x [vdso]\n"
	    "b 6/6  1.000006: page-faults: 401008 401008\n"
	    "b 6/6  1.000007: PERF_RECORD_MMAP2 6/6: [0x501000(0x1000) @ 0 08:01 99 7]: r--p /lib/later\n"
	    "b 6/6  1.000008: PERF_RECORD_LOST lost 3\n"
	    "b 6/6  1.000009: PERF_RECORD_EXIT(6:6):(5:5)\n",
	    "fault address=0x7000 flags=0x240\n"
	    "fork 1 at 1000\n"
	    "[1.1] exec file=0x1 at 2000\n"
	    "region 1 file 401000+1000 file 1\n"
	    "region 2 kernel 7ff000+2000 file 0\n"
	    "[1.1] fault address=0x401008 flags=0x240 at 5000\n"
	    "[1.1] exit at 8000\n",
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

static void expect_cast(const char *text, const char *cast)
{
	struct foreign foreign;

	foreign_import(&foreign, text, strlen(text), &(struct foreign_options){0});
	assert_int_equal(foreign.status, TRACE_OK);
	assert_string_equal(foreign.log.cast, cast);
	foreign_drop(&foreign);
}

/* Pages and objects as kernels of today print them: by processor, with the names of flags and caches. */
static void kernel_of_today(void **state)
{
	static const char text[] =
	    "gcc 8/9 [000] 1.000001: kmem:mm_page_alloc: page=0x106287 pfn=0x106287 order=3 migratetype=1 "
	    "gfp_flags=GFP_KERNEL|__GFP_ZERO\n"
	    ":-1 -1/-1 [001] 1.000002: kmem:mm_page_free: page=0x106287 pfn=0x106287 order=3\n"
	    "gcc 8/9 [001] 1.000003: kmem:kmem_cache_alloc: call_site=f+0x24 ptr=0xffff888100878000 "
	    "name=dentry "
	    "bytes_req=192 bytes_alloc=200 gfp_flags=none node=-1 accounted=false\n"
	    "swapper 0/0 [001] 1.000004: kmem:kfree: call_site=f+0x258 ptr=(nil)\n"
	    "swapper 0/0 [000] 1.000005: kmem:mm_page_free_batched: page=0x5 pfn=0x5 order=0\n";

	(void)state;
	foreign_expect(
	    NULL, text,
	    "switch 0\npage_alloc frame=0x106287 gfp=0x1 order=0x3 type=0x1\n"
	    "[1.1] switch 1 at 1000\n[1.1] page_free frame=0x106287 order=0x3 at 1000\n"
	    "switch 1 at 2000\nkmem_alloc address=0xffff888100878000 bytes=0xc0 granted=0xc8 cache=0x2 at "
	    "2000\n"
	    "[2.2] switch 1 at 3000\n[2.2] kmem_free at 3000\n"
	    "[2.3] switch 0 at 4000\n[2.3] page_free_batched frame=0x5 at 4000\n",
	    "");
	expect_cast(text, "process 0 id 8\nthread 0 of 0 id 9\ngfp 1 GFP_KERNEL|__GFP_ZERO\n"
			  "process 1 id 4294967295\nthread 1 of 1 id 4294967295\ncache 2 dentry\n"
			  "process 2 id 0\nthread 2 of 2 id 4294967297\nthread 3 of 2 id 4294967296\n");
}

/* Decimal frame numbers, pointers without 0x, flags as a number, a cache without its name, an allocation that failed. */
static void kernel_of_old(void **state)
{
	(void)state;
	foreign_expect(
	    NULL,
	    "a 5 [000] 1.000001: kmem:mm_page_alloc: page=ffffea0001 pfn=12345 order=0 migratetype=2 "
	    "gfp_flags=GFP_KERNEL\n"
	    "a 5 [000] 1.000002: kmem:mm_page_alloc: page=0000000000000000 pfn=0 order=9 migratetype=1 "
	    "gfp_flags=0x24200ca\n"
	    "a 5 [000] 1.000003: kmem:kmalloc: call_site=ffffffff811 ptr=ffff88003f6d2000 bytes_req=10 "
	    "bytes_alloc=16 gfp_flags=GFP_KERNEL|0x800000\n"
	    "a 5 [000] 1.000004: kmem:kmem_cache_free: call_site=ffffffff811 ptr=ffff88003f6d2000\n"
	    "a 5 [000] 1.000005: kmem:mm_page_alloc_extfrag: page=0x1 pfn=0x400 alloc_order=0 "
	    "fallback_order=9 pageblock_order=9 alloc_migratetype=0 fallback_migratetype=1 fragmenting=0 "
	    "change_ownership=1\n",
	    "switch 0\npage_alloc frame=0x3039 gfp=0x1 type=0x2\n"
	    "page_alloc gfp=0x2 order=0x9 type=0x1 at 1000 failed\n"
	    "kmem_alloc address=0xffff88003f6d2000 bytes=0xa granted=0x10 gfp=0x3 at 2000\n"
	    "kmem_free address=0xffff88003f6d2000 at 3000\n"
	    "extfrag frame=0x400 from=0x1 of=0x9 flags=0x2 at 4000\n",
	    "");
}

static void the_rest_of_the_kernel(void **state)
{
	(void)state;
	foreign_expect(
	    NULL,
	    "a 5 1.000001: kmem:mm_page_alloc_zone_locked: page=0x1 pfn=0x7 order=1 migratetype=1 "
	    "percpu_refill=1\n"
	    "a 5 1.000001: kmem:mm_page_pcpu_drain: page=0x1 pfn=0x7 order=1 migratetype=1\n"
	    "a 5 1.000001: vmalloc:alloc_vmap_area: va_start: 18446683600570023936 size=20480 align=16384 "
	    "vstart=0xffffc90000000000 vend=0xffffe8ffffffffff failed=0\n"
	    "a 5 1.000001: vmalloc:free_vmap_area_noflush: va_start=0xffffc90000000000 nr_lazy=5 "
	    "nr_lazy_max=9\n"
	    "a 5 1.000001: vmalloc:purge_vmap_area_lazy: start=0x1000 end=0x5000 num_purged=3\n"
	    "a 5 1.000001: vmscan:mm_vmscan_direct_reclaim_begin: order=2 gfp_flags=GFP_KERNEL\n"
	    "a 5 1.000001: vmscan:mm_vmscan_direct_reclaim_end: nr_reclaimed=32\n"
	    "a 5 1.000001: vmscan:mm_vmscan_kswapd_wake: nid=1 order=4\n"
	    "a 5 1.000001: vmscan:mm_vmscan_kswapd_sleep: nid=1\n"
	    "a 5 1.000001: compaction:mm_compaction_begin: zone_start=0x1000 migrate_pfn=0x2000 "
	    "free_pfn=0x9000 "
	    "zone_end=0xa000, mode=sync\n"
	    "a 5 1.000001: compaction:mm_compaction_end: zone_start=0x1000 migrate_pfn=0x3000 "
	    "free_pfn=0x8000 "
	    "zone_end=0xa000, mode=async status=partial\n"
	    "a 5 1.000001: migrate:mm_migrate_pages: nr_succeeded=30 nr_failed=2 nr_thp_succeeded=0 mode=x "
	    "reason=y\n"
	    "a 5 1.000001: kmem:rss_stat: mm_id=3 curr=1\n",
	    "zone_locked frame=0x7 order=0x1 type=0x1 flags=0x1\npcpu_drain frame=0x7 order=0x1 type=0x1\n"
	    "vmalloc address=0xffffc90000000000 bytes=0x5000 order=0xe\nvfree address=0xffffc90000000000\n"
	    "vmap_purge address=0x1000 bytes=0x4000 x3\nreclaim_begin gfp=0x1 order=0x2\nreclaim_end x32\n"
	    "kswapd_wake node=0x1 order=0x4\nkswapd_sleep node=0x1\n"
	    "compact_begin frame=0x2000 pages=0x7000 flags=0x4\ncompact_end frame=0x3000 pages=0x5000\n"
	    "migrate pages=0x2 x30\n",
	    "");
}

static void kernel_nonsense(void **state)
{
	(void)state;
	foreign_expect(
	    "perf-script",
	    "a 5 1.000001: kmem:mm_page_free: page=0x1 pfn=0x7 order=1\n"
	    "a 5 1.000001: kmem:mm_page_free: page=0x1 pfn=0x7\n"
	    "a 5 1.000001: kmem:mm_page_free: page=0x1 pfn=seven order=1\n"
	    "a 5 1.000001: kmem:mm_page_free: page=0x1 pfn=0x7 order=64\n"
	    "a 5 1.000001: kmem:mm_page_alloc: page=0x1 pfn=0 order=1 migratetype=1 gfp_flags=x\n"
	    "a 5 1.000001: kmem:mm_page_alloc: page=0x1 pfn=0x1 order=1 migratetype=16 gfp_flags=x\n"
	    "a 5 1.000001: kmem:kfree: ptr\n",
	    "page_free frame=0x7 order=0x1\n", "line not understood: 6\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(kernel_of_today),
					   cmocka_unit_test(kernel_of_old),
					   cmocka_unit_test(the_rest_of_the_kernel),
					   cmocka_unit_test(kernel_nonsense),
					   cmocka_unit_test(software_events),
					   cmocka_unit_test(tracepoints),
					   cmocka_unit_test(both_events),
					   cmocka_unit_test(records),
					   cmocka_unit_test(faults_without_addresses),
					   cmocka_unit_test(what_is_not_understood)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
