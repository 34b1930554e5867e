#include "config.h"

#include "engine/virt/mmu_recent.h"

#include <string.h>

/* References whose fate fits in one word. */
#define WORD 64u

void mmu_recent_forget(struct mmu_recent *recent)
{
	memset(recent->page, 0xff, sizeof(recent->page));
	memset(recent->done, 0xff, sizeof(recent->done));
}

/* Notes a reference; 1 when it must stay. */
static inline uint8_t note(struct mmu_recent *recent, uint64_t address, unsigned access, unsigned shift)
{
	uint64_t page = address >> shift;
	uint64_t set = page & (recent->sets - 1);
	uint64_t *last = &recent->page[set];
	uint64_t *done = &recent->done[set][access];
	uint8_t stays = ((*last ^ page) | (*done ^ page)) != 0;

	*last = page;
	*done = page;
	return stays;
}

/* What must stay is stored at places that do not depend on it, so that the loads of one reference need not wait for the
 * stores of the one before. */
static inline void note_all(struct mmu_recent *recent, const struct mmu_references *references,
			    uint8_t *stays, unsigned shift)
{
	for (uint32_t i = 0; i < references->count; i++)
		stays[i] =
		    note(recent, references->addresses[i], references->accesses[i] & MMU_ACCESS_MASK, shift);
}

/* Bit i: byte i is 1. */
static uint64_t bits_of(const uint8_t *bytes)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < WORD; i += 8) {
		uint64_t eight;

		memcpy(&eight, bytes + i, sizeof(eight));
		bits |= (eight * 0x0102040810204080u >> 56) << i;
	}
	return bits;
}

void mmu_recent_filter(struct mmu_recent *recent, struct mmu_block *block,
		       const struct mmu_references *references, uint32_t first, unsigned shift)
{
	uint8_t stays[MMU_BLOCK + WORD];
	uint32_t count = block->count;

	if (shift == 12)
		note_all(recent, references, stays, 12);
	else
		note_all(recent, references, stays, shift);
	memset(stays + references->count, 0, WORD);
	for (uint32_t done = 0; done < references->count; done += WORD) {
		for (uint64_t bits = bits_of(stays + done); bits != 0; bits &= bits - 1) {
			uint32_t i = done + (uint32_t)__builtin_ctzll(bits);

			block->address[count] = references->addresses[i];
			block->place[count] = (uint16_t)(first + i);
			block->access[count++] = references->accesses[i] & MMU_ACCESS_MASK;
		}
	}
	block->count = count;
}
