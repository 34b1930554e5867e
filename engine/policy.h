/* policy.h: what can be chosen about the machine and its heap, as named keys with a default each.
 *
 * A *policy* is one value for every key. Shipped policies have a name and differ from `default` in a few
 * keys; any key of a policy can be set from text ("page_placement=fullest-block"). The table of keys is the
 * single place that knows a key's name, help, default and allowed values; readers of a policy use the fields
 * of struct policy.
 *
 * A policy is a plain value: nothing here allocates, prints or reads the environment, so the preloaded
 * allocator can use it before the program's first constructor runs.
 *
 * Invariants, proved by policy_check():
 *   I1: every field that a key describes lies within the key's limits (for a word key: is one of its words)
 *   I2: magazine_blocks = 0 or magazine_bytes > 0: a magazine that may hold blocks may hold bytes
 *   I3: fault_around_bytes is a power of two
 */
#ifndef FAULTLINE_ENGINE_POLICY_H
#define FAULTLINE_ENGINE_POLICY_H

#include "engine/base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Which free block of pages an allocation takes (engine/phys/buddy.h). */
enum page_placement {
	PLACEMENT_ORDER_FIRST,
	PLACEMENT_LOWEST_ADDRESS,
	PLACEMENT_FULLEST_BLOCK,
};

/* The sizes that small requests are rounded up to (engine/heap/size_class.h). */
enum size_class_scheme {
	SIZE_CLASSES_POW2,
	SIZE_CLASSES_KMALLOC,
	SIZE_CLASSES_QUARTER_STEPS,
	SIZE_CLASSES_EIGHTH_STEPS,
};

/* Which partly used span of a class a refill takes its blocks from (engine/heap/bin.h). */
enum span_choice {
	SPAN_FULLEST,
	SPAN_LOWEST_ADDRESS,
};

/* In which order the free blocks of a span or slab are handed out. */
enum freelist_order {
	FREELIST_LIFO,
	FREELIST_RANDOM,
};

/* How physical memory is laid out and mapped. */
enum memory_layout {
	LAYOUT_X86_64, /* all of memory in the direct map */
	LAYOUT_I386,   /* DMA, normal and high zone; direct map [3 GiB, 3 GiB + len) of [0, len) */
};

/* Which anonymous memory gets huge pages (engine/virt/resident.h): none, what asked for it with madvise, all. */
enum thp_mode {
	THP_NEVER,
	THP_MADVISE,
	THP_ALWAYS,
};

/* Who waits for compaction when there is no block for a huge page. */
enum thp_defrag {
	THP_DEFRAG_ALWAYS,
	THP_DEFRAG_DEFER,
	THP_DEFRAG_DEFER_MADVISE,
	THP_DEFRAG_MADVISE,
	THP_DEFRAG_NEVER,
};

/* How a huge page begins: whole at the first fault, or as a reserved block that is filled page by page. */
enum thp_placement {
	THP_AT_FAULT,
	THP_RESERVATION,
};

/* When memory that was asked for gets its pages. */
enum paging_mode {
	PAGING_DEMAND, /* at the first access */
	PAGING_EAGER,  /* at once */
};

/* How the zones of a machine keep their free blocks (engine/phys/zone.h). */
enum free_block_keeper {
	FREE_BLOCKS_BITMAPS,
	FREE_BLOCKS_LISTS,
	FREE_BLOCKS_TYPED,
};

/* What the figures of a CPU's page set follow (engine/phys/pcp.h). */
enum page_set_tuning {
	PAGE_SETS_FIXED,
	PAGE_SETS_TUNED,
};

/* How objects are cut from slabs (engine/phys/slab_geometry.h). */
enum slab_rule {
	SLAB_RULE_EIGHTH,
	SLAB_RULE_LINUX,
};

/* Every field is a uint32_t so that the table of keys can address them alike. */
struct policy {
	uint32_t free_blocks;	 /* enum free_block_keeper */
	uint32_t page_placement; /* enum page_placement, of bitmaps: the others have their own rules */
	uint32_t size_classes;	 /* enum size_class_scheme */
	uint32_t small_bytes; /* the largest request served from size classes, bytes; larger ones get pages */
	uint32_t slab_order;  /* the largest span or slab, as an order of pages */
	uint32_t span_choice; /* enum span_choice */
	uint32_t magazine_blocks; /* the most free blocks of one class that a thread keeps; 0 = none */
	uint32_t
	    magazine_bytes; /* the most bytes of one class that a thread keeps (one block is always allowed) */
	uint32_t freelist_order;	 /* enum freelist_order */
	uint32_t per_cpu_lists;		 /* 0 or 1: per-CPU lists of single pages in front of the buddy */
	uint32_t pcp_tuning;		 /* enum page_set_tuning */
	uint32_t page_owner;		 /* 0 or 1: who allocated a block of pages is remembered */
	uint32_t min_free_kbytes;	 /* KiB that zones keep free together; 0 = computed as Linux does */
	uint32_t watermark_scale_factor; /* distance of a zone's watermarks, in 1/10000 of it */
	uint32_t purge_delay; /* page operations after which free pages go back to the system; 0 = at once */
	uint32_t memory_layout; /* enum memory_layout */
	uint32_t page_levels;	/* levels of a process's page table */
	uint32_t shared_calls;	/* calls a thread makes on the shared handle before it gets its own */
	uint32_t thp;		/* enum thp_mode */
	uint32_t thp_defrag;	/* enum thp_defrag */
	uint32_t thp_zero_page; /* 0 or 1: reads of untouched huge pages share a huge zero page */
	uint32_t thp_placement; /* enum thp_placement */
	uint32_t
	    thp_promotion_pages; /* small pages of a huge page after which it is made; 0 = never by count */
	uint32_t khugepaged_period; /* references from one step of khugepaged to the next; 0 = it sleeps */
	uint32_t khugepaged_scan_pages; /* pages that one step of khugepaged looks at; 0 = it does nothing */
	uint32_t khugepaged_max_ptes_none;   /* missing small pages that it fills up */
	uint32_t khugepaged_max_ptes_shared; /* small pages that it copies although others map them, too */
	uint32_t fault_around_bytes; /* window of file pages mapped by one read fault; a power of two */
	uint32_t read_around_bytes;  /* of a file, read by one major fault */
	uint32_t paging;	     /* enum paging_mode */
	uint32_t slab_geometry;	     /* enum slab_rule */
	uint32_t slab_sheaf;	     /* free objects in one of a CPU's two arrays; 0 = none */
	uint32_t slab_cpu_slabs;     /* 0 or 1: a CPU owns an active slab and some partly used ones */
	uint32_t slab_merge;	     /* 0 or 1: caches of like objects are one */
	uint32_t slab_colour;	     /* 0 or 1: first objects of slabs are shifted */
	uint32_t slab_random;	     /* 0 or 1: free objects of a slab in random order */
	uint32_t slab_hardened;	     /* 0 or 1: every second free of an object is found at once */
	uint32_t slab_red_zone;	     /* 0 or 1: writes around objects are found */
	uint32_t slab_poison;	     /* 0 or 1: writes to free objects are found */
	uint32_t slab_store_user;    /* 0 or 1: who allocated an object and who freed it is noted */
	uint32_t vmalloc_huge;	     /* 0 or 1: areas of vmalloc in blocks of 2 MiB where callers allow it */
};

/* One key. A word key has `words`, a NULL-terminated list whose index is the value; a number key has none. */
struct policy_key {
	const char *name;
	const char *help;	   /* one line, no full stop */
	const char *const *words;  /* NULL for a number */
	uint32_t minimum, maximum; /* of a number, inclusive */
	size_t offset;		   /* of its field in struct policy */
};

/* A shipped policy: its name, one line about it, and its values. */
struct policy_named {
	const char *name;
	const char *help;
	struct policy policy;
};

/* The shipped policy called `name`, or NULL. "default" always exists. */
const struct policy *policy_find(const char *name);

/* Iteration: the index-th shipped policy or key, in the order of documentation; NULL past the last. */
const struct policy_named *policy_at(size_t index);
const struct policy_key *policy_key_at(size_t index);

/* The value of `key` in `policy`. */
uint32_t policy_value(const struct policy *policy, const struct policy_key *key);

/* The value as text: the word, or the number in decimal in `buffer` (at least POLICY_VALUE_BYTES). */
#define POLICY_VALUE_BYTES 16u
const char *policy_value_text(const struct policy *policy, const struct policy_key *key, char *buffer);

/* Sets one key from "key=value". STATUS_BAD_POLICY, and no change, when the key, the word or the number is
 * not allowed. */
MUST_USE enum status policy_set(struct policy *policy, const char *key_equals_value);

/* Sets a whole policy from "NAME", "NAME,key=value,...", or "key=value,..." (starting from default). An
 * empty text is default. STATUS_BAD_POLICY, and no change, when any part is not allowed. */
MUST_USE enum status policy_parse(struct policy *policy, const char *text);

/* NULL, or the text of the first invariant that does not hold. */
const char *policy_check(const struct policy *policy);

#endif
