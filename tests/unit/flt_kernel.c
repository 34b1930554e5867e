#include "config.h"

#include "tests/unit/flt_file.h"
#include "traces/flt_verify.h"

#include <stdlib.h>
#include <string.h>

static struct flt_writer *begin(uint64_t recorder)
{
	const struct flt_description description = {.source = "test", .has_time = true, .recorder = recorder};
	struct flt_writer *writer;

	assert_ok(flt_writer_create(&writer, flt_file_path(), &description, &flt_file_error));
	return writer;
}

static struct flt_reader *finish(struct flt_writer *writer)
{
	struct flt_reader *reader;

	assert_ok(flt_writer_finish(writer, &flt_file_error));
	assert_ok(flt_reader_open(&reader, flt_file_path(), &flt_file_error));
	assert_ok(flt_verify(reader, &flt_file_error));
	assert_ok(flt_reader_seek(reader, 0, &flt_file_error));
	return reader;
}

static void add(struct flt_writer *writer, struct event event)
{
	assert_ok(flt_writer_add(writer, &event, &flt_file_error));
}

static void refuse(struct flt_writer *writer, struct event event, const char *says)
{
	assert_int_equal(flt_writer_add(writer, &event, &flt_file_error), TRACE_BAD_INPUT);
	if (!strstr(flt_file_error.message, says))
		fail_msg("'%s' does not say '%s'", flt_file_error.message, says);
}

static uint32_t name(struct flt_writer *writer, enum event_names table, const char *text)
{
	uint32_t number;

	assert_ok(flt_writer_name(writer, table, text, &number, &flt_file_error));
	return number;
}

/* Every kind, with the highest number that each field takes. */
static void highest_numbers(void **state)
{
	struct flt_writer *writer = begin(0);
	struct event events[EVENT_KINDS - EVENT_PAGE_ALLOC], event;
	struct flt_reader *reader;

	(void)state;
	(void)name(writer, EVENT_NAMES_GFP, "GFP_KERNEL");
	(void)name(writer, EVENT_NAMES_CACHE, "dentry");
	for (unsigned kind = EVENT_PAGE_ALLOC; kind < EVENT_KINDS; kind++) {
		const unsigned has = event_kernel_carries(kind);
		struct event_kernel *kernel = &events[kind - EVENT_PAGE_ALLOC].kernel;

		events[kind - EVENT_PAGE_ALLOC] = (struct event){.kind = (uint8_t)kind};
		kernel->frame = has & EVENT_KERNEL_HAS_FRAME ? EVENT_MAX_FRAMES - 1 : 0;
		kernel->pages = has & EVENT_KERNEL_HAS_PAGES ? EVENT_MAX_FRAMES - 1 : 0;
		kernel->address = has & EVENT_KERNEL_HAS_ADDRESS ? UINT64_MAX : 0;
		kernel->bytes = has & EVENT_KERNEL_HAS_BYTES ? UINT64_MAX : 0;
		kernel->granted = has & EVENT_KERNEL_HAS_GRANTED ? UINT64_MAX : 0;
		kernel->gfp = has & EVENT_KERNEL_HAS_GFP ? 1 : 0;
		kernel->cache = has & EVENT_KERNEL_HAS_CACHE ? 1 : 0;
		kernel->node = has & EVENT_KERNEL_HAS_NODE ? EVENT_MAX_NODES - 1 : 0;
		kernel->order = has & EVENT_KERNEL_HAS_ORDER ? EVENT_MAX_ORDERS - 1 : 0;
		kernel->migrate_type = has & EVENT_KERNEL_HAS_MIGRATE_TYPE ? EVENT_MAX_MIGRATE_TYPES - 1 : 0;
		kernel->fallback_order = has & EVENT_KERNEL_HAS_FALLBACK ? EVENT_MAX_ORDERS - 1 : 0;
		kernel->fallback_type = has & EVENT_KERNEL_HAS_FALLBACK ? EVENT_MAX_MIGRATE_TYPES - 1 : 0;
		kernel->flags = has & EVENT_KERNEL_HAS_FLAGS ? 7 : 0;
		kernel->code = has & EVENT_KERNEL_HAS_CODE ? EVENT_ZONES - 1 : 0;
		add(writer, events[kind - EVENT_PAGE_ALLOC]);
	}
	reader = finish(writer);
	for (unsigned i = 0; i < EVENT_KINDS - EVENT_PAGE_ALLOC; i++) {
		assert_ok(flt_reader_next(reader, &event, &flt_file_error));
		flt_file_assert_event(&event, &events[i], i);
	}
	flt_reader_close(reader);
}

static void what_is_refused(void **state)
{
	struct flt_writer *writer = begin(0);

	(void)state;
	refuse(writer, (struct event){.kind = EVENT_PAGE_FREE, .kernel.gfp = 1}, "that is not registered");
	refuse(writer, (struct event){.kind = EVENT_KMEM_FREE, .kernel.cache = 1}, "that is not registered");
	(void)name(writer, EVENT_NAMES_GFP, "GFP_KERNEL");
	refuse(writer, (struct event){.kind = EVENT_PAGE_FREE, .kernel.gfp = 1}, "its kind does not have");
	refuse(writer, (struct event){.kind = EVENT_FREE, .kernel.order = 1}, "its kind does not have");
	refuse(writer, (struct event){.kind = EVENT_PAGE_FREE, .kernel.frame = EVENT_MAX_FRAMES},
	       "page frame number that is too high");
	refuse(writer, (struct event){.kind = EVENT_PAGE_FREE, .kernel.order = EVENT_MAX_ORDERS},
	       "order that is too high");
	refuse(writer,
	       (struct event){.kind = EVENT_PCPU_DRAIN, .kernel.migrate_type = EVENT_MAX_MIGRATE_TYPES},
	       "migrate type that is too high");
	refuse(writer, (struct event){.kind = EVENT_KSWAPD_SLEEP, .kernel.node = EVENT_MAX_NODES},
	       "node number that is too high");
	refuse(writer, (struct event){.kind = EVENT_ZONE_LOCKED, .kernel.flags = 8},
	       "unknown flag of the kernel");
	refuse(writer, (struct event){.kind = EVENT_ZONE_GROW, .kernel.code = EVENT_ZONES}, "unknown zone");
	refuse(writer, (struct event){.kind = EVENT_PAGE_FREE, .flags = EVENT_FAILED}, "is marked as failed");
	refuse(writer, (struct event){.kind = EVENT_PAGE_ALLOC, .flags = EVENT_FAILED, .kernel.frame = 1},
	       "is marked as failed, but has a page");
	add(writer, (struct event){.kind = EVENT_PAGE_ALLOC, .flags = EVENT_FAILED, .kernel.order = 10});
	flt_reader_close(finish(writer));
}

/* A table's numbers are its own; the order of the tables' names in the file does not matter. */
static void names(void **state)
{
	struct flt_writer *writer = begin(0);
	struct flt_reader *reader;
	uint32_t number;

	(void)state;
	assert_int_equal(name(writer, EVENT_NAMES_CACHE, "dentry"), 1);
	assert_int_equal(name(writer, EVENT_NAMES_GFP, "GFP_KERNEL"), 1);
	add(writer, (struct event){.kind = EVENT_KMEM_FREE, .kernel.cache = 1});
	assert_int_equal(name(writer, EVENT_NAMES_CACHE, "GFP_KERNEL"), 2);
	assert_int_equal(name(writer, EVENT_NAMES_CACHE, "dentry"), 1);
	assert_int_equal(flt_writer_name(writer, EVENT_NAMES_CACHE, "", &number, &flt_file_error),
			 TRACE_BAD_INPUT);
	add(writer, (struct event){.kind = EVENT_KMEM_FREE, .kernel.cache = 2});
	reader = finish(writer);
	assert_int_equal(flt_reader_summary(reader)->names[EVENT_NAMES_CACHE], 2);
	assert_int_equal(flt_reader_summary(reader)->names[EVENT_NAMES_GFP], 1);
	assert_string_equal(flt_reader_summary(reader)->name[EVENT_NAMES_CACHE][1], "GFP_KERNEL");
	flt_reader_close(reader);
}

/* The footer's tally, the recorder's mark, and both found again where there is no footer. */
static void tally(void **state)
{
	struct flt_writer *writer = begin(77);
	struct event_sink *sink = flt_writer_sink(writer);
	struct flt_reader *reader;
	struct flt_file_bytes bytes;

	(void)state;
	assert_int_equal(name(writer, EVENT_NAMES_CACHE, "dentry"), 1);
	add(writer, (struct event){.kind = EVENT_PAGE_ALLOC, .kernel = {.frame = 5, .order = 3}});
	assert_ok(sink->process(sink, 1, 1, 77, "faultline record", &flt_file_error));
	add(writer, (struct event){.kind = EVENT_KMEM_ALLOC,
				   .thread = 1,
				   .process = 1,
				   .kernel = {.address = 64, .bytes = 10, .granted = 16, .cache = 1}});
	reader = finish(writer);
	assert_int_equal(flt_reader_summary(reader)->description.recorder, 77);
	assert_int_equal(flt_reader_summary(reader)->kernel.own, 1);
	assert_int_equal(flt_reader_summary(reader)->kernel.page_allocs[3], 1);
	flt_reader_close(reader);
	bytes = flt_file_load();
	assert_ok(flt_reader_open_memory(&reader, bytes.bytes, bytes.count - 1, &flt_file_error));
	assert_true(flt_reader_summary(reader)->truncated);
	assert_int_equal(flt_reader_summary(reader)->kernel.own, 1);
	assert_int_equal(flt_reader_summary(reader)->kernel.page_allocs[3], 1);
	assert_int_equal(flt_reader_summary(reader)->kernel.cache[1].granted, 16);
	assert_string_equal(flt_reader_summary(reader)->name[EVENT_NAMES_CACHE][0], "dentry");
	flt_reader_close(reader);
	free(bytes.bytes);
}

/* What a build does to the page allocator: bursts from the lists of two processors, given back in bursts. */
static void bytes_per_page_event(void **state)
{
	struct flt_writer *writer = begin(0);
	struct flt_reader *reader;
	uint64_t now = 0, seed = 1;
	uint32_t gfp;

	(void)state;
	gfp = name(writer, EVENT_NAMES_GFP, "GFP_HIGHUSER_MOVABLE|__GFP_ZERO|__GFP_COMP");
	for (unsigned i = 0; i < 50000; i++) {
		const unsigned burst = i / 64, cpu = burst % 2;
		struct event event = {.kind = burst % 4 < 2 ? EVENT_PAGE_ALLOC : EVENT_PAGE_FREE,
				      .thread = cpu,
				      .process = cpu};

		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		now += 300 + (seed >> 54);
		event.time_ns = now;
		event.kernel.frame = 0x100000 + (seed >> 33) % 500000;
		event.kernel.migrate_type = event.kind == EVENT_PAGE_ALLOC;
		event.kernel.gfp = event.kind == EVENT_PAGE_ALLOC ? gfp : 0;
		if (cpu && i == 64)
			add(writer, (struct event){.kind = EVENT_SWITCH, .thread = 1, .process = 1});
		add(writer, event);
	}
	reader = finish(writer);
	assert_true(flt_reader_summary(reader)->file_bytes <= 6 * flt_reader_summary(reader)->events);
	flt_reader_close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(highest_numbers),
					   cmocka_unit_test(what_is_refused), cmocka_unit_test(names),
					   cmocka_unit_test(tally), cmocka_unit_test(bytes_per_page_event)};

	return cmocka_run_group_tests(tests, flt_file_make_directory, flt_file_remove_directory);
}
