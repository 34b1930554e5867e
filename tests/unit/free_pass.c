#include "config.h"

#include "bench/physical/free_pass.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/small_machine.h"

static const struct memory_shape shapes[] = {
    {.keeper = ZONE_LISTS, .tuning = PCP_TUNED, .cpus = 1, .max_order = 10},
    {.keeper = ZONE_BITMAPS, .tuning = PCP_FIXED, .cpus = 0, .max_order = 10},
    {.keeper = ZONE_TYPED, .tuning = PCP_FIXED, .cpus = 1, .max_order = 10},
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static struct flt_reader *record(const struct event *events, size_t count, const char *after)
{
	const struct small_machine machine = {.events = events, .count = count, .after = after};
	char *path = small_machine_write(&machine);
	struct flt_reader *reader;
	struct trace_error error;

	assert_int_equal(flt_reader_open(&reader, path, &error), TRACE_OK);
	assert_int_equal(unlink(path), 0);
	free(path);
	return reader;
}

static struct free_pass *begin(struct flt_reader *reader, const struct memory_shape *shape)
{
	struct free_pass *pass;
	struct trace_error error;

	if (free_pass_create(&pass, shape, reader, &error) != TRACE_OK)
		fail_msg("%s", error.message);
	assert_int_equal(pass->position, SMALL_MACHINE_START);
	pass->checks_events = true;
	assert_null(free_pass_check(pass));
	return pass;
}

/* One event after the other, and every invariant after each. */
static void go(struct free_pass *pass, size_t events)
{
	struct trace_error error;

	for (size_t i = 0; i < events; i++) {
		assert_int_equal(free_pass_advance(pass, pass->position + 1, &error), TRACE_OK);
		const char *broken = free_pass_check(pass);

		if (broken)
			fail_msg("after event %zu: %s", i, broken);
	}
	assert_int_equal(free_pass_advance(pass, UINT64_MAX, &error), TRACE_OK);
}

static const struct event told[] = {
    {.kind = EVENT_PAGE_ALLOC, .kernel = {.frame = 7168, .migrate_type = 0, .gfp = 1}},
    {.kind = EVENT_PAGE_FREE, .kernel = {.frame = 7168}},
    {.kind = EVENT_PAGE_FREE, .kernel = {.frame = 7300}},				/* it was free */
    {.kind = EVENT_PAGE_ALLOC, .kernel = {.frame = 5632, .migrate_type = 0, .gfp = 1}}, /* a process's */
    {.kind = EVENT_PAGE_ALLOC, .kernel = {.frame = 8192, .order = 3, .gfp = 1}},
    {.kind = EVENT_PAGE_FREE, .kernel = {.frame = 8193}}, /* a part of the block */
    {.kind = EVENT_PAGE_ALLOC, .flags = EVENT_FAILED, .kernel = {.order = 4, .gfp = 1}},
    {.kind = EVENT_PAGE_FREE, .kernel = {.frame = 6656, .order = 9}},
};

#define TOLD (sizeof(told) / sizeof(told[0]))

static void test_what_events_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < SHAPES; i++) {
		struct flt_reader *reader = record(told, TOLD, NULL);
		struct free_pass *pass = begin(reader, &shapes[i]);
		const struct free_pass_counts *counts = &pass->counts;

		go(pass, TOLD);
		assert_int_equal(counts->allocations, 3);
		assert_int_equal(counts->frees, 3);
		assert_int_equal(counts->unseen_allocations, 1);
		assert_int_equal(counts->unseen_frees, 1);
		assert_int_equal(counts->parts, 1);
		assert_int_equal(counts->served, 1);
		assert_int_equal(counts->refused, 0);
		assert_int_equal(pass->place[7168], PLACE_NONE);
		assert_int_equal(pass->place[8193], PLACE_NONE);
		assert_int_equal(pass->place[8194], pass->place[8192] + 2);
		assert_int_equal(pass->place[6656], PLACE_NONE);
		assert_int_equal(pass->place[6152], 6152); /* what was in use lies where it lay */
		assert_false(pass->prediction.is_made);
		free_pass_destroy(pass);
		flt_reader_close(reader);
	}
}

static void test_a_block_beyond_the_machine(void **state)
{
	static const struct event beyond[] = {
	    {.kind = EVENT_PAGE_ALLOC, .kernel = {.frame = 32764, .order = 3, .gfp = 1}}};
	struct flt_reader *reader = record(beyond, 1, NULL);
	struct free_pass *pass;
	struct trace_error error;

	(void)state;
	assert_int_equal(free_pass_create(&pass, &shapes[0], reader, &error), TRACE_BAD_INPUT);
	assert_null(pass);
	assert_non_null(strstr(error.message, "event 9: a block of order 3 at frame 32764"));
	flt_reader_close(reader);
}

/* The machine allocated a block of order 10: one free block of that order less. */
static void test_prediction(void **state)
{
	static const struct event one[] = {
	    {.kind = EVENT_PAGE_ALLOC, .kernel = {.frame = 8192, .order = 10, .gfp = 1}}};
	static const char after[] = "Node 0, zone      DMA      0      0      0      0      0      0      0  "
				    "    0      1      1      3 \n"
				    "Node 0, zone   Normal      2      0      1      1      1      1      1  "
				    "    1      1      0     24 \n";
	struct flt_reader *reader = record(one, 1, after);
	struct free_pass *pass = begin(reader, &shapes[0]);

	(void)state;
	go(pass, 1);
	assert_true(pass->prediction.is_made);
	assert_int_equal(pass->prediction.changed, 3);
	assert_int_equal(pass->prediction.error, 2);
	assert_int_equal(pass->prediction.zone[1].simulated.blocks[10], 24);
	assert_true(ratio_value(free_prediction_nearer(&pass->prediction)) == 1.5);
	free_pass_destroy(pass);
	flt_reader_close(reader);
}

static void test_latency_of_calls(void **state)
{
	struct page_latency *latency = malloc(sizeof(*latency));
	struct flt_reader *reader = record(told, TOLD, NULL);
	struct free_pass *pass = begin(reader, &shapes[0]);
	struct trace_error error;

	(void)state;
	assert_non_null(latency);
	page_latency_create(latency);
	pass->latency = latency;
	assert_int_equal(free_pass_advance(pass, UINT64_MAX, &error), TRACE_OK);
	assert_int_equal(latency->histogram[PAGE_ALLOCATION][0].samples, 2);
	assert_int_equal(latency->histogram[PAGE_ALLOCATION][3].samples, 1);
	assert_int_equal(latency->histogram[PAGE_RELEASE][9].samples, 1);
	free_pass_destroy(pass);
	flt_reader_close(reader);
	free(latency);
}

static void test_broken_invariants(void **state)
{
	struct flt_reader *reader = record(told, TOLD, NULL);
	struct free_pass *pass = begin(reader, &shapes[0]);
	static const char places[] =
	    "I2: the frame at place[F] lies in an allocated block, and in no other place";

	(void)state;
	const uint32_t right = pass->place[5632];

	pass->place[5632] = pass->place[5633];
	assert_string_equal(free_pass_check(pass), places);
	pass->place[5632] = 20000; /* free */
	assert_string_equal(free_pass_check(pass), places);
	assert_string_equal(free_pass_check_block(pass, 5632, 0), places);
	assert_string_equal(free_pass_check_block(pass, 5632, 2), places);
	assert_null(free_pass_check_block(pass, 5633, 0));
	pass->place[5632] = PLACE_REFUSED - 1; /* no frame */
	assert_string_equal(free_pass_check_block(pass, 5632, 0), places);
	pass->place[5632] = right;
	assert_null(free_pass_check_block(pass, 5632, 2));
	pass->memory.zone[1].managed_pages++;
	assert_non_null(free_pass_check(pass));
	pass->memory.zone[1].managed_pages--;
	assert_null(free_pass_check(pass));
	free_pass_destroy(pass);
	flt_reader_close(reader);
}

/* While kswapd works, a set goes back as soon as it holds four batches; sleep ends that. The second zone's first set begins with 4 pages. */
static void test_kswapd_keeps_sets_small(void **state)
{
	static struct event events[2 + 2 * 32];
	size_t count = 0;

	(void)state;
	events[count++] = (struct event){.kind = EVENT_KSWAPD_WAKE};
	for (unsigned i = 0; i < 32; i++)
		events[count++] = (struct event){.kind = EVENT_PAGE_FREE, .kernel = {.frame = 5632 + i}};
	events[count++] = (struct event){.kind = EVENT_KSWAPD_SLEEP};
	for (unsigned i = 0; i < 32; i++)
		events[count++] = (struct event){.kind = EVENT_PAGE_FREE, .kernel = {.frame = 5664 + i}};
	struct flt_reader *reader = record(events, count, NULL);
	struct free_pass *pass = begin(reader, &shapes[0]);
	const struct pcp *pcp = &pass->memory.zone[1].pcp[0];
	struct trace_error error;
	uint32_t most = 0;

	assert_int_equal(pcp->batch, 7);
	for (unsigned i = 0; i < 33; i++) {
		assert_int_equal(free_pass_advance(pass, pass->position + 1, &error), TRACE_OK);
		assert_null(free_pass_check(pass));
		most = pcp->count > most ? pcp->count : most;
	}
	const uint32_t left = pcp->count;

	assert_true(pass->reclaims);
	assert_true(most < 4 * pcp->batch);
	assert_int_equal(pcp->high, pcp->high_min);
	assert_int_equal(free_pass_advance(pass, UINT64_MAX, &error), TRACE_OK);
	assert_false(pass->reclaims);
	assert_int_equal(pcp->count, left + 32);
	free_pass_destroy(pass);
	flt_reader_close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_events_do),	    cmocka_unit_test(test_a_block_beyond_the_machine),
	    cmocka_unit_test(test_kswapd_keeps_sets_small), cmocka_unit_test(test_prediction),
	    cmocka_unit_test(test_latency_of_calls),	    cmocka_unit_test(test_broken_invariants)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
