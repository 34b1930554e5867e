#include "config.h"

#include "engine/phys/slab_geometry.h"

#include <dirent.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#define RECORDED_CPUS 2
#define LINE_BYTES 512

/* A cache as /sys/kernel/slab describes it. */
struct cache {
	char name[128], constructor[128];
	unsigned object_size, align, hwcache_align, destroy_by_rcu;
	unsigned slab_size, order, objs_per_slab, min_partial, cpu_partial;
};

static struct slab_geometry_request linux_request(uint32_t bytes, uint32_t alignment, unsigned flags)
{
	return (struct slab_geometry_request){.object_bytes = bytes,
					      .alignment = alignment,
					      .flags = flags,
					      .rule = SLAB_GEOMETRY_LINUX,
					      .order_max = 3,
					      .cpus = RECORDED_CPUS};
}

/* Objects under RCU that have room for the free pointer inside: kernel/fork.c 6.18 names one with freeptr_offset. */
static bool has_inner_pointer(const struct cache *cache)
{
	return strcmp(cache->name, "vm_area_struct") == 0;
}

static void compare(const struct cache *cache, unsigned cpus)
{
	unsigned flags = (cache->hwcache_align ? SLAB_HWCACHE_ALIGN : 0u) |
			 (cache->destroy_by_rcu ? SLAB_TYPESAFE_BY_RCU : 0u);
	struct slab_geometry_request request = linux_request(cache->object_size, cache->align, flags);
	struct slab_geometry geometry;

	request.cpus = cpus;
	request.has_constructor = cache->constructor[0] != '\0';
	request.has_inner_pointer = has_inner_pointer(cache);
	assert_int_equal(slab_geometry_compute(&geometry, &request), STATUS_OK);
	if (geometry.slot_bytes != cache->slab_size || geometry.order != cache->order ||
	    geometry.objects != cache->objs_per_slab || geometry.partial_min != cache->min_partial ||
	    geometry.cpu_partial != cache->cpu_partial)
		fail_msg("%s: slab_size %u order %u objs_per_slab %u min_partial %u cpu_partial %u, ours %u "
			 "%u %u %u %u",
			 cache->name, cache->slab_size, cache->order, cache->objs_per_slab,
			 cache->min_partial, cache->cpu_partial, geometry.slot_bytes, geometry.order,
			 geometry.objects, geometry.partial_min, geometry.cpu_partial);
}

/* --- Recorded ----------------------------------------------------------------------------------------------------- */

static FILE *open_recorded(const char *name)
{
	char path[4096];
	const char *top = getenv("top_srcdir");

	(void)snprintf(path, sizeof(path), "%s/tests/unit/%s", top ? top : ".", name);
	FILE *file = fopen(path, "re");

	if (!file)
		fail_msg("%s cannot be opened", path);
	return file;
}

static const char *field(char **rest)
{
	const char *text = strsep(rest, "\t\n");

	assert_non_null(text);
	return text;
}

static unsigned number(char **rest)
{
	return (unsigned)strtoul(field(rest), NULL, 10);
}

static struct cache parse(char *line)
{
	struct cache cache = {.name = ""};

	(void)snprintf(cache.name, sizeof(cache.name), "%s", field(&line));
	cache.object_size = number(&line);
	cache.align = number(&line);
	cache.hwcache_align = number(&line);
	(void)number(&line);
	cache.destroy_by_rcu = number(&line);
	(void)snprintf(cache.constructor, sizeof(cache.constructor), "%s", field(&line));
	(void)number(&line);
	cache.slab_size = number(&line);
	cache.order = number(&line);
	cache.objs_per_slab = number(&line);
	cache.min_partial = number(&line);
	cache.cpu_partial = number(&line);
	return cache;
}

static void test_recorded_caches(void **state)
{
	FILE *file = open_recorded("slab_caches_6_18.tsv");
	char line[LINE_BYTES];
	unsigned caches = 0;

	(void)state;
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#')
			continue;
		struct cache cache = parse(line);

		compare(&cache, RECORDED_CPUS);
		caches++;
	}
	(void)fclose(file);
	assert_int_equal(caches, 235);
}

/* Every line of slabinfo: what its objsize leads to. */
static unsigned compare_slabinfo(FILE *file, unsigned cpus)
{
	char line[LINE_BYTES];
	unsigned lines = 0;

	while (fgets(line, sizeof(line), file)) {
		char *rest = line;
		const char *name = strsep(&rest, " ");
		unsigned long long figure[5];

		if (name[0] == '#' || strcmp(name, "slabinfo") == 0)
			continue;
		for (size_t i = 0; i < 5; i++)
			figure[i] = strtoull(rest, &rest, 10);
		uint32_t order = slab_geometry_linux_order((uint32_t)figure[2], 3, cpus);

		if (slab_geometry_objects((uint32_t)figure[2], order) != figure[3] ||
		    1ull << order != figure[4])
			fail_msg("%s: objsize %llu: %llu in %llu pages, ours %u in %u", name, figure[2],
				 figure[3], figure[4], slab_geometry_objects((uint32_t)figure[2], order),
				 1u << order);
		lines++;
	}
	return lines;
}

static void test_recorded_slabinfo(void **state)
{
	FILE *file = open_recorded("slabinfo_6_18.txt");

	(void)state;
	assert_int_equal(compare_slabinfo(file, RECORDED_CPUS), 235);
	(void)fclose(file);
}

/* --- This machine ------------------------------------------------------------------------------------------------- */

static unsigned live_cpus(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	return cpus > 0 ? (unsigned)cpus : 1;
}

static bool is_the_kernel(void)
{
	struct utsname system;

	return uname(&system) == 0 && strncmp(system.release, "6.18.", 5) == 0 &&
	       strcmp(system.machine, "x86_64") == 0;
}

static void test_live_slabinfo(void **state)
{
	FILE *file = is_the_kernel() ? fopen("/proc/slabinfo", "re") : NULL;

	(void)state;
	if (!file) {
		print_message("# /proc/slabinfo cannot be read, or is of another kernel than Linux 6.18\n");
		skip();
		return;
	}
	assert_true(compare_slabinfo(file, live_cpus()) > 0);
	(void)fclose(file);
}

static void read_attribute(const char *cache, const char *name, char *text, size_t bytes)
{
	char path[512];

	text[0] = '\0';
	(void)snprintf(path, sizeof(path), "/sys/kernel/slab/%s/%s", cache, name);
	FILE *file = fopen(path, "re");

	if (!file)
		return;
	if (fgets(text, (int)bytes, file))
		text[strcspn(text, "\n")] = '\0';
	(void)fclose(file);
}

static unsigned attribute(const char *cache, const char *name)
{
	char text[128];

	read_attribute(cache, name, text, sizeof(text));
	return (unsigned)strtoul(text, NULL, 10);
}

static void compare_live(const char *name)
{
	struct cache cache = {
	    .object_size = attribute(name, "object_size"),
	    .align = attribute(name, "align"),
	    .hwcache_align = attribute(name, "hwcache_align"),
	    .destroy_by_rcu = attribute(name, "destroy_by_rcu"),
	    .slab_size = attribute(name, "slab_size"),
	    .order = attribute(name, "order"),
	    .objs_per_slab = attribute(name, "objs_per_slab"),
	    .min_partial = attribute(name, "min_partial"),
	    .cpu_partial = attribute(name, "cpu_partial"),
	};

	if (cache.slab_size == 0 || attribute(name, "red_zone") || attribute(name, "poison") ||
	    attribute(name, "store_user"))
		return; /* gone, or with debug features */
	(void)snprintf(cache.name, sizeof(cache.name), "%s", name);
	read_attribute(name, "ctor", cache.constructor, sizeof(cache.constructor));
	compare(&cache, live_cpus());
}

static void test_live_caches(void **state)
{
	DIR *directory = is_the_kernel() ? opendir("/sys/kernel/slab") : NULL;
	const struct dirent *entry;

	(void)state;
	if (!directory) {
		print_message("# /sys/kernel/slab cannot be read, or is of another kernel than Linux 6.18\n");
		skip();
		return;
	}
	while ((entry = readdir(directory))) {
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			compare_live(entry->d_name);
	}
	(void)closedir(directory);
}

/* --- By hand ------------------------------------------------------------------------------------------------------ */

/* An object of 24 bytes: a quarter of a line (32) is enough for it, a half for 40, a whole for 70. */
static void test_alignment(void **state)
{
	static const struct {
		uint32_t bytes, alignment;
		unsigned flags;
		uint32_t expected;
	} cases[] = {
	    {24, 0, 0, 8},
	    {24, 4, 0, 8},
	    {24, 0, SLAB_HWCACHE_ALIGN, 32},
	    {40, 0, SLAB_HWCACHE_ALIGN, 64},
	    {8, 0, SLAB_HWCACHE_ALIGN, 8},
	    {70, 0, SLAB_HWCACHE_ALIGN, 64},
	    {70, 256, SLAB_HWCACHE_ALIGN, 256},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slab_geometry_request request =
		    linux_request(cases[i].bytes, cases[i].alignment, cases[i].flags);
		struct slab_geometry geometry;

		assert_int_equal(slab_geometry_compute(&geometry, &request), STATUS_OK);
		assert_int_equal(geometry.alignment, cases[i].expected);
		assert_int_equal(geometry.slot_bytes % cases[i].expected, 0);
	}
}

/*  | left 8 | object 20 | right 4 | pointer 8 | tracks 64 | 8 |          and 4 more for kmalloc's request */
static void test_debug_room(void **state)
{
	struct slab_geometry_request request =
	    linux_request(20, 0, SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER);
	struct slab_geometry geometry;

	(void)state;
	assert_int_equal(slab_geometry_compute(&geometry, &request), STATUS_OK);
	assert_int_equal(geometry.left_bytes, 8);
	assert_int_equal(geometry.in_use_bytes, 24);
	assert_int_equal(geometry.slot_bytes, 8 + 24 + 8 + 64 + 8);
	request.flags |= SLAB_KMALLOC;
	assert_int_equal(slab_geometry_compute(&geometry, &request), STATUS_OK);
	assert_int_equal(geometry.slot_bytes, 8 + 24 + 8 + 64 + 4 + 8 + 4);
	request = linux_request(24, 0, SLAB_RED_ZONE);
	assert_int_equal(slab_geometry_compute(&geometry, &request), STATUS_OK);
	assert_int_equal(geometry.in_use_bytes, 32);
	assert_int_equal(geometry.slot_bytes, 8 + 32 + 8);
}

/* More CPUs want more objects: 700 bytes, 12 on 2 CPUs (order 2), 24 on 32 (order 3), 40 on 256 (as many as order 3 holds). */
static void test_processors(void **state)
{
	(void)state;
	assert_int_equal(slab_geometry_linux_order(256, 3, 2), 0);
	assert_int_equal(slab_geometry_linux_order(256, 3, 16), 1);
	assert_int_equal(slab_geometry_linux_order(256, 3, 256), 2);
	assert_int_equal(slab_geometry_linux_order(700, 3, 2), 2);
	assert_int_equal(slab_geometry_linux_order(700, 3, 256), 3);
	assert_int_equal(slab_geometry_linux_order(51472, 3, 2), 4);
}

static void test_eighth(void **state)
{
	struct slab_geometry_request request = {.object_bytes = 3000, .order_max = 3, .cpus = 2};
	struct slab_geometry geometry;

	(void)state;
	assert_int_equal(slab_geometry_compute(&geometry, &request), STATUS_OK);
	assert_int_equal(geometry.order, 2);
	assert_int_equal(geometry.objects, 5);
	request.object_bytes = 700;
	request.order_max = 0;
	assert_int_equal(slab_geometry_compute(&geometry, &request), STATUS_OK);
	assert_int_equal(geometry.slot_bytes, 704);
	assert_int_equal(geometry.objects, 5);
	request.has_constructor = true;
	assert_int_equal(slab_geometry_compute(&geometry, &request), STATUS_OK);
	assert_int_equal(geometry.slot_bytes, 704);
}

static void test_out_of_bounds(void **state)
{
	static const struct slab_geometry_request bad[] = {
	    {.object_bytes = 0, .cpus = 1},
	    {.object_bytes = SLAB_OBJECT_MAX + 1, .cpus = 1},
	    {.object_bytes = 64, .alignment = 48, .cpus = 1},
	    {.object_bytes = 64, .alignment = 16384, .cpus = 1},
	    {.object_bytes = 64, .order_max = SLAB_ORDER_MAX + 1, .cpus = 1},
	    {.object_bytes = 64},
	    {.object_bytes = 64, .cpus = SLAB_CPUS_MAX + 1},
	    {.object_bytes = SLAB_OBJECT_MAX, .flags = SLAB_RED_ZONE, .cpus = 1},
	    {.object_bytes = 64, .rule = (enum slab_geometry_rule)2, .cpus = 1},
	};
	struct slab_geometry geometry;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(slab_geometry_compute(&geometry, &bad[i]), STATUS_BAD_ARGUMENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_recorded_caches), cmocka_unit_test(test_recorded_slabinfo),
	    cmocka_unit_test(test_live_slabinfo),   cmocka_unit_test(test_live_caches),
	    cmocka_unit_test(test_alignment),	    cmocka_unit_test(test_debug_room),
	    cmocka_unit_test(test_processors),	    cmocka_unit_test(test_eighth),
	    cmocka_unit_test(test_out_of_bounds),
	};

	return cmocka_run_group_tests_name("slab_geometry", tests, NULL, NULL);
}
