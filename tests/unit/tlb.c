#include "config.h"

#include "engine/virt/tlb.h"

#include "bench/micro/page_sample.h"
#include "tests/unit/naive_tlb.h"
#include "tests/unit/page_stream.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Level 1 and level 2 of data: entries and ways. Sets of both kinds, fully associative, one way, no level 2. */
static const struct {
	uint32_t entries[2], ways[2];
} geometries[] = {
    {{64, 1536}, {4, 12}}, {{72, 3072}, {72, 8}},    {{64, 2048}, {64, 8}},  {{48, 1280}, {48, 5}},
    {{32, 1024}, {32, 4}}, {{64, 1536}, {4, 6}},     {{96, 2048}, {6, 16}},  {{16, 0}, {16, 0}},
    {{1, 0}, {1, 0}},	   {{1, 2}, {1, 2}},	     {{4, 16}, {1, 1}},	     {{12, 48}, {3, 3}},
    {{24, 96}, {8, 8}},	   {{60, 300}, {5, 10}},     {{64, 512}, {64, 512}}, {{128, 1024}, {8, 8}},
    {{40, 2048}, {40, 8}}, {{160, 3072}, {160, 12}}, {{63, 945}, {7, 15}},   {{36, 90}, {9, 9}},
    {{8, 8}, {2, 4}},	   {{256, 512}, {16, 16}},   {{100, 700}, {20, 7}},  {{64, 384}, {4, 11 + 1}},
};

#define GEOMETRIES (sizeof(geometries) / sizeof(geometries[0]))
#define REFERENCES 10000u

static void make(struct tlb *tlb, size_t number, const char *replace)
{
	struct tlb_geometry geometry;
	struct tlb_geometry_error error;
	char text[128];
	int length = snprintf(text, sizeof(text), "l1d=%ux%u,replace=%s", geometries[number].entries[0],
			      geometries[number].ways[0], replace);

	if (geometries[number].entries[1] > 0)
		(void)snprintf(text + length, sizeof(text) - (size_t)length, ",l2=%ux%u",
			       geometries[number].entries[1], geometries[number].ways[1]);
	assert_int_equal(tlb_geometry_parse(&geometry, text, &error), STATUS_OK);
	assert_int_equal(tlb_create(tlb, &geometry, paging_find("x86-64"), 0), STATUS_OK);
}

static void run_both(struct tlb *tlb, struct naive_tlb *naive, const uint64_t *pages, size_t count)
{
	static uint64_t keys[ASSOCIATIVE_RUN_MAX];
	static uint16_t missed[ASSOCIATIVE_RUN_MAX];

	for (size_t done = 0; done < count;) {
		uint32_t some =
		    count - done < ASSOCIATIVE_RUN_MAX ? (uint32_t)(count - done) : ASSOCIATIVE_RUN_MAX;
		struct tlb_batch batch = {.count = some, .keys = keys};

		for (uint32_t i = 0; i < some; i++) {
			keys[i] = tlb_key_of(tlb, pages[done + i] << 12, 1, 7);
			naive_tlb_access(naive, pages[done + i]);
		}
		(void)tlb_run(tlb, &batch, missed);
		done += some;
	}
}

static void compare(size_t number, unsigned shape, const struct tlb *tlb, const struct naive_tlb *naive)
{
	assert_null(tlb_check(tlb));
	assert_int_equal(tlb_accesses(&tlb->counts), naive->accesses);
	for (unsigned level = 1; level <= 2; level++) {
		if (tlb_misses(&tlb->counts, level) != naive->misses[level - 1])
			fail_msg("geometry %zu, stream %u: %llu misses in level %u instead of %llu", number,
				 shape, (unsigned long long)tlb_misses(&tlb->counts, level), level,
				 (unsigned long long)naive->misses[level - 1]);
	}
}

#define STREAM_REAL STREAM_SHAPES /* pieces of a real program's references (page_sample.h) */

static void read_sample(struct page_sample *sample)
{
	const char *source = getenv("top_srcdir");
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/bench/micro/python3.pages", source ? source : ".");
	if (page_sample_read(sample, path))
		fail_msg("%s: %s", path, page_sample_read(sample, path));
	assert_true(sample->count >= (size_t)100 * REFERENCES);
}

/* Every geometry, every stream, LRU and FIFO, without flushes and with a flush of 1, 20, 5,000 pages now and then. */
static void test_against_a_naive_tlb(void **state)
{
	static uint64_t pages[REFERENCES];
	struct page_sample sample;

	(void)state;
	read_sample(&sample);
	assert_true(GEOMETRIES >= 20);
	for (size_t i = 0; i < GEOMETRIES * (STREAM_REAL + 1) * 4; i++) {
		size_t number = i / 4 / (STREAM_REAL + 1);
		unsigned shape = (unsigned)(i / 4 % (STREAM_REAL + 1));
		bool fifo = i % 2;
		struct random random = {i};
		struct naive_tlb naive;
		struct tlb tlb;

		make(&tlb, number, fifo ? "fifo" : "lru");
		naive_tlb_make(&naive, geometries[number].entries, geometries[number].ways, fifo);
		if (shape == STREAM_REAL)
			memcpy(pages, sample.page + number * 3 * REFERENCES, sizeof(pages));
		else
			page_stream_fill((enum page_stream_shape)shape, shape == STREAM_LOOP ? 1600 : 8192,
					 pages, REFERENCES);
		for (size_t done = 0; done < REFERENCES; done += 1000) {
			static const uint64_t spans[] = {1, 20, 5000, 1};
			uint64_t first = pages[random_below(&random, REFERENCES)];
			uint64_t span = spans[random_below(&random, 4)];

			run_both(&tlb, &naive, pages + done, 1000);
			if (i / 2 % 2 == 0)
				continue;
			if (span == 1)
				tlb_flush_page(&tlb, first << 12, 7);
			else
				tlb_flush_range(&tlb, first << 12, span << 12, 7);
			naive_tlb_flush(&naive, first, first + span - 1);
		}
		compare(number, shape, &tlb, &naive);
		naive_tlb_drop(&naive);
		tlb_destroy(&tlb);
	}
	page_sample_free(&sample);
}

/* 2,000,000 loads of 8 bytes upward from 0x7f0000000000: 3,907 pages, each missed once in both levels. */
static void test_two_million_loads_upward(void **state)
{
	struct tlb tlb;

	(void)state;
	make(&tlb, 0, "lru");
	for (uint64_t i = 0; i < 2000000; i++)
		(void)tlb_access(&tlb, TLB_DATA, tlb_key_of(&tlb, 0x7f0000000000 + 8 * i, 1, 0));
	assert_int_equal(tlb_accesses(&tlb.counts), 2000000);
	assert_int_equal(tlb_misses(&tlb.counts, 1), 3907);
	assert_int_equal(tlb_misses(&tlb.counts, 2), 3907);
	tlb_destroy(&tlb);
}

/* --- Parts, kinds, sizes, spaces -------------------------------------------------------------------------------------- */

static void make_from(struct tlb *tlb, const char *text)
{
	struct tlb_geometry geometry;
	struct tlb_geometry_error error;

	assert_int_equal(tlb_geometry_find(&geometry, text, &error), STATUS_OK);
	assert_int_equal(tlb_create(tlb, &geometry, geometry.paging, 1), STATUS_OK);
}

/* One access at a time and batches of mixed kinds and sizes: the same misses, one by one. */
static void test_mixed_batches_equal_single_accesses(void **state)
{
	static const char *const texts[] = {
	    "skylake-sp",
	    "zen4",
	    "l1=64x4,l2d=128x8,l2i=64x4",
	    "l1d.4k=8x2,l1d.2m=4x4,l1i=8x8,l2=96x6,replace=random",
	    "l1d.4k=8x2,l1i.2m=4x4,l2.4k=32x4,replace=plru",
	    "l1d=16x4,l1i=16x4,replace=fifo",
	};
	static uint64_t keys[ASSOCIATIVE_RUN_MAX];
	static uint8_t kinds[ASSOCIATIVE_RUN_MAX];
	static uint16_t missed[ASSOCIATIVE_RUN_MAX], places[ASSOCIATIVE_RUN_MAX + 1];
	struct random random = {17};

	(void)state;
	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]) * 2; t++) {
		bool has_kinds = t % 2;
		struct tlb one, many;

		make_from(&one, texts[t / 2]);
		make_from(&many, texts[t / 2]);
		for (unsigned round = 0; round < 10; round++) {
			struct tlb_batch batch = {
			    .count = ASSOCIATIVE_RUN_MAX, .keys = keys, .places = places};
			uint32_t misses = 0;

			batch.kinds = has_kinds ? kinds : NULL;
			for (unsigned i = 0; i < ASSOCIATIVE_RUN_MAX; i++) {
				unsigned level = 1 + (unsigned)random_below(&random, round % 3 + 1);

				keys[i] = tlb_key_of(&one, random_below(&random, 200) << (3 + 9 * level),
						     level, random_below(&random, 8) == 0 ? TLB_GLOBAL : 3);
				kinds[i] = (uint8_t)random_below(&random, 2);
				places[i + 1] = (uint16_t)(places[i] + 1 + i % 3);
			}
			uint32_t count = tlb_run(&many, &batch, missed);

			for (unsigned i = 0; i < ASSOCIATIVE_RUN_MAX; i++) {
				enum tlb_kind kind = has_kinds ? (enum tlb_kind)kinds[i] : TLB_DATA;

				if (tlb_access(&one, kind, keys[i]) == TLB_MISS)
					assert_int_equal(missed[misses++], i);
				one.counts.accesses[kind][tlb_class_of(keys[i])] += i % 3;
			}
			assert_int_equal(misses, count);
			assert_memory_equal(&one.counts, &many.counts, sizeof(one.counts));
			assert_null(tlb_check(&many));
		}
		tlb_destroy(&one);
		tlb_destroy(&many);
	}
}

static enum tlb_result load(struct tlb *tlb, uint64_t address, unsigned level, uint16_t space)
{
	return tlb_access(tlb, TLB_DATA, tlb_key_of(tlb, address, level, space));
}

static void test_split_and_unified(void **state)
{
	struct tlb tlb;

	(void)state;
	make_from(&tlb, "l1d=4x4,l1i=4x4,l2=8x8");
	assert_int_equal(load(&tlb, 0x1000, 1, 0), TLB_MISS);
	assert_int_equal(tlb_access(&tlb, TLB_FETCH, tlb_key_of(&tlb, 0x1000, 1, 0)), TLB_HIT_2);
	assert_int_equal(load(&tlb, 0x1fff, 1, 0), TLB_HIT_1);
	assert_int_equal(load(&tlb, 0, 2, 0), TLB_MISS); /* the 2 MiB page with the same number is another */
	tlb_destroy(&tlb);
	make_from(&tlb, "l1=4x4,l2d=8x8,l2i=8x8");
	assert_int_equal(load(&tlb, 0x1000, 1, 0), TLB_MISS);
	assert_int_equal(tlb_access(&tlb, TLB_FETCH, tlb_key_of(&tlb, 0x1000, 1, 0)), TLB_HIT_1);
	tlb_destroy(&tlb);
	make_from(&tlb, "l1d.4k=4x4,l2.4k=8x8"); /* nobody serves 2 MiB */
	assert_int_equal(load(&tlb, 0x200000, 2, 0), TLB_MISS);
	assert_int_equal(load(&tlb, 0x200000, 2, 0), TLB_MISS);
	assert_null(tlb_check(&tlb));
	tlb_destroy(&tlb);
}

static void test_spaces_and_flushes(void **state)
{
	struct tlb tlb;

	(void)state;
	make_from(&tlb, "l1d=16x16,l2=64x4");
	for (uint64_t page = 0; page < 8; page++) {
		(void)load(&tlb, page << 12, 1, 1);
		(void)load(&tlb, page << 12, 1, 2);
	}
	(void)load(&tlb, (uint64_t)9 << 12, 1, TLB_GLOBAL);
	(void)load(&tlb, 0x200000, 2, 1);
	tlb_flush_page(&tlb, 0x3000, 1);
	assert_int_equal(load(&tlb, 0x3000, 1, 2), TLB_HIT_1);
	assert_int_equal(load(&tlb, 0x3000, 1, 1), TLB_MISS);
	tlb_flush_page(&tlb, 0x2abcde, 1); /* inside the huge page */
	assert_int_equal(load(&tlb, 0x200000, 2, 1), TLB_MISS);
	tlb_flush_range(&tlb, 0x2fff, 2, 2); /* touches pages 2 and 3 */
	assert_int_equal(load(&tlb, 0x2000, 1, 2), TLB_MISS);
	assert_int_equal(load(&tlb, 0x3000, 1, 2), TLB_MISS);
	assert_int_equal(load(&tlb, 0x4000, 1, 2), TLB_HIT_1);
	tlb_flush_range(&tlb, 0x2ff000, 0x1000, 1); /* the last page of the huge one */
	assert_int_equal(load(&tlb, 0x200000, 2, 1), TLB_MISS);
	tlb_flush_space(&tlb, 2);
	assert_int_equal(load(&tlb, 0x4000, 1, 2), TLB_MISS);
	assert_int_equal(load(&tlb, 0x4000, 1, 1), TLB_HIT_1);
	tlb_flush_nonglobal(&tlb);
	assert_int_equal(load(&tlb, 0x4000, 1, 1), TLB_MISS);
	assert_int_equal(load(&tlb, (uint64_t)9 << 12, 1, TLB_GLOBAL), TLB_HIT_1);
	tlb_flush_page(&tlb, 0x9000, 1); /* invlpg removes global entries too */
	assert_int_equal(load(&tlb, (uint64_t)9 << 12, 1, TLB_GLOBAL), TLB_MISS);
	tlb_flush_all(&tlb);
	assert_int_equal(load(&tlb, (uint64_t)9 << 12, 1, TLB_GLOBAL), TLB_MISS);
	assert_int_equal(associative_count(&tlb.part[0]), 1);
	assert_int_equal(tlb.counts.flushes, 8);
	assert_null(tlb_check(&tlb));
	tlb_destroy(&tlb);
}

static void test_coalesced_entries(void **state)
{
	struct tlb tlb;

	(void)state;
	make_from(&tlb, "l1d=4x4,coalesce=4");
	assert_int_equal(tlb_access(&tlb, TLB_DATA, tlb_key_of_group(&tlb, 0x4000, 1)), TLB_MISS);
	for (uint64_t page = 4; page < 8; page++)
		assert_int_equal(tlb_access(&tlb, TLB_DATA, tlb_key_of_group(&tlb, page << 12, 1)),
				 TLB_HIT_1);
	assert_int_equal(tlb_access(&tlb, TLB_DATA, tlb_key_of_group(&tlb, 0x8000, 1)), TLB_MISS);
	tlb_flush_page(&tlb, 0x6000, 1); /* one page takes the whole group along */
	assert_int_equal(associative_count(&tlb.part[0]), 1);
	tlb_flush_range(&tlb, 0xb000, 1, 1);
	assert_int_equal(associative_count(&tlb.part[0]), 0);
	assert_null(tlb_check(&tlb));
	tlb_destroy(&tlb);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		static const char *const text[] = {"I1: ", "I2: ", "I2: ", "I3: ", "I3: "};
		struct tlb tlb;

		make_from(&tlb, "l1d.4k=4x4,l1d.2m=4x4,l2=8x2");
		(void)load(&tlb, 0x1000, 1, 0);
		(void)load(&tlb, 0x3000, 1, 0);
		assert_null(tlb_check(&tlb));
		if (i == 0)
			tlb.part[0].tag[1] = tlb.part[0].tag[0];
		else if (i == 1)
			tlb.part[0].tag[0] = tag_windows_make(&tlb.part[0].windows, tlb_key(1, 2, 0));
		else if (i == 2)
			tlb.part[1].tag[0] = tag_windows_make(&tlb.part[1].windows, tlb_key(1, 3, 0));
		else if (i == 3)
			tlb.counts.misses[1][0][1] = 3;
		else
			tlb.counts.accesses[0][1] = 1;
		assert_non_null(tlb_check(&tlb));
		assert_memory_equal(tlb_check(&tlb), text[i], 4);
		tlb_destroy(&tlb);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_against_a_naive_tlb),
	    cmocka_unit_test(test_two_million_loads_upward),
	    cmocka_unit_test(test_mixed_batches_equal_single_accesses),
	    cmocka_unit_test(test_split_and_unified),
	    cmocka_unit_test(test_spaces_and_flushes),
	    cmocka_unit_test(test_coalesced_entries),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
