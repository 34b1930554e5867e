#include "config.h"

#include "bench/physical/slab_places.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BASE UINT64_C(0xffff888000000000)

static struct slabinfo_row rows[] = {
    {.name = "large", .objsize = 1128, .objperslab = 14, .pagesperslab = 4, .num_slabs = 2},
    {.name = "small", .objsize = 192, .objperslab = 21, .pagesperslab = 1, .num_slabs = 2},
};
static const struct slabinfo_text info = {rows, 2};

static struct slab_place *opened(struct slab_places *places, uint32_t row, uint64_t frame)
{
	struct slab_place *place;

	assert_int_equal(slab_places_open(places, &info, row, frame, &place), TRACE_OK);
	assert_null(slab_places_check(places, &info));
	return place;
}

static void create(struct slab_places *places)
{
	struct trace_error error;

	assert_int_equal(slab_places_create(places, BASE, 64, &error), TRACE_OK);
}

/* frames   | 0 1 2 3 | 4 5 6 7 | 8 | 9 ...        place 0 = 4 .. 7, place 1 = 8 */
static void leads_from_addresses_to_slots(void **state)
{
	struct slab_places places;
	uint64_t frame = 0;

	(void)state;
	create(&places);
	struct slab_place *place = opened(&places, 0, 6);

	assert_int_equal(place->frame, 4);
	assert_true(slab_places_frame(&places, BASE + UINT64_C(5) * 4096 + 1, &frame));
	assert_int_equal(frame, 5);
	assert_ptr_equal(slab_places_find(&places, 7), place);
	assert_null(slab_places_find(&places, 8));
	assert_null(slab_places_find(&places, 1000));
	assert_int_equal(slab_places_slot(&places, place, BASE + UINT64_C(4) * 4096 + UINT64_C(13) * 1128),
			 13);
	assert_int_equal(slab_places_slot(&places, place, BASE + UINT64_C(4) * 4096 + UINT64_C(14) * 1128),
			 SLAB_PLACE_NO_SLOT);
	assert_int_equal(slab_places_slot(&places, place, BASE + UINT64_C(4) * 4096 + 1), SLAB_PLACE_NO_SLOT);
	assert_int_equal(slab_places_slot(&places, place, BASE), SLAB_PLACE_NO_SLOT);
	assert_false(slab_places_frame(&places, BASE - 1, &frame));
	assert_false(slab_places_frame(&places, BASE + UINT64_C(64) * 4096, &frame));
	slab_places_destroy(&places);
}

static void uses_closed_places_again(void **state)
{
	struct slab_places places;

	(void)state;
	create(&places);
	slab_places_close(&places, opened(&places, 0, 6));
	assert_null(slab_places_find(&places, 6));
	assert_int_equal(opened(&places, 1, 6)->frame, 6);
	assert_int_equal(places.count, 1);
	assert_int_equal(opened(&places, 1, 7)->frame, 7);
	assert_int_equal(places.count, 2);
	slab_places_destroy(&places);
}

static void stays_inside_the_machine(void **state)
{
	struct slab_places places;
	struct trace_error error;

	(void)state;
	assert_int_equal(slab_places_create(&places, BASE, 63, &error), TRACE_OK);
	assert_null(opened(&places, 0, 60));
	assert_int_equal(slab_places_create(&places, BASE, SLAB_PLACES_FRAMES_MAX + 1, &error),
			 TRACE_NO_MEMORY);
	slab_places_destroy(&places);
}

static void check_tells_each_invariant(void **state)
{
	static const char I1[] = "I1: every frame of an open place leads to it, and no other frame to any";
	static const char I2[] =
	    "I2: an open place has as many slots as its cache's slabs, and its frames lie inside the machine";
	struct slab_places places;

	(void)state;
	create(&places);
	struct slab_place *place = opened(&places, 0, 6);

	places.at[5] = 0;
	assert_string_equal(slab_places_check(&places, &info), I1);
	places.at[5] = 1;
	places.at[9] = 1;
	assert_string_equal(slab_places_check(&places, &info), I1);
	places.at[9] = 0;
	place->slots--;
	assert_string_equal(slab_places_check(&places, &info), I2);
	place->slots++;
	places.frames = 7;
	assert_string_equal(slab_places_check(&places, &info), I2);
	places.frames = 64;
	assert_null(slab_places_check(&places, &info));
	slab_places_destroy(&places);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(leads_from_addresses_to_slots),
	    cmocka_unit_test(uses_closed_places_again),
	    cmocka_unit_test(stays_inside_the_machine),
	    cmocka_unit_test(check_tells_each_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
