#include "config.h"

#include "tests/unit/flt_file.h"
#include "traces/flt_verify.h"
#include "traces/slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A trace with everything that is not heap: two threads that map a file, allocate, and touch all of it between. */
#define STEPS 300
#define RUN 700 /* references after each event */
#define REFERENCES (UINT64_C(1) * STEPS * RUN)
#define OBJECTS (STEPS - 2)

static uint64_t random_state;

static uint32_t random_below(uint32_t bound)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return bound ? (uint32_t)(random_state >> 33) % bound : 0;
}

static const char snapshot_text[] = "7f0000000000-7f0000100000 rw-p 00000000 00:00 0\n";

static struct event event_of(uint64_t step)
{
	struct event event = {.kind = EVENT_MALLOC, .object = step, .size = 64 + step, .time_ns = step * 10};

	event.thread = step % 2 ? 1 : 0;
	if (step == 0) {
		event.kind = EVENT_MMAP;
		event.object = event.size = 0;
		event.call = (struct event_call){.length = 1 << 20,
						 .protection = PROT_READ | PROT_WRITE,
						 .flags = MAP_PRIVATE,
						 .offset = 8192,
						 .file = 1,
						 .result = UINT64_C(0x7f0000000000)};
	} else if (step == STEPS - 1) {
		event.kind = EVENT_SNAPSHOT;
		event.object = event.size = 0;
		event.count = 1;
	}
	return event;
}

/* After `step` + 1 events there are the objects 1 ... step. */
static struct access access_after(uint64_t step)
{
	static const uint8_t places[] = {ACCESS_OBJECT, ACCESS_STACK,  ACCESS_REGION,  ACCESS_ALLOCATOR,
					 ACCESS_WILD,	ACCESS_REGION, ACCESS_ABSOLUTE};
	struct access access = {.size = (uint16_t)(1u << random_below(6)),
				.kind = (uint8_t)random_below(2 * ACCESS_KINDS),
				.place = places[random_below(sizeof(places))],
				.offset = random_below(200)};

	if (access.place == ACCESS_OBJECT && step == 0)
		access.place = ACCESS_WILD;
	switch (access.place) {
	case ACCESS_OBJECT:
		access.base = 1 + random_below((uint32_t)(step < OBJECTS ? step : OBJECTS));
		access.offset -= 100; /* also before the block */
		break;
	case ACCESS_STACK:
		access.base = random_below(2);
		access.offset = 0 - access.offset * 1000;
		break;
	case ACCESS_REGION:
		access.base = 1 + random_below(2);
		access.offset *= 5000;
		break;
	default:
		access.offset += UINT64_C(0x7fff12340000) + ((uint64_t)random_below(50) << 20);
		break;
	}
	return access;
}

static void put_places(struct flt_writer *writer)
{
	static const struct event_file file = {
	    .path = "/usr/lib/libc.so.6", .device = 3, .inode = 4, .bytes = 99};
	static const struct event_region mapped = {.address = UINT64_C(0x7f0000000000),
						   .length = 1 << 20,
						   .offset = 8192,
						   .event = 0,
						   .file = 1,
						   .protection = PROT_READ | PROT_WRITE,
						   .flags = MAP_PRIVATE,
						   .kind = EVENT_REGION_FILE};
	static const struct event_region globals = {.address = 0x601000,
						    .length = 4096,
						    .event = UINT64_MAX,
						    .protection = PROT_READ,
						    .flags = MAP_PRIVATE,
						    .kind = EVENT_REGION_GLOBALS};
	static const struct event_snapshot snapshot = {"maps", snapshot_text, sizeof(snapshot_text) - 1};
	uint32_t number;

	assert_ok(flt_writer_file(writer, &file, &number, &flt_file_error));
	assert_ok(flt_writer_file(writer, &file, &number, &flt_file_error));
	assert_int_equal(number, 1);
	assert_ok(flt_writer_region(writer, &globals, &number, &flt_file_error));
	assert_int_equal(number, 1);
	assert_ok(flt_writer_region(writer, &mapped, &number, &flt_file_error));
	assert_int_equal(number, 2);
	assert_ok(flt_writer_snapshot(writer, &snapshot, &number, &flt_file_error));
	assert_int_equal(number, 1);
}

static struct flt_writer *create(void)
{
	const struct flt_description description = {"test", NULL, NULL, true, false, 0};
	struct flt_writer *writer;

	assert_ok(flt_writer_create(&writer, flt_file_path(), &description, &flt_file_error));
	struct event_sink *sink = flt_writer_sink(writer);

	assert_ok(sink->process(sink, 0, 0, 100, "made up", &flt_file_error));
	assert_ok(sink->thread(sink, 0, 0, 100, "first", &flt_file_error));
	assert_ok(sink->thread(sink, 1, 0, 101, "second", &flt_file_error));
	return writer;
}

static void write_scratch(void)
{
	struct flt_writer *writer = create();

	assert_ok(flt_writer_block_events(writer, 50, &flt_file_error));
	put_places(writer);
	random_state = 1;
	for (uint64_t step = 0; step < STEPS; step++) {
		const struct event event = event_of(step);
		struct access access[RUN];

		assert_ok(flt_writer_add(writer, &event, &flt_file_error));
		for (unsigned i = 0; i < RUN; i++)
			access[i] = access_after(step);
		if (step % 10 == 9)
			assert_ok(flt_writer_accesses_skipped(writer, event.thread, step, &flt_file_error));
		assert_ok(flt_writer_accesses(writer, event.thread, access, RUN / 2, &flt_file_error));
		assert_ok(flt_writer_accesses(writer, event.thread, access + RUN / 2, RUN - RUN / 2,
					      &flt_file_error));
	}
	assert_ok(flt_writer_finish(writer, &flt_file_error));
}

static struct flt_reader *open_scratch(void)
{
	struct flt_reader *reader;

	assert_ok(flt_reader_open(&reader, flt_file_path(), &flt_file_error));
	return reader;
}

static void assert_access(const struct access *got, const struct access *expected)
{
	assert_int_equal(got->place, expected->place);
	assert_int_equal(got->kind, expected->kind);
	assert_int_equal(got->size, expected->size);
	assert_true(got->base == expected->base && got->offset == expected->offset);
}

/* Reference `i` of the trace, in its run, is what was written. */
static void check_reference(const struct access_batch *batch, const struct access_run *run, size_t i)
{
	const uint64_t step = (batch->first + i) / RUN;
	const struct access expected = access_after(step);
	struct access got;

	access_of_batch(batch, i, &got);
	assert_access(&got, &expected);
	assert_true(run->position == step + 1);
	assert_int_equal(run->thread, step % 2);
	assert_true(batch->contexts_table[batch->context[i]].process == 0);
}

static void test_references(void **state)
{
	struct access_batch batch;
	uint64_t count = 0, skipped = 0;
	enum trace_status status;

	(void)state;
	write_scratch();
	struct flt_reader *reader = open_scratch();

	random_state = 1;
	while ((status = flt_reader_accesses(reader, &batch, &flt_file_error)) == TRACE_OK) {
		assert_null(access_batch_check(&batch));
		assert_true(batch.first == count);
		for (size_t r = 0; r < batch.runs; r++) {
			const struct access_run *run = &batch.run[r];

			skipped += run->skipped;
			assert_true(run->skipped == 0 || run->position % 10 == 0);
			for (uint32_t i = 0; i < run->count; i++)
				check_reference(&batch, run, run->first + i);
		}
		count += batch.count;
	}
	assert_int_equal(status, TRACE_END);
	assert_int_equal(count, REFERENCES);
	assert_true(skipped == 4620); /* 9 + 19 + ... + 299 */
	assert_true(flt_reader_summary(reader)->accesses == REFERENCES);
	assert_true(flt_reader_summary(reader)->accesses_skipped == skipped);
	assert_ok(flt_verify(reader, &flt_file_error));
	flt_reader_close(reader);
}

static void test_addresses(void **state)
{
	struct access_batch batch;
	struct flt_reader *reader;

	(void)state;
	write_scratch();
	reader = open_scratch();
	assert_ok(flt_reader_accesses(reader, &batch, &flt_file_error));
	uint64_t *where = calloc(batch.contexts, sizeof(*where));
	uint64_t *address = calloc(batch.count, sizeof(*address));

	assert_true(where && address);
	for (size_t i = 0; i < batch.contexts; i++)
		where[i] = (batch.contexts_table[i].base << 40) + batch.contexts_table[i].start;
	access_addresses(&batch, 3, batch.count - 3, where, address);
	for (size_t i = 3; i < batch.count; i++) {
		struct access access;

		access_of_batch(&batch, i, &access);
		assert_true(address[i - 3] == (access.base << 40) + access.offset);
	}
	free(address);
	free(where);
	flt_reader_close(reader);
}

static void assert_call(const struct event_call *got, const struct event_call *expected)
{
	assert_true(got->address == expected->address && got->length == expected->length);
	assert_true(got->new_length == expected->new_length && got->new_address == expected->new_address);
	assert_true(got->offset == expected->offset && got->result == expected->result);
	assert_int_equal(got->protection, expected->protection);
	assert_int_equal(got->flags, expected->flags);
	assert_int_equal(got->file, expected->file);
}

static void test_events_and_places(void **state)
{
	struct event event, expected;
	struct event_snapshot snapshot;

	(void)state;
	write_scratch();
	struct flt_reader *reader = open_scratch();
	const struct flt_summary *summary = flt_reader_summary(reader);

	for (uint64_t step = 0; step < STEPS; step++) {
		expected = event_of(step);
		assert_ok(flt_reader_next(reader, &event, &flt_file_error));
		flt_file_assert_event(&event, &expected, step);
		assert_call(&event.call, &expected.call);
	}
	assert_status(flt_reader_next(reader, &event, &flt_file_error), TRACE_END);
	assert_int_equal(summary->files, 1);
	assert_string_equal(summary->file[0].path, "/usr/lib/libc.so.6");
	assert_int_equal(summary->regions, 2);
	assert_true(summary->region[1].event == 0 && summary->region[1].offset == 8192);
	assert_int_equal(summary->kinds[EVENT_MMAP], 1);
	assert_ok(flt_reader_snapshot(reader, 1, &snapshot, &flt_file_error));
	assert_string_equal(snapshot.name, "maps");
	assert_int_equal(snapshot.length, sizeof(snapshot_text) - 1);
	assert_memory_equal(snapshot.bytes, snapshot_text, snapshot.length);
	assert_status(flt_reader_snapshot(reader, 2, &snapshot, &flt_file_error), TRACE_BAD_INPUT);
	flt_reader_close(reader);
}

/* What makes the writer refuse a reference after one event (object 1, two threads, two regions). */
static void test_refused(void **state)
{
	static const struct access bad[] = {
	    {.base = 1, .size = 0, .place = ACCESS_OBJECT},
	    {.base = 0, .size = 1, .place = ACCESS_OBJECT},
	    {.base = 2, .size = 1, .place = ACCESS_OBJECT},
	    {.base = 2, .size = 1, .place = ACCESS_STACK},
	    {.base = 0, .size = 1, .place = ACCESS_REGION},
	    {.base = 3, .size = 1, .place = ACCESS_REGION},
	    {.base = 1, .size = 1, .place = ACCESS_WILD},
	    {.base = 0, .size = 1, .place = ACCESS_PLACES},
	    {.base = 0, .size = 1, .place = ACCESS_WILD, .kind = 2 * ACCESS_KINDS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct flt_writer *writer = create();
		const struct event event = {.kind = EVENT_MALLOC, .object = 1, .size = 8};

		put_places(writer);
		assert_ok(flt_writer_add(writer, &event, &flt_file_error));
		assert_status(flt_writer_accesses(writer, 0, &bad[i], 1, &flt_file_error), TRACE_BAD_INPUT);
		assert_status(flt_writer_accesses(writer, 2, &bad[i], 1, &flt_file_error), TRACE_BAD_INPUT);
		flt_writer_abandon(writer);
	}
}

static struct flt_reader *slice_scratch(const struct slice_options *slice)
{
	const struct flt_description description = {"slice", NULL, NULL, true, false, 0};
	struct flt_reader *reader = open_scratch();
	struct flt_writer *writer;

	assert_ok(flt_writer_create(&writer, flt_file_path(), &description, &flt_file_error));
	assert_ok(slice_copy(reader, writer, slice, &flt_file_error));
	assert_ok(flt_writer_finish(writer, &flt_file_error));
	flt_reader_close(reader);
	reader = open_scratch();
	assert_ok(flt_verify(reader, &flt_file_error));
	return reader;
}

static void test_slice_of_all(void **state)
{
	static const struct slice_options all = {0, UINT64_MAX, SLICE_ALL, SLICE_ALL, false};
	char hash[33];

	(void)state;
	write_scratch();
	struct flt_reader *reader = open_scratch();

	memcpy(hash, flt_reader_summary(reader)->hash, sizeof(hash));
	assert_int_equal(flt_reader_summary(reader)->region[0].event == UINT64_MAX, true);
	flt_reader_close(reader);
	reader = slice_scratch(&all);
	const struct flt_summary *summary = flt_reader_summary(reader);

	assert_int_equal(summary->accesses, REFERENCES);
	assert_int_equal(summary->accesses_skipped, 4620);
	assert_int_equal(summary->regions, 2);
	assert_int_equal(summary->snapshots, 0); /* counted only when they are read */
	flt_reader_close(reader);
	/* Numbered by first use once, the numbers stay. */
	reader = slice_scratch(&all);
	memcpy(hash, flt_reader_summary(reader)->hash, sizeof(hash));
	flt_reader_close(reader);
	reader = slice_scratch(&all);
	assert_string_equal(flt_reader_summary(reader)->hash, hash);
	flt_reader_close(reader);
}

/* A part of one thread: references to objects from before are counted instead of kept. */
static void test_slice_of_thread(void **state)
{
	static const struct slice_options part = {100, 200, SLICE_ALL, 1, false};
	struct access_batch batch;
	enum trace_status status;

	(void)state;
	write_scratch();
	struct flt_reader *reader = slice_scratch(&part);
	const struct flt_summary *summary = flt_reader_summary(reader);

	assert_int_equal(summary->events, 50);
	assert_true(summary->accesses > 0);
	assert_true(summary->accesses + summary->accesses_skipped >= (uint64_t)50 * RUN - RUN);
	while ((status = flt_reader_accesses(reader, &batch, &flt_file_error)) == TRACE_OK) {
		for (size_t r = 0; r < batch.runs; r++)
			assert_string_equal(summary->thread[batch.run[r].thread].name, "second");
	}
	assert_int_equal(status, TRACE_END);
	flt_reader_close(reader);
}

/* Cut anywhere, a trace is read up to its last whole block; with any byte turned it is refused or read, never worse. */
static void test_damage(void **state)
{
	(void)state;
	write_scratch();
	struct flt_file_bytes file = flt_file_load();

	random_state = 3;
	for (unsigned i = 0; i < 60; i++) {
		const size_t length = i % 2 ? random_below((uint32_t)file.count) : file.count;
		FILE *out = fopen(flt_file_path(), "wb");
		struct access_batch batch;
		struct flt_reader *reader;

		assert_non_null(out);
		if (i % 2 == 0)
			file.bytes[random_below((uint32_t)file.count)] ^= (uint8_t)(1u << random_below(8));
		assert_int_equal(fwrite(file.bytes, 1, length, out), length);
		assert_int_equal(fclose(out), 0);
		if (flt_reader_open(&reader, flt_file_path(), &flt_file_error) != TRACE_OK)
			continue;
		while (flt_reader_accesses(reader, &batch, &flt_file_error) == TRACE_OK)
			assert_null(access_batch_check(&batch));
		const enum trace_status sound = flt_verify(reader, &flt_file_error);

		assert_true(sound == TRACE_OK || sound == TRACE_BAD_INPUT);
		flt_reader_close(reader);
	}
	free(file.bytes);
}

static uint64_t file_size(void)
{
	struct stat status;

	assert_int_equal(stat(flt_file_path(), &status), 0);
	return (uint64_t)status.st_size;
}

/* The writer's bound holds with long paths, with regions of the largest numbers, and with references that repeat nothing. */
static void test_bound_of_size(void **state)
{
	static struct access access[RUN];
	struct flt_writer *writer = create();
	char path[600];
	uint32_t number;

	(void)state;
	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = 0;
	for (uint32_t i = 0; i < 300; i++) {
		struct event_file file = {
		    .path = path, .device = UINT64_MAX, .inode = i, .bytes = UINT64_MAX};
		const struct event_region region = {.kind = EVENT_REGION_FILE,
						    .address = UINT64_MAX - i,
						    .length = UINT64_MAX,
						    .offset = UINT64_MAX,
						    .event = UINT64_MAX,
						    .file = i + 1,
						    .protection = UINT32_MAX,
						    .flags = UINT32_MAX};

		path[i % 500] = (char)('a' + random_below(26));
		assert_ok(flt_writer_file(writer, &file, &number, &flt_file_error));
		assert_ok(flt_writer_region(writer, &region, &number, &flt_file_error));
	}
	for (unsigned round = 0; round < 100; round++) {
		for (unsigned i = 0; i < RUN; i++)
			access[i] = (struct access){.offset = (uint64_t)random_below(UINT32_MAX) << 16 | i,
						    .size = (uint16_t)(1 + random_below(60)),
						    .place = ACCESS_WILD};
		assert_ok(flt_writer_accesses(writer, round % 2, access, RUN, &flt_file_error));
	}
	const uint64_t bound = flt_writer_bytes(writer);

	assert_ok(flt_writer_finish(writer, &flt_file_error));
	assert_true(file_size() <= bound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_references),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_events_and_places),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_slice_of_all),
	    cmocka_unit_test(test_slice_of_thread),
	    cmocka_unit_test(test_damage),
	    cmocka_unit_test(test_bound_of_size),
	};

	return cmocka_run_group_tests_name("references in traces", tests, flt_file_make_directory,
					   flt_file_remove_directory);
}
