#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/space_map.h"
#include "tests/unit/fault_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define RW (STEP_PROT_READ | STEP_PROT_WRITE)

static struct fault_rig *new_rig(void)
{
	struct fault_rig *rig = malloc(sizeof(*rig));
	struct rig_options options = {8192, 64, false};

	assert_non_null(rig);
	assert_true(rig_make(rig, &options));
	return rig;
}

static const struct space_stacks no_stacks = {NULL, 0};

static void end_rig(struct fault_rig *rig)
{
	rig_drop(rig);
	free(rig);
}

static void do_step(struct fault_rig *rig, struct step step)
{
	struct step_figures figures = rig_step(rig, &step);

	assert_int_equal(figures.error, 0);
	assert_int_equal(figures.signal, 0);
}

typedef void writer(const struct space_map *map, FILE *file);

static char *written(const struct space_map *map, writer *write)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	assert_non_null(file);
	write(map, file);
	assert_int_equal(fclose(file), 0);
	return text;
}

static void expect_written(const struct space_map *map, writer *write, const char *expected)
{
	char *text = written(map, write);

	assert_string_equal(text, expected);
	free(text);
}

#define MAPPINGS "# process\tstart\tend\tkind\trights\tresident_pages\thuge_pages\n"
#define RESIDENCY "# process\tstart\tend\thuge\n"

/* Four pages of which two are written and one only read (the zero page is not resident), a file, a huge page. */
static void make_mappings(struct fault_rig *rig)
{
	do_step(rig, (struct step){STEP_MAP, 0, 0, 4, RW, 0});
	do_step(rig, (struct step){STEP_WRITE, 0, 0, 2, 0, 0});
	do_step(rig, (struct step){STEP_READ, 0, 3, 1, 0, 0});
	do_step(rig, (struct step){STEP_MAP, 0, 64, 2, STEP_PROT_READ | STEP_PROT_EXECUTE | STEP_FILE, 0});
	do_step(rig, (struct step){STEP_READ, 0, 64, 2, 0, 0});
	do_step(rig, (struct step){STEP_MAP, 0, 1024, 1024, RW, 0});
	do_step(rig, (struct step){STEP_ADVISE, 0, 1024, 1024, 0, MADV_HUGEPAGE});
	do_step(rig, (struct step){STEP_WRITE, 0, 1024, 1, 0, 0});
}

static void tables_say_what_is_there(void **state)
{
	struct fault_rig *rig = new_rig();
	struct space_map *map = space_map_create();

	(void)state;
	assert_non_null(map);
	make_mappings(rig);
	assert_true(space_map_add(map, 7, &rig->process[0].mm, no_stacks));
	expect_written(map, space_map_write_mappings,
		       MAPPINGS "7\t0x200000000000\t0x200000004000\tanonymous\trw-p\t2\t0\n"
				"7\t0x200000040000\t0x200000042000\ttext\tr-xp\t2\t0\n"
				"7\t0x200000400000\t0x200000800000\tanonymous\trw-p\t512\t512\n");
	expect_written(map, space_map_write_residency,
		       RESIDENCY "7\t0x200000000000\t0x200000002000\t0\n"
				 "7\t0x200000040000\t0x200000042000\t0\n"
				 "7\t0x200000400000\t0x200000600000\t1\n");
	space_map_destroy(map);
	end_rig(rig);
}

static void a_process_is_taken_in_anew(void **state)
{
	struct fault_rig *rig = new_rig();
	struct space_map *map = space_map_create();

	(void)state;
	assert_non_null(map);
	do_step(rig, (struct step){STEP_MAP, 0, 0, 4, RW, 0});
	assert_true(space_map_add(map, 7, &rig->process[0].mm, no_stacks));
	assert_true(space_map_add(map, 9, &rig->process[0].mm, no_stacks));
	do_step(rig, (struct step){STEP_WRITE, 0, 0, 1, 0, 0});
	assert_true(space_map_add(map, 7, &rig->process[0].mm, no_stacks));
	expect_written(map, space_map_write_mappings,
		       MAPPINGS "7\t0x200000000000\t0x200000004000\tanonymous\trw-p\t1\t0\n"
				"9\t0x200000000000\t0x200000004000\tanonymous\trw-p\t0\t0\n");
	/* A thread's stack is one whoever made it; what only touches its top is none. */
	const uint64_t tops[] = {0x200000000000, 0x200000004000};

	assert_true(space_map_add(map, 9, &rig->process[0].mm, (struct space_stacks){tops, 1}));
	assert_true(space_map_add(map, 7, &rig->process[0].mm, (struct space_stacks){tops, 2}));
	expect_written(map, space_map_write_mappings,
		       MAPPINGS "7\t0x200000000000\t0x200000004000\tstack\trw-p\t1\t0\n"
				"9\t0x200000000000\t0x200000004000\tanonymous\trw-p\t1\t0\n");
	space_map_destroy(map);
	end_rig(rig);
}

/* The kinds that need no file; heap and stack are what brk and a growing mapping made. */
static void kinds(void **state)
{
	struct fault_rig *rig = new_rig();
	struct mm *mm = &rig->process[0].mm;
	struct space_map *map = space_map_create();
	struct mm_placement stack = {
	    0x7ffffffde000, 0x7ffffffff000, AREA_READ | AREA_WRITE | AREA_GROWS_DOWN, NULL, 0, false};
	struct mm_placement vdso = {
	    0x7ffff7fff000, 0x7ffff8001000, AREA_READ | AREA_EXECUTE | VMA_SPECIAL, NULL, 0, false};

	(void)state;
	assert_non_null(map);
	assert_int_equal(mm_set_brk(mm, 0x555555580000).value, 0x555555580000);
	assert_int_equal(mm_place(mm, &stack).error, 0);
	assert_int_equal(mm_place(mm, &vdso).error, 0);
	assert_true(space_map_add(map, 1, mm, no_stacks));
	expect_written(map, space_map_write_mappings,
		       MAPPINGS "1\t0x555555559000\t0x555555580000\theap\trw-p\t0\t0\n"
				"1\t0x7ffff7fff000\t0x7ffff8001000\tkernel\tr-xp\t0\t0\n"
				"1\t0x7ffffffde000\t0x7ffffffff000\tstack\trw-p\t0\t0\n");
	space_map_destroy(map);
	end_rig(rig);
}

/* Where the image shows a cell, "row\tcolumn\tkind\tshare\n". */
static bool has_line(const struct space_map *map, writer *write, const char *line)
{
	char *text = written(map, write);
	char *with_end = NULL;

	assert_true(asprintf(&with_end, "\n%s\n", line) > 0);
	bool found = strstr(text, with_end) != NULL;

	free(with_end);
	free(text);
	return found;
}

static size_t lines_of(const struct space_map *map, writer *write)
{
	char *text = written(map, write);
	size_t lines = 0;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	free(text);
	return lines;
}

static void the_image_leaves_gaps_out(void **state)
{
	struct fault_rig *rig = new_rig();
	struct space_map *map = space_map_create();

	(void)state;
	assert_non_null(map);
	make_mappings(rig);
	assert_true(space_map_add(map, 7, &rig->process[0].mm, no_stacks));
	/* Cells of a page, rows of 128: 1 row, 7 left out, 4 rows of the huge page, 3 left out, the mapping's last row. */
	expect_written(map, space_map_write_rows,
		       "# row\tstart\tskipped_bytes\tcell_bytes\n"
		       "0\t0x200000000000\t35184372088832\t4096\n"
		       "2\t0x200000400000\t3670016\t4096\n3\t0x200000480000\t0\t4096\n"
		       "4\t0x200000500000\t0\t4096\n5\t0x200000580000\t0\t4096\n"
		       "7\t0x200000780000\t1572864\t4096\n");
	assert_int_equal(lines_of(map, space_map_write_image), 1 + 8 * SPACE_MAP_COLUMNS);
	assert_true(has_line(map, space_map_write_image, "0\t0\t4\t1"));
	assert_true(has_line(map, space_map_write_image, "0\t3\t4\t0"));
	assert_true(has_line(map, space_map_write_image, "0\t4\t0\t0"));
	assert_true(has_line(map, space_map_write_image, "0\t65\t1\t1"));
	assert_true(has_line(map, space_map_write_image, "1\t0\t0\t0"));
	assert_true(has_line(map, space_map_write_image, "5\t127\t4\t1"));
	assert_true(has_line(map, space_map_write_image, "7\t127\t4\t0"));
	space_map_destroy(map);
	end_rig(rig);
}

/* Mappings far apart, more than there are rows: cells grow until they fit; a cell says what most of it is. */
static void a_scattered_space_fits(void **state)
{
	struct fault_rig *rig = new_rig();
	struct space_map *map = space_map_create();

	(void)state;
	assert_non_null(map);
	for (uint64_t i = 0; i < 200; i++)
		do_step(rig, (struct step){STEP_MAP, 0, i * 1000, 1 + i % 2, RW, 0});
	do_step(rig, (struct step){STEP_WRITE, 0, 0, 1, 0, 0});
	assert_true(space_map_add(map, 7, &rig->process[0].mm, no_stacks));
	size_t rows = (lines_of(map, space_map_write_image) - 1) / SPACE_MAP_COLUMNS;

	assert_true(rows <= SPACE_MAP_ROWS && rows > SPACE_MAP_ROWS / 2 - 1);
	assert_true(has_line(map, space_map_write_image, "0\t0\t4\t0.03125"));
	space_map_destroy(map);
	end_rig(rig);
}

static void nothing_at_all(void **state)
{
	struct space_map *map = space_map_create();

	(void)state;
	assert_non_null(map);
	expect_written(map, space_map_write_mappings, MAPPINGS);
	expect_written(map, space_map_write_image, "# row\tcolumn\tkind\tresident_share\n");
	expect_written(map, space_map_write_rows, "# row\tstart\tskipped_bytes\tcell_bytes\n");
	space_map_destroy(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tables_say_what_is_there),
	    cmocka_unit_test(a_process_is_taken_in_anew),
	    cmocka_unit_test(kinds),
	    cmocka_unit_test(the_image_leaves_gaps_out),
	    cmocka_unit_test(a_scattered_space_fits),
	    cmocka_unit_test(nothing_at_all),
	};

	return cmocka_run_group_tests_name("space_map", tests, NULL, NULL);
}
