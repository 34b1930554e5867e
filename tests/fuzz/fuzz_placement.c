#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "bench/placement/cursor.h"
#include "traces/flt_checksum.h"

#include <stdlib.h>
#include <string.h>

/* Behind a real checksum no changed byte would ever be parsed. */
uint64_t flt_checksum(const void *bytes, size_t count)
{
	(void)bytes;
	(void)count;
	return 0;
}

static void put_story(struct placement_writer *writer)
{
	struct placement_record map = {
	    .kind = PLACEMENT_CALL,
	    .call_kind = EVENT_MMAP,
	    .call = {.length = 1 << 20, .result = 0x7ffff7000000, .protection = 3, .flags = 0x22}};
	struct placement_record start = {
	    .event = 70, .kind = PLACEMENT_CALL, .call_kind = EVENT_BRK, .call = {.result = 0x555555577000}};
	struct placement_record move = {.event = 70,
					.kind = PLACEMENT_CALL,
					.call_kind = EVENT_BRK,
					.call = {.address = 0x555555598000, .result = 0x555555598000}};
	struct trace_error error;

	(void)!placement_writer_add(writer, &map, &error);
	for (uint64_t i = 1; i < 60; i++) {
		const struct placement_record block = {
		    .event = i, .object = i, .address = 0x7ffff7000000 + i * 112, .bytes = 100};

		(void)!placement_writer_add(writer, &block, &error);
	}
	(void)!placement_writer_add(writer, &start, &error);
	(void)!placement_writer_add(writer, &move, &error);
}

size_t fuzz_seed(unsigned index, uint8_t *bytes)
{
	static const struct placement_description description = {
	    .trace_hash = "0123456789abcdef0123456789abcdef", .target = "glibc", .events = 100};
	struct placement_writer *writer = index < 2 ? placement_writer_create(&description) : NULL;
	struct trace_error error;
	size_t count = 0;

	if (!writer)
		return 0;
	for (unsigned take = 0; take <= index; take++) {
		if (placement_writer_begin(writer, &error) == TRACE_OK)
			put_story(writer);
	}
	void *file = placement_writer_finish(writer, &count);

	if (file && count <= FUZZ_SEED_BYTES)
		memcpy(bytes, file, count);
	else
		count = 0;
	free(file);
	placement_writer_destroy(writer);
	return count;
}

/* A placement that is accepted can be read, moved, and keeps the promises of its cursor. */
static void read_through(const struct placement *placement, unsigned take)
{
	struct placement_cursor cursor;
	struct placement_record record;
	struct trace_error error;

	if (placement_cursor_create(&cursor, placement, take, NULL, &error) != TRACE_OK)
		return;
	if (placement_cursor_check(&cursor, NULL))
		abort();
	while (placement_cursor_next(&cursor, UINT64_MAX, &record, &error) == TRACE_OK) {
		if (record.kind == PLACEMENT_BLOCK && record.address < CURSOR_LOWEST)
			abort();
	}
	placement_cursor_destroy(&cursor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct placement *placement;
	struct trace_error error;

	if (placement_read(&placement, data, size, "input", &error) != TRACE_OK)
		return 0;
	for (unsigned take = 0; take < placement->takes; take++)
		read_through(placement, take);
	placement_close(placement);
	return 0;
}
