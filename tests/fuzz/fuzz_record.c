#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/unit/census_sink.h"
#include "tests/unit/small_arena.h"
#include "traces/access.h"
#include "traces/record/access_merge.h"
#include "traces/record/access_word.h"
#include "traces/record/heap_merge.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

/* What a recorded program may do to the arena it shares with its recorder: anything. The input is CHUNKS headers of
 * HEADER_BYTES, then records of RECORD_BYTES that go to the chunks in turn. Whatever they say, ordering keeps its
 * invariants and comes to an end, and the merge gives out events that obey event.h. The same input is read twice: as a
 * recording of the heap, and as one of accesses too, in which every third chunk may hold words. */
#define CHUNKS 3u
#define HEADER_BYTES 8u
#define RECORD_BYTES 8u

struct judge {
	struct census_sink books;
	uint32_t files, regions;
	uint64_t references;
};

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static enum trace_status judge_file(struct event_sink *sink, const struct event_file *file, uint32_t *number,
				    struct trace_error *error)
{
	(void)error;
	demand(strlen(file->path) < ACCESS_MERGE_PATH_BYTES);
	*number = ++((struct judge *)sink)->files;
	return TRACE_OK;
}

static enum trace_status judge_region(struct event_sink *sink, const struct event_region *region,
				      uint32_t *number, struct trace_error *error)
{
	struct judge *judge = (struct judge *)sink;

	(void)error;
	demand(region->length != 0 && region->address + region->length >= region->address);
	demand(region->file <= judge->files && region->process < judge->books.census.processes);
	*number = ++judge->regions;
	return TRACE_OK;
}

static bool is_sound(const struct judge *judge, const struct access *access)
{
	if (access->size == 0 || access->kind >= 2 * ACCESS_KINDS)
		return false;
	switch (access->place) {
	case ACCESS_OBJECT:
		return access->base - 1 < judge->books.census.objects;
	case ACCESS_STACK:
		return access->base < judge->books.census.threads;
	case ACCESS_REGION:
		return access->base - 1 < judge->regions;
	default:
		return access->place <= ACCESS_WILD && access->base == 0;
	}
}

/* References name only what was told of before. */
static enum trace_status judge_accesses(struct event_sink *sink, uint32_t thread, const struct access *access,
					size_t count, struct trace_error *error)
{
	struct judge *judge = (struct judge *)sink;

	(void)error;
	demand(thread < judge->books.census.threads && count > 0);
	for (size_t i = 0; i < count; i++)
		demand(is_sound(judge, &access[i]));
	judge->references += count;
	return TRACE_OK;
}

static enum trace_status judge_skipped(void *context, uint32_t thread, uint64_t count,
				       struct trace_error *error)
{
	const struct judge *judge = context;

	(void)error;
	demand(thread < judge->books.census.threads && count < UINT64_C(1) << 48);
	return TRACE_OK;
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
	atomic_store(&chunk->state, bytes[5] >= 192 ? ARENA_CHUNK_WORDS : ARENA_CHUNK_OWNED + bytes[5] / 128);
}

static uint64_t word_of(const uint8_t *bytes)
{
	return access_word(bytes[0] >> 6, bytes[1] % 64, (uint64_t)bytes[2] << 8 | bytes[3]);
}

/* Two words where a record would begin, and two that are unlike them. */
static void fill_words(struct arena_record *record, const uint8_t *bytes)
{
	const uint64_t words[4] = {word_of(bytes), word_of(bytes + 4), word_of(bytes + 2),
				   word_of(bytes) + 8};

	memcpy(record, words, sizeof(words));
}

/* Of a system call: a number that is one, and a result that may be an address. */
static void make_call(struct arena_record *record, const uint8_t *bytes)
{
	static const uint16_t numbers[] = {SYS_mmap,	 SYS_munmap, SYS_mremap, SYS_brk,
					   SYS_mprotect, SYS_shmat,  SYS_shmdt,	 SYS_ftruncate};

	record->address = numbers[bytes[4] % 8];
	record->size = bytes[6] > 240 ? UINT64_MAX - bytes[6] : (uint64_t)bytes[6] << bytes[3] % 56;
}

/* The words of a chunk, of which few are there. */
static void make_hand_over(struct arena_record *record, const uint8_t *bytes)
{
	record->address = bytes[4] % (CHUNKS + 1) | (uint64_t)(bytes[5] & 1) << ARENA_INFO_SHIFT;
	record->size = (uint64_t)bytes[6] << bytes[3] % 8;
}

/* False: it holds words and has no number. */
static bool fill_record(struct small_arena *small, uint32_t index, uint64_t next, const uint8_t *bytes)
{
	uint32_t chunk = index % CHUNKS, place = index / CHUNKS;
	struct arena_record *record = &small->arena.records[(uint64_t)chunk * ARENA_CHUNK_RECORDS + place];
	uint64_t order = bytes[0] == 255 ? (uint64_t)bytes[1] << 40 : next + bytes[0] % 8;

	if (atomic_load(&small->arena.chunks[chunk].state) == ARENA_CHUNK_WORDS) {
		fill_words(record, bytes);
		return false;
	}
	record->tsc = (uint64_t)bytes[2] << (bytes[3] % 56);
	record->address = (uint64_t)bytes[4] << 4 | (uint64_t)bytes[5] << ARENA_INFO_SHIFT |
			  (uint64_t)(bytes[3] & 128) << 56;
	record->size = bytes[6] > 250 ? UINT64_MAX << (bytes[6] - 251) : bytes[6];
	if (bytes[7] % 24 == ARENA_CALL)
		make_call(record, bytes);
	else if (bytes[7] % 24 == ARENA_ACCESSES)
		make_hand_over(record, bytes);
	atomic_store(&record->order_kind, bytes[7] == 255 ? 0 : order << 8 | bytes[7] % 24);
	atomic_store(&small->arena.chunks[chunk].reserved,
		     place + 1 + (bytes[7] == 254 ? UINT32_MAX / 2 : 0));
	return true;
}

struct rig {
	struct small_arena small;
	struct ordering ordering;
	struct heap_merge merge;
	struct access_merge accesses;
	bool has_accesses;
	struct judge judge;
	struct trace_error error;
};

static void merge_ready(struct rig *rig)
{
	struct ordered_record record;

	while (ordering_peek(&rig->ordering, &record)) {
		/* What cannot be merged is a thread with the number that no thread can have. */
		demand((rig->has_accesses ? access_merge_put(&rig->accesses, &record, &rig->error)
					  : heap_merge_put(&rig->merge, &record, &rig->error)) == TRACE_OK);
		ordering_take(&rig->ordering);
	}
}

static void end_processes(struct rig *rig)
{
	for (unsigned serial = 0; serial < 256; serial++) {
		ordering_process_gone(&rig->ordering, serial);
		if (rig->has_accesses)
			demand(access_merge_process_gone(&rig->accesses, serial, CHUNKS, &rig->error) ==
			       TRACE_OK);
	}
}

static void merge_all(struct rig *rig, uint64_t limit)
{
	for (unsigned round = 0; round < 8; round++) {
		ordering_scan(&rig->ordering);
		demand(round % 4 != 0 || ordering_check(&rig->ordering) == NULL);
		merge_ready(rig);
		if (round == 4)
			end_processes(rig);
		if (rig->ordering.base < limit)
			ordering_skip(&rig->ordering, limit);
	}
	demand(interleaving_check(&rig->accesses.interleaving) == NULL);
	if (rig->has_accesses)
		demand(access_merge_finish(&rig->accesses, CHUNKS, &rig->error) == TRACE_OK);
	for (size_t i = 0; i < rig->accesses.processes; i++)
		demand(!rig->accesses.process[i].space ||
		       space_check(rig->accesses.process[i].space) == NULL);
	while (rig->merge.endings != 0)
		demand(heap_merge_thread_exit(&rig->merge, rig->merge.ending[0], &rig->error) == TRACE_OK);
	for (size_t i = 0; i < rig->merge.processes; i++)
		demand(heap_merge_process_exit(&rig->merge, i, 0, 0, &rig->error) == TRACE_OK);
}

static void fill(struct rig *rig, const uint8_t *data, size_t size)
{
	uint64_t order = ARENA_FIRST_ORDER;
	uint32_t records = (uint32_t)((size - (size_t)CHUNKS * HEADER_BYTES) / RECORD_BYTES);

	for (uint32_t i = 0; i < CHUNKS; i++)
		fill_header(&rig->small, i, data + (size_t)i * HEADER_BYTES);
	if (records > CHUNKS * ARENA_CHUNK_RECORDS)
		records = CHUNKS * ARENA_CHUNK_RECORDS;
	for (uint32_t i = 0; i < records; i++)
		order += fill_record(&rig->small, i, order,
				     data + (size_t)CHUNKS * HEADER_BYTES + (size_t)i * RECORD_BYTES);
}

static void run(const uint8_t *data, size_t size, bool has_accesses)
{
	const struct tick_clock clock = {.resolution_ns = 10, .ns_per_tick = 0.4};
	struct rig rig = {.has_accesses = has_accesses};
	struct merge_output output = {.sink = &rig.judge.books.sink};
	const struct access_output onward = {
	    .sink = &rig.judge.books.sink, .skipped = judge_skipped, .context = &rig.judge};

	census_sink_start(&rig.judge.books);
	rig.judge.books.sink.file = judge_file;
	rig.judge.books.sink.region = judge_region;
	rig.judge.books.sink.accesses = judge_accesses;
	small_arena_create(&rig.small, CHUNKS);
	fill(&rig, data, size);
	demand(ordering_create(&rig.ordering, &rig.small.arena, &rig.error) == TRACE_OK);
	if (has_accesses) {
		demand(access_merge_start(&rig.accesses, &rig.merge, CHUNKS, &onward, &rig.error) ==
		       TRACE_OK);
		if (data[6] % 2)
			access_merge_seed(&rig.accesses, data[6]);
		access_merge_output(&rig.accesses, &output);
	}
	heap_merge_start(&rig.merge, &rig.small.arena, &output, &clock);
	merge_all(&rig, UINT64_C(1) << 50);
	demand(rig.judge.references == rig.accesses.counts.references);
	heap_merge_end(&rig.merge);
	access_merge_end(&rig.accesses);
	ordering_destroy(&rig.ordering);
	census_sink_end(&rig.judge.books);
	small_arena_destroy(&rig.small);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < (size_t)CHUNKS * HEADER_BYTES)
		return 0;
	run(data, size, false);
	run(data, size, true);
	return 0;
}

/* Headers of one sound process with three threads, and records of every kind. */
size_t fuzz_seed(unsigned index, uint8_t *bytes)
{
	size_t used = 0;

	if (index > 3)
		return 0;
	for (uint8_t chunk = 0; chunk < CHUNKS; chunk++) {
		/* Of the last seed the third chunk holds words. */
		const uint8_t state = index == 3 && chunk == 2 ? 192 : 0;
		const uint8_t header[HEADER_BYTES] = {0,
						      1,
						      state ? 1 : (uint8_t)(1 + chunk),
						      1,
						      (uint8_t)(1 + chunk),
						      (uint8_t)(state + chunk),
						      (uint8_t)(index == 3),
						      3};
		memcpy(bytes + used, header, sizeof(header));
		used += sizeof(header);
	}
	for (unsigned i = 0; i < 60u << index % 3; i++) {
		const uint8_t record[RECORD_BYTES] = {
		    (uint8_t)(index == 2 ? i * 7 : 0),
		    (uint8_t)i,
		    (uint8_t)i,
		    8,
		    (uint8_t)(i * 5 % 16),
		    (uint8_t)(i % 9),
		    (uint8_t)(1 + i % 40),
		    (uint8_t)(i == 0 ? ARENA_PROCESS_START : 1 + i * 11 % (index == 3 ? 23 : 16))};
		memcpy(bytes + used, record, sizeof(record));
		used += sizeof(record);
	}
	return used;
}
