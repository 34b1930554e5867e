#include "config.h"

#include "engine/heap/metadata.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZE_BYTES ((uint64_t)1 << 20)

static struct metadata metadata;

static int set_up(void **state)
{
	(void)state;
	return metadata_create(&metadata, SIZE_BYTES) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	metadata_destroy(&metadata);
	return 0;
}

static void arrays_are_aligned_and_zero(void **state)
{
	char *first = metadata_reserve(&metadata, 100);
	char *second = metadata_reserve(&metadata, 5000);

	(void)state;
	assert_non_null(first);
	assert_int_equal((uintptr_t)first % PAGE_BYTES, 0);
	assert_int_equal((uintptr_t)second % PAGE_BYTES, 0);
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(second[i], 0);
	assert_null(metadata_reserve(&metadata, SIZE_BYTES));
	assert_null(metadata_check(&metadata));
}

static void a_chunk_is_used_again_for_its_size(void **state)
{
	void *small = metadata_take(&metadata, 40);
	void *other = metadata_take(&metadata, 64);

	(void)state;
	assert_int_equal((uintptr_t)small % 16, 0);
	assert_true((char *)other >= (char *)small + 48);
	metadata_give(&metadata, small, 40);
	assert_int_equal(metadata.free_bytes, 48);
	assert_ptr_not_equal(metadata_take(&metadata, 64), small);
	assert_ptr_equal(metadata_take(&metadata, 33), small);
	assert_int_equal(metadata.free_bytes, 0);
	assert_null(metadata_check(&metadata));
}

static void it_ends(void **state)
{
	size_t chunks = 0;

	(void)state;
	while (metadata_take(&metadata, METADATA_CHUNK_MAX))
		chunks++;
	assert_int_equal(chunks, SIZE_BYTES / METADATA_CHUNK_MAX);
	assert_null(metadata_take(&metadata, 16));
	assert_null(metadata_check(&metadata));
}

static void broken_invariants_are_named(void **state)
{
	void *chunk = metadata_take(&metadata, 64);

	(void)state;
	metadata_give(&metadata, chunk, 64);
	metadata.used_bytes += 8;
	assert_string_equal(metadata_check(&metadata), "I1: used_bytes is not inside the reservation");
	metadata.used_bytes -= 8;
	metadata.free_chunks[2] = metadata.memory + metadata.used_bytes;
	assert_string_equal(metadata_check(&metadata), "I2: a free chunk lies outside the used memory");
	metadata.free_chunks[2] = NULL;
	metadata.free_bytes += 16;
	assert_string_equal(metadata_check(&metadata), "I3: the free chunks do not hold free_bytes");
	metadata.free_bytes -= 16;
	assert_null(metadata_check(&metadata));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(arrays_are_aligned_and_zero, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_chunk_is_used_again_for_its_size, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(it_ends, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(broken_invariants_are_named, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("metadata", tests, NULL, NULL);
}
