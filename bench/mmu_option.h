/* mmu_option.h: the option --mmu NAME|GEOMETRY of every command that models TLBs, and the list of what it knows. */
#ifndef FAULTLINE_BENCH_MMU_OPTION_H
#define FAULTLINE_BENCH_MMU_OPTION_H

#include "engine/virt/tlb_geometry.h"

#include <stdbool.h>

/* Reads a processor's name or a geometry in words (tlb_geometry.h). False, with a message of `command` that says where it
 * stops making sense and what would be right there. */
bool mmu_option(const char *command, const char *text, struct tlb_geometry *geometry);

/* Prints the processors, each with its geometry and where each figure comes from, and the shapes of page tables. */
void mmu_option_list(void);

#endif
