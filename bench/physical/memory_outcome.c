#include "config.h"

#include "bench/physical/memory_outcome.h"

#include <inttypes.h>

void outcome_load_count(struct outcome_load *load, unsigned order, bool is_refused)
{
	load->all.asked++;
	load->all.refused += is_refused;
	if (order < HUGE_ORDER)
		return;
	load->huge.asked++;
	load->huge.refused += is_refused;
}

/* --- Taking ------------------------------------------------------------------------------------------------------------- */

static bool is_kernel(const struct page *page)
{
	return !(page->flags & (PAGE_LRU | PAGE_ANONYMOUS | PAGE_CACHED));
}

struct count {
	uint64_t blocks;
	pfn_t next; /* the first pageblock that is not counted yet */
};

/* Counts the pageblocks in which frames first .. end-1 lie. */
static void count_frames(struct count *count, pfn_t first, pfn_t end)
{
	const pfn_t last = (end - 1) >> HUGE_ORDER;
	pfn_t from = first >> HUGE_ORDER;

	from = from < count->next ? count->next : from;
	if (from > last)
		return;
	count->blocks += last + 1 - from;
	count->next = last + 1;
}

static void count_range(struct count *count, const struct memory *memory, const struct memblock_range *range)
{
	for (pfn_t at = range->first; at < range->end;) {
		const struct page *page = page_of_pfn(&memory->pages, at);
		const bool is_used = page->flags & PAGE_HEAD;
		const pfn_t next = at + (is_used ? (pfn_t)1 << page->private : 1);

		if (is_used && is_kernel(page))
			count_frames(count, at, next);
		at = next;
	}
}

static uint64_t kernel_blocks(const struct memory *memory)
{
	struct memblock_range range;
	struct count count = {0};

	for (pfn_t from = 0; memblock_next_free(&memory->memblock, from, &range); from = range.end)
		count_range(&count, memory, &range);
	return count.blocks;
}

void memory_outcome_take(struct memory_outcome *outcome, const struct memory *memory)
{
	outcome->has_free = true;
	outcome->free = (struct free_blocks){{0}};
	for (unsigned i = 0; i < memory->zones; i++) {
		struct free_blocks free;

		zone_free_blocks(&memory->zone[i], &free);
		for (unsigned order = 0; order < FRAGMENTATION_ORDERS; order++)
			outcome->free.blocks[order] += free.blocks[order];
	}
	outcome->kernel_blocks = kernel_blocks(memory);
}

/* --- Figures ------------------------------------------------------------------------------------------------------------ */

uint64_t memory_outcome_huge(const struct memory_outcome *outcome)
{
	uint64_t huge = 0;

	for (unsigned order = HUGE_ORDER; order < FRAGMENTATION_ORDERS; order++)
		huge += outcome->free.blocks[order] << (order - HUGE_ORDER);
	return huge;
}

struct ratio memory_outcome_huge_refused(const struct memory_outcome *outcome)
{
	const struct outcome_requests *huge = &outcome->load.huge;

	return (struct ratio){(int64_t)huge->refused, huge->asked};
}

/* What a row has, in the order of the columns. */
enum column_kind { COLUMN_COUNT, COLUMN_SHARE };

struct column {
	const char *name;
	enum column_kind kind;
	uint64_t count; /* or OUTCOME_UNKNOWN */
	struct ratio share;
};

#define COLUMNS 10u

static uint64_t all_blocks(const struct memory_outcome *outcome)
{
	uint64_t blocks = 0;

	for (unsigned order = 0; order < FRAGMENTATION_ORDERS; order++)
		blocks += outcome->free.blocks[order];
	return blocks;
}

static struct column count_of(const char *name, uint64_t count)
{
	return (struct column){.name = name, .kind = COLUMN_COUNT, .count = count};
}

static struct column share_of(const char *name, struct ratio share)
{
	return (struct column){.name = name, .kind = COLUMN_SHARE, .share = share};
}

static void list(const struct memory_outcome *outcome, struct column columns[COLUMNS])
{
	const bool has = outcome->has_free;

	columns[0] = count_of("blocks", has ? all_blocks(outcome) : OUTCOME_UNKNOWN);
	columns[1] = count_of("huge_blocks", has ? memory_outcome_huge(outcome) : OUTCOME_UNKNOWN);
	columns[2] = share_of("free_huge_over_optimal",
			      has ? fragmentation_huge_over_optimal(&outcome->free) : RATIO_NONE);
	columns[3] = share_of("unusable_free_index_order9",
			      has ? fragmentation_unusable(&outcome->free, HUGE_ORDER) : RATIO_NONE);
	columns[4] = count_of("kernel_huge_blocks", outcome->kernel_blocks);
	columns[5] = count_of("requests", outcome->load.all.asked);
	columns[6] = count_of("refused", outcome->load.all.refused);
	columns[7] = count_of("huge_requests", outcome->load.huge.asked);
	columns[8] = count_of("huge_refused", outcome->load.huge.refused);
	columns[9] = share_of("huge_refused_share", memory_outcome_huge_refused(outcome));
}

static bool is_known(const struct column *column)
{
	return column->kind == COLUMN_COUNT ? column->count != OUTCOME_UNKNOWN : ratio_exists(column->share);
}

static json_t *column_json(const struct column *column)
{
	if (!is_known(column))
		return json_null();
	return column->kind == COLUMN_COUNT ? json_integer((json_int_t)column->count)
					    : json_real(ratio_value(column->share));
}

json_t *memory_outcome_json(const struct memory_outcome *outcome)
{
	struct column columns[COLUMNS];
	json_t *json = json_object();

	list(outcome, columns);
	for (unsigned i = 0; i < COLUMNS; i++)
		(void)json_object_set_new(json, columns[i].name, column_json(&columns[i]));
	return json;
}

void memory_outcome_write(const struct memory_outcome *outcome, FILE *file)
{
	struct column columns[COLUMNS];

	list(outcome, columns);
	for (unsigned i = 0; i < COLUMNS; i++)
		(void)fprintf(file, "%s%s", i > 0 ? "\t" : "# ", columns[i].name);
	for (unsigned i = 0; i < COLUMNS; i++) {
		(void)fputc(i > 0 ? '\t' : '\n', file);
		if (!is_known(&columns[i]))
			(void)fputc('?', file);
		else if (columns[i].kind == COLUMN_COUNT)
			(void)fprintf(file, "%" PRIu64, columns[i].count);
		else
			(void)fprintf(file, "%.6g", ratio_value(columns[i].share));
	}
	(void)fputc('\n', file);
}
