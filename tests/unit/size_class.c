#include "config.h"

#include "engine/heap/size_class.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct size_classes classes;

static void make(const char *text)
{
	struct policy policy;

	assert_int_equal(policy_parse(&policy, text), STATUS_OK);
	size_classes_create(&classes, &policy);
}

static void every_scheme_is_sound(void **state)
{
	static const char *const texts[] = {
	    "size_classes=pow2",
	    "size_classes=kmalloc",
	    "size_classes=quarter-steps",
	    "size_classes=eighth-steps",
	    "small_bytes=1024",
	    "small_bytes=32768,slab_order=5",
	    "small_bytes=5000",
	    "slab_order=0",
	    "size_classes=pow2,slab_order=0,small_bytes=32768",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		make(texts[i]);
		assert_null(size_classes_check(&classes));
		assert_true(classes.largest_bytes >= 1024);
	}
}

static void sizes_of(const char *text, const uint32_t *expected, size_t count)
{
	make(text);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(classes.of[i + 1].bytes, expected[i]);
}

static void schemes_have_the_sizes_they_promise(void **state)
{
	static const uint32_t pow2[] = {16, 32, 64, 128, 256, 512, 1024, 2048, 4096};
	static const uint32_t kmalloc[] = {16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192};
	static const uint32_t quarter[] = {16,	32,  48,  64,  80,  96,	 112, 128, 160,
					   192, 224, 256, 320, 384, 448, 512, 640};
	static const uint32_t eighth[] = {16,  32,  48,	 64,  80,  96,	112, 128, 144,
					  160, 176, 192, 208, 224, 240, 256, 288};

	(void)state;
	sizes_of("size_classes=pow2", pow2, sizeof(pow2) / sizeof(pow2[0]));
	sizes_of("size_classes=kmalloc,small_bytes=8192", kmalloc, sizeof(kmalloc) / sizeof(kmalloc[0]));
	sizes_of("size_classes=quarter-steps", quarter, sizeof(quarter) / sizeof(quarter[0]));
	sizes_of("size_classes=eighth-steps", eighth, sizeof(eighth) / sizeof(eighth[0]));
}

static void a_request_gets_the_smallest_class(void **state)
{
	(void)state;
	make("default");
	assert_int_equal(classes.of[size_class_of(&classes, 0)].bytes, 16);
	for (size_t bytes = 1; bytes <= classes.largest_bytes; bytes++) {
		unsigned class = size_class_of(&classes, bytes);

		assert_true(classes.of[class].bytes >= bytes);
		assert_true(classes.of[class - 1].bytes < bytes);
	}
}

static void an_aligned_request_gets_a_multiple(void **state)
{
	(void)state;
	make("default");
	assert_int_equal(classes.of[size_class_aligned(&classes, 64, 100)].bytes, 128);
	assert_int_equal(classes.of[size_class_aligned(&classes, 16, 100)].bytes, 112);
	assert_int_equal(classes.of[size_class_aligned(&classes, 4096, 1)].bytes, 4096);
	assert_int_equal(size_class_aligned(&classes, 8192, 1), 0);
	assert_int_equal(size_class_aligned(&classes, 16, classes.largest_bytes + 1), 0);
}

static void magazines_keep_their_limits(void **state)
{
	(void)state;
	make("magazine_blocks=64,magazine_bytes=8192");
	assert_int_equal(classes.of[size_class_of(&classes, 16)].magazine_limit, 64);
	assert_int_equal(classes.of[size_class_of(&classes, 1024)].magazine_limit, 8);
	assert_int_equal(classes.of[size_class_of(&classes, 16384)].magazine_limit, 1);
	make("magazine_blocks=0");
	assert_int_equal(classes.of[size_class_of(&classes, 16)].magazine_limit, 0);
}

static void demand(const char *text)
{
	assert_string_equal(size_classes_check(&classes), text);
	make("default");
	assert_null(size_classes_check(&classes));
}

static void broken_invariants_are_named(void **state)
{
	(void)state;
	make("default");
	classes.of[3].bytes = classes.of[2].bytes;
	demand("I1: class sizes are not increasing multiples of 16");
	classes.largest_bytes += 16;
	demand("I1: largest_bytes is not the last class");
	classes.class_of_granule[5]++;
	demand("I2: a granule's class is not the smallest that holds it");
	classes.of[4].few.blocks++;
	demand("I3: a shape's blocks are not what its pages hold");
	classes.of[4].many.blocks--;
	demand("I3: a shape's blocks are not what its pages hold");
	classes.of[5].reciprocal -= 1000;
	demand("I4: the reciprocal does not divide as the size does");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_scheme_is_sound),
	    cmocka_unit_test(schemes_have_the_sizes_they_promise),
	    cmocka_unit_test(a_request_gets_the_smallest_class),
	    cmocka_unit_test(an_aligned_request_gets_a_multiple),
	    cmocka_unit_test(magazines_keep_their_limits),
	    cmocka_unit_test(broken_invariants_are_named),
	};

	return cmocka_run_group_tests_name("size_class", tests, NULL, NULL);
}
