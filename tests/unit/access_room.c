#include "config.h"

#include "traces/record/access_merge.h"

#include "tests/unit/small_arena.h"
#include "traces/flt.h"
#include "traces/generate/xoshiro.h"
#include "traces/record/access_word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* A recording goes into a trace twice: once the references are put into the writer's block where they are found, once they are handed
 * over one by one. Nothing may differ. */

#define HEAP UINT64_C(0x4000000)
#define HEAP_BYTES (UINT64_C(64) << 20)
#define FILES UINT64_C(0x20000000)
#define STACK UINT64_C(0x70000000)
#define STACK_TOP (STACK + 0x40000)
#define THREAD_TOP (STACK + 0x12345 - 5) /* of the second stack, in the middle of a page */
#define BLOCKS 512u
#define PARTIES 3u

/* A thread, its process, and its words. */
struct party {
	uint64_t process, thread;
	uint64_t words;
};

struct rig {
	struct small_arena small;
	struct flt_writer *writer;
	struct heap_merge merge;
	struct access_merge accesses;
	struct trace_error error;
	struct xoshiro random;
	struct party party[PARTIES];
	unsigned parties;
	uint64_t block[BLOCKS], bytes[BLOCKS];
	uint64_t next; /* free part of the heap */
	bool in_allocator[PARTIES];
};

static uint64_t below(struct rig *rig, uint64_t bound)
{
	return xoshiro_next(&rig->random) % bound;
}

static void put(struct rig *rig, unsigned party, struct ordered_record record)
{
	record.process_serial = rig->party[party].process;
	record.thread_serial = rig->party[party].thread;
	record.process_slot = (uint32_t)record.process_serial - 1;
	if (access_merge_put(&rig->accesses, &record, &rig->error) != TRACE_OK)
		fail_msg("%s", rig->error.message);
}

static void arguments(struct rig *rig, unsigned party, const uint64_t argument[6])
{
	for (unsigned i = 0; i < 6; i += 3)
		put(rig, party,
		    (struct ordered_record){.kind = ARENA_CALL_ARGUMENTS,
					    .tsc = argument[i],
					    .address = argument[i + 1],
					    .size = argument[i + 2]});
}

static void own(struct rig *rig, unsigned party)
{
	small_arena_own(&rig->small, party, rig->party[party].process, rig->party[party].thread);
	atomic_store(&rig->small.arena.chunks[party].state, ARENA_CHUNK_WORDS);
	rig->party[party].words = 0;
}

static void hand_over(struct rig *rig, unsigned party)
{
	bool is_full = rig->party[party].words == ARENA_CHUNK_WORDS_MAX;

	put(rig, party,
	    (struct ordered_record){.kind = ARENA_ACCESSES,
				    .address = party | (uint64_t)is_full << ARENA_INFO_SHIFT,
				    .size = rig->party[party].words});
	if (is_full)
		own(rig, party);
}

static void word(struct rig *rig, unsigned party, uint64_t value)
{
	uint64_t *words = (uint64_t *)(rig->small.arena.records + (uint64_t)party * ARENA_CHUNK_RECORDS);

	words[rig->party[party].words++] = value;
	if (rig->party[party].words == ARENA_CHUNK_WORDS_MAX)
		hand_over(rig, party);
}

static void map(struct rig *rig, unsigned party, uint64_t start, uint64_t length)
{
	arguments(rig, party, (uint64_t[6]){start, length, PROT_READ | PROT_WRITE, 0, MAP_PRIVATE, 0});
	put(rig, party, (struct ordered_record){.kind = ARENA_MAPPING});
}

/* --- What a program does --------------------------------------------------------------------------------------------------- */

static void allocate(struct rig *rig, unsigned party, uint64_t slot)
{
	uint64_t bytes = 1 + below(rig, 300);

	if (below(rig, 20) == 0)
		bytes = 3000 + below(rig, 200000);
	if (below(rig, 300) == 0)
		bytes = (UINT64_C(1) << 20) + below(rig, 1 << 20);
	if (rig->next + bytes + 32 > HEAP + HEAP_BYTES)
		rig->next = HEAP + 16;
	rig->block[slot] = rig->next;
	rig->bytes[slot] = bytes;
	rig->next += (bytes + 32) & ~UINT64_C(15);
	put(rig, party,
	    (struct ordered_record){.kind = ARENA_MALLOC, .address = rig->block[slot], .size = bytes});
}

/* Blocks of a process are the others' after the fork, and each goes its own way: only the first party's calls. */
static void change_heap(struct rig *rig)
{
	uint64_t slot = below(rig, BLOCKS);

	hand_over(rig, 0);
	if (rig->block[slot] != 0 && below(rig, 2) == 0) {
		put(rig, 0, (struct ordered_record){.kind = ARENA_FREE, .address = rig->block[slot]});
		if (below(rig, 2) == 0)
			rig->block[slot] = 0; /* else it is referred to although it is free */
		return;
	}
	if (rig->block[slot] != 0)
		put(rig, 0, (struct ordered_record){.kind = ARENA_FREE, .address = rig->block[slot]});
	allocate(rig, 0, slot);
}

static void change_maps(struct rig *rig, unsigned party)
{
	uint64_t start = FILES + 4096 * below(rig, 64), bytes = 4096 * (1 + below(rig, 40));

	hand_over(rig, party);
	if (below(rig, 3) == 0) {
		arguments(rig, party, (uint64_t[6]){start, bytes});
		put(rig, party, (struct ordered_record){.kind = ARENA_CALL, .address = SYS_munmap});
		return;
	}
	arguments(
	    rig, party,
	    (uint64_t[6]){0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX, 0});
	put(rig, party, (struct ordered_record){.kind = ARENA_CALL, .address = SYS_mmap, .size = start});
}

static void give_sign(struct rig *rig, unsigned party)
{
	switch (below(rig, 4)) {
	case 0:
		word(rig, party, access_word(ACCESS_WORD_KERNEL, 0, 1));
		break;
	case 1:
		word(rig, party, access_word(ACCESS_WORD_SKIPPED, 0, 1 + below(rig, 100)));
		break;
	default:
		rig->in_allocator[party] = !rig->in_allocator[party];
		word(rig, party,
		     access_word(rig->in_allocator[party] ? ACCESS_WORD_ENTER : ACCESS_WORD_LEAVE, 0, 1));
	}
}

static uint64_t somewhere(struct rig *rig)
{
	uint64_t slot = below(rig, BLOCKS);

	switch (below(rig, 12)) {
	case 0:
	case 1:
	case 2:
		return STACK_TOP - 8 - 8 * below(rig, below(rig, 2) ? 100 : 30000);
	case 3:
		return THREAD_TOP - 1 - below(rig, 3000);
	case 4:
	case 5:
		return FILES + below(rig, UINT64_C(100) * 4096);
	case 6:
		return HEAP + below(rig, HEAP_BYTES);
	case 7:
		return below(rig, UINT64_C(1) << 47);
	default:
		return rig->block[slot]
			   ? rig->block[slot] + below(rig, rig->bytes[slot] + rig->bytes[slot] / 16)
			   : HEAP + 8 * slot;
	}
}

static void refer(struct rig *rig, unsigned party)
{
	static const uint64_t sizes[] = {1, 2, 4, 8, 8, 8, 8, 16, 32, 64, 500, 600, 5000};
	uint64_t address = somewhere(rig), count = 1 + below(rig, 12);

	for (uint64_t i = 0; i < count; i++)
		word(rig, party,
		     access_word((unsigned)below(rig, 4), sizes[below(rig, below(rig, 50) ? 8 : 13)],
				 address + 8 * i));
}

static void fork_process(struct rig *rig)
{
	struct arena_process *child = small_arena_process(&rig->small, 1, 2, 501);

	child->parent_serial = 1;
	child->fork_token = 77;
	hand_over(rig, 0);
	put(rig, 0, (struct ordered_record){.kind = ARENA_FORK, .size = 77});
	rig->party[2] = (struct party){.process = 2, .thread = 3};
	rig->parties = 3;
	put(rig, 2, (struct ordered_record){.kind = ARENA_PROCESS_START, .size = 2});
	put(rig, 2, (struct ordered_record){.kind = ARENA_THREAD_START});
	own(rig, 2);
}

static void step(struct rig *rig)
{
	unsigned party = (unsigned)below(rig, rig->parties);

	switch (below(rig, 60)) {
	case 0:
	case 1:
		change_heap(rig);
		break;
	case 2:
		if (below(rig, 4) == 0)
			change_maps(rig, party);
		break;
	case 3:
		give_sign(rig, party);
		break;
	case 4:
		hand_over(rig, party);
		break;
	default:
		refer(rig, party);
	}
}

/* --- A trace ---------------------------------------------------------------------------------------------------------------- */

static enum trace_status store_skipped(void *context, uint32_t thread, uint64_t count,
				       struct trace_error *error)
{
	return flt_writer_accesses_skipped(context, thread, count, error);
}

static enum trace_status give_room(void *context, uint32_t thread, struct flt_access_room *room,
				   struct trace_error *error)
{
	return flt_writer_access_room(context, thread, room, error);
}

static struct rig *start(uint64_t seed, const char *path, bool has_room)
{
	const struct flt_description description = {.source = "record accesses", .has_time = true};
	struct tick_clock still = {.resolution_ns = 1};
	struct rig *rig = calloc(1, sizeof(*rig));
	struct merge_output merged = {0};

	assert_non_null(rig);
	xoshiro_seed(&rig->random, seed);
	small_arena_create(&rig->small, PARTIES);
	assert_int_equal(flt_writer_create(&rig->writer, path, &description, &rig->error), TRACE_OK);
	const struct access_output output = {.sink = flt_writer_sink(rig->writer),
					     .skipped = store_skipped,
					     .room = has_room ? give_room : NULL,
					     .context = rig->writer};
	assert_int_equal(access_merge_start(&rig->accesses, &rig->merge, PARTIES, &output, &rig->error),
			 TRACE_OK);
	access_merge_output(&rig->accesses, &merged);
	heap_merge_start(&rig->merge, &rig->small.arena, &merged, &still);
	(void)small_arena_process(&rig->small, 0, 1, 500);
	rig->party[0] = (struct party){.process = 1, .thread = 1};
	rig->party[1] = (struct party){.process = 1, .thread = 2};
	rig->parties = 2;
	rig->next = HEAP + 16;
	put(rig, 0, (struct ordered_record){.kind = ARENA_PROCESS_START, .size = 1});
	put(rig, 0, (struct ordered_record){.kind = ARENA_THREAD_START});
	map(rig, 0, HEAP, HEAP_BYTES);
	map(rig, 0, FILES, UINT64_C(100) * 4096);
	map(rig, 0, STACK, STACK_TOP - STACK);
	own(rig, 0);
	own(rig, 1);
	word(rig, 0, access_word(ACCESS_WORD_FETCH, 30, HEAP));
	word(rig, 0, access_word(ACCESS_WORD_STORE, 8, STACK_TOP - 0x100));
	hand_over(rig, 0);
	put(rig, 1, (struct ordered_record){.kind = ARENA_THREAD_START});
	put(rig, 1, (struct ordered_record){.kind = ARENA_STACK_TOP, .address = THREAD_TOP});
	return rig;
}

static struct access_counts record(uint64_t seed, const char *path, bool has_room)
{
	struct rig *rig = start(seed, path, has_room);
	struct access_counts counts;

	for (unsigned i = 0; i < 30000; i++) {
		step(rig);
		if (i == 12000)
			fork_process(rig);
	}
	assert_int_equal(access_merge_finish(&rig->accesses, PARTIES, &rig->error), TRACE_OK);
	for (unsigned i = 0; i < 2; i++)
		assert_null(space_check(rig->accesses.process[i].space));
	counts = rig->accesses.counts;
	heap_merge_end(&rig->merge);
	access_merge_end(&rig->accesses);
	assert_int_equal(flt_writer_finish(rig->writer, &rig->error), TRACE_OK);
	small_arena_destroy(&rig->small);
	free(rig);
	return counts;
}

static char *contents(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "rb");
	char *text = malloc(1 << 24);

	assert_non_null(file);
	assert_non_null(text);
	*bytes = fread(text, 1, 1 << 24, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(unlink(path), 0);
	return text;
}

static void references_put_in_place_are_those_handed_over(void **unused)
{
	char direct[64], handed[64];

	(void)unused;
	(void)snprintf(direct, sizeof(direct), "access_room.%ld.flt", (long)getpid());
	(void)snprintf(handed, sizeof(handed), "access_batch.%ld.flt", (long)getpid());
	for (uint64_t seed = 1; seed <= 2; seed++) {
		struct access_counts one = record(seed, direct, true), other = record(seed, handed, false);
		size_t bytes, expected_bytes;
		char *text = contents(direct, &bytes), *expected = contents(handed, &expected_bytes);

		assert_memory_equal(&one, &other, sizeof(one));
		assert_true(one.references > 131072 && one.freed > 100 && one.beyond > 100 &&
			    one.wild > 100 && one.kernel > 10 && one.skipped > 100);
		assert_int_equal(bytes, expected_bytes);
		assert_memory_equal(text, expected, bytes);
		free(text);
		free(expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(references_put_in_place_are_those_handed_over),
	};

	return cmocka_run_group_tests_name("access_room", tests, NULL, NULL);
}
