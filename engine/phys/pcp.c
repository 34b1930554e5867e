#include "config.h"

#include "engine/phys/pcp.h"

#include "engine/base/check.h"

static uint32_t ring_entries(uint32_t high_limit, unsigned order)
{
	return 1u << order_of_pages((PCP_PAGES_MAX(high_limit) >> order) + 1);
}

enum status pcp_create(struct pcp *pcp, enum pcp_tuning tuning, uint32_t high_limit)
{
	size_t entries = 0;

	for (unsigned i = 0; i < PCP_LISTS; i++)
		entries += ring_entries(high_limit, pcp_order(i));
	*pcp = (struct pcp){.tuning = tuning, .orders = (1u << (PCP_ORDER_MAX + 1)) - 1};
	if (tuning == PCP_TUNED)
		pcp->orders |= 1u << HUGE_ORDER;
	enum status status = reservation_create(&pcp->memory, entries * sizeof(uint32_t), PAGE_BYTES);

	if (status != STATUS_OK)
		return status;
	uint32_t *block = pcp->memory.memory;

	for (unsigned i = 0; i < PCP_LISTS; i++) {
		pcp->list[i].block = block;
		pcp->list[i].mask = ring_entries(high_limit, pcp_order(i)) - 1;
		block += ring_entries(high_limit, pcp_order(i));
	}
	pcp_set_figures(pcp, &(struct pcp_figures){1, 0, 0});
	return STATUS_OK;
}

void pcp_destroy(struct pcp *pcp)
{
	reservation_destroy(&pcp->memory);
}

static uint32_t clamp(uint32_t value, uint32_t low, uint32_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* What is left of `pages` after `fewer`, at least `least`. */
static uint32_t less(uint32_t pages, uint32_t fewer, uint32_t least)
{
	return pages > fewer && pages - fewer > least ? pages - fewer : least;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void pcp_set_figures(struct pcp *pcp, const struct pcp_figures *figures)
{
	CHECK(figures->batch >= 1 && figures->high_min <= figures->high_max,
	      "I1: 1 <= batch, high_min <= high_max");
	CHECK(PCP_PAGES_MAX(figures->high_max) < pcp->list[0].mask || !pcp->list[0].block,
	      "high_max is no larger than the set was made for");
	pcp->batch = figures->batch;
	pcp->high_min = figures->high_min;
	pcp->high_max = figures->high_max;
	pcp->high = clamp(pcp->high, pcp->high_min, pcp->high_max);
	pcp->room = pcp->tuning == PCP_FIXED ? pcp->high : 0;
}

/* Order 0 takes more with every refill in a row, as far as `high` leaves room. */
static uint32_t growing_batch(struct pcp *pcp, uint32_t high)
{
	uint32_t batch = pcp->batch << pcp->alloc_factor;
	uint32_t room = less(high, pcp->count + pcp->batch, pcp->batch);

	if (batch <= room && pcp->alloc_factor < PCP_BATCH_SCALE_MAX)
		pcp->alloc_factor++;
	return smaller(batch, room);
}

uint32_t pcp_refill_blocks(struct pcp *pcp, unsigned order, bool below_high)
{
	uint32_t batch = pcp->batch;

	if (pcp->tuning == PCP_TUNED) {
		pcp->high = clamp(pcp->high, pcp->high_min, pcp->high_max);
		if (pcp->high < batch)
			return 1;
		if (pcp->high_min != pcp->high_max && !below_high) {
			uint32_t step = order == 0 ? batch << pcp->alloc_factor : batch;

			pcp->high = smaller(pcp->high + step, pcp->high_max);
		}
		if (order == 0)
			batch = growing_batch(pcp, pcp->high);
	}
	if (batch <= 1)
		return 1;
	return batch >> order > 2 ? batch >> order : 2;
}

/* Blocks of order 1 .. 3 that are freed in large numbers go back at once: they would be missed for larger ones. (Linux asks
 * also whether the batch fits into the processor's cache and keeps one if so; it does on machines of this century.) */
static bool frees_high_orders(struct pcp *pcp, unsigned order)
{
	bool is_high = order > 0 && order <= PCP_ORDER_MAX;
	bool frees = is_high && pcp->freed_high_order && pcp->free_count >= pcp->batch + pcp->high_min / 2 &&
		     pcp->count >= pcp->batch;

	pcp->freed_high_order = is_high;
	return frees;
}

/* How full the set may be at this free. */
static uint32_t tuned_high(struct pcp *pcp, bool below_high)
{
	uint32_t high = pcp->high;

	if (pcp->high_min == pcp->high_max)
		return high;
	if (below_high) {
		uint32_t fewer = pcp->free_count > pcp->batch ? pcp->free_count : pcp->batch;

		pcp->high = less(high, fewer, pcp->high_min);
		return pcp->count > pcp->high_min ? pcp->count : pcp->high_min;
	}
	if (pcp->count >= high && high < pcp->free_count + pcp->batch)
		pcp->high = clamp(pcp->free_count + pcp->batch, pcp->high_min, pcp->high_max);
	return high;
}

uint32_t pcp_tuned_drain(struct pcp *pcp, unsigned order, bool below_high)
{
	uint32_t most = pcp->batch << PCP_BATCH_SCALE_MAX;

	pcp->alloc_factor >>= 1;
	bool all = frees_high_orders(pcp, order);

	if (pcp->free_count < most)
		pcp->free_count += 1u << order;
	pcp->high = clamp(pcp->high, pcp->high_min, pcp->high_max);
	if (all) {
		pcp->high = less(pcp->high, most, pcp->high_min);
		return smaller(pcp->count, most);
	}
	uint32_t high = pcp->high == 0 ? 0 : tuned_high(pcp, below_high);

	if (pcp->count < high)
		return 0;
	if (high < pcp->batch)
		return 1;
	return smaller(pcp->free_count < pcp->batch ? pcp->batch : pcp->free_count, high - pcp->batch);
}

uint32_t pcp_decay(struct pcp *pcp)
{
	if (pcp->tuning == PCP_TUNED && pcp->high > pcp->high_min) {
		uint32_t kept = less(pcp->count, pcp->batch << PCP_BATCH_SCALE_MAX, pcp->high_min);
		uint32_t shrunk = less(pcp->high, pcp->high >> 3, pcp->high_min);

		pcp->high = kept > shrunk ? kept : shrunk;
	}
	return pcp->count > pcp->high ? pcp->count - pcp->high : 0;
}

static uint32_t entry(const struct pcp_list *list, uint32_t i)
{
	return list->block[(list->first + i) & list->mask];
}

/* A bit per frame between the lowest and the highest of the list; without memory for them nothing is found. */
static bool holds_twice(const struct pcp_list *list)
{
	uint32_t low = UINT32_MAX;
	uint32_t high = 0;
	struct reservation seen;
	bool twice = false;

	for (uint32_t i = 0; i < list->blocks; i++) {
		low = entry(list, i) < low ? entry(list, i) : low;
		high = entry(list, i) > high ? entry(list, i) : high;
	}
	if (list->blocks < 2 || reservation_create(&seen, (high - low) / 8 + 1, PAGE_BYTES) != STATUS_OK)
		return false;
	uint8_t *bits = seen.memory;

	for (uint32_t i = 0; i < list->blocks; i++) {
		uint32_t place = entry(list, i) - low;

		twice |= (bits[place / 8] >> (place % 8) & 1) != 0;
		bits[place / 8] |= (uint8_t)(1u << place % 8);
	}
	reservation_destroy(&seen);
	return twice;
}

const char *pcp_check(const struct pcp *pcp)
{
	uint64_t count = 0;

	if (pcp->batch < 1 || pcp->high_min > pcp->high_max)
		return "I1: 1 <= batch, high_min <= high_max";
	for (unsigned i = 0; i < PCP_LISTS; i++) {
		count += (uint64_t)pcp->list[i].blocks << pcp_order(i);
		if (pcp->list[i].blocks > pcp->list[i].mask)
			count = UINT64_MAX;
	}
	if (count != pcp->count)
		return "I2: count = sum of the lists' blocks * 2^order, and no list has more than its ring "
		       "holds";
	for (unsigned i = 0; i < PCP_LISTS; i++) {
		if (holds_twice(&pcp->list[i]))
			return "I3: no block is in the set twice";
	}
	return NULL;
}
