/* mmu_option.h: the option --mmu of every command that models TLBs, and the list of what it knows.
 *
 *   --mmu zen4                            a processor
 *   --mmu l1d=64x4,l2=1536x12             a geometry in words (tlb_geometry.h)
 *   --mmu zen4,l2=1024x8                  a processor with other settings
 *   --mmu 'zen4;skylake' --mmu cortex     several, where several are possible
 *   --mmu zen4,skylake                    the same: settings have a =, processors have none
 */
#ifndef FAULTLINE_BENCH_MMU_OPTION_H
#define FAULTLINE_BENCH_MMU_OPTION_H

#include "engine/virt/mmu.h"

#include <stdbool.h>

/* Reads one. False, with a message of `command` that says where it stops making sense and what would be right there. */
bool mmu_option(const char *command, const char *text, struct tlb_geometry *geometry);

/* Several, with their names as they were given. */
struct mmu_choice {
	unsigned count;
	char *name[MMU_MODELS_MAX]; /* owned */
	struct tlb_geometry geometry[MMU_MODELS_MAX];
};

/* Adds those of `text`. False, with a message: one makes no sense, is there already, or they are too many. */
bool mmu_choice_add(struct mmu_choice *choice, const char *command, const char *text);
void mmu_choice_destroy(struct mmu_choice *choice);

/* Prints the processors, each with its geometry and where each figure comes from, and the shapes of page tables. */
void mmu_option_list(void);

#endif
