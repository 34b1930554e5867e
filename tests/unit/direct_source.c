#include "config.h"

#include "engine/heap/direct_source.h"
#include "tests/unit/heap_rig.h"
#include "tests/unit/model.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGES 2048u
#define RUNS 128u

static struct heap_rig rig;

/* The oracle: who has each page, and whether it was written since the system last gave it. */
struct oracle {
	uint8_t owner[PAGES]; /* run + 1, 0 = free */
	struct {
		pfn_t pfn;
		uint64_t pages;
	} run[RUNS];
	uint64_t peak_pages;
};

static struct span_source *source(void)
{
	return &rig.source.source;
}

static unsigned char *page(pfn_t pfn)
{
	return (unsigned char *)rig.arena.base + pfn * PAGE_BYTES;
}

static const char *took(struct oracle *oracle, unsigned run, pfn_t pfn, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		if (pfn + i >= PAGES || oracle->owner[pfn + i] != 0)
			return "a page was handed out twice";
		oracle->owner[pfn + i] = (uint8_t)(run + 1);
	}
	return NULL;
}

static const char *do_acquire(struct oracle *oracle, unsigned run, uint64_t operation)
{
	uint64_t pages = 1 + (operation >> 16 & 0xff) % ((operation >> 24 & 3) == 0 ? 90 : 5);
	uint64_t alignment = (uint64_t)1 << ((operation >> 32 & 7) == 0 ? (operation >> 36) % 7 : 0);
	bool zero = false;
	pfn_t pfn = source()->acquire(source(), pages, alignment, &zero);
	const char *broken;

	if (pfn == PFN_NONE)
		return NULL;
	if (pfn % alignment != 0)
		return "a run is not aligned";
	broken = took(oracle, run, pfn, pages);
	for (uint64_t i = 0; i < pages && !broken; i++) {
		if (zero && page(pfn + i)[17] != 0)
			broken = "a page that was said to be zero is not";
		page(pfn + i)[17] = 1;
	}
	oracle->run[run].pfn = pfn;
	oracle->run[run].pages = pages;
	return broken;
}

static void do_release(struct oracle *oracle, unsigned run, bool vacant)
{
	pfn_t pfn = oracle->run[run].pfn;
	uint64_t pages = oracle->run[run].pages;

	if (vacant)
		memset(page(pfn), 0, pages * PAGE_BYTES);
	source()->release(source(), pfn, pages);
	if (vacant)
		source()->vacate(source(), pfn, pages);
	memset(oracle->owner + pfn, 0, pages);
	oracle->run[run].pages = 0;
}

static const char *do_claim(struct oracle *oracle, unsigned run, uint64_t more)
{
	pfn_t pfn = oracle->run[run].pfn + oracle->run[run].pages;
	bool possible = pfn + more <= PAGES;

	for (uint64_t i = 0; i < more && possible; i++)
		possible = oracle->owner[pfn + i] == 0;
	if (source()->claim(source(), pfn, more) != possible)
		return "a claim does not say what is free";
	if (!possible)
		return NULL;
	for (uint64_t i = 0; i < more; i++)
		page(pfn + i)[17] = 1;
	oracle->run[run].pages += more;
	return took(oracle, run, pfn, more);
}

static const char *compare(struct oracle *oracle)
{
	struct span_source_statistics statistics;
	uint64_t used = 0;

	for (unsigned i = 0; i < PAGES; i++)
		used += oracle->owner[i] != 0;
	if (used > oracle->peak_pages)
		oracle->peak_pages = used;
	source()->statistics(source(), &statistics);
	if (statistics.used_pages != used)
		return "used_pages is not what the oracle counts";
	return source()->check(source());
}

static const char *run_operations(const void *policy, const uint64_t *operations, size_t count)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));
	const char *broken = NULL;

	assert_non_null(oracle);
	heap_rig_make_source(&rig, policy, PAGES, ARENA_REAL);
	for (size_t i = 0; i < count && !broken; i++) {
		unsigned run = (operations[i] >> 8 & 0xff) % RUNS;
		unsigned what = operations[i] & 0xf;

		if (oracle->run[run].pages == 0)
			broken = do_acquire(oracle, run, operations[i]);
		else if (what < 3)
			broken = do_claim(oracle, run, 1 + (operations[i] >> 16 & 7));
		else
			do_release(oracle, run, what == 3);
		if (what == 15 && (operations[i] >> 40 & 15) == 0)
			source()->purge(source());
		if (!broken)
			broken = compare(oracle);
	}
	heap_rig_drop_source(&rig);
	free(oracle);
	return broken;
}

static void it_does_what_the_oracle_says(void **state)
{
	static const char *const policies[] = {"default", "purge_delay=0", "purge_delay=7", "lowest-address",
					       "fullest-block,purge_delay=50"};

	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		model_test(&(struct model){.name = policies[i],
					   .run = run_operations,
					   .context = policies[i],
					   .operations = 1500,
					   .rounds = 2});
}

/* A freed run whose neighbours are in use is no block of the buddy, but it is found. */
static void a_retained_run_is_used_first(void **state)
{
	bool zero;
	pfn_t before, run, behind;

	(void)state;
	heap_rig_make_source(&rig, "default", PAGES, ARENA_NONE);
	before = source()->acquire(source(), 60, 1, &zero);
	run = source()->acquire(source(), 68, 1, &zero);
	behind = source()->acquire(source(), 60, 1, &zero);
	assert_true(zero && before != PFN_NONE && behind != PFN_NONE);
	source()->release(source(), run, 68);
	assert_int_equal(source()->acquire(source(), 68, 1, &zero), run);
	assert_false(zero);
	assert_null(source()->check(source()));
	heap_rig_drop_source(&rig);
}

/* Pages are given back before untouched ones are taken above the ceiling, and not before. */
static void the_ceiling_holds(void **state)
{
	struct span_source_statistics statistics;
	bool zero;
	pfn_t run[64];

	(void)state;
	heap_rig_make_source(&rig, "default", PAGES, ARENA_NONE);
	for (unsigned i = 0; i < 64; i++)
		run[i] = source()->acquire(source(), 8, 1, &zero);
	for (unsigned i = 0; i < 64; i += 2)
		source()->release(source(), run[i], 8);
	source()->statistics(source(), &statistics);
	assert_int_equal(statistics.retained_pages, 256);
	assert_int_equal(statistics.purged_pages, 0);
	assert_int_not_equal(source()->acquire(source(), 200, 1, &zero), PFN_NONE);
	source()->statistics(source(), &statistics);
	assert_true(statistics.purged_pages >= 200 - 512 / 16);
	assert_true(statistics.used_pages + statistics.retained_pages <= 512 + 512 / 16);
	heap_rig_drop_source(&rig);
}

static void idle_pages_go_after_the_delay(void **state)
{
	struct span_source_statistics statistics;
	bool zero;
	pfn_t run;

	(void)state;
	heap_rig_make_source(&rig, "purge_delay=10", PAGES, ARENA_NONE);
	run = source()->acquire(source(), 100, 1, &zero);
	source()->release(source(), run, 100);
	for (unsigned i = 0; i < 20; i++) {
		run = source()->acquire(source(), 1, 1, &zero);
		source()->release(source(), run, 1);
	}
	source()->statistics(source(), &statistics);
	assert_true(statistics.purged_pages >= 99);
	assert_null(source()->check(source()));
	heap_rig_drop_source(&rig);
}

static void demand(const char *text)
{
	assert_string_equal(source()->check(source()), text);
}

static void broken_invariants_are_named(void **state)
{
	bool zero;
	pfn_t run, other;

	(void)state;
	heap_rig_make_source(&rig, "default", PAGES, ARENA_NONE);
	run = source()->acquire(source(), 1, 1, &zero);
	other = source()->acquire(source(), 1, 1, &zero);
	source()->release(source(), run, 1);
	assert_null(source()->check(source()));
	rig.source.idle[run / 64] = (uint64_t)1 << (other % 64);
	demand("I1: an idle page is not retained");
	rig.source.idle[run / 64] = 0;
	rig.source.retained[other / 64] |= (uint64_t)1 << (other % 64);
	demand("I2: a retained page is not free");
	rig.source.retained[other / 64] &= ~((uint64_t)1 << (other % 64));
	rig.source.retained_pages++;
	demand("I3: retained_pages is not the number of set bits");
	rig.source.retained_pages--;
	bitmap_set(&rig.source.words, 20);
	demand("I4: a word without retained pages is listed");
	bitmap_clear(&rig.source.words, 20);
	assert_null(source()->check(source()));
	heap_rig_drop_source(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_does_what_the_oracle_says),
	    cmocka_unit_test(a_retained_run_is_used_first),
	    cmocka_unit_test(the_ceiling_holds),
	    cmocka_unit_test(idle_pages_go_after_the_delay),
	    cmocka_unit_test(broken_invariants_are_named),
	};

	return cmocka_run_group_tests_name("direct_source", tests, NULL, NULL);
}
