#include "config.h"

#include "engine/virt/mmu_loop.h"

#include "engine/virt/mmu.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE 0x7f0000000000u
#define USER (PTE_PRESENT | PTE_WRITE | PTE_USER)
#define REFERENCES 60000u
#define CONTEXTS 90u
#define SHIFT 12u

static const char *const geometries[] = {
    "l1d=64x4,l1i=128x8,l2=1536x12,walk2=32x4,walk3=4xfull,walk4=2xfull",
    "zen4",
    "skylake-sp",
    "l1=16x1,l2=64x4",
    "l1d=16x2,l1i=8x1,l2=96x8,replace=plru",
    "l1=16x4,replace=fifo",
    "l1=32x2,l2=256x4,replace=random",
    "l1d=16x16,l1i=8x8,l2=64x8,coalesce=4,walk2=8x2",
    "l1d.4k=64x4,l1d.2m=4x4,l1i=16x4,l2=128x8",
};

#define GEOMETRIES (sizeof(geometries) / sizeof(geometries[0]))

struct stream {
	uint16_t context[REFERENCES], offset[REFERENCES];
	uint8_t shape[REFERENCES];
	uint64_t where[CONTEXTS];
	uint8_t access[256];
	struct mmu_columns columns;
};

static void put(struct stream *stream, struct random *random, size_t at, uint64_t contexts)
{
	stream->context[at] = (uint16_t)random_below(random, contexts);
	stream->offset[at] = (uint16_t)random_next(random);
	stream->shape[at] = (uint8_t)random_below(random, 6);
}

/* Loops, in which some offsets go on, and single references are others; between them what does not repeat. */
static struct stream *make(unsigned seed, bool has_fetches)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	struct random random = {seed};

	assert_non_null(stream);
	stream->columns = (struct mmu_columns){stream->context, stream->offset, stream->shape,
					       stream->where,	stream->access, REFERENCES};
	for (size_t i = 0; i < CONTEXTS; i++)
		stream->where[i] = BASE + (i << 16) + random_below(&random, 512) * 8;
	for (unsigned i = 0; i < 256; i++)
		stream->access[i] = (uint8_t)(WALK_USER | (i == 1 ? WALK_WRITE : WALK_READ));
	stream->access[2] = has_fetches ? WALK_USER | WALK_EXECUTE : WALK_USER;
	for (size_t at = 0; at < REFERENCES;) {
		const size_t period = 1 + random_below(&random, random_below(&random, 2) ? 40 : 2500);
		const size_t rounds = random_below(&random, 30), single = random_below(&random, period);
		const uint64_t contexts = 4 + random_below(&random, CONTEXTS - 4);
		const size_t start = at;

		for (; at < REFERENCES && at < start + period; at++)
			put(stream, &random, at, contexts);
		for (; at < REFERENCES && at < start + period * rounds; at++) {
			const bool goes_on = (at - start) % period == single;

			stream->context[at] = stream->context[at - period];
			stream->shape[at] = stream->shape[at - period];
			stream->offset[at] = (uint16_t)(stream->offset[at - period] + (goes_on ? 200 : 0));
			if (random_below(&random, 9000) == 0)
				put(stream, &random, at, contexts);
		}
	}
	return stream;
}

static bool repeats(const struct mmu_columns *columns, size_t at, size_t period)
{
	const size_t before = at - period;
	const uint64_t page = (columns->where[columns->context[at]] + columns->offset[at]) >> SHIFT;
	const uint64_t other = (columns->where[columns->context[before]] + columns->offset[before]) >> SHIFT;

	return page == other &&
	       columns->access[columns->shape[at]] == columns->access[columns->shape[before]];
}

/* All of the rounds that are found repeat, and most of what repeats for long is found. */
static void test_rounds_repeat(void **state)
{
	size_t found = 0;

	(void)state;
	for (unsigned seed = 0; seed < 20; seed++) {
		struct stream *stream = make(seed, true);
		struct mmu_loop loop = {0};
		const size_t least = seed % 2 ? 700 : 1;

		for (size_t at = 0; at < REFERENCES;) {
			const struct mmu_rounds rounds =
			    mmu_loop_next(&loop, &stream->columns, at, least, SHIFT);
			const size_t end = rounds.first + rounds.count * rounds.period;

			assert_true(rounds.first >= at && end > at && end <= REFERENCES);
			assert_true(rounds.count == 0 || (rounds.count >= 2 && rounds.period >= least &&
							  rounds.first >= rounds.period / least));
			for (size_t i = rounds.first; i < end; i++)
				assert_true(repeats(&stream->columns, i, loop.period));
			found += end - rounds.first;
			at = end;
		}
		free(stream);
	}
	assert_in_range(found, 20 * REFERENCES / 8, 20 * REFERENCES);
}

static void test_what_does_not_repeat_has_no_rounds(void **state)
{
	struct stream *stream = make(1, false);
	struct random random = {8};
	struct mmu_loop loop = {0};
	unsigned looks = 0;

	(void)state;
	for (size_t at = 0; at < REFERENCES; at++)
		put(stream, &random, at, CONTEXTS);
	for (size_t at = 0; at < REFERENCES; looks++) {
		const struct mmu_rounds rounds = mmu_loop_next(&loop, &stream->columns, at, 1, SHIFT);

		assert_int_equal(rounds.count, 0);
		at = rounds.first;
	}
	assert_in_range(looks, 1, 8);
	free(stream);
}

/* One of two MMUs that must be equal. */
struct side {
	struct table_store store;
	struct counting_source source;
	struct pagetable table;
	struct mmu mmu;
};

static struct side *side_make(const char *text, bool is_filtering)
{
	struct side *side = calloc(1, sizeof(*side));
	struct tlb_geometry geometry[2];
	struct tlb_geometry_error error;

	assert_non_null(side);
	assert_int_equal(table_store_create(&side->store, paging_find("x86-64")), STATUS_OK);
	counting_source_create(&side->source, 1, 1 << 20);
	assert_int_equal(pagetable_create(&side->table, &side->store, page_source_of_counter(&side->source)),
			 PAGETABLE_DONE);
	assert_int_equal(tlb_geometry_find(&geometry[0], text, &error), STATUS_OK);
	assert_int_equal(tlb_geometry_find(&geometry[1], "l1=8x8,l2=32x4,walk2=4x4", &error), STATUS_OK);
	assert_int_equal(mmu_create(&side->mmu, &side->table, geometry, 2), STATUS_OK);
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

/* References from .. to; a page that is missing appears, every seventh 2 MiB as one large page. */
static void run(struct side *side, const struct stream *stream, size_t from, size_t to)
{
	while (from < to) {
		struct mmu_columns columns = stream->columns;
		struct mmu_fault fault;

		columns.context += from;
		columns.offset += from;
		columns.shape += from;
		columns.count = to - from;
		from += mmu_run_columns(&side->mmu, &columns, &fault);
		if (fault.outcome == WALK_FINE)
			break;
		const uint64_t address = stream->where[stream->context[from]] + stream->offset[from];
		const unsigned level = (address >> 21) % 7 == 6 ? 2 : 1;
		const uint64_t page = address >> (level == 2 ? 21 : 12) << (level == 2 ? 21 : 12);

		assert_int_equal(fault.outcome, WALK_NOT_PRESENT);
		assert_int_equal(
		    pagetable_set(&side->table, page, level, pte_make(page >> 12 & 0xfffff, USER), NULL),
		    PAGETABLE_DONE);
	}
	assert_int_equal(from, to > from ? from : to);
	assert_null(mmu_check(&side->mmu));
}

static void assert_same(const struct side *side, const struct side *plain)
{
	for (unsigned i = 0; i < side->mmu.models; i++) {
		assert_memory_equal(&side->mmu.model[i].tlb.counts, &plain->mmu.model[i].tlb.counts,
				    sizeof(struct tlb_counts));
		assert_memory_equal(&side->mmu.model[i].walker.counts, &plain->mmu.model[i].walker.counts,
				    sizeof(struct walk_counts));
	}
	assert_int_equal(side->mmu.references, plain->mmu.references);
	assert_int_equal(side->mmu.faults, plain->mmu.faults);
	for (uint64_t page = 0; page < (uint64_t)CONTEXTS * 16; page++) {
		unsigned level, of;
		const pte_t *entry = pagetable_find(&side->table, BASE + (page << 12), &level);
		const pte_t *other = pagetable_find(&plain->table, BASE + (page << 12), &of);

		assert_true(entry && other ? *entry == *other && level == of : entry == other);
	}
}

/* With rounds counted and with every reference modelled: the same counts, faults and bits in the page table after every piece
 * of the stream, flushed between them or not. */
static void test_counted_rounds_are_as_modelled(void **state)
{
	(void)state;
	for (unsigned i = 0; i < GEOMETRIES * 2; i++) {
		struct random random = {i};
		struct stream *stream = make(100 + i, i % 2);
		struct side *side = side_make(geometries[i / 2], true);
		struct side *plain = side_make(geometries[i / 2], false);

		for (size_t done = 0; done < REFERENCES;) {
			const size_t left = REFERENCES - done, most = 1 + random_below(&random, 30000);
			const size_t end = done + (left < most ? left : most);

			run(side, stream, done, end);
			run(plain, stream, done, end);
			assert_same(side, plain);
			done = end;
			if (random_below(&random, 3) > 0)
				continue;
			mmu_flush_page(&side->mmu, stream->where[stream->context[done - 1]]);
			mmu_flush_page(&plain->mmu, stream->where[stream->context[done - 1]]);
		}
		side_drop(side);
		side_drop(plain);
		free(stream);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rounds_repeat),
	    cmocka_unit_test(test_what_does_not_repeat_has_no_rounds),
	    cmocka_unit_test(test_counted_rounds_are_as_modelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
