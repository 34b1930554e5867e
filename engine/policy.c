#include "config.h"

#include "engine/policy.h"

#include <stdbool.h>
#include <string.h>

static const char *const placement_words[] = {"order-first", "lowest-address", "fullest-block", NULL};
static const char *const free_block_words[] = {"bitmaps", "lists", "typed", NULL};
static const char *const tuning_words[] = {"fixed", "tuned", NULL};
static const char *const size_class_words[] = {"pow2", "kmalloc", "quarter-steps", "eighth-steps", NULL};
static const char *const span_choice_words[] = {"fullest", "lowest-address", NULL};
static const char *const freelist_words[] = {"lifo", "random", NULL};
static const char *const switch_words[] = {"off", "on", NULL};
static const char *const layout_words[] = {"x86-64", "i386", NULL};

static const char *const thp_words[] = {"never", "madvise", "always", NULL};
static const char *const thp_defrag_words[] = {"always", "defer", "defer+madvise", "madvise", "never", NULL};
static const char *const thp_placement_words[] = {"fault", "reservation", NULL};
static const char *const slab_rule_words[] = {"eighth", "linux", NULL};
static const char *const paging_words[] = {"demand", "eager", NULL};

#define WORD_KEY(field, words, help)                                                                         \
	{                                                                                                    \
#field, help, words, 0, 0, offsetof(struct policy, field)                                    \
	}
#define NUMBER_KEY(field, minimum, maximum, help)                                                            \
	{                                                                                                    \
#field, help, NULL, minimum, maximum, offsetof(struct policy, field)                         \
	}

static const struct policy_key keys[] = {
    WORD_KEY(free_blocks, free_block_words,
	     "zones keep free pages as bitmaps, as bitmaps by migrate type, or as Linux does: lists by order "
	     "and migrate type"),
    WORD_KEY(page_placement, placement_words,
	     "which free block of pages an allocation takes from bitmaps; lists have Linux's rules, typed is "
	     "order-first"),
    WORD_KEY(size_classes, size_class_words, "the sizes that small requests are rounded up to"),
    NUMBER_KEY(small_bytes, 1024, 32768,
	       "the largest request served from a size class; larger ones get whole pages"),
    NUMBER_KEY(slab_order, 0, 5, "the largest span or slab, as an order of pages"),
    WORD_KEY(span_choice, span_choice_words, "which partly used span a thread is refilled from"),
    NUMBER_KEY(magazine_blocks, 0, 1024,
	       "the most free blocks of one size that a thread keeps; 0 keeps none"),
    NUMBER_KEY(magazine_bytes, 0, 1048576, "the most free bytes of one size that a thread keeps"),
    WORD_KEY(freelist_order, freelist_words,
	     "the order in which the free blocks of a span or slab are handed out"),
    WORD_KEY(per_cpu_lists, switch_words,
	     "per-CPU lists of single pages for the page allocator's own calls; spans of the heap come from "
	     "the zone"),
    WORD_KEY(pcp_tuning, tuning_words,
	     "size and batch of per-CPU lists: fixed, or following zone and load as Linux has them"),
    WORD_KEY(page_owner, switch_words, "who allocated a block of pages is remembered"),
    NUMBER_KEY(min_free_kbytes, 0, UINT32_MAX, "KiB that the zones keep free; 0 computes them as Linux does"),
    NUMBER_KEY(watermark_scale_factor, 1, 3000,
	       "distance of a zone's watermarks from one another, in ten-thousandths of its pages"),
    NUMBER_KEY(purge_delay, 0, UINT32_MAX,
	       "page operations before free pages go back to the system; 0 is at once"),
    WORD_KEY(memory_layout, layout_words, "zones and direct map of the machine"),
    NUMBER_KEY(page_levels, 1, 5, "levels of a process's page table"),
    NUMBER_KEY(shared_calls, 0, 65535, "calls a thread makes on the shared handle before it gets its own"),
    WORD_KEY(thp, thp_words, "which anonymous memory gets transparent huge pages"),
    WORD_KEY(thp_defrag, thp_defrag_words, "which faults wait for compaction when there is no huge page"),
    WORD_KEY(thp_zero_page, switch_words, "reads of untouched huge pages share a huge page of zeros"),
    WORD_KEY(thp_placement, thp_placement_words,
	     "huge pages whole at the first fault, or reserved and filled page by page"),
    NUMBER_KEY(thp_promotion_pages, 0, 8192,
	       "small pages present after which a fault makes a huge page of them; 0 is never"),
    NUMBER_KEY(khugepaged_period, 0, UINT32_MAX,
	       "references of the trace between two steps of khugepaged; 0 lets it sleep"),
    NUMBER_KEY(khugepaged_scan_pages, 0, 1048576,
	       "pages that one step of khugepaged scans; 0 switches it off"),
    NUMBER_KEY(khugepaged_max_ptes_none, 0, 8192,
	       "missing pages that khugepaged fills up to make a huge page"),
    NUMBER_KEY(khugepaged_max_ptes_shared, 0, 8192,
	       "pages that khugepaged copies into a huge page although others map them, too"),
    NUMBER_KEY(fault_around_bytes, 4096, 2097152,
	       "window of file pages that a read fault maps at once, a power of two"),
    NUMBER_KEY(read_around_bytes, 0, 16777216, "bytes of a file that a major fault reads"),
    WORD_KEY(paging, paging_words, "memory gets its pages when it is touched, or when it is asked for"),
    WORD_KEY(slab_geometry, slab_rule_words,
	     "slots and orders of slabs: at most an eighth wasted, or as the kernel's slabinfo has them"),
    NUMBER_KEY(slab_sheaf, 0, 256, "free objects in each of a CPU's two arrays of a slab cache; 0 is none"),
    WORD_KEY(slab_cpu_slabs, switch_words, "a CPU owns an active slab and some partly used ones of a cache"),
    WORD_KEY(slab_merge, switch_words, "slab caches of like objects are one"),
    WORD_KEY(slab_colour, switch_words, "the first objects of slabs lie in different cache sets"),
    WORD_KEY(slab_random, switch_words, "the free objects of a slab are handed out in random order"),
    WORD_KEY(slab_hardened, switch_words,
	     "a second free of a slab object is found at once, wherever it waits"),
    WORD_KEY(slab_red_zone, switch_words,
	     "writes before and behind slab objects are found when they are freed"),
    WORD_KEY(slab_poison, switch_words, "writes to free slab objects are found when they are handed out"),
    WORD_KEY(slab_store_user, switch_words, "who allocated a slab object and who freed it last is noted"),
    WORD_KEY(vmalloc_huge, switch_words, "areas of vmalloc in blocks of 2 MiB where the caller allows it"),
};

/* How the kernel keeps pages and makes slabs: as measured best here, and as Linux 6.18 does with CONFIG_SLAB_FREELIST_RANDOM. */
#define OUR_KERNEL                                                                                           \
	.free_blocks = FREE_BLOCKS_BITMAPS, .pcp_tuning = PAGE_SETS_FIXED,                                   \
	.slab_geometry = SLAB_RULE_EIGHTH, .slab_sheaf = 64, .slab_merge = 1, .vmalloc_huge = 1
#define LINUX_KERNEL                                                                                         \
	.free_blocks = FREE_BLOCKS_LISTS, .pcp_tuning = PAGE_SETS_TUNED, .slab_geometry = SLAB_RULE_LINUX,   \
	.slab_cpu_slabs = 1, .slab_merge = 1, .slab_random = 1, .vmalloc_huge = 1

/* Bitmaps, and Linux's first slab allocator, after Bonwick's: arrays of objects per CPU, colours, and at most an eighth wasted.
 */
#define TEXTBOOK_KERNEL                                                                                      \
	.free_blocks = FREE_BLOCKS_BITMAPS, .pcp_tuning = PAGE_SETS_FIXED,                                   \
	.slab_geometry = SLAB_RULE_EIGHTH, .slab_sheaf = 60, .slab_colour = 1

/* The keys that shipped policies differ in are arguments; all other keys have one value here. */
#define VALUES(kernel, placement, spans, classes, small, layout, levels)                                     \
	{                                                                                                    \
		.page_placement = (placement), .size_classes = (classes), .small_bytes = (small),            \
		.slab_order = 3, .span_choice = (spans), .magazine_blocks = 256, .magazine_bytes = 8192,     \
		.freelist_order = FREELIST_LIFO, .per_cpu_lists = 1, .purge_delay = 16384,                   \
		.watermark_scale_factor = 10, .memory_layout = (layout), .page_levels = (levels),            \
		.shared_calls = 64, .thp = THP_MADVISE, .thp_defrag = THP_DEFRAG_MADVISE,                    \
		.thp_zero_page = 1, .thp_placement = THP_AT_FAULT, .thp_promotion_pages = 0,                 \
		.khugepaged_period = 0, .khugepaged_scan_pages = 4096, .khugepaged_max_ptes_none = 511,      \
		.khugepaged_max_ptes_shared = 256, .fault_around_bytes = 65536, .read_around_bytes = 131072, \
		.paging = PAGING_DEMAND, kernel                                                              \
	}

static const struct policy_named policies[] = {
    {"default", "what measured best over the shipped recordings",
     VALUES(OUR_KERNEL, PLACEMENT_ORDER_FIRST, SPAN_FULLEST, SIZE_CLASSES_EIGHTH_STEPS, 16384, LAYOUT_X86_64,
	    4)},
    {"linux", "as the Linux kernel does it: free lists by order and migrate type, kmalloc's sizes",
     VALUES(LINUX_KERNEL, PLACEMENT_ORDER_FIRST, SPAN_FULLEST, SIZE_CLASSES_KMALLOC, 8192, LAYOUT_X86_64, 4)},
    {"lowest-address", "pages and spans from the lowest address that serves",
     VALUES(OUR_KERNEL, PLACEMENT_LOWEST_ADDRESS, SPAN_LOWEST_ADDRESS, SIZE_CLASSES_EIGHTH_STEPS, 16384,
	    LAYOUT_X86_64, 4)},
    {"order-first", "pages from the smallest free block that serves",
     VALUES(OUR_KERNEL, PLACEMENT_ORDER_FIRST, SPAN_FULLEST, SIZE_CLASSES_EIGHTH_STEPS, 16384, LAYOUT_X86_64,
	    4)},
    {"fullest-block", "pages from the fullest 2 MiB block that serves",
     VALUES(OUR_KERNEL, PLACEMENT_FULLEST_BLOCK, SPAN_FULLEST, SIZE_CLASSES_EIGHTH_STEPS, 16384,
	    LAYOUT_X86_64, 4)},
    {"i386", "the machine of the textbooks: two-level paging, 3 GiB + 1 GiB, three zones",
     VALUES(TEXTBOOK_KERNEL, PLACEMENT_ORDER_FIRST, SPAN_FULLEST, SIZE_CLASSES_KMALLOC, 8192, LAYOUT_I386,
	    2)},
};

const struct policy_named *policy_at(size_t index)
{
	return index < sizeof(policies) / sizeof(policies[0]) ? &policies[index] : NULL;
}

const struct policy_key *policy_key_at(size_t index)
{
	return index < sizeof(keys) / sizeof(keys[0]) ? &keys[index] : NULL;
}

static bool is_name(const char *name, const char *text, size_t length)
{
	return strlen(name) == length && memcmp(name, text, length) == 0;
}

static const struct policy *find(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (is_name(policies[i].name, text, length))
			return &policies[i].policy;
	}
	return NULL;
}

const struct policy *policy_find(const char *name)
{
	return find(name, strlen(name));
}

uint32_t policy_value(const struct policy *policy, const struct policy_key *key)
{
	uint32_t value;

	memcpy(&value, (const char *)policy + key->offset, sizeof(value));
	return value;
}

const char *policy_value_text(const struct policy *policy, const struct policy_key *key, char *buffer)
{
	uint32_t value = policy_value(policy, key);
	char *digit = buffer + POLICY_VALUE_BYTES - 1;

	if (key->words)
		return key->words[value];
	*digit = '\0';
	do {
		*--digit = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	return digit;
}

static bool parse_word(const char *const *words, const char *text, size_t length, uint32_t *value)
{
	for (uint32_t i = 0; words[i]; i++) {
		if (is_name(words[i], text, length)) {
			*value = i;
			return true;
		}
	}
	return false;
}

static bool parse_number(const struct policy_key *key, const char *text, size_t length, uint32_t *value)
{
	uint64_t number = 0;

	if (length == 0)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(text[i] - '0');
		if (number > key->maximum)
			return false;
	}
	*value = (uint32_t)number;
	return number >= key->minimum;
}

/* One "key=value" of `length` bytes. */
static enum status set(struct policy *policy, const char *text, size_t length)
{
	const char *equals = memchr(text, '=', length);
	size_t name_length = equals ? (size_t)(equals - text) : length;

	for (const struct policy_key *key = keys; equals && key < keys + sizeof(keys) / sizeof(keys[0]);
	     key++) {
		uint32_t value = 0;
		size_t value_length = length - name_length - 1;

		if (!is_name(key->name, text, name_length))
			continue;
		if (key->words ? !parse_word(key->words, equals + 1, value_length, &value)
			       : !parse_number(key, equals + 1, value_length, &value))
			return STATUS_BAD_POLICY;
		memcpy((char *)policy + key->offset, &value, sizeof(value));
		return STATUS_OK;
	}
	return STATUS_BAD_POLICY;
}

enum status policy_set(struct policy *policy, const char *key_equals_value)
{
	return set(policy, key_equals_value, strlen(key_equals_value));
}

enum status policy_parse(struct policy *policy, const char *text)
{
	struct policy parsed = policies[0].policy;
	bool first = true;

	while (*text) {
		size_t length = strcspn(text, ",");
		const struct policy *named = first ? find(text, length) : NULL;

		if (named)
			parsed = *named;
		else if (set(&parsed, text, length) != STATUS_OK)
			return STATUS_BAD_POLICY;
		text += length;
		if (*text == ',' && *++text == '\0')
			return STATUS_BAD_POLICY;
		first = false;
	}
	if (policy_check(&parsed))
		return STATUS_BAD_POLICY;
	*policy = parsed;
	return STATUS_OK;
}

const char *policy_check(const struct policy *policy)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		uint32_t value = policy_value(policy, &keys[i]);
		uint32_t words = 0;

		while (keys[i].words && keys[i].words[words])
			words++;
		if (keys[i].words ? value >= words : value < keys[i].minimum || value > keys[i].maximum)
			return "I1: a key's value is outside its limits";
	}
	if (policy->magazine_blocks > 0 && policy->magazine_bytes == 0)
		return "I2: a magazine may hold blocks but no bytes";
	if ((policy->fault_around_bytes & (policy->fault_around_bytes - 1)) != 0)
		return "I3: fault_around_bytes is no power of two";
	return NULL;
}
