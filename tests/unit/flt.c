#include "config.h"

#include "tests/unit/flt_file.h"
#include "traces/flt_verify.h"
#include "traces/live_sets.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct flt_events_options variant_options(unsigned variant)
{
	return (struct flt_events_options){
	    .seed = variant + 1,
	    .threads = variant & 1 ? 40 : 1,
	    .processes = variant & 1 ? 5 : 1,
	    .stacks = variant & 2 ? 50 : 0,
	    .time = variant & 4,
	    .oddities = variant & 8,
	    .kernel = variant % 3 == 2,
	};
}

static struct flt_reader *open_scratch(void)
{
	struct flt_reader *reader;

	assert_ok(flt_reader_open(&reader, flt_file_path(), &flt_file_error));
	return reader;
}

static void round_trip(const struct flt_events_options *options, size_t count)
{
	struct event *events = flt_file_events(options, count), event;

	flt_file_write(options, events, count, 0);
	struct flt_reader *reader = open_scratch();

	assert_int_equal(flt_reader_summary(reader)->events, count);
	for (size_t i = 0; i < count; i++) {
		assert_ok(flt_reader_next(reader, &event, &flt_file_error));
		flt_file_assert_event(&event, &events[i], i);
	}
	assert_status(flt_reader_next(reader, &event, &flt_file_error), TRACE_END);
	assert_status(flt_reader_next(reader, &event, &flt_file_error), TRACE_END);
	assert_ok(flt_verify(reader, &flt_file_error));
	flt_reader_close(reader);
	free(events);
}

static void test_round_trips(void **state)
{
	static const size_t counts[] = {0, 1, 2, 100, 32767, 32768, 32769, 70000};

	(void)state;
	for (unsigned variant = 0; variant < 16; variant++) {
		const struct flt_events_options options = variant_options(variant);

		round_trip(&options, counts[variant % 8]);
		round_trip(&options, counts[7 - variant % 8]);
	}
}

/* Values at the edges of the columns' ranges. */
static void test_extreme_values(void **state)
{
	const struct flt_events_options options = {.time = true, .threads = 1, .processes = 1};
	struct event events[] = {
	    {.kind = EVENT_MALLOC, .object = 1, .size = UINT64_C(1) << 61, .time_ns = UINT64_MAX},
	    {.kind = EVENT_MALLOC, .size = UINT64_MAX, .flags = EVENT_FAILED, .time_ns = 0},
	    {.kind = EVENT_CALLOC,
	     .size = UINT64_MAX,
	     .count = UINT64_MAX,
	     .flags = EVENT_FAILED,
	     .time_ns = 7},
	    {.kind = EVENT_MEMALIGN,
	     .object = 2,
	     .size = 0,
	     .alignment = UINT64_C(1) << 62,
	     .time_ns = UINT64_MAX},
	    {.kind = EVENT_REALLOC, .old_object = 1, .time_ns = 1},
	    {.kind = EVENT_MALLOC, .time_ns = UINT64_C(1) << 63},
	    {.kind = EVENT_FREE, .object = 3, .flags = EVENT_FOREIGN, .time_ns = 3},
	    {.kind = EVENT_REALLOC,
	     .old_object = 4,
	     .flags = EVENT_FOREIGN | EVENT_FAILED,
	     .size = 1,
	     .time_ns = 3},
	    {.kind = EVENT_FREE_SIZED,
	     .object = 4,
	     .size = UINT64_MAX,
	     .alignment = UINT64_MAX,
	     .time_ns = 3},
	    {.kind = EVENT_REALLOC,
	     .old_object = 5,
	     .object = 6,
	     .flags = EVENT_FOREIGN,
	     .size = 9,
	     .time_ns = 3},
	    {.kind = EVENT_FREE, .time_ns = 3},
	    {.kind = EVENT_MARKER, .size = UINT64_MAX, .time_ns = 3},
	    {.kind = EVENT_EXIT, .size = UINT64_MAX, .time_ns = 3},
	};
	const size_t count = sizeof(events) / sizeof(events[0]);
	struct event event;

	(void)state;
	for (size_t block = 1; block <= count; block++) {
		flt_file_write(&options, events, count, block);
		struct flt_reader *reader = open_scratch();

		for (size_t i = 0; i < count; i++) {
			assert_ok(flt_reader_next(reader, &event, &flt_file_error));
			flt_file_assert_event(&event, &events[i], i);
		}
		assert_ok(flt_verify(reader, &flt_file_error));
		flt_reader_close(reader);
	}
}

static void assert_batch_event(const struct flt_batch *batch, unsigned columns, size_t i,
			       const struct event *expected)
{
	if (columns & FLT_KIND)
		assert_true(batch->kind[i] == expected->kind && batch->flags[i] == expected->flags);
	if (columns & FLT_TIME)
		assert_true(batch->time_ns[i] == expected->time_ns);
	if (columns & FLT_OBJECT)
		assert_true(batch->object[i] == expected->object &&
			    batch->old_object[i] == expected->old_object);
	if (columns & FLT_SIZE)
		assert_true(batch->size[i] == expected->size);
	if (columns & FLT_DETAIL)
		assert_true(batch->count[i] == expected->count && batch->alignment[i] == expected->alignment);
	if (columns & FLT_STACK)
		assert_true(batch->stack[i] == expected->stack);
	if ((columns & FLT_KERNEL) && event_has_kernel(expected))
		assert_memory_equal(&batch->kernel[i], &expected->kernel, sizeof(expected->kernel));
	if (columns & FLT_THREAD)
		assert_true(batch->thread[i] == expected->thread && batch->process[i] == expected->process);
}

static void assert_only(const struct flt_batch *batch, unsigned columns)
{
	assert_true(!!batch->kind == !!(columns & FLT_KIND) && !!batch->flags == !!(columns & FLT_KIND));
	assert_true(!!batch->time_ns == !!(columns & FLT_TIME));
	assert_true(!!batch->object == !!(columns & FLT_OBJECT) &&
		    !!batch->old_object == !!(columns & FLT_OBJECT));
	assert_true(!!batch->size == !!(columns & FLT_SIZE));
	assert_true(!!batch->count == !!(columns & FLT_DETAIL) &&
		    !!batch->alignment == !!(columns & FLT_DETAIL));
	assert_true(!!batch->stack == !!(columns & FLT_STACK));
	assert_true(!!batch->thread == !!(columns & FLT_THREAD) &&
		    !!batch->process == !!(columns & FLT_THREAD));
}

/* Every set of columns gives the same values as all of them. */
static void test_every_set_of_columns(void **state)
{
	const struct flt_events_options options = variant_options(15);
	const size_t count = 3000;
	struct event *events = flt_file_events(&options, count);

	(void)state;
	flt_file_write(&options, events, count, 700);
	struct flt_reader *reader = open_scratch();

	for (unsigned columns = 1; columns <= FLT_ALL; columns++) {
		size_t position = 0;
		struct flt_batch batch;
		enum trace_status status;

		assert_ok(flt_reader_seek(reader, 0, &flt_file_error));
		while ((status = flt_reader_batch(reader, columns, &batch, &flt_file_error)) == TRACE_OK) {
			assert_int_equal(batch.first, position);
			assert_only(&batch, columns);
			for (size_t i = 0; i < batch.events; i++)
				assert_batch_event(&batch, columns, i, &events[position + i]);
			position += batch.events;
		}
		assert_int_equal(status, TRACE_END);
		assert_int_equal(position, count);
	}
	flt_reader_close(reader);
	free(events);
}

/* Seeking anywhere and reading on, by event or by batch, gives what reading from the start gives. */
static void test_seek_equals_sequential(void **state)
{
	const struct flt_events_options options = variant_options(15);
	const size_t count = 1000;
	struct event *events = flt_file_events(&options, count), event;
	struct flt_batch batch;

	(void)state;
	flt_file_write(&options, events, count, 64);
	struct flt_reader *reader = open_scratch();

	for (size_t step = 0; step < count; step++) {
		const size_t position =
		    step * 619 % count; /* 619 and 1000 share no factor: every position once */

		assert_ok(flt_reader_seek(reader, position, &flt_file_error));
		if (step % 2) {
			assert_ok(flt_reader_batch(reader, FLT_SIZE | FLT_OBJECT, &batch, &flt_file_error));
			assert_int_equal(batch.first, position);
			assert_batch_event(&batch, FLT_SIZE | FLT_OBJECT, 0, &events[position]);
			if (position + batch.events == count)
				continue;
			assert_ok(flt_reader_next(reader, &event, &flt_file_error));
			flt_file_assert_event(&event, &events[position + batch.events],
					      position + batch.events);
		} else {
			assert_ok(flt_reader_next(reader, &event, &flt_file_error));
			flt_file_assert_event(&event, &events[position], position);
		}
	}
	assert_ok(flt_reader_seek(reader, count, &flt_file_error));
	assert_status(flt_reader_next(reader, &event, &flt_file_error), TRACE_END);
	assert_status(flt_reader_seek(reader, count + 1, &flt_file_error), TRACE_BAD_INPUT);
	flt_reader_close(reader);
	free(events);
}

static void test_tables(void **state)
{
	const struct flt_events_options options = variant_options(15);
	const size_t count = 5000;
	struct event *events = flt_file_events(&options, count);
	size_t depth;

	(void)state;
	flt_file_write(&options, events, count, 100);
	struct flt_reader *reader = open_scratch();
	const struct flt_summary *summary = flt_reader_summary(reader);

	assert_string_equal(summary->description.source, "unit test");
	assert_string_equal(summary->description.command, "a command");
	assert_string_equal(summary->description.host, "");
	assert_int_equal(summary->threads, 40);
	assert_int_equal(summary->processes, 5);
	for (uint32_t i = 0; i < summary->threads; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "thread %u", i);
		assert_string_equal(summary->thread[i].name, name);
		assert_int_equal(summary->thread[i].os_id, 1000 + i);
	}
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(summary->thread[events[i].thread].process, events[i].process);
		if (events[i].kind == EVENT_FORK)
			assert_int_equal(summary->process[events[i].count].parent, events[i].process);
	}
	assert_int_equal(summary->warnings, 1);
	assert_string_equal(summary->warning[0].what, "something odd");
	assert_int_equal(summary->warning[0].count, 3);
	for (uint32_t i = 1; i <= options.stacks; i++) {
		const uint64_t *address = flt_reader_stack(reader, i, &depth);

		assert_int_equal(depth, 1 + i % 4);
		assert_true(address[0] == UINT64_C(0x7f0000001000) + i);
		assert_true(depth < 3 || address[2] == UINT64_MAX - i);
	}
	assert_null(flt_reader_stack(reader, 0, &depth));
	assert_null(flt_reader_stack(reader, options.stacks + 1, &depth));
	assert_int_equal(depth, 0);
	flt_reader_close(reader);
	free(events);
}

static void hash_of(const struct flt_events_options *options, const struct event *events, size_t count,
		    char hash[33])
{
	flt_file_write(options, events, count, 1 + options->seed);
	struct flt_reader *reader = open_scratch();

	memcpy(hash, flt_reader_summary(reader)->hash, 33);
	flt_reader_close(reader);
}

/* Equal whatever the blocks; different when any field of any event differs. */
static void test_hash(void **state)
{
	struct flt_events_options options = {
	    .seed = 3, .threads = 1, .processes = 1, .stacks = 2, .time = true};
	struct event events[] = {
	    {.kind = EVENT_CALLOC, .object = 1, .size = 8, .count = 2, .time_ns = 1},
	    {.kind = EVENT_MEMALIGN, .object = 2, .size = 8, .alignment = 16, .time_ns = 1},
	    {.kind = EVENT_FREE, .object = 1, .time_ns = 2},
	};
	char first[33], other[33];

	(void)state;
	hash_of(&options, events, 3, first);
	options.seed = 0;
	hash_of(&options, events, 3, other);
	assert_string_equal(first, other);
	for (unsigned change = 0; change < 10; change++) {
		struct event changed[3];

		memcpy(changed, events, sizeof(events));
		changed[0].size += change == 0;
		changed[0].count += change == 1;
		changed[1].alignment += change == 2 ? 16 : 0;
		changed[2].time_ns += change == 3;
		changed[2].object += change == 4;
		changed[1].stack += change == 5;
		changed[0].kind = change == 6 ? EVENT_MEMALIGN : changed[0].kind;
		changed[0].count -= change == 6 ? 2 : 0;
		changed[0].alignment = change == 6 ? 2 : 0;
		if (change > 6)
			changed[2] = (struct event){.kind = EVENT_PAGE_FREE, .time_ns = 2};
		changed[2].kernel.frame = change == 8;
		changed[2].kernel.order = change == 9;
		hash_of(&options, changed, 3, other);
		assert_string_not_equal(first, other);
		if (change == 7)
			memcpy(first, other, sizeof(first));
	}
}

static bool count_object(void *context, uint64_t id, const struct live_object *object)
{
	uint64_t *sum = context;

	*sum += id * 31 + object->size_bytes * 7 + object->thread;
	return true;
}

static uint64_t digest(const struct live_sets *sets)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < sets->processes; i++) {
		uint64_t process_sum = 0;

		(void)live_set_each(&sets->process[i], count_object, &process_sum);
		sum = sum * 1000003 + process_sum;
	}
	return sum;
}

/* The live set at a place, from the checkpoint before it, is that of all events before it. */
static void test_live_set_at_a_place(void **state)
{
	static const size_t places[] = {0, 1, 1048575, 1048576, 1048577, 1100000, 2097152, 2200000};
	const struct flt_events_options options = {.seed = 5, .threads = 8, .processes = 3, .oddities = true};
	const size_t count = 2200000;
	struct event *events = flt_file_events(&options, count);
	struct live_sets naive = LIVE_SETS_EMPTY;
	size_t applied = 0;

	(void)state;
	flt_file_write(&options, events, count, 0);
	struct flt_reader *reader = open_scratch();

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct live_sets sets = LIVE_SETS_EMPTY;

		for (; applied < places[i]; applied++)
			assert_ok(live_sets_apply(&naive, &events[applied], &flt_file_error));
		assert_ok(flt_reader_live(reader, places[i], &sets, &flt_file_error));
		assert_true(digest(&sets) == digest(&naive));
		live_sets_clear(&sets);
	}
	live_sets_clear(&naive);
	flt_reader_close(reader);
	free(events);
}

static void test_writer_refuses(void **state)
{
	static const struct event bad[] = {
	    {.kind = 0},
	    {.kind = EVENT_KINDS},
	    {.kind = EVENT_MALLOC, .object = 2, .size = 1},
	    {.kind = EVENT_MALLOC, .object = 1, .size = 1, .thread = 1},
	    {.kind = EVENT_MALLOC, .object = 1, .size = 1, .process = 1},
	    {.kind = EVENT_MALLOC, .object = 1, .size = 1, .time_ns = 1},
	    {.kind = EVENT_MALLOC, .object = 1, .size = 1, .stack = 1},
	    {.kind = EVENT_FREE, .object = 1},
	};
	const struct flt_description description = {.source = "unit test"};
	const struct event good = {.kind = EVENT_MALLOC, .object = 1, .size = 1};
	struct flt_writer *writer;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_ok(flt_writer_create(&writer, flt_file_path(), &description, &flt_file_error));
		assert_status(flt_writer_add(writer, &bad[i], &flt_file_error), TRACE_BAD_INPUT);
		assert_non_null(strstr(flt_file_error.message, "event 0"));
		assert_ok(flt_writer_add(writer, &good, &flt_file_error));
		assert_status(flt_writer_block_events(writer, 5, &flt_file_error), TRACE_BAD_INPUT);
		flt_writer_abandon(writer);
	}
	assert_ok(flt_writer_create(&writer, flt_file_path(), &description, &flt_file_error));
	assert_status(flt_writer_block_events(writer, 0, &flt_file_error), TRACE_BAD_INPUT);
	assert_status(flt_writer_block_events(writer, (1u << 18) + 1, &flt_file_error), TRACE_BAD_INPUT);
	flt_writer_abandon(writer);
}

/* Nothing under the path before the end, nothing at all after an abandon. */
static void test_nothing_half_written(void **state)
{
	const struct flt_description description = {.source = "unit test"};
	struct flt_writer *writer;

	(void)state;
	(void)unlink(flt_file_path());
	assert_ok(flt_writer_create(&writer, flt_file_path(), &description, &flt_file_error));
	assert_int_not_equal(access(flt_file_path(), F_OK), 0);
	flt_writer_abandon(writer);
	assert_int_not_equal(access(flt_file_path(), F_OK), 0);
	assert_ok(flt_writer_create(&writer, flt_file_path(), &description, &flt_file_error));
	assert_ok(flt_writer_finish(writer, &flt_file_error));
	assert_int_equal(access(flt_file_path(), F_OK), 0);
	assert_status(flt_writer_create(&writer, "/nonexistent/t.flt", &description, &flt_file_error),
		      TRACE_IO);
	assert_null(writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trips),
	    cmocka_unit_test(test_extreme_values),
	    cmocka_unit_test(test_every_set_of_columns),
	    cmocka_unit_test(test_seek_equals_sequential),
	    cmocka_unit_test(test_tables),
	    cmocka_unit_test(test_hash),
	    cmocka_unit_test(test_live_set_at_a_place),
	    cmocka_unit_test(test_writer_refuses),
	    cmocka_unit_test(test_nothing_half_written),
	};

	return cmocka_run_group_tests_name("flt", tests, flt_file_make_directory, flt_file_remove_directory);
}
