#include "config.h"

#include "engine/base/reservation.h"

#include "engine/base/units.h"
#include "tests/unit/death.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define PAGES 16u

static unsigned char *page(const struct reservation *reservation, size_t number)
{
	return (unsigned char *)reservation->memory + number * PAGE_BYTES;
}

static void make(struct reservation *reservation)
{
	assert_int_equal(reservation_create(reservation, PAGES * PAGE_BYTES, 1 << 21), STATUS_OK);
	assert_int_equal((uintptr_t)reservation->memory % (1 << 21), 0);
}

static void test_lengths(void **state)
{
	struct reservation reservation;

	(void)state;
	assert_int_equal(reservation_create(&reservation, 0, PAGE_BYTES), STATUS_OK);
	assert_null(reservation.memory);
	reservation_destroy(&reservation);
	assert_int_equal(reservation_create(&reservation, PAGE_BYTES + 1, 64), STATUS_OK);
	assert_int_equal(reservation.bytes, 2 * PAGE_BYTES);
	reservation_destroy(&reservation);
	assert_int_equal(reservation_create(&reservation, SIZE_MAX, PAGE_BYTES), STATUS_NO_MEMORY);
	assert_int_equal(reservation_create(&reservation, SIZE_MAX / 2, PAGE_BYTES), STATUS_NO_MEMORY);
	assert_int_equal(reservation_create(&reservation, PAGE_BYTES, (size_t)1 << 63), STATUS_NO_MEMORY);
}

/* Pages 2 and 3 are released; with `locked`, the program has locked page 2. */
static void release_two(bool locked)
{
	struct reservation reservation;

	make(&reservation);
	memset(reservation.memory, 7, reservation.bytes);
	if (locked && mlock(page(&reservation, 2), PAGE_BYTES) != 0)
		skip();
	errno = ENOTTY;
	reservation_release(&reservation, 2 * PAGE_BYTES, 2 * PAGE_BYTES);
	assert_int_equal(errno, ENOTTY);
	for (size_t i = 0; i < PAGES; i++) {
		assert_int_equal(page(&reservation, i)[0], i == 2 || i == 3 ? 0 : 7);
		assert_int_equal(page(&reservation, i)[PAGE_BYTES - 1], i == 2 || i == 3 ? 0 : 7);
	}
	reservation_destroy(&reservation);
}

static void test_released_memory_reads_as_zero(void **state)
{
	(void)state;
	release_two(false);
}

static void test_also_where_the_program_has_locked_it(void **state)
{
	(void)state;
	release_two(true);
}

/* Does the kernel leave the page out of core dumps? Its mapping has the flag dd in smaps then. */
static bool left_out_of_dumps(const void *address)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	char line[512];
	bool inside = false;

	assert_non_null(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		char *rest;
		uintptr_t first = strtoul(line, &rest, 16);

		if (*rest == '-')
			inside =
			    (uintptr_t)address >= first && (uintptr_t)address < strtoul(rest + 1, NULL, 16);
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			break;
	}
	(void)fclose(smaps);
	assert_true(inside);
	return strstr(line, " dd") != NULL;
}

static void test_core_dumps_hold_what_is_named(void **state)
{
	struct reservation reservation;

	(void)state;
	make(&reservation);
	for (size_t i = 0; i < PAGES; i++)
		assert_true(left_out_of_dumps(page(&reservation, i)));
	reservation_dump(&reservation, PAGE_BYTES, 3 * PAGE_BYTES);
	for (size_t i = 0; i < PAGES; i++)
		assert_true(left_out_of_dumps(page(&reservation, i)) == (i < 1 || i > 3));
	reservation_destroy(&reservation);
}

static void release_outside(void *reservation)
{
	reservation_release(reservation, 15 * PAGE_BYTES, 2 * PAGE_BYTES);
}

static void release_part_of_a_page(void *reservation)
{
	reservation_release(reservation, 100, PAGE_BYTES);
}

static void dump_outside(void *reservation)
{
	reservation_dump(reservation, 15 * PAGE_BYTES, 2 * PAGE_BYTES);
}

static void test_what_is_outside_dies(void **state)
{
	struct reservation reservation;

	(void)state;
	make(&reservation);
	assert_dies(release_outside, &reservation, "released memory lies in the reservation");
	assert_dies(release_part_of_a_page, &reservation, "released memory is page-aligned");
	assert_dies(dump_outside, &reservation, "dumped memory lies in the reservation");
	reservation_destroy(&reservation);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_released_memory_reads_as_zero),
	    cmocka_unit_test(test_also_where_the_program_has_locked_it),
	    cmocka_unit_test(test_core_dumps_hold_what_is_named),
	    cmocka_unit_test(test_what_is_outside_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
