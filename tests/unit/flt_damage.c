/* A damaged or cut trace: whatever is delivered is right, the rest is refused. */
#include "config.h"

#include "tests/unit/flt_file.h"
#include "traces/flt_verify.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS 120
#define BLOCK 16

static const struct flt_events_options options = {
    .seed = 11, .threads = 6, .processes = 3, .stacks = 5, .time = true, .oddities = true};

struct fixture {
	struct event *events;
	struct flt_file_bytes file;
};

static struct fixture make(void)
{
	struct fixture fixture = {.events = flt_file_events(&options, EVENTS)};

	flt_file_write(&options, fixture.events, EVENTS, BLOCK);
	fixture.file = flt_file_load();
	return fixture;
}

static void release(struct fixture *fixture)
{
	free(fixture->events);
	free(fixture->file.bytes);
}

/* Reads all that can be read; each event must be the original one. Returns how many there were. */
static uint64_t read_all(struct flt_reader *reader, const struct event *events, enum trace_status *end)
{
	struct event event;
	uint64_t count = 0;

	while ((*end = flt_reader_next(reader, &event, &flt_file_error)) == TRACE_OK) {
		assert_true(count < EVENTS);
		flt_file_assert_event(&event, &events[count], count);
		count++;
	}
	return count;
}

/* Opens exactly these bytes, in memory of exactly this length so that a sanitizer sees a read behind them. */
static enum trace_status open_copy(struct flt_reader **reader, const uint8_t *bytes, size_t count,
				   uint8_t **copy)
{
	*copy = malloc(count + !count);
	assert_non_null(*copy);
	memcpy(*copy, bytes, count);
	return flt_reader_open_memory(reader, *copy, count, &flt_file_error);
}

static void test_cut_at_every_byte(void **state)
{
	struct fixture fixture = make();
	uint64_t before = 0;

	(void)state;
	for (size_t length = 0; length < fixture.file.count; length++) {
		struct flt_reader *reader;
		uint8_t *copy;
		enum trace_status status = open_copy(&reader, fixture.file.bytes, length, &copy);

		if (status == TRACE_OK) {
			const struct flt_summary *summary = flt_reader_summary(reader);
			const uint64_t events = read_all(reader, fixture.events, &status);

			assert_int_equal(status, TRACE_END);
			assert_true(summary->truncated);
			assert_int_equal(events, summary->events);
			assert_true(events % BLOCK == 0 || events == EVENTS);
			assert_true(events >= before); /* a longer file never gives less */
			assert_ok(flt_verify(reader, &flt_file_error));
			before = events;
			flt_reader_close(reader);
		} else {
			assert_int_equal(status, TRACE_BAD_INPUT);
			assert_int_equal(before, 0);
		}
		free(copy);
	}
	assert_int_equal(before, EVENTS);
	release(&fixture);
}

static void damage_one(const struct fixture *fixture, size_t place, uint8_t change)
{
	struct flt_reader *reader;
	uint8_t *copy;
	enum trace_status status;

	fixture->file.bytes[place] ^= change;
	status = open_copy(&reader, fixture->file.bytes, fixture->file.count, &copy);
	if (status == TRACE_OK) {
		const uint64_t events = read_all(reader, fixture->events, &status);

		if (status == TRACE_END)
			assert_int_equal(events, flt_reader_summary(reader)->events);
		else
			assert_int_equal(status, TRACE_BAD_INPUT);
		if (status == TRACE_END && !flt_reader_summary(reader)->truncated)
			assert_int_equal(events, EVENTS);
		flt_reader_close(reader);
	} else {
		assert_true(status == TRACE_BAD_INPUT || status == TRACE_UNSUPPORTED);
	}
	free(copy);
	fixture->file.bytes[place] ^= change;
}

static void test_damage_every_byte(void **state)
{
	struct fixture fixture = make();

	(void)state;
	for (size_t place = 0; place < fixture.file.count; place++) {
		damage_one(&fixture, place, 0x01);
		damage_one(&fixture, place, 0x80);
		damage_one(&fixture, place, 0xff);
	}
	release(&fixture);
}

/* Without the footer: everything it said is found again. */
static void test_footer_is_rebuilt(void **state)
{
	struct fixture fixture = make();
	struct flt_reader *whole, *cut;
	uint8_t *copy;

	(void)state;
	assert_ok(flt_reader_open_memory(&whole, fixture.file.bytes, fixture.file.count, &flt_file_error));
	assert_ok(open_copy(&cut, fixture.file.bytes, fixture.file.count - 1, &copy));
	const struct flt_summary *with = flt_reader_summary(whole), *without = flt_reader_summary(cut);

	assert_false(with->truncated);
	assert_true(without->truncated);
	assert_string_equal(with->hash, without->hash);
	assert_int_equal(with->live_peak_bytes, without->live_peak_bytes);
	assert_int_equal(with->threads, without->threads);
	assert_int_equal(with->processes, without->processes);
	assert_string_equal(with->thread[5].name, without->thread[5].name);
	assert_memory_equal(with->kinds, without->kinds, sizeof(with->kinds));
	assert_memory_equal(with->sizes, without->sizes, sizeof(with->sizes));
	flt_reader_close(whole);
	flt_reader_close(cut);
	free(copy);
	release(&fixture);
}

/* Zeros or anything else behind the end, as after a crash of the system, cost the footer but no event. */
static void test_tail_of_zeros(void **state)
{
	struct fixture fixture = make();
	uint8_t *longer = calloc(1, fixture.file.count + 4096);
	struct flt_reader *reader;
	enum trace_status status;

	(void)state;
	assert_non_null(longer);
	memcpy(longer, fixture.file.bytes, fixture.file.count);
	assert_ok(flt_reader_open_memory(&reader, longer, fixture.file.count + 4096, &flt_file_error));
	assert_int_equal(read_all(reader, fixture.events, &status), EVENTS);
	assert_true(flt_reader_summary(reader)->truncated);
	flt_reader_close(reader);
	free(longer);
	release(&fixture);
}

static void test_not_a_trace(void **state)
{
	static const char *const texts[] = {"", "x", "202: malloc 0xb4827400 1024\n202: free 0xb4827400\n"};
	struct flt_reader *reader;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_status(flt_reader_open_memory(&reader, texts[i], strlen(texts[i]), &flt_file_error),
			      TRACE_BAD_INPUT);
		assert_null(reader);
		assert_non_null(strstr(flt_file_error.message, "not a Faultline trace"));
	}
	assert_status(flt_reader_open(&reader, "/nonexistent.flt", &flt_file_error), TRACE_IO);
	assert_status(flt_reader_open(&reader, "/tmp", &flt_file_error), TRACE_IO);
	assert_non_null(strstr(flt_file_error.message, "directory"));
}

static void test_later_version(void **state)
{
	struct fixture fixture = make();
	struct flt_reader *reader;

	(void)state;
	fixture.file.bytes[8]++;
	assert_status(
	    flt_reader_open_memory(&reader, fixture.file.bytes, fixture.file.count, &flt_file_error),
	    TRACE_UNSUPPORTED);
	assert_non_null(strstr(flt_file_error.message, "version 2"));
	fixture.file.bytes[8]--;
	fixture.file.bytes[10] = 1;
	assert_status(
	    flt_reader_open_memory(&reader, fixture.file.bytes, fixture.file.count, &flt_file_error),
	    TRACE_UNSUPPORTED);
	release(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cut_at_every_byte), cmocka_unit_test(test_damage_every_byte),
	    cmocka_unit_test(test_footer_is_rebuilt), cmocka_unit_test(test_tail_of_zeros),
	    cmocka_unit_test(test_not_a_trace),	      cmocka_unit_test(test_later_version),
	};

	return cmocka_run_group_tests_name("flt_damage", tests, flt_file_make_directory,
					   flt_file_remove_directory);
}
