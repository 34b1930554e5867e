/* mmu_state.h: what the models of an MMU hold, to be compared with what they held before; and what they count, several times.
 *
 * All that a TLB and its walk caches will answer depends on the tags in their arrays, the order or the trees they are in, and
 * the state of random replacement. When all of it is the same before and after some references, the same references again
 * are answered in the same way, and change nothing again.
 *
 * A nested model also has a host, whose memory is given out as it is touched: with one among the models nothing is compared.
 */
#ifndef FAULTLINE_ENGINE_VIRT_MMU_STATE_H
#define FAULTLINE_ENGINE_VIRT_MMU_STATE_H

#include "engine/base/reservation.h"
#include "engine/virt/tlb.h"
#include "engine/virt/walk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mmu_model;

/* Counts of one model. */
struct mmu_model_counts {
	struct tlb_counts tlb;
	struct walk_counts walk;
};

struct mmu_state {
	size_t bytes; /* of all arrays' states; 0: there is a nested model */
	struct reservation memory;
	struct mmu_model_counts *counts; /* [models], as noted */
	void *arrays;			 /* the states, one behind the other, as noted */
};

/* STATUS_NO_MEMORY. */
MUST_USE enum status mmu_state_create(struct mmu_state *state, const struct mmu_model *model,
				      unsigned models);
void mmu_state_destroy(struct mmu_state *state);

/* Notes what the models hold: true when it is what was noted before. There must be no nested one. */
bool mmu_state_note(struct mmu_state *state, const struct mmu_model *model, unsigned models);

/* Notes what they have counted. */
void mmu_state_note_counts(struct mmu_state *state, const struct mmu_model *model, unsigned models);

/* What they have counted since, they count so many times more. */
void mmu_state_count_again(const struct mmu_state *state, struct mmu_model *model, unsigned models,
			   uint64_t times);

#endif
