#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/unit/small_arena.h"
#include "traces/census.h"
#include "traces/record/heap_merge.h"

#include <stdlib.h>
#include <string.h>

/* What a recorded program may do to the arena it shares with its recorder: anything. The input is CHUNKS headers of
 * HEADER_BYTES, then records of RECORD_BYTES that go to the chunks in turn. Whatever they say, ordering keeps its
 * invariants and comes to an end, and the merge gives out events that obey event.h. */
#define CHUNKS 3u
#define HEADER_BYTES 8u
#define RECORD_BYTES 8u

struct judge {
	struct event_sink sink;
	struct census census;
};

static enum trace_status judge_event(struct event_sink *sink, const struct event *event,
				     struct trace_error *error)
{
	return census_add(&((struct judge *)sink)->census, event, error);
}

static enum trace_status judge_thread(struct event_sink *sink, uint32_t thread, uint32_t process,
				      uint64_t os_id, const char *name, struct trace_error *error)
{
	(void)os_id;
	(void)name;
	return census_thread(&((struct judge *)sink)->census, thread, process, error);
}

static enum trace_status judge_process(struct event_sink *sink, uint32_t process, uint32_t parent,
				       uint64_t os_id, const char *command, struct trace_error *error)
{
	(void)parent;
	(void)os_id;
	(void)command;
	return census_process(&((struct judge *)sink)->census, process, error);
}

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void fill_header(struct small_arena *small, uint32_t index, const uint8_t *bytes)
{
	struct arena_chunk *chunk = &small->arena.chunks[index];
	struct arena_process *process = small_arena_process(small, index, bytes[4], 500u + bytes[5] % 3);

	chunk->process_slot = bytes[0];
	chunk->process_serial = bytes[1];
	chunk->thread_serial = bytes[2] == 255 ? UINT64_MAX - 1 : bytes[2];
	chunk->first_order = bytes[3] % 4;
	process->parent_serial = bytes[6];
	process->fork_token = bytes[7];
	atomic_store(&chunk->state, ARENA_CHUNK_OWNED + bytes[5] / 128);
}

static void fill_record(struct small_arena *small, uint32_t index, const uint8_t *bytes)
{
	uint32_t chunk = index % CHUNKS, place = index / CHUNKS;
	struct arena_record *record = &small->arena.records[(uint64_t)chunk * ARENA_CHUNK_RECORDS + place];
	uint64_t order = bytes[0] == 255 ? (uint64_t)bytes[1] << 40 : 1 + index + bytes[0] % 8;

	record->tsc = (uint64_t)bytes[2] << (bytes[3] % 56);
	record->address = (uint64_t)bytes[4] << 4 | (uint64_t)bytes[5] << ARENA_INFO_SHIFT |
			  (uint64_t)(bytes[3] & 128) << 56;
	record->size = bytes[6] > 250 ? UINT64_MAX << (bytes[6] - 251) : bytes[6];
	atomic_store(&record->order_kind, bytes[7] == 255 ? 0 : order << 8 | bytes[7] % 24);
	atomic_store(&small->arena.chunks[chunk].reserved,
		     place + 1 + (bytes[7] == 254 ? UINT32_MAX / 2 : 0));
}

static void merge_all(struct ordering *ordering, struct heap_merge *merge, uint64_t limit)
{
	struct trace_error error;

	for (unsigned round = 0; round < 8; round++) {
		struct ordered_record record;
		ordering_scan(ordering);
		demand(round % 4 != 0 || ordering_check(ordering) == NULL);
		while (ordering_peek(ordering, &record)) {
			/* What cannot be merged is a thread with the number that no thread can have. */
			demand(heap_merge_put(merge, &record, &error) == TRACE_OK);
			ordering_take(ordering);
		}
		if (round == 4) {
			for (unsigned serial = 0; serial < 256; serial++)
				ordering_process_gone(ordering, serial);
		}
		if (ordering->base < limit)
			ordering_skip(ordering, limit);
	}
	while (merge->endings != 0)
		demand(heap_merge_thread_exit(merge, merge->ending[0], &error) == TRACE_OK);
	for (size_t i = 0; i < merge->processes; i++)
		demand(heap_merge_process_exit(merge, i, 0, 0, &error) == TRACE_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct judge judge = {.sink = {.put = judge_event, .thread = judge_thread, .process = judge_process}};
	struct merge_output output = {.sink = &judge.sink};
	const struct tick_clock clock = {.resolution_ns = 10, .ns_per_tick = 0.4};
	struct small_arena small;
	struct ordering ordering;
	struct heap_merge merge;
	struct trace_error error;
	uint32_t records;

	if (size < (size_t)CHUNKS * HEADER_BYTES)
		return 0;
	small_arena_create(&small, CHUNKS);
	for (uint32_t i = 0; i < CHUNKS; i++)
		fill_header(&small, i, data + (size_t)i * HEADER_BYTES);
	records = (uint32_t)((size - (size_t)CHUNKS * HEADER_BYTES) / RECORD_BYTES);
	if (records > CHUNKS * ARENA_CHUNK_RECORDS)
		records = CHUNKS * ARENA_CHUNK_RECORDS;
	for (uint32_t i = 0; i < records; i++)
		fill_record(&small, i, data + (size_t)CHUNKS * HEADER_BYTES + (size_t)i * RECORD_BYTES);
	census_start(&judge.census);
	demand(ordering_create(&ordering, &small.arena, &error) == TRACE_OK);
	heap_merge_start(&merge, &small.arena, &output, &clock);
	merge_all(&ordering, &merge, UINT64_C(1) << 50);
	demand(census_check(&judge.census) == NULL);
	heap_merge_end(&merge);
	ordering_destroy(&ordering);
	census_end(&judge.census);
	small_arena_destroy(&small);
	return 0;
}

/* Headers of one sound process with three threads, and records of every kind. */
size_t fuzz_seed(unsigned index, uint8_t *bytes)
{
	size_t used = 0;

	if (index > 2)
		return 0;
	for (uint8_t chunk = 0; chunk < CHUNKS; chunk++) {
		const uint8_t header[HEADER_BYTES] = {
		    0, 1, (uint8_t)(1 + chunk), 1, (uint8_t)(1 + chunk), chunk, 0, 3};
		memcpy(bytes + used, header, sizeof(header));
		used += sizeof(header);
	}
	for (unsigned i = 0; i < 60u << index; i++) {
		const uint8_t record[RECORD_BYTES] = {
		    (uint8_t)(index == 2 ? i * 7 : 0),
		    (uint8_t)i,
		    (uint8_t)i,
		    8,
		    (uint8_t)(i * 5 % 16),
		    (uint8_t)(i % 9),
		    (uint8_t)(1 + i % 40),
		    (uint8_t)(i == 0 ? ARENA_PROCESS_START : 1 + i * 11 % 16)};
		memcpy(bytes + used, record, sizeof(record));
		used += sizeof(record);
	}
	return used;
}
