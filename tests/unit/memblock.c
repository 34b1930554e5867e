#include "config.h"

#include "engine/phys/memblock.h"

#include "tests/unit/model.h"

#include <stdarg.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES 400u

struct oracle {
	struct memblock memblock;
	bool memory[FRAMES];
	bool reserved[FRAMES];
};

static void paint(bool *frames, pfn_t first, uint64_t pages, bool value)
{
	for (uint64_t i = 0; i < pages; i++)
		frames[first + i] = value;
}

static bool is_same_list(const struct memblock_list *list, const bool *frames)
{
	bool listed[FRAMES] = {false};

	for (unsigned i = 0; i < list->count; i++)
		paint(listed, list->range[i].first, list->range[i].end - list->range[i].first, true);
	return memcmp(listed, frames, sizeof(listed)) == 0;
}

static const char *compare(const struct oracle *oracle)
{
	struct memblock_range range = {0, 0};
	bool free[FRAMES] = {false};
	const char *broken = memblock_check(&oracle->memblock);

	if (broken)
		return broken;
	if (!is_same_list(&oracle->memblock.memory, oracle->memory) ||
	    !is_same_list(&oracle->memblock.reserved, oracle->reserved))
		return "a list differs";
	while (memblock_next_free(&oracle->memblock, range.end, &range))
		paint(free, range.first, range.end - range.first, true);
	for (unsigned i = 0; i < FRAMES; i++) {
		if (free[i] != (oracle->memory[i] && !oracle->reserved[i]))
			return "the free ranges differ";
	}
	return NULL;
}

/* The highest fitting run, by looking at every frame. */
static pfn_t naive_allocate(const struct oracle *oracle, uint64_t pages, uint64_t alignment, pfn_t limit)
{
	for (pfn_t first = FRAMES; first-- > 0;) {
		bool fits = first % alignment == 0 && first + pages <= limit && first + pages <= FRAMES;

		for (uint64_t i = 0; i < pages && fits; i++)
			fits = oracle->memory[first + i] && !oracle->reserved[first + i];
		if (fits)
			return first;
	}
	return PFN_NONE;
}

static const char *do_allocate(struct oracle *oracle, uint64_t operation)
{
	uint64_t pages = 1 + (operation >> 8 & 0xf);
	uint64_t alignment = (uint64_t)1 << (operation >> 12 & 3);
	pfn_t limit = (operation >> 16) % (FRAMES + 1);
	pfn_t expected = naive_allocate(oracle, pages, alignment, limit);

	if (memblock_allocate(&oracle->memblock, pages, alignment, limit) != expected)
		return "allocate is not the highest free run";
	if (expected != PFN_NONE)
		paint(oracle->reserved, expected, pages, true);
	return NULL;
}

static const char *step(struct oracle *oracle, uint64_t operation)
{
	pfn_t first = (operation >> 8) % FRAMES;
	uint64_t pages = (operation >> 32) % (operation >> 60 < 2 ? FRAMES - first + 1 : 12);

	if (pages > FRAMES - first)
		pages = FRAMES - first;
	switch (operation % 5) {
	case 0:
		paint(oracle->memory, first, pages, true);
		return memblock_add(&oracle->memblock, first, pages) == STATUS_OK ? NULL : "add failed";
	case 1:
		paint(oracle->reserved, first, pages, true);
		return memblock_reserve(&oracle->memblock, first, pages) == STATUS_OK ? NULL
										      : "reserve failed";
	case 2:
	case 3:
		paint(oracle->reserved, first, pages, false);
		return memblock_unreserve(&oracle->memblock, first, pages) == STATUS_OK ? NULL
											: "unreserve failed";
	default:
		return do_allocate(oracle, operation);
	}
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	static struct oracle oracle;
	const char *wrong = NULL;

	(void)context;
	memset(&oracle, 0, sizeof(oracle));
	memblock_create(&oracle.memblock);
	for (size_t i = 0; i < count && !wrong; i++) {
		wrong = step(&oracle, operations[i]);
		if (!wrong)
			wrong = compare(&oracle);
	}
	return wrong;
}

static void test_model(void **state)
{
	struct model model = {"memblock", run, NULL, 300, 30};

	(void)state;
	model_test(&model);
}

/* All ways in which a second range can lie to [10, 20): apart, touching, overlapping, inside, around. */
static void test_all_merges(void **state)
{
	(void)state;
	for (pfn_t first = 1; first < 30; first++) {
		for (pfn_t end = first + 1; end <= 31; end++) {
			struct memblock memblock;
			bool apart = end < 10 || first > 20;

			memblock_create(&memblock);
			assert_int_equal(memblock_add(&memblock, 10, 10), STATUS_OK);
			assert_int_equal(memblock_add(&memblock, first, end - first), STATUS_OK);
			assert_null(memblock_check(&memblock));
			assert_int_equal(memblock.memory.count, apart ? 2 : 1);
			pfn_t low = first < 10 ? first : 10;
			pfn_t high = end > 20 ? end : 20;

			assert_int_equal(memblock_pages(&memblock.memory),
					 apart ? 10 + end - first : high - low);
		}
	}
}

static void test_limits(void **state)
{
	struct memblock memblock;

	(void)state;
	memblock_create(&memblock);
	for (unsigned i = 0; i < MEMBLOCK_RANGES; i++)
		assert_int_equal(memblock_reserve(&memblock, (pfn_t)i * 4, 3), STATUS_OK);
	assert_int_equal(memblock_reserve(&memblock, 100000, 1), STATUS_LIMIT);
	assert_int_equal(memblock_unreserve(&memblock, 1, 1), STATUS_LIMIT);
	assert_int_equal(memblock_reserve(&memblock, 3, 1), STATUS_OK);
	assert_int_equal(memblock.reserved.count, MEMBLOCK_RANGES - 1);
	assert_int_equal(memblock_add(&memblock, UINT64_MAX - 1, 5), STATUS_BAD_ARGUMENT);
	assert_int_equal(memblock_add(&memblock, 5, 0), STATUS_OK);
	assert_int_equal(memblock.memory.count, 0);
	assert_true(memblock_allocate(&memblock, 1, 1, 100) == PFN_NONE);
	assert_null(memblock_check(&memblock));
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct memblock memblock;

	(void)state;
	memblock_create(&memblock);
	assert_int_equal(memblock_add(&memblock, 0, 10), STATUS_OK);
	assert_int_equal(memblock_add(&memblock, 20, 10), STATUS_OK);
	memblock.memory.range[0].end = 20;
	assert_memory_equal(memblock_check(&memblock), "I1", 2);
	memblock.memory.range[0].end = 0;
	assert_memory_equal(memblock_check(&memblock), "I1", 2);
	memblock.memory.range[0].end = 10;
	memblock.reserved.count = MEMBLOCK_RANGES + 1;
	assert_memory_equal(memblock_check(&memblock), "I2", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_all_merges),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
