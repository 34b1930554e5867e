#include "config.h"

#include "engine/virt/mmu_sieve.h"

#include <string.h>

void mmu_sieve_forget(struct mmu_sieve *sieve)
{
	sieve->stale = UINT16_MAX;
}

unsigned mmu_sieve_shift(const struct tlb *tlb)
{
	unsigned shift = MMU_SIEVE_SHIFT_MAX;

	for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
		for (unsigned class = 1; class <= tlb->paging->levels; class ++) {
			uint8_t part = tlb->route[0][kind][class];

			if (part != TLB_NO_PART && tlb->part[part].even_shift < shift)
				shift = tlb->part[part].even_shift;
		}
	}
	return shift;
}

void mmu_sieve_begin(struct mmu_sieved *keys, const struct mmu_block *block)
{
	keys->count = block->count;
	keys->has_fetches = block->has_fetches;
	memcpy(keys->key, block->key, block->count * sizeof(*keys->key));
	if (block->has_fetches)
		memcpy(keys->kind, block->kind, block->count);
	for (uint32_t i = 0; i < block->count; i++)
		keys->number[i] = (uint16_t)i;
}

static void forget_kind(struct mmu_sieve *sieve, unsigned kind, uint32_t sets)
{
	memset(&sieve->last[kind][sets], 0xff, sets * sizeof(sieve->last[kind][0]));
}

/* Data alone: what was fetched is forgotten once, for all sieves. */
static void pass_data(struct mmu_sieve *sieve, uint32_t sets, struct mmu_sieved *keys)
{
	uint64_t *last = &sieve->last[TLB_DATA][sets];
	uint32_t kept = 0;

	for (uint32_t i = 0; i < keys->count; i++) {
		uint64_t key = keys->key[i];
		uint64_t *here = &last[key & (sets - 1)];
		uint32_t stays = *here != key;

		*here = key;
		keys->key[kept] = key;
		keys->number[kept] = keys->number[i];
		kept += stays;
	}
	keys->count = kept;
}

static void pass_both(struct mmu_sieve *sieve, uint32_t sets, struct mmu_sieved *keys)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < keys->count; i++) {
		uint64_t key = keys->key[i];
		uint8_t kind = keys->kind[i];
		uint64_t *here = &sieve->last[kind][sets + (key & (sets - 1))];
		uint32_t stays = *here != key;

		*here = key;
		sieve->last[!kind][sets + (key & (sets - 1))] = ASSOCIATIVE_EMPTY;
		keys->key[kept] = key;
		keys->kind[kept] = kind;
		keys->number[kept] = keys->number[i];
		kept += stays;
	}
	keys->count = kept;
}

void mmu_sieve_pass(struct mmu_sieve *sieve, unsigned shift, struct mmu_sieved *keys)
{
	uint32_t sets = 1u << shift;

	if (sieve->stale >> shift & 1) {
		forget_kind(sieve, TLB_DATA, sets);
		forget_kind(sieve, TLB_FETCH, sets);
		sieve->stale &= (uint16_t) ~(1u << shift);
	}
	if (keys->has_fetches) {
		sieve->has_fetched = true;
		pass_both(sieve, sets, keys);
		return;
	}
	if (sieve->has_fetched) {
		memset(sieve->last[TLB_FETCH], 0xff, sizeof(sieve->last[TLB_FETCH]));
		sieve->has_fetched = false;
	}
	pass_data(sieve, sets, keys);
}
