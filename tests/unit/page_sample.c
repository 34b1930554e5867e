#include "config.h"

#include "bench/micro/page_sample.h"

#include "engine/base/random.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT 5000u

static char path[] = "/tmp/page-sample-XXXXXX";

static void write_sample(uint64_t pages, size_t count, struct page_sample *sample)
{
	struct random random = {pages};
	int file = open(path, O_WRONLY | O_TRUNC);

	*sample = (struct page_sample){count, calloc(count + 1, sizeof(uint64_t)), calloc(count + 1, 1)};
	assert_non_null(sample->page);
	assert_non_null(sample->is_store);
	for (size_t i = 0; i < count; i++) {
		sample->page[i] = random_below(&random, pages) * 0x123456789;
		sample->is_store[i] = (uint8_t)random_below(&random, 2);
	}
	assert_true(file >= 0);
	assert_null(page_sample_write(sample, file));
	assert_int_equal(close(file), 0);
}

/* Few pages, about as many as there are ranks, many more. */
static void test_what_is_written_is_read(void **state)
{
	static const uint64_t pages[] = {1, 2, 126, 127, 128, 129, 5000};

	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		struct page_sample written, sample;

		write_sample(pages[i], i == 0 ? 0 : COUNT, &written);
		assert_null(page_sample_read(&sample, path));
		assert_int_equal(sample.count, written.count);
		assert_memory_equal(sample.page, written.page, written.count * sizeof(uint64_t));
		assert_memory_equal(sample.is_store, written.is_store, written.count);
		page_sample_free(&written);
		page_sample_free(&sample);
	}
}

/* Cut anywhere, and with any bit turned, it is refused or read, but never read wrongly beyond its arrays. */
static void test_damage(void **state)
{
	struct page_sample written, sample;
	struct random random = {1};
	static uint8_t bytes[1 << 16];

	(void)state;
	write_sample(300, 200, &written);
	page_sample_free(&written);
	int file = open(path, O_RDWR);
	ssize_t length = read(file, bytes, sizeof(bytes));

	assert_true(length > 100);
	for (unsigned i = 0; i < 400; i++) {
		size_t cut = i % 2 ? (size_t)length : random_below(&random, (uint64_t)length);
		uint64_t at = random_below(&random, (uint64_t)length);

		bytes[at] ^= (uint8_t)(i % 2 << i / 2 % 8);
		assert_int_equal(pwrite(file, bytes, cut, 0), cut);
		assert_int_equal(ftruncate(file, (off_t)cut), 0);
		const char *wrong = page_sample_read(&sample, path);

		assert_true(wrong || sample.count <= PAGE_SAMPLE_MAX);
		if (cut < (size_t)length)
			assert_non_null(wrong);
		page_sample_free(&sample);
		bytes[at] ^= (uint8_t)(i % 2 << i / 2 % 8);
	}
	assert_int_equal(close(file), 0);
	assert_string_equal(page_sample_read(&sample, "/nowhere/at.all"), "the file cannot be opened");
}

static int make_file(void **state)
{
	int file = mkstemp(path);

	(void)state;
	return file >= 0 ? close(file) : -1;
}

static int drop_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_is_written_is_read),
	    cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, make_file, drop_file);
}
