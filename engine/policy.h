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

/* Every field is a uint32_t so that the table of keys can address them alike. */
struct policy {
	uint32_t page_placement; /* enum page_placement */
	uint32_t size_classes;	 /* enum size_class_scheme */
	uint32_t small_bytes; /* the largest request served from size classes, bytes; larger ones get pages */
	uint32_t slab_order;  /* the largest span or slab, as an order of pages */
	uint32_t span_choice; /* enum span_choice */
	uint32_t magazine_blocks; /* the most free blocks of one class that a thread keeps; 0 = none */
	uint32_t
	    magazine_bytes; /* the most bytes of one class that a thread keeps (one block is always allowed) */
	uint32_t freelist_order; /* enum freelist_order */
	uint32_t per_cpu_lists;	 /* 0 or 1: per-CPU lists of single pages in front of the buddy */
	uint32_t purge_delay; /* page operations after which free pages go back to the system; 0 = at once */
	uint32_t memory_layout; /* enum memory_layout */
	uint32_t page_levels;	/* levels of a process's page table */
	uint32_t shared_calls;	/* calls a thread makes on the shared handle before it gets its own */
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
