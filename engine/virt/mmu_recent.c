#include "config.h"

#include "engine/virt/mmu_recent.h"

#include <endian.h>
#include <string.h>

/* References whose fate fits in one word. */
#define WORD 64u

/* For pages of 4 KiB the loops are compiled by themselves. */
#define USUAL_SHIFT 12u

void mmu_recent_forget(struct mmu_recent *recent)
{
	recent->last = MMU_NO_PAGE;
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
 * stores of the one before. Returns the accesses, or-ed. */
static inline unsigned note_all(struct mmu_recent *recent, const struct mmu_references *references,
				uint8_t *stays, unsigned shift)
{
	unsigned seen = 0;

	for (uint32_t i = 0; i < references->count; i++) {
		unsigned access = references->accesses[i] & MMU_ACCESS_MASK;

		stays[i] = note(recent, references->addresses[i], access, shift);
		seen |= access;
	}
	return seen;
}

static inline uint64_t address_of(const struct mmu_columns *columns, size_t i)
{
	return columns->where[columns->context[i]] + columns->offset[i];
}

static inline uint8_t access_of(const struct mmu_columns *columns, size_t i)
{
	return columns->access[columns->shape[i]] & MMU_ACCESS_MASK;
}

static inline unsigned note_columns(struct mmu_recent *recent, const struct mmu_columns *columns,
				    uint8_t *stays, unsigned shift)
{
	unsigned seen = 0;

	for (size_t i = 0; i < columns->count; i++) {
		unsigned access = access_of(columns, i);

		stays[i] = note(recent, address_of(columns, i), access, shift);
		seen |= access;
	}
	return seen;
}

/* Bit i: byte i is 1. */
static uint64_t bits_of(const uint8_t *bytes)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < WORD; i += 8) {
		uint64_t eight;

		memcpy(&eight, bytes + i, sizeof(eight));
		bits |= (le64toh(eight) * 0x0102040810204080u >> 56) << i;
	}
	return bits;
}

void mmu_recent_filter(struct mmu_recent *recent, struct mmu_block *block,
		       const struct mmu_references *references, uint32_t first)
{
	uint8_t stays[MMU_BLOCK + WORD];
	uint32_t count = block->count;

	if (recent->shift == USUAL_SHIFT)
		block->seen |= note_all(recent, references, stays, USUAL_SHIFT);
	else
		block->seen |= note_all(recent, references, stays, recent->shift);
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

void mmu_recent_filter_columns(struct mmu_recent *recent, struct mmu_block *block,
			       const struct mmu_columns *columns, uint32_t first)
{
	uint8_t stays[MMU_BLOCK + WORD];
	uint32_t count = block->count;

	if (recent->shift == USUAL_SHIFT)
		block->seen |= note_columns(recent, columns, stays, USUAL_SHIFT);
	else
		block->seen |= note_columns(recent, columns, stays, recent->shift);
	memset(stays + columns->count, 0, WORD);
	for (uint32_t done = 0; done < columns->count; done += WORD) {
		for (uint64_t bits = bits_of(stays + done); bits != 0; bits &= bits - 1) {
			uint32_t i = done + (uint32_t)__builtin_ctzll(bits);

			block->address[count] = address_of(columns, i);
			block->place[count] = (uint16_t)(first + i);
			block->access[count++] = access_of(columns, i);
		}
	}
	block->count = count;
}
