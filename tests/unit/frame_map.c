#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/physical/frame_map.h"
#include "bench/physical/hilbert.h"
#include "traces/frame_kinds.h"

#include <stdlib.h>
#include <string.h>

#define LARGEST_SIDE 64u

/* --- The curve -------------------------------------------------------------------------------------------------------------- */

/* Every place is taken once, and each lies beside the one before. */
static void check_curve(unsigned side)
{
	static int row[LARGEST_SIDE * LARGEST_SIDE], column[LARGEST_SIDE * LARGEST_SIDE];
	const uint32_t cells = side * side;

	for (uint32_t i = 0; i < cells; i++)
		row[i] = -1;
	for (unsigned r = 0; r < side; r++) {
		for (unsigned c = 0; c < side; c++) {
			const uint32_t place = hilbert_place(side, r, c);

			assert_true(place < cells && row[place] < 0);
			row[place] = (int)r;
			column[place] = (int)c;
		}
	}
	assert_true(row[0] == 0 && column[0] == 0);
	for (uint32_t i = 1; i < cells; i++)
		assert_int_equal(abs(row[i] - row[i - 1]) + abs(column[i] - column[i - 1]), 1);
}

static void test_curve(void **state)
{
	(void)state;
	assert_int_equal(hilbert_place(1, 0, 0), 0);
	for (unsigned side = 2; side <= LARGEST_SIDE; side *= 2)
		check_curve(side);
}

/* --- Cells ------------------------------------------------------------------------------------------------------------------ */

static struct frame_map create(uint64_t frames, unsigned side)
{
	struct frame_map map;
	struct trace_error error;

	assert_int_equal(frame_map_create(&map, frames, side, &error), TRACE_OK);
	return map;
}

static void test_sizes(void **state)
{
	struct frame_map map = create(1, 256);

	(void)state;
	assert_true(map.side == 1 && map.cell_frames == 1);
	frame_map_destroy(&map);
	map = create(16, 4);
	assert_true(map.side == 4 && map.cell_frames == 1);
	frame_map_destroy(&map);
	map = create(17, 4);
	assert_true(map.side == 4 && map.cell_frames == 2); /* 9 cells */
	frame_map_destroy(&map);
	map = create(6291456, 256);
	assert_true(map.side == 256 && map.cell_frames == 128);
	frame_map_destroy(&map);
}

static char *written(const struct frame_map *map, const char *prefix)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	assert_non_null(file);
	frame_map_write(map, prefix, file);
	assert_int_equal(fclose(file), 0);
	return text;
}

/* Frames 0 .. 15 in cells of 4:    kkkk  kmmm  ffrr  -kk-     and what lies beyond is left out */
static void test_rows(void **state)
{
	struct frame_map map = create(16, 2);

	(void)state;
	assert_int_equal(map.cell_frames, 4);
	frame_map_add(&map, 0, 5, FRAME_USE_KERNEL);
	frame_map_add(&map, 5, 3, FRAME_USE_MOVABLE);
	frame_map_add(&map, 8, 2, FRAME_USE_FREE_SMALL);
	frame_map_add(&map, 10, 2, FRAME_USE_RESERVED);
	frame_map_add(&map, 13, 2, FRAME_USE_KERNEL);
	frame_map_add(&map, 16, 7, FRAME_USE_KERNEL);
	frame_map_add(&map, UINT64_MAX, 7, FRAME_USE_KERNEL);
	char *text = written(&map, "7\t");

	/* The curve: 0 3 / 1 2. */
	assert_string_equal(text, "7\t0\t0\t7\t1\n"
				  "7\t0\t1\t7\t1\n"
				  "7\t1\t0\t6\t0.75\n"
				  "7\t1\t1\t4\t0.5\n");
	free(text);
	frame_map_destroy(&map);
}

/* --- What frames are ---------------------------------------------------------------------------------------------------------- */

/* Frames of a use over the whole map. */
static uint64_t sum(const struct frame_map *map, enum frame_use use)
{
	uint64_t frames = 0;

	for (size_t i = 0; i < (size_t)map->side * map->side; i++)
		frames += map->cell[i][use];
	return frames;
}

static uint64_t large_pages(const struct memory *memory)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < memory->zones; i++) {
		struct free_blocks free;

		zone_free_blocks(&memory->zone[i], &free);
		pages += (free.blocks[9] << 9) + (free.blocks[10] << 10);
	}
	assert_true(pages > 60 * HUGE_PAGES);
	return pages;
}

static void check_memory(enum zone_keeper keeper)
{
	const struct memory_shape shape = {.size = {.pages = 32768},
					   .backing = ARENA_NONE,
					   .max_order = 10,
					   .cpus = 1,
					   .tuning = PCP_TUNED,
					   .keeper = keeper};
	const struct zone_request request = {.order = 3, .type = MIGRATE_UNMOVABLE, .cpu = -1};
	const struct zone_request of_set = {.order = 0, .type = MIGRATE_MOVABLE, .cpu = 0};
	struct frame_map map = create(32768, 256);
	struct memory memory;

	assert_int_equal(memory_create(&memory, &shape), STATUS_OK);
	const pfn_t kernel = zone_take(&memory.zone[1], &request),
		    user = zone_take(&memory.zone[1], &request);
	const pfn_t single = zone_take(&memory.zone[1], &of_set);

	page_of_pfn(&memory.pages, kernel)->flags = PAGE_HEAD;
	page_of_pfn(&memory.pages, kernel)->private = 3;
	page_of_pfn(&memory.pages, user)->flags = PAGE_HEAD | PAGE_LRU;
	page_of_pfn(&memory.pages, user)->private = 3;
	zone_free(&memory.zone[1], 0, single, 0);
	frame_map_add_memory(&map, &memory);
	assert_int_equal(sum(&map, FRAME_USE_RESERVED), 256);
	assert_int_equal(sum(&map, FRAME_USE_KERNEL), 8);
	assert_int_equal(sum(&map, FRAME_USE_MOVABLE), 8);
	assert_int_equal(sum(&map, FRAME_USE_SET), memory.zone[1].pcp->count);
	assert_true(memory.zone[1].pcp->count > 0);
	assert_int_equal(sum(&map, FRAME_USE_FREE_LARGE), large_pages(&memory));
	assert_int_equal(sum(&map, FRAME_USE_FREE_LARGE) + sum(&map, FRAME_USE_FREE_SMALL),
			 zone_kept_pages(&memory.zone[0]) + zone_kept_pages(&memory.zone[1]));
	frame_map_destroy(&map);
	memory_destroy(&memory);
}

static void test_memory(void **state)
{
	(void)state;
	check_memory(ZONE_BITMAPS);
	check_memory(ZONE_LISTS);
}

/* 0 .. 99 a hole, then free up to 1999 in two runs, of which 512 .. 1535 are whole blocks of 2 MiB; the rest is used. */
static void test_snapshot(void **state)
{
	uint8_t bytes[256];
	const uint64_t times[2] = {1, 2};
	struct frame_writer writer;
	struct frame_map map = create(4096, 256);
	const struct frame_layout nothing = {NULL, NULL};

	(void)state;
	frame_writer_start(&writer, bytes, sizeof(bytes));
	frame_writer_header(&writer, 0, 4096, times);
	for (unsigned i = 0; i < 4096; i++)
		frame_writer_add(&writer, i < 100    ? FRAME_HOLE
					  : i < 1000 ? FRAME_FREE
					  : i < 2000 ? FRAME_FREE | FRAME_TAIL
					  : i < 3000 ? FRAME_ANONYMOUS | FRAME_MAPPED
					  : i < 3001 ? FRAME_UNMOVABLE
					  : i < 4000 ? FRAME_SLAB
						     : FRAME_OTHER);
	frame_writer_finish(&writer);
	assert_false(writer.full);
	const struct event_snapshot snapshot = {
	    .name = FRAME_KINDS_SNAPSHOT, .bytes = (const char *)bytes, .length = writer.used};
	const struct event_snapshot cut = {
	    .name = FRAME_KINDS_SNAPSHOT, .bytes = (const char *)bytes, .length = writer.used - 1};

	assert_true(frame_map_add_snapshot(&map, &snapshot, &nothing));
	assert_int_equal(sum(&map, FRAME_USE_NONE), 100);
	assert_int_equal(sum(&map, FRAME_USE_FREE_LARGE), 1024);
	assert_int_equal(sum(&map, FRAME_USE_FREE_SMALL), 876);
	assert_int_equal(sum(&map, FRAME_USE_MOVABLE), 1000);
	assert_int_equal(sum(&map, FRAME_USE_RESERVED), 1);
	assert_int_equal(sum(&map, FRAME_USE_KERNEL), 1095);
	frame_map_destroy(&map);
	map = create(4096, 256);
	assert_false(frame_map_add_snapshot(&map, &cut, &nothing));
	frame_map_destroy(&map);
	/* Of frames that it calls neither free nor anybody's, 20 lie in memory, 30 in what is not initialised, and the rest in a hole. */
	const struct memblock_list present = {.count = 2, .range = {{0, 3000}, {3500, 4050}}};
	const struct memblock_list late = {.count = 1, .range = {{4020, 4050}}};
	const struct frame_layout layout = {&present, &late};

	map = create(4096, 256);
	assert_true(frame_map_add_snapshot(&map, &snapshot, &layout));
	assert_int_equal(sum(&map, FRAME_USE_KERNEL), 999 + 20);
	assert_int_equal(sum(&map, FRAME_USE_LATE), 30);
	assert_int_equal(sum(&map, FRAME_USE_NONE), 100 + 46);
	frame_map_destroy(&map);
}

/* A zone that manages less than there is has the rest at its end. */
static void test_late_memory(void **state)
{
	struct memory_description description;
	struct frame_map map = create(32768, 256);
	struct memory memory;

	(void)state;
	assert_int_equal(memory_describe(&description, &(struct memory_size){.pages = 32768}), STATUS_OK);
	description.zone[1].managed_pages = 28672 - 1000;
	const struct memory_shape shape = {
	    .description = &description, .backing = ARENA_NONE, .max_order = 10, .keeper = ZONE_LISTS};

	assert_int_equal(memory_create(&memory, &shape), STATUS_OK);
	frame_map_add_memory(&map, &memory);
	assert_int_equal(sum(&map, FRAME_USE_LATE), 1000);
	assert_int_equal(sum(&map, FRAME_USE_RESERVED), 256);
	frame_map_destroy(&map);
	memory_destroy(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_curve),    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_rows),     cmocka_unit_test(test_memory),
	    cmocka_unit_test(test_snapshot), cmocka_unit_test(test_late_memory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
