#include "config.h"

#include "traces/record/access_merge.h"

#include "tests/unit/event_log.h"
#include "tests/unit/small_arena.h"
#include "traces/record/access_word.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cmocka.h>

#define STACK UINT64_C(0x7000000)
#define STACK_TOP (STACK + 0x10000)
#define A UINT64_C(0x10010)
#define B UINT64_C(0x10100)

struct rig {
	struct small_arena small;
	struct event_log log;
	struct heap_merge merge;
	struct access_merge accesses;
	struct trace_error error;
	uint64_t words; /* in chunk 0 */
};

static enum trace_status skipped(void *context, uint32_t thread, uint64_t count, struct trace_error *error)
{
	(void)error;
	event_log_skipped(context, thread, count);
	return TRACE_OK;
}

static void put(struct rig *rig, struct ordered_record record)
{
	record.process_serial = record.process_serial ? record.process_serial : 1;
	record.thread_serial = record.thread_serial ? record.thread_serial : 1;
	record.process_slot = (uint32_t)record.process_serial - 1;
	assert_int_equal(access_merge_put(&rig->accesses, &record, &rig->error), TRACE_OK);
}

static void arguments(struct rig *rig, const uint64_t argument[6])
{
	put(rig, (struct ordered_record){.kind = ARENA_CALL_ARGUMENTS,
					 .tsc = argument[0],
					 .address = argument[1],
					 .size = argument[2]});
	put(rig, (struct ordered_record){.kind = ARENA_CALL_ARGUMENTS,
					 .tsc = argument[3],
					 .address = argument[4],
					 .size = argument[5]});
}

static void mapping(struct rig *rig, uint64_t start, uint64_t length)
{
	arguments(rig, (uint64_t[6]){start, length, PROT_READ | PROT_WRITE, 0, MAP_PRIVATE, 0});
	put(rig, (struct ordered_record){.kind = ARENA_MAPPING});
}

static void call(struct rig *rig, uint64_t number, const uint64_t argument[6], uint64_t result)
{
	arguments(rig, argument);
	put(rig, (struct ordered_record){.kind = ARENA_CALL, .address = number, .size = result});
}

static void word(struct rig *rig, uint64_t value)
{
	uint64_t *words = (uint64_t *)rig->small.arena.records;

	words[rig->words++] = value;
}

static void load(struct rig *rig, uint64_t address)
{
	word(rig, access_word(ACCESS_WORD_LOAD, 8, address));
}

static void hand_over(struct rig *rig)
{
	put(rig, (struct ordered_record){.kind = ARENA_ACCESSES, .size = rig->words});
}

/* One process with one thread, its stack and a heap of one page. */
static void start(struct rig *rig)
{
	struct tick_clock still = {.resolution_ns = 1};
	const struct access_output output = {
	    .sink = &rig->log.sink, .skipped = skipped, .context = &rig->log};
	struct merge_output merged = {0};

	*rig = (struct rig){.words = 0};
	small_arena_create(&rig->small, 2);
	event_log_create(&rig->log);
	event_log_references(&rig->log);
	assert_int_equal(access_merge_start(&rig->accesses, &rig->merge, 2, &output, &rig->error), TRACE_OK);
	access_merge_output(&rig->accesses, &merged);
	heap_merge_start(&rig->merge, &rig->small.arena, &merged, &still);
	(void)small_arena_process(&rig->small, 0, 1, 500);
	small_arena_own(&rig->small, 0, 1, 1);
	atomic_store(&rig->small.arena.chunks[0].state, ARENA_CHUNK_WORDS);
	put(rig, (struct ordered_record){.kind = ARENA_PROCESS_START, .size = 1});
	put(rig, (struct ordered_record){.kind = ARENA_THREAD_START});
	mapping(rig, 0x10000, 0x1000);
	mapping(rig, STACK, STACK_TOP - STACK);
	word(rig, access_word(ACCESS_WORD_STORE, 8, STACK_TOP - 0x100));
	hand_over(rig);
}

#define STARTED                                                                                              \
	"thread_start\nregion 1 anonymous 10000+1000 file 0\nregion 2 anonymous 7000000+10000 file 0\n"      \
	"region 3 stack 7000000+10000 file 0\nstore stack 0-256 8\n"

static void stop(struct rig *rig, const char *events)
{
	assert_string_equal(rig->log.text, events);
	heap_merge_end(&rig->merge);
	access_merge_end(&rig->accesses);
	event_log_destroy(&rig->log);
	small_arena_destroy(&rig->small);
}

static void blocks_and_their_ends(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig);
	load(&rig, A);
	hand_over(&rig);
	put(&rig, (struct ordered_record){.kind = ARENA_MALLOC, .address = A, .size = 16});
	load(&rig, A + 8);
	load(&rig, A + 12);
	hand_over(&rig);
	put(&rig, (struct ordered_record){.kind = ARENA_REALLOC_BEGIN, .address = A, .size = 64});
	put(&rig, (struct ordered_record){.kind = ARENA_REALLOC_END, .address = B, .size = 64});
	load(&rig, A + 8);
	load(&rig, B + 8);
	hand_over(&rig);
	put(&rig, (struct ordered_record){.kind = ARENA_FREE, .address = B});
	load(&rig, B);
	load(&rig, UINT64_C(0x99990000));
	hand_over(&rig);
	assert_int_equal(rig.accesses.counts.references, 8);
	assert_int_equal(rig.accesses.counts.freed, 2);
	assert_int_equal(rig.accesses.counts.beyond, 1);
	assert_int_equal(rig.accesses.counts.wild, 1);
	stop(&rig, STARTED
	     "load region 1+16 8\nmalloc 1 16\nload object 1+8 8\nload object 1+12 8\nrealloc 2 <1 64\n"
	     "load object 1+8 8\nload object 2+8 8\nfree 2\nload object 2+0 8\nload wild "
	     "0+2576941056 8\n");
}

static void signs(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig);
	put(&rig, (struct ordered_record){.kind = ARENA_MALLOC, .address = A, .size = 16});
	load(&rig, A);
	word(&rig, access_word(ACCESS_WORD_ENTER, 0, 1));
	load(&rig, A);
	load(&rig, STACK_TOP - 8);
	word(&rig, access_word(ACCESS_WORD_ENTER, 0, 1)); /* twice: said once */
	word(&rig, access_word(ACCESS_WORD_LEAVE, 0, 1));
	word(&rig, access_word(ACCESS_WORD_KERNEL, 0, 1));
	word(&rig, access_word(ACCESS_WORD_STORE, 4096, A));
	word(&rig, access_word(ACCESS_WORD_MODIFY, 4, A));
	word(&rig, access_word(ACCESS_WORD_SKIPPED, 0, 1000));
	word(&rig, access_word(ACCESS_WORD_FETCH, 30, A));
	hand_over(&rig);
	assert_int_equal(rig.accesses.counts.kernel, 1);
	assert_int_equal(rig.accesses.counts.skipped, 1000);
	stop(&rig, STARTED
	     "malloc 1 16\nload object 1+0 8\nallocator_enter\nload allocator 0+65552 8\nload stack 0-8 "
	     "8\nallocator_exit\nkernel store object 1+0 4096\nmodify object 1+0 4\n[0] left out 1000\n"
	     "fetch object 1+0 30\n");
}

static void calls_map_and_unmap(void **unused)
{
	struct rig rig;
	const uint64_t path[3] = {0x6c2f6e69622fULL, 0, 0}; /* "/bin/l" */

	(void)unused;
	start(&rig);
	put(&rig,
	    (struct ordered_record){.kind = ARENA_TEXT, .tsc = path[0], .address = path[1], .size = path[2]});
	put(&rig, (struct ordered_record){.kind = ARENA_FILE, .tsc = 1, .address = 2, .size = 3});
	call(&rig, SYS_mmap, (uint64_t[6]){0, 0x1800, PROT_READ, MAP_PRIVATE, 3, 0x1000}, 0x20000);
	load(&rig, 0x21ff8);
	hand_over(&rig);
	call(&rig, SYS_munmap, (uint64_t[6]){0x20000, 0x1000}, 0);
	load(&rig, 0x20000);
	load(&rig, 0x21000);
	hand_over(&rig);
	call(&rig, SYS_mmap, (uint64_t[6]){0, 0x1000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS}, (uint64_t)-12);
	call(&rig, SYS_mremap, (uint64_t[6]){0x21000, 0x1000, 0x3000, MREMAP_MAYMOVE}, 0x40000);
	load(&rig, 0x21000);
	load(&rig, 0x42fff);
	hand_over(&rig);
	call(&rig, SYS_brk, (uint64_t[6]){0}, 0x60000);
	call(&rig, SYS_brk, (uint64_t[6]){0x61000}, 0x61000);
	call(&rig, SYS_brk, (uint64_t[6]){0x63000}, 0x63000);
	load(&rig, 0x62008);
	hand_over(&rig);
	call(&rig, SYS_brk, (uint64_t[6]){0x62000}, 0x62000);
	load(&rig, 0x62008);
	hand_over(&rig);
	assert_int_equal(rig.accesses.counts.calls, 8);
	stop(&rig, STARTED
	     "mmap length=0x1800 offset=0x1000 protection=0x1 flags=0x2 file=0x1 result=0x20000\n"
	     "region 4 file 20000+2000 file 1\nload region 4+8184 8\n"
	     "munmap address=0x20000 length=0x1000\nload wild 0+131072 8\nload region 4+4096 8\n"
	     "mmap length=0x1000 protection=0x1 flags=0x22 result=0xc failed\n"
	     "mremap address=0x21000 length=0x1000 new_length=0x3000 flags=0x1 result=0x40000\n"
	     "region 5 anonymous 40000+3000 file 0\nload wild 0+135168 8\nload region 5+12287 8\n"
	     "brk result=0x60000\nbrk address=0x61000 result=0x61000\n"
	     "region 6 break 60000+1000 file 0\nbrk address=0x63000 result=0x63000\nload region 6+8200 8\n"
	     "brk address=0x62000 result=0x62000\nload wild 0+401416 8\n");
}

static void threads_and_forks(void **unused)
{
	struct arena_process *child;
	struct rig rig;

	(void)unused;
	start(&rig);
	put(&rig, (struct ordered_record){.kind = ARENA_MALLOC, .address = A, .size = 16});
	/* A second thread on a stack inside the heap's page. */
	put(&rig, (struct ordered_record){.kind = ARENA_STACK_TOP, .address = 0x10f00, .thread_serial = 2});
	child = small_arena_process(&rig.small, 1, 2, 501);
	child->parent_serial = 1;
	child->fork_token = 77;
	put(&rig, (struct ordered_record){.kind = ARENA_FORK, .size = 77});
	put(&rig, (struct ordered_record){.kind = ARENA_FREE, .address = A});
	put(&rig, (struct ordered_record){
		      .kind = ARENA_PROCESS_START, .size = 2, .process_serial = 2, .thread_serial = 3});
	put(&rig,
	    (struct ordered_record){.kind = ARENA_THREAD_START, .process_serial = 2, .thread_serial = 3});
	load(&rig, 0x10ef8);
	load(&rig, A);
	hand_over(&rig);
	small_arena_own(&rig.small, 1, 2, 3);
	atomic_store(&rig.small.arena.chunks[1].state, ARENA_CHUNK_WORDS);
	((uint64_t *)(rig.small.arena.records + ARENA_CHUNK_RECORDS))[0] =
	    access_word(ACCESS_WORD_LOAD, 8, A);
	((uint64_t *)(rig.small.arena.records + ARENA_CHUNK_RECORDS))[1] =
	    access_word(ACCESS_WORD_LOAD, 8, STACK_TOP - 8);
	/* Killed before it handed them over. */
	assert_int_equal(access_merge_process_gone(&rig.accesses, 2, 2, &rig.error), TRACE_OK);
	assert_int_equal(atomic_load(&rig.small.arena.chunks[1].state), ARENA_CHUNK_FREE);
	assert_int_equal(atomic_load(&rig.small.arena.chunks[0].state), ARENA_CHUNK_WORDS);
	stop(&rig, STARTED "malloc 1 16\n[0.1] thread_start\nregion 4 stack 10000+f00 file 0\nfork 1\nfree "
			   "1\n[1.2] thread_start\nload stack 1-8 8\nload "
			   "object 1+0 8\n[2] load object 1+0 8\n[2] load stack 2-8 8\n");
}

/* Two threads, each with a chunk of words: what they hand over between two calls has an order that a seed chooses. */
static void a_seed_orders_threads(void **unused)
{
	uint64_t *words;
	struct rig rig;

	(void)unused;
	start(&rig);
	access_merge_seed(&rig.accesses, 3);
	put(&rig, (struct ordered_record){.kind = ARENA_THREAD_START, .thread_serial = 2});
	small_arena_own(&rig.small, 1, 1, 2);
	atomic_store(&rig.small.arena.chunks[1].state, ARENA_CHUNK_WORDS);
	words = (uint64_t *)(rig.small.arena.records + ARENA_CHUNK_RECORDS);
	for (uint64_t i = 0; i < 200; i++) {
		load(&rig, 0x10000);
		words[i] = access_word(ACCESS_WORD_STORE, 8, 0x10100);
	}
	put(&rig, (struct ordered_record){.kind = ARENA_ACCESSES, .size = rig.words, .order = 20});
	put(&rig, (struct ordered_record){
		      .kind = ARENA_ACCESSES, .address = 1, .size = 200, .thread_serial = 2, .order = 21});
	assert_int_equal(rig.accesses.counts.references, 1);
	assert_int_equal(rig.accesses.interleaving.words, 400);
	put(&rig, (struct ordered_record){.kind = ARENA_MALLOC, .address = A, .size = 16, .order = 22});
	assert_int_equal(rig.accesses.counts.references, 401);
	/* They alternate, and both end before the malloc. */
	assert_non_null(strstr(rig.log.text, "load region 1+0 8\n[1] store"));
	assert_non_null(strstr(rig.log.text, "[1] store region 1+256 8\nload region 1+0 8\n"));
	assert_string_equal(rig.log.text + strlen(rig.log.text) - strlen("malloc 1 16\n"), "malloc 1 16\n");
	/* What a thread that runs on has not handed over when the recording ends. */
	load(&rig, A);
	assert_int_equal(access_merge_finish(&rig.accesses, 2, &rig.error), TRACE_OK);
	assert_int_equal(access_merge_finish(&rig.accesses, 2, &rig.error), TRACE_OK);
	assert_int_equal(rig.accesses.counts.references, 402);
	heap_merge_end(&rig.merge);
	access_merge_end(&rig.accesses);
	event_log_destroy(&rig.log);
	small_arena_destroy(&rig.small);
}

/* The program can write what it likes. */
static void nothing_is_believed(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig);
	put(&rig,
	    (struct ordered_record){.kind = ARENA_ACCESSES, .address = 2, .size = 1}); /* no such chunk */
	put(&rig, (struct ordered_record){.kind = ARENA_ACCESSES, .size = ARENA_CHUNK_WORDS_MAX + 1});
	put(&rig, (struct ordered_record){.kind = ARENA_ACCESSES, .size = 0});		     /* backwards */
	put(&rig, (struct ordered_record){.kind = ARENA_ACCESSES, .address = 1, .size = 1}); /* not words */
	put(&rig, (struct ordered_record){.kind = ARENA_ACCESSES, .size = 1, .thread_serial = 9});
	assert_int_equal(rig.merge.faults.damaged, 5);
	put(&rig, (struct ordered_record){
		      .kind = ARENA_ACCESSES, .address = UINT64_C(1) << ARENA_INFO_SHIFT, .size = 1});
	put(&rig, (struct ordered_record){.kind = ARENA_ACCESSES, .size = 1}); /* given back already */
	assert_int_equal(rig.merge.faults.damaged, 6);
	call(&rig, SYS_munmap, (uint64_t[6]){UINT64_MAX - 5, UINT64_MAX}, 0);
	call(&rig, SYS_mremap, (uint64_t[6]){1, UINT64_MAX, UINT64_MAX}, 1);
	call(&rig, SYS_brk, (uint64_t[6]){0}, UINT64_MAX);
	call(&rig, SYS_brk, (uint64_t[6]){0}, 5);
	call(&rig, 99999, (uint64_t[6]){0}, 5);
	put(&rig, (struct ordered_record){.kind = ARENA_STACK_TOP, .address = 0});
	for (unsigned i = 0; i < 400; i++)
		put(&rig, (struct ordered_record){.kind = ARENA_TEXT, .tsc = 0x4141414141414141});
	assert_null(space_check(rig.accesses.process[0].space));
	assert_true(rig.accesses.path_bytes < sizeof(rig.accesses.path));
	stop(&rig,
	     STARTED "[0.1] thread_start\nmunmap address=0xfffffffffffffffa length=0xffffffffffffffff\n"
		     "mremap address=0x1 length=0xffffffffffffffff new_length=0xffffffffffffffff result=0x1\n"
		     "brk result=0xffffffffffffffff\nbrk result=0x5\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blocks_and_their_ends), cmocka_unit_test(signs),
	    cmocka_unit_test(calls_map_and_unmap),   cmocka_unit_test(threads_and_forks),
	    cmocka_unit_test(a_seed_orders_threads), cmocka_unit_test(nothing_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
