/* address_layout.h: where programs and their memory lie, on each machine that a policy can mean.
 *
 *                    x86-64                i386, two levels or three (PAE)
 *   task_bytes       0x7ffffffff000        0xc0000000    the kernel has the fourth GiB
 *   stack            0x7ffffffff000 down   0xc0000000 down
 *   mmap_base        0x7ffff7fff000 down   0xb8000000 down
 *   legacy base      0x2aaaaaaab000 up     0x40000000 up
 *   program          0x555555554000        0x41000000    position-independent; others where they were linked
 *   0
 *
 * The policy's keys memory_layout and page_levels choose: x86-64 with 4 or 5 levels, i386 with 2 (10/10/12, 4-byte entries) or 3
 * (PAE, 2/9/9/12). Two levels come with the segments of the old i386, which allow 4,090 processes; PAE with those of Linux since 2.4.
 * Transparent huge pages need 8-byte entries, and a 32-bit kernel places no mapping on their size.
 *
 * Sources: the programs' own /proc/self/maps under Linux 6.18 without randomisation, those of i386 under personality
 * PER_LINUX32_3GB (`setarch linux32 --3gb`), which has the addresses of a 32-bit kernel with 3 GiB + 1 GiB; mm/huge_memory.c for huge
 * pages and where they are placed.
 */
#ifndef FAULTLINE_BENCH_SPACES_ADDRESS_LAYOUT_H
#define FAULTLINE_BENCH_SPACES_ADDRESS_LAYOUT_H

#include "engine/policy.h"
#include "engine/virt/mm.h"
#include "engine/virt/task.h"

struct address_layout {
	const char *name;		     /* of the machine, for messages */
	uint32_t memory_layout, page_levels; /* the policy's keys that mean it */
	const char *paging;		     /* preset of paging.h */
	enum task_model segments;
	unsigned huge_page_order;  /* 0: it has no transparent huge pages */
	bool is_32_bit;		   /* programs have 32-bit addresses */
	uint64_t memory_bytes;	   /* physical, unless somebody says otherwise */
	uint64_t memory_max_bytes; /* what entries of its page tables reach, as far as we model it */
	uint64_t arena_max_bytes;  /* address space that a simulated heap gets at most */
	struct mm_layout mm;
	uint64_t stack_top;    /* behind a first thread's stack */
	uint64_t program_base; /* of a position-independent program */
	uint64_t linked_below; /* programs that are not are linked for addresses below */
};

/* The layout that the policy means, or NULL: its memory_layout and page_levels are no machine. */
const struct address_layout *address_layout_of(const struct policy *policy);

/* What address_layout_of() knows, in words for a message: "memory_layout=x86-64 with page_levels=4 or 5, ...". */
const char *address_layout_choice(void);

#endif
