#include "config.h"

#include "engine/virt/mmu_block.h"

#include "engine/base/random.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

/* Addresses of which about every `stay`-th one keeps its page. */
static void fill(struct random *random, uint64_t *addresses, uint64_t stay)
{
	for (uint32_t i = 0; i < MMU_BLOCK; i++) {
		bool stays = i > 0 && random_below(random, stay) > 0;

		addresses[i] = stays ? addresses[i - 1] ^ random_below(random, 4096) : random_next(random);
	}
}

/* Both ways to filter, for every length of a block: the same to the bit, and what the definition says. */
static void test_stages_are_the_same_to_the_bit(void **state)
{
	static struct mmu_block fast, slow;
	static uint64_t addresses[MMU_BLOCK];
	static uint8_t accesses[MMU_BLOCK];
	struct random random = {1};

	(void)state;
	for (uint32_t count = 1; count <= MMU_BLOCK; count++) {
		struct mmu_references references = {addresses, accesses, count};
		uint32_t kept = 0;

		fill(&random, addresses, 1 + count % 7);
		for (uint32_t i = 0; i < MMU_BLOCK; i++)
			accesses[i] = (uint8_t)random_below(&random, 1 + count % 8) | 0x50;
		mmu_stages_fastest().filter(&fast, &references, 12);
		mmu_stages_portable().filter(&slow, &references, 12);
		for (uint32_t i = 0; i < count; i++) {
			bool is_data = i > 0 && !((accesses[i] | accesses[i - 1]) & WALK_EXECUTE);
			bool is_fetch = i > 0 && (accesses[i] & accesses[i - 1] & WALK_EXECUTE);

			if (i > 0 && addresses[i] >> 12 == addresses[i - 1] >> 12 && (is_data || is_fetch) &&
			    (accesses[i] | accesses[i - 1]) == accesses[i - 1])
				continue;
			assert_true(fast.address[kept] == addresses[i]);
			assert_int_equal(fast.place[kept], i);
			assert_int_equal(fast.access[kept], accesses[i] & MMU_ACCESS_MASK);
			kept++;
		}
		assert_int_equal(fast.count, kept);
		assert_int_equal(slow.count, kept);
		assert_memory_equal(fast.address, slow.address, kept * sizeof(fast.address[0]));
		assert_memory_equal(fast.place, slow.place, kept * sizeof(fast.place[0]));
		assert_memory_equal(fast.access, slow.access, kept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stages_are_the_same_to_the_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
