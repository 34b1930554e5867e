#include "config.h"

#include "bench/physical/buddyinfo_text.h"
#include "bench/physical/iomem_text.h"
#include "bench/physical/pagetypeinfo_text.h"
#include "bench/physical/zoneinfo_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "traces/flt.h"
#include "traces/flt_tables.h"

/* What is read, whichever text it is. */
union parsed {
	struct zoneinfo zoneinfo;
	struct buddyinfo buddyinfo;
	struct pagetypeinfo pagetypeinfo;
	struct memblock_list memory;
};

static union parsed parsed;

static enum trace_status parse(const char *name, const void *bytes, size_t length, struct trace_error *error)
{
	const struct event_snapshot snapshot = {name, bytes, length};

	if (strcmp(name, "zoneinfo") == 0)
		return zoneinfo_parse(&parsed.zoneinfo, &snapshot, error);
	if (strcmp(name, "buddyinfo") == 0)
		return buddyinfo_parse(&parsed.buddyinfo, &snapshot, error);
	if (strcmp(name, "pagetypeinfo") == 0)
		return pagetypeinfo_parse(&parsed.pagetypeinfo, &snapshot, error);
	return iomem_parse(&parsed.memory, &snapshot, error);
}

static void good(const char *name, const char *text)
{
	struct trace_error error;

	if (parse(name, text, strlen(text), &error) != TRACE_OK)
		fail_msg("%s", error.message);
}

static void bad(const char *name, const char *text, const char *words)
{
	struct trace_error error;

	if (parse(name, text, strlen(text), &error) == TRACE_OK)
		fail_msg("taken: %s", text);
	if (!strstr(error.message, words))
		fail_msg("'%s' is not in: %s", words, error.message);
}

static void words_and_numbers(void **state)
{
	static const char bytes[] = "a  17 18, 99999999999999999999 (3) \n\nlast";
	const struct event_snapshot snapshot = {"text", bytes, sizeof(bytes) - 1};
	struct proc_text text;
	const char *word;
	size_t length;
	uint64_t number;

	(void)state;
	proc_text_start(&text, &snapshot);
	assert_true(proc_text_line(&text));
	assert_false(proc_text_take(&text, "b"));
	assert_true(proc_text_take(&text, "a"));
	assert_true(proc_text_number(&text, &number, ""));
	assert_int_equal(number, 17);
	assert_false(proc_text_number(&text, &number, ""));
	assert_true(proc_text_number(&text, &number, ","));
	assert_int_equal(number, 18);
	assert_false(proc_text_number(&text, &number, ""));
	assert_true(proc_text_word(&text, &word, &length));
	assert_int_equal(length, 20);
	assert_false(proc_text_number(&text, &number, ")"));
	assert_true(proc_text_word(&text, &word, &length));
	assert_false(proc_text_word(&text, &word, &length));
	assert_true(proc_text_line(&text));
	assert_false(proc_text_number(&text, &number, ""));
	assert_true(proc_text_line(&text));
	assert_int_equal(text.line, 3);
	assert_true(proc_text_take(&text, "last"));
	assert_false(proc_text_line(&text));
}

static void zoneinfo(void **state)
{
	const struct proc_zone normal = {1, ZONE_NORMAL}, dma = {0, ZONE_DMA};

	(void)state;
	/* As 5.4 prints it, but for its longer lists: no boost, no promo, no high_min. */
	good("zoneinfo",
	     "Node 1, zone   Normal\n  pages free     5\n        min      1\n        low      2\n"
	     "        high     3\n        spanned  100\n        present  90\n        managed  80\n"
	     "        protection: (0, 7, 9)\n  pagesets\n    cpu: 3\n              count: 4\n"
	     "              high:  6\n              batch: 2\n  start_pfn:           4096\n"
	     "Node 1, zone   Device\n  pages free     0\n        spanned  7\n");
	assert_null(zoneinfo_find(&parsed.zoneinfo, &dma));
	const struct zoneinfo_zone *zone = zoneinfo_find(&parsed.zoneinfo, &normal);

	assert_non_null(zone);
	assert_int_equal(parsed.zoneinfo.zones, 1);
	assert_int_equal(parsed.zoneinfo.cpus, 4);
	assert_int_equal(zone->free, 5);
	assert_int_equal(zone->watermark[WATERMARK_PROMO], 3);
	assert_int_equal(zone->protections, 3);
	assert_int_equal(zone->protection[2], 9);
	assert_int_equal(zone->first, 4096);
	assert_int_equal(zone->set[3].count, 4);
	assert_int_equal(zone->set[3].high, 6);
	assert_int_equal(zone->set[3].batch, 2);
}

#define ZONE "Node 0, zone Normal\n"

static void zoneinfo_refuses(void **state)
{
	(void)state;
	bad("zoneinfo", "", "no zone with memory");
	bad("zoneinfo", ZONE, "no zone with memory");
	bad("zoneinfo", "Node 0, zone Strange\n", "line 1: there is no zone 'Strange'");
	bad("zoneinfo", "Node 99, zone DMA\n", "node 99");
	bad("zoneinfo", "Node x, zone DMA\n", "Node N, zone NAME");
	bad("zoneinfo", ZONE " min many\n", "line 2: a number belongs behind 'min'");
	bad("zoneinfo", ZONE " pages used 1\n", "pages free");
	bad("zoneinfo", ZONE " cpu: 100000\n", "processor");
	bad("zoneinfo", ZONE " protection: (x)\n", "protection");
	bad("zoneinfo", ZONE " cpu: 0\n count: 99999999999\n", "count:");
	bad("zoneinfo", ZONE " spanned 5\n present 5\n managed 6\n", "cannot be");
	bad("zoneinfo", ZONE " spanned 5\n present 6\n managed 6\n", "cannot be");
	bad("zoneinfo", ZONE " spanned 5\n present 5\n managed 5\n start_pfn: 18446744073709551615\n",
	    "cannot be");
	bad("zoneinfo", ZONE " boost 3\n min 2\n low 9\n high 9\n spanned 5\n present 5\n managed 5\n",
	    "more than min");
	bad("zoneinfo", ZONE " low 1\n min 2\n high 9\n spanned 5\n present 5\n managed 5\n", "do not rise");
	bad("zoneinfo", ZONE " spanned 5\n present 5\n" ZONE, "told twice");
}

static void buddyinfo(void **state)
{
	const struct proc_zone normal = {0, ZONE_NORMAL};

	(void)state;
	good("buddyinfo", "Node 0, zone      DMA      0      1 \nNode 0, zone   Normal     12     34 \n");
	assert_int_equal(parsed.buddyinfo.orders, 2);
	assert_int_equal(buddyinfo_find(&parsed.buddyinfo, &normal)->free.blocks[1], 34);
	bad("buddyinfo", "", "no zone");
	bad("buddyinfo", "buddies\n", "begins with");
	bad("buddyinfo", "Node 0, zone Normal none\n", "0 orders");
	bad("buddyinfo", "Node 0, zone DMA 1 2\nNode 0, zone Normal 1\n",
	    "line 2: it tells the free blocks of 1");
	bad("buddyinfo", "Node 0, zone DMA 1\nNode 0, zone DMA 1\n", "twice");
	bad("buddyinfo", "Node 0, zone DMA 9999999999999\n", "0 orders");
}

static void pagetypeinfo(void **state)
{
	const struct proc_zone normal = {0, ZONE_NORMAL};

	(void)state;
	good("pagetypeinfo",
	     "Page block order: 9\nPages per block:  512\n\nFree pages count per migrate type at order 0 1\n"
	     "Node    0, zone   Normal, type    Unmovable   1390  >100000\n"
	     "Node    0, zone   Normal, type      Isolate      0      1\n\n"
	     "Number of blocks type     Unmovable      Movable      Isolate \n"
	     "Node 0, zone   Normal          174         7625            1 \n\n"
	     "Number of mixed blocks    Unmovable      Movable \n"
	     "Node 0, zone   Normal            9            9 \n");
	const struct pagetypeinfo_zone *zone = pagetypeinfo_find(&parsed.pagetypeinfo, &normal);

	assert_non_null(zone);
	assert_int_equal(zone->free[MIGRATE_UNMOVABLE].blocks[0], 1390);
	assert_int_equal(zone->free[MIGRATE_UNMOVABLE].blocks[1], 100000);
	assert_int_equal(zone->free[MIGRATE_ISOLATE].blocks[1], 1);
	assert_int_equal(zone->blocks[MIGRATE_UNMOVABLE], 174);
	assert_int_equal(zone->blocks[MIGRATE_MOVABLE], 7625);
	assert_int_equal(zone->blocks[MIGRATE_ISOLATE], 1);
	bad("pagetypeinfo", "", "does not tell the pageblocks");
	bad("pagetypeinfo", "Page block order: 10\n", "order 10");
	bad("pagetypeinfo", "Node 0, zone Normal, type Odd 1\n", "migrate type");
	bad("pagetypeinfo", "Node 0, zone Normal, type Movable\n", "no free blocks");
	bad("pagetypeinfo", "Node 0, zone Normal 1 2\n", "heading");
	bad("pagetypeinfo", "Number of blocks type Unmovable Movable\nNode 0, zone Normal 1\n",
	    "line 2: it tells the pageblocks of 1 types, 2 are named");
}

static void iomem(void **state)
{
	(void)state;
	good("iomem", "00000000-00000fff : Reserved\n00001000-0009fbff : System RAM\n"
		      "00100000-bfffffff : System RAM\n  01000000-02209987 : Kernel code\n"
		      "  00200000-002fffff : System RAM (kmem)\n100000000-63fffffff : System RAM\n");
	assert_int_equal(parsed.memory.count, 3);
	assert_int_equal(parsed.memory.range[0].first, 1);
	assert_int_equal(parsed.memory.range[0].end, 0x9f);
	assert_int_equal(parsed.memory.range[2].end, 0x640000);
	bad("iomem", "", "no System RAM");
	bad("iomem", "System RAM\n", "START-END");
	bad("iomem", "1000 : System RAM\n", "START-END");
	bad("iomem", "2000-1000 : System RAM\n", "START-END");
	bad("iomem", "11112222333344445-5 : System RAM\n", "START-END");
	bad("iomem", "00000000-00000000 : System RAM\n", "hidden");
	bad("iomem", "2000-2fff : System RAM\n1000-1fff : System RAM\n", "line 2: ranges of memory rise");
	bad("iomem", "0-ffffffffffffffff : System RAM\n", "end below");
}

/* The texts of a shipped recording. */
static void of_the_sample(void **state)
{
	const char *directory = getenv("srcdir");
	char path[4096];
	struct flt_reader *reader;
	struct trace_error error;
	unsigned texts = 0;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/traces/samples/kernel/gcc-compile.flt",
		       directory ? directory : ".");
	if (flt_reader_open(&reader, path, &error) != TRACE_OK)
		fail_msg("%s", error.message);
	for (uint32_t i = 1; i <= flt_reader_tables(reader)->places.snapshots; i++) {
		struct event_snapshot snapshot;

		assert_int_equal(flt_reader_snapshot(reader, i, &snapshot, &error), TRACE_OK);
		if (strcmp(snapshot.name, "zoneinfo") != 0 && strcmp(snapshot.name, "buddyinfo") != 0 &&
		    strcmp(snapshot.name, "pagetypeinfo") != 0 && strcmp(snapshot.name, "iomem") != 0)
			continue;
		if (parse(snapshot.name, snapshot.bytes, snapshot.length, &error) != TRACE_OK)
			fail_msg("%s", error.message);
		texts++;
	}
	assert_int_equal(texts, 8);
	flt_reader_close(reader);
}

/* The files of the machine that the test runs on. */
static void of_this_machine(void **state)
{
	static const char *const names[] = {"zoneinfo", "buddyinfo", "pagetypeinfo", "iomem"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[64], *bytes = malloc(1 << 22);
		struct trace_error error;

		(void)snprintf(path, sizeof(path), "/proc/%s", names[i]);
		FILE *file = fopen(path, "r");
		size_t length = file && bytes ? fread(bytes, 1, 1 << 22, file) : 0;

		if (file)
			(void)fclose(file);
		if (length == 0)
			print_message("# %s cannot be read here: not tested\n", path);
		else if (parse(names[i], bytes, length, &error) != TRACE_OK &&
			 !strstr(error.message, "hidden"))
			fail_msg("%s", error.message);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words_and_numbers), cmocka_unit_test(zoneinfo),
	    cmocka_unit_test(zoneinfo_refuses),	 cmocka_unit_test(buddyinfo),
	    cmocka_unit_test(pagetypeinfo),	 cmocka_unit_test(iomem),
	    cmocka_unit_test(of_the_sample),	 cmocka_unit_test(of_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
