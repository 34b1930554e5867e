/* access_word.h: one reference to memory as the plugin writes it, in 64 bits.
 *
 *    63 62 | 61 ........ 48 | 47 .................................... 0
 *    kind  | bytes (14)     | address in the program
 *
 *   kind 0 load, 1 store, 2 fetch, 3 modify (one instruction reads and writes one place); the same order as enum access_kind
 *
 * A word of 0 bytes is no reference. Its kind says what it is instead: the program's entry into its allocator, the way
 * out, a number of references that were left out, or that the next word's reference was made by the kernel. The word 0
 * is never written: it ends what is known of a chunk.
 */
#ifndef FAULTLINE_TRACES_RECORD_ACCESS_WORD_H
#define FAULTLINE_TRACES_RECORD_ACCESS_WORD_H

#include <stdint.h>

#define ACCESS_WORD_ADDRESS ((UINT64_C(1) << 48) - 1)
#define ACCESS_WORD_BYTES_SHIFT 48
#define ACCESS_WORD_BYTES_MAX 16383u
#define ACCESS_WORD_KIND_SHIFT 62

enum access_word_kind {
	ACCESS_WORD_LOAD,
	ACCESS_WORD_STORE,
	ACCESS_WORD_FETCH,
	ACCESS_WORD_MODIFY,
};

/* Words of 0 bytes, by their kind. */
enum access_word_sign {
	ACCESS_WORD_LEAVE, /* address = 1, so that the word is not 0 */
	ACCESS_WORD_ENTER,
	ACCESS_WORD_SKIPPED, /* address = how many */
	ACCESS_WORD_KERNEL,
};

static inline uint64_t access_word(unsigned kind, uint64_t bytes, uint64_t address)
{
	return (uint64_t)kind << ACCESS_WORD_KIND_SHIFT | bytes << ACCESS_WORD_BYTES_SHIFT |
	       (address & ACCESS_WORD_ADDRESS);
}

static inline unsigned access_word_kind(uint64_t word)
{
	return (unsigned)(word >> ACCESS_WORD_KIND_SHIFT);
}

static inline unsigned access_word_bytes(uint64_t word)
{
	return (unsigned)(word >> ACCESS_WORD_BYTES_SHIFT) & ACCESS_WORD_BYTES_MAX;
}

static inline uint64_t access_word_address(uint64_t word)
{
	return word & ACCESS_WORD_ADDRESS;
}

#endif
