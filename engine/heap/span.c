#include "config.h"

#include "engine/heap/span.h"

void span_fill(struct span *span)
{
	unsigned blocks = span->blocks;

	for (unsigned word = 0; word < SPAN_WORDS; word++) {
		unsigned here = blocks > 64 ? 64 : blocks;

		span->free_bits[word] = here == 64 ? UINT64_MAX : ((uint64_t)1 << here) - 1;
		blocks -= here;
	}
	span->free_blocks = span->blocks;
}

/* Takes at most `left` of the bits in `mask` of one word. */
static unsigned take_word(uint64_t *word, uint64_t mask, uintptr_t address, const struct size_class *class,
			  uintptr_t *end, unsigned left)
{
	uint64_t bits = *word & mask;
	uint64_t kept = *word & ~mask;
	unsigned taken = 0;

	while (bits != 0 && taken < left) {
		*--end = address + (uintptr_t)(unsigned)__builtin_ctzll(bits) * class->bytes;
		bits &= bits - 1;
		taken++;
	}
	*word = kept | bits;
	return taken;
}

unsigned span_take(struct span *span, const struct size_class *class, const struct span_taking *taking)
{
	unsigned first = taking->from / 64;
	uint64_t upper = UINT64_MAX << (taking->from % 64);
	unsigned taken = 0;

	/* One word more than there are: the first one is visited twice, its upper bits first. */
	for (unsigned i = 0; i <= SPAN_WORDS && taken < taking->count; i++) {
		unsigned word = (first + i) % SPAN_WORDS;
		uint64_t mask = i == 0 ? upper : i == SPAN_WORDS ? ~upper : UINT64_MAX;

		if ((span->free_bits[word] & mask) == 0)
			continue;
		taken += take_word(&span->free_bits[word], mask,
				   taking->address + (uintptr_t)word * 64 * class->bytes, class,
				   taking->blocks + (taking->count - taken), taking->count - taken);
	}
	span->free_blocks = (uint16_t)(span->free_blocks - taken);
	return taken;
}

const char *span_check(const struct span *span)
{
	unsigned set = 0;

	for (unsigned word = 0; word < SPAN_WORDS; word++)
		set += (unsigned)__builtin_popcountll(span->free_bits[word]);
	if (span->blocks == 0)
		return set == 0 && span->free_blocks == 0 ? NULL : "I3: a large span has a free block";
	if (set != span->free_blocks)
		return "I1: free_blocks is not the number of set bits";
	for (unsigned block = span->blocks; block < SPAN_BLOCKS_MAX; block++) {
		if (span->free_bits[block / 64] >> (block % 64) & 1)
			return "I2: a bit beyond the last block is set";
	}
	return NULL;
}
