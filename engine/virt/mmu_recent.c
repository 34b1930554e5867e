#include "config.h"

#include "engine/virt/mmu_recent.h"

#include <endian.h>
#include <string.h>

/* References whose fate fits in one word. */
#define WORD 64u

/* For pages of 4 KiB the loops are compiled by themselves. */
#define USUAL_SHIFT 12u

/* What the first look at a chunk leaves. It is noted at places that do not depend on it, so that the loads of one reference
 * need not wait for the stores of the one before. */
struct left {
	unsigned seen; /* accesses of all, or-ed */
	uint8_t differs[MMU_BLOCK + WORD];
};

void mmu_recent_forget(struct mmu_recent *recent)
{
	recent->last = MMU_NO_PAGE;
	memset(recent->latest, 0xff, sizeof(recent->latest));
	memset(recent->page, 0xff, sizeof(recent->page));
	memset(recent->done, 0xff, sizeof(recent->done));
}

/* 1 when a reference is not just what the one before it in its set was. */
static inline uint8_t look(struct mmu_recent *recent, uint64_t address, unsigned access, unsigned shift)
{
	uint64_t page = address >> shift;
	uint64_t key = page * (MMU_ACCESS_MASK + 1) | access;
	uint64_t *latest = &recent->latest[page & (recent->sets - 1)];
	uint8_t differs = *latest != key;

	*latest = key;
	return differs;
}

/* 1 when one that differs must stay. */
static inline uint32_t note(struct mmu_recent *recent, uint64_t address, unsigned access, unsigned shift)
{
	uint64_t page = address >> shift;
	uint64_t set = page & (recent->sets - 1);
	uint64_t *last = &recent->page[set];
	uint64_t *done = &recent->done[set][access];
	uint32_t stays = ((*last ^ page) | (*done ^ page)) != 0;

	*last = page;
	*done = page;
	return stays;
}

static inline void look_at_all(struct mmu_recent *recent, const struct mmu_references *references,
			       struct left *left, unsigned shift)
{
	unsigned seen = 0;

	for (uint32_t i = 0; i < references->count; i++) {
		unsigned access = references->accesses[i] & MMU_ACCESS_MASK;

		left->differs[i] = look(recent, references->addresses[i], access, shift);
		seen |= access;
	}
	left->seen = seen;
}

static inline uint64_t address_of(const struct mmu_columns *columns, size_t i)
{
	return columns->where[columns->context[i]] + columns->offset[i];
}

static inline unsigned access_of(const struct mmu_columns *columns, size_t i)
{
	return columns->access[columns->shape[i]] & MMU_ACCESS_MASK;
}

static inline void look_at_columns(struct mmu_recent *recent, const struct mmu_columns *columns,
				   struct left *left, unsigned shift)
{
	struct mmu_columns from = *columns;
	unsigned seen = 0;

	for (size_t i = 0; i < from.count; i++) {
		unsigned access = access_of(&from, i);

		left->differs[i] = look(recent, address_of(&from, i), access, shift);
		seen |= access;
	}
	left->seen = seen;
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

/* The last of the block, unless it is dropped. */
static inline void put(struct mmu_recent *recent, struct mmu_block *block, uint64_t address, unsigned access)
{
	block->address[block->count] = address;
	block->access[block->count] = (uint8_t)access;
	block->count += recent->shift == USUAL_SHIFT ? note(recent, address, access, USUAL_SHIFT)
						     : note(recent, address, access, recent->shift);
}

void mmu_recent_filter(struct mmu_recent *recent, struct mmu_block *block,
		       const struct mmu_references *references, uint32_t first)
{
	struct left left;

	if (recent->shift == USUAL_SHIFT)
		look_at_all(recent, references, &left, USUAL_SHIFT);
	else
		look_at_all(recent, references, &left, recent->shift);
	block->seen |= left.seen;
	memset(left.differs + references->count, 0, WORD);
	for (uint32_t done = 0; done < references->count; done += WORD) {
		for (uint64_t bits = bits_of(left.differs + done); bits != 0; bits &= bits - 1) {
			uint32_t i = done + (uint32_t)__builtin_ctzll(bits);

			block->place[block->count] = (uint16_t)(first + i);
			put(recent, block, references->addresses[i],
			    references->accesses[i] & MMU_ACCESS_MASK);
		}
	}
}

void mmu_recent_filter_columns(struct mmu_recent *recent, struct mmu_block *block,
			       const struct mmu_columns *columns, uint32_t first)
{
	struct left left;

	if (recent->shift == USUAL_SHIFT)
		look_at_columns(recent, columns, &left, USUAL_SHIFT);
	else
		look_at_columns(recent, columns, &left, recent->shift);
	block->seen |= left.seen;
	memset(left.differs + columns->count, 0, WORD);
	for (uint32_t done = 0; done < columns->count; done += WORD) {
		for (uint64_t bits = bits_of(left.differs + done); bits != 0; bits &= bits - 1) {
			uint32_t i = done + (uint32_t)__builtin_ctzll(bits);

			block->place[block->count] = (uint16_t)(first + i);
			put(recent, block, address_of(columns, i), access_of(columns, i));
		}
	}
}
