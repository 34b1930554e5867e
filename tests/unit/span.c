#include "config.h"

#include "engine/heap/span.h"
#include "tests/unit/death.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ADDRESS ((uintptr_t)0x10000)

static struct size_classes classes;
static struct span span;
static const struct size_class *class;

static void make(size_t bytes)
{
	size_classes_create(&classes, policy_find("default"));
	class = &classes.of[size_class_of(&classes, bytes)];
	span = (struct span){.class = 1, .pages = class->many.pages, .blocks = class->many.blocks};
	span_fill(&span);
}

static unsigned take(uintptr_t *blocks, unsigned count, unsigned from)
{
	struct span_taking taking = {.address = ADDRESS, .from = from, .blocks = blocks, .count = count};

	return span_take(&span, class, &taking);
}

static void blocks_come_lowest_first(void **state)
{
	uintptr_t blocks[5];

	(void)state;
	make(48);
	assert_int_equal(span.free_blocks, span.blocks);
	assert_int_equal(take(blocks, 5, 0), 5);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(blocks[4 - i], ADDRESS + (uintptr_t)i * 48);
	assert_null(span_check(&span));
}

/* Every block comes exactly once, from any starting point, and then there is none. */
static void every_block_comes_once(void **state)
{
	static const size_t sizes[] = {16, 48, 64, 176, 1024, 4096, 7168};

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		for (unsigned from = 0; from < 256; from += 37) {
			bool seen[SPAN_BLOCKS_MAX] = {false};
			uintptr_t blocks[7];
			unsigned taken;
			unsigned all = 0;

			make(sizes[s]);
			while ((taken = take(blocks, 7, from % span.blocks)) != 0) {
				for (unsigned i = 7 - taken; i < 7; i++) {
					size_t block = (blocks[i] - ADDRESS) / class->bytes;

					assert_int_equal((blocks[i] - ADDRESS) % class->bytes, 0);
					assert_true(block < span.blocks && !seen[block]);
					seen[block] = true;
				}
				all += taken;
				assert_null(span_check(&span));
			}
			assert_int_equal(all, span.blocks);
		}
	}
}

static void a_block_given_back_comes_again(void **state)
{
	uintptr_t blocks[64];

	(void)state;
	make(64);
	assert_int_equal(take(blocks, 64, 0), 64);
	span_give(&span, class, UINT64_C(10) * 64);
	assert_int_equal(take(blocks, 1, 10), 1);
	assert_int_equal(blocks[0], ADDRESS + 640);
}

static void give_offset(void *offset)
{
	span_give(&span, class, *(const uint64_t *)offset);
}

static void wrong_frees_are_found(void **state)
{
	uint64_t middle = 8, twice = 0;
	uintptr_t block;

	(void)state;
	make(48);
	assert_int_equal(take(&block, 1, 0), 1);
	assert_dies(give_offset, &middle, "free(): the pointer is not the start of a block");
	span_give(&span, class, 0);
	assert_dies(give_offset, &twice, "free(): the block was freed twice");
}

static void broken_invariants_are_named(void **state)
{
	(void)state;
	make(4096);
	span.free_blocks--;
	assert_string_equal(span_check(&span), "I1: free_blocks is not the number of set bits");
	make(4096);
	span.free_bits[3] |= (uint64_t)1 << 63;
	span.free_blocks++;
	assert_string_equal(span_check(&span), "I2: a bit beyond the last block is set");
	span = (struct span){.free_blocks = 1};
	assert_string_equal(span_check(&span), "I3: a large span has a free block");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blocks_come_lowest_first),	      cmocka_unit_test(every_block_comes_once),
	    cmocka_unit_test(a_block_given_back_comes_again), cmocka_unit_test(wrong_frees_are_found),
	    cmocka_unit_test(broken_invariants_are_named),
	};

	return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
