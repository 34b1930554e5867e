#include "config.h"

#include "bench/spaces/address_layout.h"

#define GIB ((uint64_t)1 << 30)

#define X86_64_MEMORY (64 * GIB)
#define X86_64_MEMORY_MAX (16384 * GIB)
#define X86_64_TASK 0x7ffffffff000u
#define X86_64_PROGRAM 0x555555554000u
#define X86_64_LOW 0x40000000u

#define I386_TASK (3 * GIB)
#define I386_PROGRAM 0x41000000u
#define I386_LOW 0x40000000u

/* Where the break of a program is that the trace says nothing of: behind its five pages. */
#define PROGRAM_BYTES 0x5000u

#define X86_64_MM                                                                                            \
	{                                                                                                    \
		.task_bytes = X86_64_TASK, .mmap_base = 0x7ffff7fff000u, .mmap_legacy_base = 0x2aaaaaaab000, \
		.start_brk = X86_64_PROGRAM + PROGRAM_BYTES, .low_base = X86_64_LOW                          \
	}
#define I386_MM                                                                                              \
	{                                                                                                    \
		.task_bytes = I386_TASK, .mmap_base = 0xb8000000u, .mmap_legacy_base = I386_LOW,             \
		.start_brk = I386_PROGRAM + PROGRAM_BYTES, .low_base = I386_LOW                              \
	}

#define X86_64(text, levels)                                                                                 \
	{                                                                                                    \
		.name = (text), .memory_layout = LAYOUT_X86_64, .page_levels = (levels), .paging = (text),   \
		.segments = TASK_LINUX64, .huge_page_order = 9, .memory_bytes = X86_64_MEMORY,               \
		.memory_max_bytes = X86_64_MEMORY_MAX, .arena_max_bytes = UINT64_MAX, .mm = X86_64_MM,       \
		.stack_top = X86_64_TASK, .program_base = X86_64_PROGRAM, .linked_below = (uint64_t)1 << 36  \
	}
#define I386(text, levels, model, order, bytes, max)                                                         \
	{                                                                                                    \
		.name = (text), .memory_layout = LAYOUT_I386, .page_levels = (levels), .paging = (text),     \
		.segments = (model), .huge_page_order = (order), .is_32_bit = true, .memory_bytes = (bytes), \
		.memory_max_bytes = (max), .arena_max_bytes = GIB, .mm = I386_MM, .stack_top = I386_TASK,    \
		.program_base = I386_PROGRAM, .linked_below = I386_LOW                                       \
	}

static const struct address_layout layouts[] = {
    X86_64("x86-64", 4),
    X86_64("x86-64-5", 5),
    I386("i386", 2, TASK_I386, 0, 4 * GIB, 4 * GIB),
    I386("pae", 3, TASK_LINUX32, 9, 4 * GIB, 64 * GIB),
};

const struct address_layout *address_layout_of(const struct policy *policy)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		if (layouts[i].memory_layout == policy->memory_layout &&
		    layouts[i].page_levels == policy->page_levels)
			return &layouts[i];
	}
	return NULL;
}

const char *address_layout_choice(void)
{
	return "memory_layout=x86-64 with page_levels=4 or 5, or memory_layout=i386 with page_levels=2 "
	       "(10/10/12) or 3 (PAE)";
}
