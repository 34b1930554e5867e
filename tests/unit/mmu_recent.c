#include "config.h"

#include "engine/virt/mmu.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE 0x7f0000000000u
#define USER (PTE_PRESENT | PTE_WRITE | PTE_USER)
#define REGIONS 3
#define PAGES (REGIONS * UINT64_C(512))
#define REFERENCES 24000u

/* Alone each: the filter's sets are 16, 8, 4, 2 or 1. */
static const char *const geometries[] = {
    "l1d=64x4,l1i=128x8,l2=1536x12,walk2=32x4,walk3=4xfull,walk4=2xfull",
    "skylake-sp",
    "icelake-sp",
    "sapphire-rapids",
    "zen2",
    "zen4",
    "champsim",
    "virtuoso",
    "l1=64x4",
    "l1=16x1,l2=64x4",
    "l1d=16x2,l1i=8x1,l2=96x8,replace=plru",
    "l1=64x4,l2=96x8,replace=plru",
    "l1=16x4,replace=fifo",
    "l1d=12x3,l1i=10x5,l2d=30x5,l2i=7x7,replace=fifo,walk2=4xfull",
    "l1=32x2,l2=256x4,replace=random",
    "l1=32x8,replace=random,coalesce=8,walk3=2xfull",
    "l1d=16x16,l1i=8x8,l2=64x8,coalesce=4,walk2=8x2",
    "l1d=96x6,l2=1024x8",
    "l1d=48x4,l1i=24x3,l2=384x6",
    "l1d=128x2,l1i=128x4,l2=512x8,replace=plru",
    "l1d.4k=64x4,l1d.2m=4x4,l1i=16x4,l2=128x8",
    "l1=8x8,l2=32x4,walk2=4x4,asid=no",
};

#define GEOMETRIES (sizeof(geometries) / sizeof(geometries[0]))

/* One of two that must be equal. */
struct side {
	struct table_store store;
	struct counting_source source;
	struct pagetable table;
	struct mmu mmu;
};

static struct side *side_make(const char *text, bool is_filtering)
{
	struct side *side = calloc(1, sizeof(*side));
	struct tlb_geometry geometry;
	struct tlb_geometry_error error;

	assert_non_null(side);
	assert_int_equal(table_store_create(&side->store, paging_find("x86-64")), STATUS_OK);
	counting_source_create(&side->source, 1, 1 << 20);
	assert_int_equal(pagetable_create(&side->table, &side->store, page_source_of_counter(&side->source)),
			 PAGETABLE_DONE);
	assert_int_equal(tlb_geometry_find(&geometry, text, &error), STATUS_OK);
	assert_int_equal(mmu_create(&side->mmu, &side->table, &geometry, 1), STATUS_OK);
	side->mmu.is_filtering = is_filtering;
	return side;
}

static void side_drop(struct side *side)
{
	mmu_destroy(&side->mmu);
	pagetable_destroy(&side->table);
	table_store_destroy(&side->store);
	free(side);
}

struct stream {
	uint64_t address[REFERENCES];
	uint8_t access[REFERENCES];
};

/* Loops over a few pages, with strangers between; `huge`: some in the region of one large page. */
static void fill(struct stream *stream, struct random *random, bool has_fetches, bool huge)
{
	uint64_t pages[24];
	size_t at = 0;

	while (at < REFERENCES) {
		size_t count = 1 + random_below(random, 24), rounds = 1 + random_below(random, 60);

		for (size_t i = 0; i < count; i++)
			pages[i] = random_below(random, huge ? PAGES : PAGES - 512);
		for (size_t i = 0; i < count * rounds && at < REFERENCES; i++, at++) {
			uint64_t page =
			    random_below(random, 30) ? pages[i % count] : random_below(random, PAGES - 512);

			stream->address[at] = BASE + (page << 12) + random_below(random, 4096);
			stream->access[at] = (uint8_t)(random_below(random, 4) == 0) | WALK_USER;
			if (has_fetches && random_below(random, 5) == 0)
				stream->access[at] = WALK_EXECUTE | WALK_USER;
			if (random_below(random, 50) == 0)
				stream->access[at] &= (uint8_t)~WALK_USER;
		}
	}
}

/* Until all are done; a page that is missing appears: the last region as one large page. */
static void run(struct side *side, const struct stream *stream, size_t from, size_t count)
{
	struct mmu_fault fault;

	for (size_t done = 0;;) {
		struct mmu_stream part = {stream->address + from + done, stream->access + from + done,
					  count - done};

		done += mmu_run(&side->mmu, &part, &fault);
		if (fault.outcome == WALK_FINE)
			break;
		const uint64_t address = stream->address[from + done];
		const unsigned level = address >= BASE + ((uint64_t)(PAGES - 512) << 12) ? 2 : 1;
		const uint64_t page = address >> side->table.paging->shift[level]
						     << side->table.paging->shift[level];

		assert_int_equal(fault.outcome, WALK_NOT_PRESENT);
		assert_int_equal(
		    pagetable_set(&side->table, page, level, pte_make(page >> 12 & 0xfffff, USER), NULL),
		    PAGETABLE_DONE);
	}
	assert_null(mmu_check(&side->mmu));
}

static void disturb(struct side *side, unsigned action, uint64_t address, uint64_t bytes)
{
	if (action == 0)
		mmu_flush_page(&side->mmu, address);
	else if (action == 1)
		mmu_flush_range(&side->mmu, address, bytes, bytes % 8192 == 0);
	else if (action == 2)
		mmu_switch(&side->mmu, &side->table, (uint16_t)(bytes >> 12) % 3);
	else if (action == 3)
		mmu_flush_all(&side->mmu);
}

static void assert_same(const struct side *side, const struct side *plain)
{
	assert_memory_equal(&side->mmu.model[0].tlb.counts, &plain->mmu.model[0].tlb.counts,
			    sizeof(struct tlb_counts));
	assert_memory_equal(&side->mmu.model[0].walker.counts, &plain->mmu.model[0].walker.counts,
			    sizeof(struct walk_counts));
	assert_int_equal(side->mmu.references, plain->mmu.references);
	assert_int_equal(side->mmu.faults, plain->mmu.faults);
	for (uint64_t page = 0; page < PAGES; page++) {
		unsigned level, of;
		const pte_t *entry = pagetable_find(&side->table, BASE + (page << 12), &level);
		const pte_t *other = pagetable_find(&plain->table, BASE + (page << 12), &of);

		assert_true(entry && other ? *entry == *other && level == of : entry == other);
	}
}

/* With the filter and without: the same counts, faults and bits in the page table, whatever comes between. */
static void test_changes_nothing(void **state)
{
	static struct stream stream;
	unsigned used = 0;

	(void)state;
	for (unsigned i = 0; i < GEOMETRIES * 4; i++) {
		struct random random = {i};
		struct side *side = side_make(geometries[i / 4], true);
		struct side *plain = side_make(geometries[i / 4], false);
		const uint64_t most = i % 3 == 0 ? 3000 : 300;

		fill(&stream, &random, i % 2, i % 4 > 1);
		used += side->mmu.recent.sets > 1;
		for (size_t done = 0; done < REFERENCES;) {
			size_t some = 1 + random_below(&random, most);
			uint64_t address;
			uint64_t bytes = random_below(&random, 40) << 12;
			unsigned action = (unsigned)random_below(&random, 6);

			some = some > REFERENCES - done ? REFERENCES - done : some;
			run(side, &stream, done, some);
			run(plain, &stream, done, some);
			done += some;
			/* Often what the filter has just seen. */
			address = stream.address[done - 1 - random_below(&random, done < 8 ? done : 8)];
			disturb(side, action, address, bytes);
			disturb(plain, action, address, bytes);
		}
		assert_same(side, plain);
		side_drop(side);
		side_drop(plain);
	}
	assert_true(used >= 4 * 14);
}

/* What is kept of a stream: what the definition says, by one after the other. */
static void test_keeps_what_it_must(void **state)
{
	static struct stream stream;
	static struct mmu_block block;
	static struct mmu_recent recent;
	struct random random = {7};

	(void)state;
	fill(&stream, &random, true, true);
	for (uint32_t sets = 1; sets <= MMU_RECENT_SETS_MAX; sets *= 2) {
		uint64_t last[MMU_RECENT_SETS_MAX], done[MMU_RECENT_SETS_MAX][MMU_ACCESS_MASK + 1];

		recent = (struct mmu_recent){.sets = sets, .shift = 12};
		mmu_recent_forget(&recent);
		memset(last, 0xff, sizeof(last));
		memset(done, 0xff, sizeof(done));
		for (size_t at = 0; at + 200 <= REFERENCES; at += 200) {
			const uint32_t count = 1 + (uint32_t)random_below(&random, 200);
			struct mmu_references references = {stream.address + at, stream.access + at, count};
			uint32_t kept = 3;

			block.count = 3;
			mmu_recent_filter(&recent, &block, &references, 1000);
			for (uint32_t i = 0; i < count; i++) {
				uint64_t page = stream.address[at + i] >> 12;
				uint32_t set = (uint32_t)(page % sets);
				bool drops = last[set] == page && done[set][stream.access[at + i]] == page;

				last[set] = done[set][stream.access[at + i]] = page;
				if (drops)
					continue;
				assert_true(block.address[kept] == stream.address[at + i]);
				assert_int_equal(block.access[kept], stream.access[at + i]);
				assert_int_equal(block.place[kept++], 1000 + i);
			}
			assert_int_equal(block.count, kept);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_changes_nothing),
	    cmocka_unit_test(test_keeps_what_it_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
