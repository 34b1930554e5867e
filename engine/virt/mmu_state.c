#include "config.h"

#include "engine/virt/mmu_state.h"

#include "engine/base/check.h"
#include "engine/virt/mmu.h"

_Static_assert(sizeof(struct mmu_model_counts) % sizeof(uint64_t) == 0 &&
		   _Alignof(struct mmu_model_counts) == _Alignof(uint64_t),
	       "counts are numbers of 64 bits");

#define COUNTS (sizeof(struct mmu_model_counts) / sizeof(uint64_t))

static size_t bytes_of(const struct mmu_model *model)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < model->tlb.parts; i++)
		bytes += associative_state_bytes(&model->tlb.part[i]);
	for (unsigned level = 2; level <= PAGING_LEVELS_MAX; level++)
		bytes +=
		    model->walker.has_cache[level] ? associative_state_bytes(&model->walker.cache[level]) : 0;
	return bytes;
}

enum status mmu_state_create(struct mmu_state *state, const struct mmu_model *model, unsigned models)
{
	bool is_nested = false;

	*state = (struct mmu_state){0};
	for (unsigned i = 0; i < models; i++) {
		state->bytes += bytes_of(&model[i]);
		is_nested = is_nested || model[i].host;
	}
	if (is_nested)
		state->bytes = 0;
	enum status status = reservation_create(
	    &state->memory, models * sizeof(*state->counts) + state->bytes + sizeof(uint64_t),
	    sizeof(uint64_t));

	if (status != STATUS_OK)
		return status;
	state->counts = state->memory.memory;
	state->arrays = state->counts + models;
	return STATUS_OK;
}

void mmu_state_destroy(struct mmu_state *state)
{
	reservation_destroy(&state->memory);
}

/* Notes an array at *at, which goes on behind it. */
static bool note(const struct associative *array, uint8_t **at)
{
	void *state = *at;

	*at += associative_state_bytes(array);
	return associative_note_state(array, state);
}

bool mmu_state_note(struct mmu_state *state, const struct mmu_model *model, unsigned models)
{
	uint8_t *at = state->arrays;
	bool is_same = true;

	CHECK(state->bytes > 0 || models == 0, "the state of nested models is not compared");
	for (unsigned i = 0; i < models; i++) {
		for (unsigned part = 0; part < model[i].tlb.parts; part++)
			is_same &= note(&model[i].tlb.part[part], &at);
		for (unsigned level = 2; level <= PAGING_LEVELS_MAX; level++) {
			if (model[i].walker.has_cache[level])
				is_same &= note(&model[i].walker.cache[level], &at);
		}
	}
	return is_same;
}

void mmu_state_note_counts(struct mmu_state *state, const struct mmu_model *model, unsigned models)
{
	for (unsigned i = 0; i < models; i++)
		state->counts[i] = (struct mmu_model_counts){model[i].tlb.counts, model[i].walker.counts};
}

void mmu_state_count_again(const struct mmu_state *state, struct mmu_model *model, unsigned models,
			   uint64_t times)
{
	for (unsigned i = 0; i < models; i++) {
		struct mmu_model_counts counts = {model[i].tlb.counts, model[i].walker.counts};
		uint64_t *now = (uint64_t *)(void *)&counts;
		const uint64_t *before = (const uint64_t *)(const void *)&state->counts[i];

		for (size_t n = 0; n < COUNTS; n++)
			now[n] += (now[n] - before[n]) * times;
		model[i].tlb.counts = counts.tlb;
		model[i].walker.counts = counts.walk;
	}
}
