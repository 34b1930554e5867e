/* The views of a whole machine: its numbers, letter by letter. Their form beside the running kernel's is tests/cli/proc.sh's. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/proc/buddyinfo.h"
#include "bench/proc/extfrag_index.h"
#include "bench/proc/iomem.h"
#include "bench/proc/machine_sums.h"
#include "bench/proc/meminfo.h"
#include "bench/proc/pagetypeinfo.h"
#include "bench/proc/slabinfo.h"
#include "bench/proc/stat_names.h"
#include "bench/proc/unusable_index.h"
#include "bench/proc/vmallocinfo.h"
#include "bench/proc/vmstat.h"
#include "bench/proc/zoneinfo.h"
#include "engine/phys/slabinfo.h"

#include <stdlib.h>
#include <string.h>

/* 128 MiB: 16 of DMA, whose first is reserved, and 112 of DMA32. */
#define PAGES ((uint64_t)32768)

typedef void view(const struct proc_machine *machine, FILE *out);

static char *printed(view *print, const struct proc_machine *machine)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	assert_non_null(file);
	print(machine, file);
	assert_int_equal(fclose(file), 0);
	return text;
}

static void prints(view *print, const struct proc_machine *machine, const char *expected)
{
	char *text = printed(print, machine);

	assert_string_equal(text, expected);
	free(text);
}

/* One line after the other, perhaps with others between them. */
static void has(view *print, const struct proc_machine *machine, const char *const *lines)
{
	char *text = printed(print, machine);
	const char *at = text;

	for (; *lines; lines++) {
		const char *found = strstr(at, *lines);

		if (!found)
			fail_msg("'%s' is not in, or not in its place of\n%s", *lines, text);
		at = found ? found + strlen(*lines) : at;
	}
	free(text);
}

static void lacks(view *print, const struct proc_machine *machine, const char *what)
{
	char *text = printed(print, machine);

	if (strstr(text, what))
		fail_msg("'%s' is in\n%s", what, text);
	free(text);
}

static void boot(struct memory *memory, enum zone_keeper keeper)
{
	const struct memory_shape shape = {.size = {.pages = PAGES},
					   .backing = ARENA_NONE,
					   .max_order = 10,
					   .cpus = 2,
					   .tuning = PCP_TUNED,
					   .keeper = keeper};

	assert_int_equal(memory_create(memory, &shape), STATUS_OK);
}

/* --- Free blocks ------------------------------------------------------------------------------------------------------------ */

static void test_free_blocks(void **state)
{
	static const enum zone_keeper keepers[] = {ZONE_BITMAPS, ZONE_LISTS, ZONE_TYPED};
	const struct zone_request single = {.order = 0, .type = MIGRATE_MOVABLE, .cpu = -1};
	struct memory memory;
	const struct proc_machine machine = {.memory = &memory, .unknown = "?"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		boot(&memory, keepers[i]);
		pfn_t pfn = zone_take(&memory.zone[1], &single);

		assert_int_not_equal(pfn, PFN_NONE);
		prints(proc_buddyinfo, &machine,
		       "Node 0, zone      DMA      0      0      0      0      0      0      0      0      1 "
		       "     1      3 \n"
		       "Node 0, zone    DMA32      1      1      1      1      1      1      1      1      1 "
		       "     1     27 \n");
		prints(proc_unusable_index, &machine,
		       "Node 0, zone      DMA 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.066 "
		       "0.200 \n"
		       "Node 0, zone    DMA32 0.000 0.000 0.000 0.000 0.000 0.001 0.002 0.004 0.008 0.017 "
		       "0.035 \n");
		prints(proc_extfrag_index, &machine,
		       "Node 0, zone      DMA -1.000 -1.000 -1.000 -1.000 -1.000 -1.000 -1.000 -1.000 -1.000 "
		       "-1.000 -1.000 \n"
		       "Node 0, zone    DMA32 -1.000 -1.000 -1.000 -1.000 -1.000 -1.000 -1.000 -1.000 -1.000 "
		       "-1.000 -1.000 \n");
		zone_free(&memory.zone[1], -1, pfn, 0);
		memory_destroy(&memory);
	}
}

/* As the kernel divides: 1000 - (1000 + pages * 1000 / 2^order) / blocks. */
static void test_index_of_a_request_that_fails(void **state)
{
	const struct free_blocks singles = {{100}}, mixed = {{3, 1, 2}}, one = {{1}}, none = {{0}};

	(void)state;
	assert_int_equal(extfrag_index_thousandths(&singles, 0), -1000);
	assert_int_equal(extfrag_index_thousandths(&singles, 3), 865); /* 1000 - 13500 / 100 */
	assert_int_equal(extfrag_index_thousandths(&singles, 9), 989); /* 1000 - 1195 / 100 */
	assert_int_equal(extfrag_index_thousandths(&mixed, 2), -1000);
	assert_int_equal(extfrag_index_thousandths(&mixed, 3), 563); /* 1000 - 2625 / 6 */
	assert_int_equal(extfrag_index_thousandths(&one, 1), -500);
	assert_int_equal(extfrag_index_thousandths(&none, 3), 0);
	assert_int_equal(unusable_index_thousandths(&mixed, 2), 384); /* 5 of 13 */
	assert_int_equal(unusable_index_thousandths(&none, 0), 1000);
}

static void test_migrate_types(void **state)
{
	static const char *const all[] = {
	    "Page block order: 9\nPages per block:  512\n\nFree pages count per migrate type at order       "
	    "0      1 ",
	    "\nNode    0, zone      DMA, type    Unmovable      0 ",
	    "\nNode    0, zone      DMA, type      Movable      0 ",
	    "      1      1      3 \nNode    0, zone      DMA, type  Reclaimable      0 ",
	    "\nNode    0, zone    DMA32, type   HighAtomic      0 ",
	    "\nNode    0, zone    DMA32, type          CMA      0 ",
	    "\n\nNumber of blocks type     Unmovable      Movable  Reclaimable   HighAtomic          CMA     "
	    " Isolate \n"
	    "Node 0, zone      DMA            0            8            0            0            0          "
	    "  0 \n"
	    "Node 0, zone    DMA32            1           55            0            0            0          "
	    "  0 \n",
	    NULL};
	static const char *const ungrouped[] = {"zone      DMA, type    Unmovable      0      0      0      "
						"0      0      0      0      0      1      1      3 \n",
						"Node 0, zone    DMA32           56            0            "
						"0            0            0            0 \n",
						NULL};
	static const char without_cma[] = "x\nNumber of blocks type     Unmovable      Movable\nNode 0 CMA\n";
	struct memory memory;
	struct proc_machine machine = {.memory = &memory, .unknown = "?"};

	(void)state;
	boot(&memory, ZONE_LISTS);
	pageblock_set_type(&memory.zone[1].pageblocks, memory.zone[1].first, MIGRATE_UNMOVABLE);
	has(proc_pagetypeinfo, &machine, all);
	machine.recorded.pagetypeinfo = without_cma;
	lacks(proc_pagetypeinfo, &machine, "CMA");
	lacks(proc_pagetypeinfo, &machine, "Isolate");
	pageblock_set_isolated(&memory.zone[1].pageblocks, memory.zone[1].first, true);
	const char *const isolated[] = {"type     Unmovable      Movable      Isolate \n", NULL};

	has(proc_pagetypeinfo, &machine, isolated);
	memory.zone[0].lists->order[0].blocks[MIGRATE_MOVABLE] = 99999;
	memory.zone[0].lists->order[1].blocks[MIGRATE_MOVABLE] = 100001;
	const char *const cut_off[] = {"type      Movable  99999 >100000      0 ", NULL};

	has(proc_pagetypeinfo, &machine, cut_off);
	memory_destroy(&memory);
	boot(&memory, ZONE_BITMAPS);
	machine.recorded.pagetypeinfo = NULL;
	has(proc_pagetypeinfo, &machine, ungrouped);
	memory_destroy(&memory);
}

/* A hole counts where it shares a section of 128 MiB with memory. */
static void test_pageblocks_of_holes(void **state)
{
	struct memory_description description;
	struct memory memory;
	uint64_t blocks[MIGRATE_TYPES];

	(void)state;
	assert_int_equal(memory_describe(&description, &(struct memory_size){.pages = 8 * PAGES}), STATUS_OK);
	memset(&description.present, 0, sizeof(description.present));
	description.present.count = 3;
	description.present.range[0] = (struct memblock_range){1, PAGES + 512};
	description.present.range[1] = (struct memblock_range){PAGES + 1024, PAGES + 2048};
	description.present.range[2] = (struct memblock_range){7 * PAGES, 8 * PAGES};
	const struct memory_shape shape = {
	    .description = &description, .max_order = 10, .keeper = ZONE_LISTS};

	assert_int_equal(memory_create(&memory, &shape), STATUS_OK);
	pagetypeinfo_blocks(&memory, &memory.zone[1], blocks);
	assert_int_equal(blocks[MIGRATE_MOVABLE], 3 * PAGES / 512 - 8);
	memory_destroy(&memory);
}

/* --- Zones ------------------------------------------------------------------------------------------------------------------ */

static void test_zones(void **state)
{
	static const char *const lines[] = {
	    "Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon ?\n",
	    "\n      nr_kernel_file_pages ?\n  pages free     3840\n        boost    0\n        min      ",
	    "\n        spanned  4096\n        present  4096\n        managed  3840\n        cma      0\n     "
	    "   protection: (0, ",
	    ")\n      nr_free_pages 3840\n      nr_free_pages_blocks 3584\n      nr_zone_inactive_anon ?\n",
	    "\n      nr_free_cma  0\n      numa_hit     ?\n",
	    "\n  pagesets\n    cpu: 0\n              count:    0\n              high:     ",
	    "\n              high_max: ",
	    "\n  vm stats threshold: 4\n    cpu: 1\n",
	    "\n  vm stats threshold: 4\n  node_unreclaimable:  0\n  start_pfn:           0\nNode 0, zone    "
	    "DMA32\n  pages free     28672\n",
	    "\nNode 0, zone   Normal\n  pages free     0\n        boost    0\n        min      0\n",
	    "\n        cma      0\n        protection: (0, 0, 0, 0, 0)\n"
	    "Node 0, zone  Movable\n  pages free     0\n        boost    0\n        min      32\n        low "
	    "     32\n",
	    "\nNode 0, zone   Device\n",
	    NULL};
	static const char *const recorded[] = {
	    "per-node stats\n      nr_one       ?\n      nr_a_rather_long_name ?\n  pages free     3840\n",
	    ")\n      nr_free_pages 3840\n      nr_other     ?\n  pagesets\n", NULL};
	static const char text[] =
	    "Node 0, zone   DMA\n  per-node stats\n      nr_one 1\n      nr_a_rather_long_name 2\n"
	    "  pages free     17\n        protection: (0)\n"
	    "Node 0, zone   DMA32\n        protection: (0)\n"
	    "      nr_free_pages 17\n      nr_other 3\n  pagesets\n";
	struct memory memory;
	struct proc_machine machine = {.memory = &memory, .unknown = "?"};

	(void)state;
	boot(&memory, ZONE_LISTS);
	has(proc_zoneinfo, &machine, lines);
	machine.recorded.zoneinfo = text;
	has(proc_zoneinfo, &machine, recorded);
	lacks(proc_zoneinfo, &machine, "nr_inactive_anon");
	machine.recorded.zoneinfo = "per-node stats";
	machine.unknown = "0";
	lacks(proc_zoneinfo, &machine, "?");
	memory_destroy(&memory);
}

/* As Linux 6.18 printed it for these zones on a machine with two processors. */
static void test_thresholds(void **state)
{
	struct zone zone = {.managed_pages = 3840};

	(void)state;
	assert_int_equal(zoneinfo_threshold(&zone, 2), 4);
	zone.managed_pages = 772917;
	assert_int_equal(zoneinfo_threshold(&zone, 2), 24);
	zone.managed_pages = 5394266;
	assert_int_equal(zoneinfo_threshold(&zone, 2), 36);
	assert_int_equal(zoneinfo_threshold(&zone, 1024), 125);
}

/* --- Numbers of the machine --------------------------------------------------------------------------------------------------- */

static size_t count_names(enum stat_part part, const char *text)
{
	struct stat_names names;
	struct stat_name name;
	size_t count = 0;

	stat_names_begin(&names, part, text);
	while (stat_names_next(&names, &name))
		count++;
	return count;
}

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(count_names(STAT_ZONE, NULL), 17);
	assert_int_equal(count_names(STAT_NODE, NULL), 51);
	assert_true(count_names(STAT_ALL, NULL) > 170);
	assert_int_equal(count_names(STAT_ALL, ""), 0);
	assert_int_equal(count_names(STAT_ALL, "a 1\nb 2\nno number\nc 3\n"), 2);
	assert_int_equal(count_names(STAT_ALL, "a 1\nb"), 1);
	assert_int_equal(count_names(STAT_ALL, "a 1"), 1);
}

static void test_vmstat(void **state)
{
	static const char text[] =
	    "nr_free_pages 1\nnr_memmap_boot_pages 98304\npgpgin 4\nnr_free_cma 5\npgfault 6\n";
	struct memory memory;
	struct proc_machine machine = {.memory = &memory, .unknown = "-"};

	(void)state;
	boot(&memory, ZONE_LISTS);
	machine.recorded.vmstat = text;
	prints(proc_vmstat, &machine,
	       "nr_free_pages 32512\nnr_memmap_boot_pages 98304\npgpgin -\nnr_free_cma 0\npgfault -\n");
	machine.recorded.vmstat = NULL;
	const char *const lines[] = {"nr_free_pages 32512\nnr_free_pages_blocks 32256\n", "\npgpgin -\n",
				     "\nnr_unstable -\n", NULL};

	has(proc_vmstat, &machine, lines);
	memory_destroy(&memory);
}

static void test_meminfo(void **state)
{
	static const char text[] = "MemTotal:            1 kB\nMemFree:             2 kB\nMemAvailable:      "
				   "  3 kB\nDirty:               4 kB\n"
				   "VmallocTotal:   34359738367 kB\nHugePages_Free:        5\nHugepagesize:  "
				   "     2048 kB\nOther:   1 kB\nno colon";
	struct memory memory;
	struct proc_machine machine = {.memory = &memory, .unknown = "?"};

	(void)state;
	boot(&memory, ZONE_BITMAPS);
	machine.recorded.meminfo = text;
	prints(proc_meminfo, &machine,
	       "MemTotal:         130048 kB\nMemFree:          130048 kB\nMemAvailable:          ? kB\n"
	       "Dirty:                 ? kB\nVmallocTotal:   34359738367 kB\nHugePages_Free:        ?\n"
	       "Hugepagesize:       2048 kB\nOther:                 ? kB\nno colon:              ? kB\n");
	machine.recorded.meminfo = NULL;
	const char *const lines[] = {"MemTotal:         130048 kB\n", "AnonPages:             ? kB\n",
				     "HugePages_Total:       ?\n", "Hugepagesize:          ? kB\n", NULL};

	has(proc_meminfo, &machine, lines);
	memory_destroy(&memory);
}

/* What is said of processes: two pages of one, a file's page that it maps and one that nobody does. */
static void test_users(void **state)
{
	struct memory memory;
	struct frames frames;
	struct proc_users users = {
	    .frames = &frames, .table_pages = 5, .promised_pages = 7, .minor = 3, .major = 1};
	const struct proc_machine machine = {.memory = &memory, .users = &users, .unknown = "?"};

	(void)state;
	boot(&memory, ZONE_BITMAPS);
	assert_int_equal(frames_create(&frames, page_source_of_memory(&memory), &memory.pages, HUGE_ORDER),
			 STATUS_OK);
	const pfn_t huge = frames_take_anonymous(&frames, HUGE_ORDER);
	const pfn_t single = frames_take_anonymous(&frames, 0);
	const pfn_t mapped = frames_take_cached(&frames), cached = frames_take_cached(&frames);

	frames_map(&frames, huge, true);
	frames_map(&frames, single, false);
	frames_map(&frames, mapped, false);
	const char *const of_vmstat[] = {"nr_anon_pages 513\nnr_mapped 1\nnr_file_pages 2\n",
					 "\nnr_shmem 0\n",
					 "\nnr_anon_transparent_hugepages 1\n",
					 "\nnr_page_table_pages 5\n",
					 "\npgfault 4\npgmajfault 1\n",
					 NULL};
	const char *const of_meminfo[] = {
	    "\nCached:                8 kB\n", "\nAnonPages:          2052 kB\nMapped:                4 kB\n",
	    "\nPageTables:           20 kB\n", "\nCommitted_AS:         28 kB\n",
	    "\nAnonHugePages:      2048 kB\n", NULL};

	has(proc_vmstat, &machine, of_vmstat);
	has(proc_meminfo, &machine, of_meminfo);
	frames_unmap(&frames, mapped, false);
	frames_unmap(&frames, single, false);
	frames_unmap(&frames, huge, true);
	frames_drop_cached(&frames, mapped);
	frames_drop_cached(&frames, cached);
	frames_destroy(&frames);
	memory_destroy(&memory);
}

/* --- The kernel --------------------------------------------------------------------------------------------------------------- */

static const char *name_of(const void *context, uint64_t caller)
{
	return caller == 0x94 ? context : NULL;
}

static void test_kernel(void **state)
{
	const struct kernel_memory_shape shape = {.cpus = 2, .seed = 1};
	const struct gfp gfp = {.flags = GFP_KERNEL, .cpu = 0};
	const struct kmem_cache_args args = {
	    .name = "inode_cache", .object_bytes = 624, .flags = SLAB_RECLAIM_ACCOUNT};
	struct memory memory;
	struct kernel_memory kernel;
	const struct proc_machine machine = {.memory = &memory,
					     .kernel = &kernel,
					     .caller_name = name_of,
					     .caller_context = "kernel_clone+0x94/0x3e0",
					     .unknown = "?"};
	struct kmem_cache *cache;

	(void)state;
	boot(&memory, ZONE_LISTS);
	assert_int_equal(kernel_memory_create(&kernel, &memory, policy_find("linux"), &shape), STATUS_OK);
	assert_int_equal(kmem_cache_create(&kernel.slabs, &args, &cache), STATUS_OK);
	const uintptr_t object = kmem_cache_alloc(cache, &gfp);
	const struct vmalloc_request request = {.bytes = 4 * PAGE_BYTES, .caller = 0x94};
	const uintptr_t area = vmalloc_range(&kernel.space, &gfp, &request);

	assert_true(object != 0 && area != 0);
	const char *const of_slabinfo[] = {"slabinfo - version: 2.1\n# name            <active_objs>",
					   "<sharedavail>\ninode_cache           13     13    624   13    2 "
					   ": tunables    0    0    0 : slabdata      1      1      0\n",
					   NULL};
	const char *const of_vmstat[] = {"\nnr_slab_reclaimable 2\nnr_slab_unreclaimable 0\n", NULL};
	const char *const of_meminfo[] = {"\nKReclaimable:          8 kB\nSlab:                  8 kB\n",
					  "\nVmallocUsed:          16 kB\n", NULL};
	const char *const of_vmallocinfo[] = {"   20480 kernel_clone+0x94/0x3e0 pages=4 vmalloc N0=4\n",
					      NULL};
	const char *const of_freed[] = {"   20480 unpurged vm_area\n", NULL};

	has(proc_slabinfo, &machine, of_slabinfo);
	has(proc_vmstat, &machine, of_vmstat);
	has(proc_meminfo, &machine, of_meminfo);
	has(proc_vmallocinfo, &machine, of_vmallocinfo);
	vfree(&kernel.space, 0, area);
	has(proc_vmallocinfo, &machine, of_freed);
	kmem_cache_free(cache, 0, object);
	kernel_memory_destroy(&kernel);
	memory_destroy(&memory);
}

static void test_a_machine_without_a_kernel(void **state)
{
	struct memory memory;
	const struct proc_machine machine = {.memory = &memory, .unknown = "?"};

	(void)state;
	boot(&memory, ZONE_BITMAPS);
	prints(proc_slabinfo, &machine, slabinfo_header());
	prints(proc_vmallocinfo, &machine, "");
	memory_destroy(&memory);
}

/* --- Where memory lies -------------------------------------------------------------------------------------------------------- */

static void test_iomem(void **state)
{
	static const char text[] = "00000000-00000fff : Reserved\n"
				   "00001000-0009fbff : System RAM\n"
				   "00100000-07ffffff : System RAM\n"
				   "  01000000-02209987 : Kernel code\n"
				   "10000000-1fffffff : System RAM\n"
				   "  11000000-12ffffff : Crash kernel\n"
				   "c0001000-eebfffff : PCI Bus 0000:00";
	static const char expected[] = "00000000-00000fff : Reserved\n"
				       "00001000-0009fbff : System RAM\n"
				       "00100000-07ffffff : System RAM\n"
				       "  01000000-02209987 : Kernel code\n"
				       "c0001000-eebfffff : PCI Bus 0000:00\n";
	struct memory memory;
	struct proc_machine machine = {.memory = &memory, .unknown = "?"};

	(void)state;
	boot(&memory, ZONE_BITMAPS);
	prints(proc_iomem, &machine, "00000000-07ffffff : System RAM\n  00000000-000fffff : reserved\n");
	machine.recorded.iomem = text;
	prints(proc_iomem, &machine, expected);
	memory_destroy(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_free_blocks),	  cmocka_unit_test(test_index_of_a_request_that_fails),
	    cmocka_unit_test(test_migrate_types), cmocka_unit_test(test_pageblocks_of_holes),
	    cmocka_unit_test(test_zones),	  cmocka_unit_test(test_thresholds),
	    cmocka_unit_test(test_names),	  cmocka_unit_test(test_vmstat),
	    cmocka_unit_test(test_meminfo),	  cmocka_unit_test(test_users),
	    cmocka_unit_test(test_kernel),	  cmocka_unit_test(test_a_machine_without_a_kernel),
	    cmocka_unit_test(test_iomem)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
