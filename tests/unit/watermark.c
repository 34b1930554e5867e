#include "config.h"

#include "engine/phys/watermark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

#define ZONES_MAX 8u

/* What a kernel says about one zone in /proc/zoneinfo. */
struct seen {
	struct zone zone; /* kind and managed pages: what is computed from */
	uint64_t mark[WATERMARKS];
	uint64_t protection[ZONE_KINDS];
	struct pcp_figures sets;
	bool has_sets;
};

struct seen_machine {
	unsigned nodes, zones, cpus;
	struct seen seen[ZONES_MAX];
	bool is_odd; /* a zone that is not modelled has pages */
};

/* A virtual machine of 24 GiB with two processors, Linux 6.18.44, some time after its start. */
static const char recorded[] = "Node 0, zone      DMA\n"
			       "        boost    0\n"
			       "        min      12\n"
			       "        low      15\n"
			       "        high     18\n"
			       "        promo    21\n"
			       "        managed  3840\n"
			       "        protection: (0, 3019, 19531, 19531, 19531)\n"
			       "    cpu: 0\n"
			       "              batch:    1\n"
			       "              high_min: 7\n"
			       "              high_max: 240\n"
			       "    cpu: 1\n"
			       "Node 0, zone    DMA32\n"
			       "        boost    0\n"
			       "        min      2609\n"
			       "        low      3381\n"
			       "        high     4153\n"
			       "        promo    4925\n"
			       "        managed  772917\n"
			       "        protection: (0, 0, 16512, 16512, 16512)\n"
			       "    cpu: 0\n"
			       "              batch:    63\n"
			       "              high_min: 1690\n"
			       "              high_max: 48307\n"
			       "    cpu: 1\n"
			       "Node 0, zone   Normal\n"
			       "        boost    0\n"
			       "        min      14273\n"
			       "        low      18500\n"
			       "        high     22727\n"
			       "        promo    26954\n"
			       "        managed  4227072\n"
			       "        protection: (0, 0, 0, 0, 0)\n"
			       "    cpu: 0\n"
			       "              batch:    63\n"
			       "              high_min: 9250\n"
			       "              high_max: 264192\n"
			       "    cpu: 1\n"
			       "Node 0, zone  Movable\n"
			       "        boost    0\n"
			       "        min      32\n"
			       "        low      32\n"
			       "        high     32\n"
			       "        promo    32\n"
			       "        managed  0\n"
			       "        protection: (0, 0, 0, 0, 0)\n"
			       "Node 0, zone   Device\n"
			       "        managed  0\n";
#define RECORDED_MIN_FREE_KBYTES 67584u

static bool kind_of(const char *name, enum zone_kind *kind)
{
	for (unsigned i = 0; i < ZONE_KINDS; i++) {
		if (strcmp(zone_kind_name((enum zone_kind)i), name) == 0) {
			*kind = (enum zone_kind)i;
			return true;
		}
	}
	return false;
}

static uint64_t number_after(const char *line, const char *word)
{
	const char *at = strstr(line, word);

	return at ? strtoull(at + strlen(word), NULL, 10) : UINT64_MAX;
}

/* x86-64 prints its five zones: DMA, DMA32, Normal, Movable, Device. */
static void read_protection(struct seen *seen, const char *line)
{
	static const enum zone_kind printed[] = {ZONE_DMA, ZONE_DMA32, ZONE_NORMAL, ZONE_MOVABLE};
	const char *at = strchr(line, '(') + 1;

	for (size_t i = 0; i < sizeof(printed) / sizeof(printed[0]); i++) {
		char *end;

		seen->protection[printed[i]] = strtoull(at, &end, 10);
		at = end + 1;
	}
}

static void read_line(struct seen_machine *machine, const char *line)
{
	static const char *const marks[WATERMARKS] = {"        min ", "        low ", "        high ",
						      "        promo "};
	const char *kind = strstr(line, ", zone ");

	if (strncmp(line, "Node ", 5) == 0 && kind) {
		unsigned node = (unsigned)number_after(line, "Node ");
		char name[32] = "";
		struct seen *next = &machine->seen[machine->zones < ZONES_MAX - 1 ? machine->zones++ : 0];

		kind += strlen(", zone ");
		kind += strspn(kind, " ");
		memcpy(name, kind, strcspn(kind, " \n") % sizeof(name));
		*next = (struct seen){.zone = {.node = node}};
		machine->nodes = node + 1;
		if (!kind_of(name, &next->zone.kind))
			next->zone.kind = ZONE_KINDS;
		return;
	}
	if (machine->zones == 0)
		return;
	struct seen *seen = &machine->seen[machine->zones - 1];

	for (unsigned i = 0; i < WATERMARKS; i++) {
		if (strncmp(line, marks[i], strlen(marks[i])) == 0)
			seen->mark[i] = number_after(line, marks[i]) - seen->zone.boost;
	}
	if (strncmp(line, "        boost ", 14) == 0)
		seen->zone.boost = number_after(line, "boost ");
	if (strncmp(line, "        managed ", 16) == 0)
		seen->zone.managed_pages = number_after(line, "managed ");
	if (strstr(line, "protection: ("))
		read_protection(seen, line);
	if (strncmp(line, "    cpu: ", 9) == 0) {
		unsigned cpus = (unsigned)number_after(line, "cpu: ") + 1;

		machine->cpus = cpus > machine->cpus ? cpus : machine->cpus;
	}
	if (strstr(line, " batch: "))
		seen->sets.batch = (uint32_t)number_after(line, "batch: ");
	if (strstr(line, " high_min: "))
		seen->sets.high_min = (uint32_t)number_after(line, "high_min: ");
	if (strstr(line, " high_max: ")) {
		seen->sets.high_max = (uint32_t)number_after(line, "high_max: ");
		seen->has_sets = true;
	}
}

static void read_machine(struct seen_machine *machine, FILE *file)
{
	char line[512];

	*machine = (struct seen_machine){.zones = 0};
	while (fgets(line, sizeof(line), file))
		read_line(machine, line);
	for (unsigned i = 0; i < machine->zones; i++) {
		if (machine->seen[i].zone.kind != ZONE_KINDS)
			continue;
		machine->is_odd |= machine->seen[i].zone.managed_pages != 0;
		machine->seen[i] = machine->seen[--machine->zones];
	}
}

/* Computes everything from the managed pages and compares it. */
static void compare(const struct seen_machine *machine, const struct watermark_settings *settings)
{
	struct zone zone[ZONES_MAX];

	memset(zone, 0, sizeof(zone));
	for (unsigned i = 0; i < machine->zones; i++) {
		zone[i].kind = machine->seen[i].zone.kind;
		zone[i].managed_pages = machine->seen[i].zone.managed_pages;
		zone[i].local_cpus = machine->cpus;
	}
	(void)watermarks_set(zone, machine->zones, settings);
	for (unsigned i = 0; i < machine->zones; i++) {
		const struct seen *seen = &machine->seen[i];
		struct pcp_figures figures = zone_pcp_figures(&zone[i]);

		for (unsigned mark = 0; mark < WATERMARKS; mark++)
			assert_int_equal(zone[i].watermark[mark], seen->mark[mark]);
		for (unsigned kind = 0; kind < ZONE_KINDS; kind++) {
			if (kind != ZONE_HIGHMEM)
				assert_int_equal(zone[i].lowmem_reserve[kind], seen->protection[kind]);
		}
		if (!seen->has_sets || seen->zone.managed_pages == 0)
			continue;
		assert_int_equal(figures.batch, seen->sets.batch);
		assert_int_equal(figures.high_min, seen->sets.high_min);
		assert_int_equal(figures.high_max, seen->sets.high_max);
	}
}

static void test_recorded_machine(void **state)
{
	struct watermark_settings settings = {.huge_pages = true};
	struct seen_machine machine;
	FILE *file = fmemopen((void *)(uintptr_t)recorded, sizeof(recorded) - 1, "r");
	struct zone zone[ZONES_MAX];

	(void)state;
	assert_non_null(file);
	read_machine(&machine, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(machine.zones, 4);
	assert_int_equal(machine.cpus, 2);
	memset(zone, 0, sizeof(zone));
	for (unsigned i = 0; i < machine.zones; i++) {
		zone[i].kind = machine.seen[i].zone.kind;
		zone[i].managed_pages = machine.seen[i].zone.managed_pages;
	}
	assert_int_equal(watermark_min_free_kbytes(zone, machine.zones, &settings), RECORDED_MIN_FREE_KBYTES);
	compare(&machine, &settings);
	settings.huge_pages = false;
	assert_int_equal(watermark_min_free_kbytes(zone, machine.zones, &settings), 17895);
}

static uint64_t read_number(const char *path)
{
	char line[128];
	FILE *file = fopen(path, "re");
	uint64_t number = UINT64_MAX;

	if (file && fgets(line, sizeof(line), file))
		number = strtoull(line, NULL, 10);
	if (file)
		(void)fclose(file);
	return number;
}

/* Since 6.8 page sets have high_min and high_max; since then the rules are those of 6.18. */
static bool is_known_kernel(void)
{
	struct utsname name;
	char *minor;

	if (uname(&name) != 0 || strcmp(name.machine, "x86_64") != 0)
		return false;
	unsigned long major = strtoul(name.release, &minor, 10);

	return major > 6 || (major == 6 && *minor == '.' && strtoul(minor + 1, NULL, 10) >= 8);
}

static bool has_default_ratios(void)
{
	static const unsigned long usual[] = {256, 256, 32, 0};
	FILE *file = fopen("/proc/sys/vm/lowmem_reserve_ratio", "re");
	char line[128] = "";
	bool same = file && fgets(line, sizeof(line), file);
	char *at = line;

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		char *end;

		same = strtoul(at, &end, 10) == usual[i] && end != at && same;
		at = end;
	}
	if (file)
		(void)fclose(file);
	return same;
}

static void test_running_kernel(void **state)
{
	struct watermark_settings settings = {
	    .min_free_kbytes = read_number("/proc/sys/vm/min_free_kbytes"),
	    .scale_factor = (uint32_t)read_number("/proc/sys/vm/watermark_scale_factor")};
	struct seen_machine machine = {.zones = 0};
	FILE *file = fopen("/proc/zoneinfo", "re");

	(void)state;
	if (file) {
		read_machine(&machine, file);
		(void)fclose(file);
	}
	if (!is_known_kernel() || machine.zones == 0 || machine.nodes != 1 || machine.is_odd ||
	    !has_default_ratios() || settings.min_free_kbytes == UINT64_MAX ||
	    read_number("/proc/sys/vm/percpu_pagelist_high_fraction") != 0) {
		print_message("skipped: not a kernel whose /proc/zoneinfo the rules speak of\n");
		skip();
	}
	compare(&machine, &settings);
}

/* HighMem and Movable have small watermarks of their own, and take no part in the share of the others. */
static void test_high_and_movable(void **state)
{
	struct zone zone[3];
	struct watermark_settings settings = {.min_free_kbytes = 4096, .scale_factor = 100};

	(void)state;
	memset(zone, 0, sizeof(zone));
	zone[0].kind = ZONE_NORMAL;
	zone[0].managed_pages = 100000;
	zone[1].kind = ZONE_HIGHMEM;
	zone[1].managed_pages = 50000;
	zone[2].kind = ZONE_MOVABLE;
	zone[2].managed_pages = 200000;
	assert_int_equal(watermarks_set(zone, 3, &settings), 4096);
	assert_int_equal(zone[0].watermark[WATERMARK_MIN], 1024);
	assert_int_equal(zone[0].watermark[WATERMARK_LOW], 2024);
	assert_int_equal(zone[1].watermark[WATERMARK_MIN], 48);
	assert_int_equal(zone[1].watermark[WATERMARK_LOW], 48 + 500);
	assert_int_equal(zone[2].watermark[WATERMARK_MIN], 128);
	assert_int_equal(zone[2].watermark[WATERMARK_PROMO], 128 + 3 * 2000);
	assert_int_equal(zone[0].lowmem_reserve[ZONE_HIGHMEM], 50000 / 32);
	assert_int_equal(zone[0].lowmem_reserve[ZONE_MOVABLE], 250000 / 32);
	assert_int_equal(zone[1].lowmem_reserve[ZONE_MOVABLE], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_recorded_machine),
	    cmocka_unit_test(test_running_kernel),
	    cmocka_unit_test(test_high_and_movable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
