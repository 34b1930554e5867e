#include "config.h"

#include "traces/record/interleaving.h"
#include "traces/grown_array.h"

#include <stdlib.h>
#include <string.h>

void interleaving_start(struct interleaving *interleaving, uint64_t seed)
{
	*interleaving = (struct interleaving){0};
	xoshiro_seed(&interleaving->random, seed);
}

/* Takes what is empty out. */
static void drop_empty(struct interleaving *interleaving)
{
	size_t kept = 0;

	for (size_t i = 0; i < interleaving->blocks; i++) {
		struct interleaving_block *block = &interleaving->block[i];
		if (block->next == block->count)
			free(block->word);
		else
			interleaving->block[kept++] = *block;
	}
	interleaving->blocks = kept;
}

void interleaving_end(struct interleaving *interleaving)
{
	for (size_t i = 0; i < interleaving->blocks; i++)
		free(interleaving->block[i].word);
	free(interleaving->block);
	*interleaving = (struct interleaving){0};
}

bool interleaving_add(struct interleaving *interleaving, const struct interleaving_piece *words,
		      uint64_t until)
{
	struct interleaving_block block = {.count = words->count, .until = until, .thread = words->thread};
	struct interleaving_block *larger;

	drop_empty(interleaving);
	if (words->count == 0)
		return true;
	larger =
	    grown_array(interleaving->block, interleaving->blocks, &interleaving->capacity, sizeof(*larger));
	if (!larger)
		return false;
	interleaving->block = larger;
	block.word = malloc(words->count * sizeof(*block.word));
	if (!block.word)
		return false;
	memcpy(block.word, words->word, words->count * sizeof(*block.word));
	interleaving->block[interleaving->blocks++] = block;
	interleaving->words += words->count;
	return true;
}

bool interleaving_precedes(const struct interleaving *interleaving, uint64_t since)
{
	for (size_t i = 0; i < interleaving->blocks; i++) {
		const struct interleaving_block *block = &interleaving->block[i];
		if (block->until <= since && block->next != block->count)
			return true;
	}
	return false;
}

/* One of the blocks that are not empty, each as likely as the others; NULL: there is none. */
static struct interleaving_block *choose(struct interleaving *interleaving)
{
	struct interleaving_block *chosen = NULL;
	uint64_t open = 0;

	for (size_t i = 0; i < interleaving->blocks; i++) {
		struct interleaving_block *block = &interleaving->block[i];
		if (block->next != block->count && xoshiro_below(&interleaving->random, ++open) == 0)
			chosen = block;
	}
	return chosen;
}

bool interleaving_next(struct interleaving *interleaving, struct interleaving_piece *piece)
{
	struct interleaving_block *block = choose(interleaving);
	size_t left;

	if (!block)
		return false;
	left = block->count - block->next;
	*piece = (struct interleaving_piece){
	    .word = block->word + block->next,
	    .count = (size_t)xoshiro_between(&interleaving->random, 1, INTERLEAVING_PIECE_MAX),
	    .thread = block->thread};
	if (piece->count > left)
		piece->count = left;
	block->next += piece->count;
	interleaving->words -= piece->count;
	return true;
}

static bool has_twin(const struct interleaving *interleaving, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (interleaving->block[i].thread == interleaving->block[index].thread &&
		    interleaving->block[i].next != interleaving->block[i].count)
			return true;
	}
	return false;
}

const char *interleaving_check(const struct interleaving *interleaving)
{
	uint64_t words = 0;

	for (size_t i = 0; i < interleaving->blocks; i++) {
		const struct interleaving_block *block = &interleaving->block[i];
		if (block->next > block->count || has_twin(interleaving, i))
			return "I1: a block's words are given out in order, and no thread has two blocks";
		words += block->count - block->next;
	}
	if (words != interleaving->words || words > INTERLEAVING_WORDS_MAX)
		return "I2: words = the sum of what the blocks still hold, and is at most "
		       "INTERLEAVING_WORDS_MAX";
	return NULL;
}
