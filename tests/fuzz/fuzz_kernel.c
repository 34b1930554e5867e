#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/unit/census_sink.h"
#include "tests/unit/small_arena.h"
#include "traces/memory_call.h"
#include "traces/record/kernel_merge.h"
#include "traces/record/perf_ring.h"
#include "traces/record/tracefs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_BYTES 8

/* Whatever the kernel is taken to have told, in whatever order, the events obey event.h and the merge its invariants. The
 * same bytes are read as one perf record and as a tracepoint's format. */
struct judge {
	struct census_sink books;
	uint32_t files, snapshots;
};

static enum trace_status number_file(struct event_sink *sink, const struct event_file *file, uint32_t *number,
				     struct trace_error *error)
{
	(void)file;
	(void)error;
	*number = ++((struct judge *)sink)->files;
	return TRACE_OK;
}

static enum trace_status number_snapshot(struct event_sink *sink, const struct event_snapshot *snapshot,
					 uint32_t *number, struct trace_error *error)
{
	(void)snapshot;
	(void)error;
	*number = ++((struct judge *)sink)->snapshots;
	return TRACE_OK;
}

/* Few processes, threads and calls, so that records meet. */
static struct kernel_record record_of(const uint8_t *bytes, uint64_t ticks)
{
	const struct memory_call *call = memory_call_at(bytes[3] % 21);
	struct kernel_record record = {.kind = bytes[0] % (KERNEL_PROCESS_END + 1),
				       .process_id = bytes[1] % 5u,
				       .thread_id = bytes[2] % 7u,
				       .call = call && call->number >= 0 ? (uint64_t)call->number : 0,
				       .ticks = ticks,
				       .name = "maps",
				       .result = (int64_t)(int8_t)bytes[4] * 16};

	for (size_t i = 0; i < 6; i++)
		record.argument[i] = bytes[4 + i % 4] % 9u;
	if (bytes[7] & 1)
		record.text = strdup("/dev/null");
	return record;
}

static void drain(struct kernel_merge *kernel, struct trace_error *error)
{
	const char *broken = kernel_merge_check(kernel);
	bool complete;

	if (broken) {
		(void)fprintf(stderr, "%s\n", broken);
		abort();
	}
	while (kernel_merge_first(kernel, &complete) != UINT64_MAX && complete) {
		if (kernel_merge_emit(kernel, error) != TRACE_OK)
			return;
	}
}

static void merge(const uint8_t *data, size_t size)
{
	struct judge judge = {.files = 0};
	struct merge_output output = {.sink = &judge.books.sink};
	struct tick_clock still = {.resolution_ns = 1};
	struct small_arena small;
	struct heap_merge heap;
	struct kernel_merge kernel;
	struct trace_error error;

	small_arena_create(&small, 1);
	census_sink_start(&judge.books);
	judge.books.sink.file = number_file;
	judge.books.sink.snapshot = number_snapshot;
	heap_merge_start(&heap, &small.arena, &output, &still);
	kernel_merge_start(&kernel, &heap, size % 2);
	for (size_t at = 0; at + RECORD_BYTES <= size; at += RECORD_BYTES) {
		struct kernel_record record = record_of(data + at, at);
		if (kernel_merge_put(&kernel, &record, &error) != TRACE_OK)
			break;
		drain(&kernel, &error);
	}
	kernel_merge_settle(&kernel, UINT64_MAX);
	drain(&kernel, &error);
	kernel_merge_end(&kernel);
	heap_merge_end(&heap);
	census_sink_end(&judge.books);
	small_arena_destroy(&small);
}

static void parse(const uint8_t *data, size_t size)
{
	struct perf_ring ring = {.events = 1, .number = {0}};
	struct tracepoint_field field;
	struct perf_sample sample;
	char *text = malloc(size + 1);

	if (!text)
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	if (perf_record_parse(&ring, data, size, &sample) && sample.raw) {
		field = (struct tracepoint_field){data[0], 8};
		(void)tracepoint_value(&field, sample.raw, sample.raw_bytes);
	}
	(void)tracepoint_field_find(text, "id", &field);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	merge(data, size);
	if (size != 0)
		parse(data, size);
	return 0;
}
